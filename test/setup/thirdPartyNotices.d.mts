export interface Notice {
  name: string;
  version: string;
  licence: string;
  source: string;
  text: string;
}

/** Folders of the packages that dist/ holds code of, as the last build wrote them to out/bundled.json. */
export function bundledPackages(): string[];

/** One package's licence; throws when it is not among the allowed ones. */
export function noticeOf(folder: string): Notice;

/** The text of ThirdPartyNotices.txt. */
export function thirdPartyNotices(): string;
