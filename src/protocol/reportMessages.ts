// What crosses between the extension host and the tab of a report.

import type { HeadAddress, HostCalls } from './messages';

/** Calls the page makes to the extension host. */
export interface ReportHostCalls extends Pick<HostCalls, 'log'> {
  /** The report is there. */
  ready(): Promise<OpenedReport>;
  /** Shows a head in the inspector. */
  openHead(address: HeadAddress): Promise<void>;
}

export interface OpenedReport {
  /** Id of the figure that it is opened at; null: where it was left, else its beginning. */
  readonly place: string | null;
  readonly tab: Omit<ReportTab, 'scroll'>;
}

/** What the tab of a report remembers of itself, from which the editor makes it anew when its window is opened again. */
export interface ReportTab {
  readonly inspection: string;
  /** The head that was asked for beside those that the report chooses. */
  readonly also: HeadAddress | null;
  /** CSS pixels. */
  readonly scroll: number;
}

/** Calls the extension host makes to the page. */
export interface ReportPageCalls {
  /** Goes to the figure of this id and marks it; null: to the beginning. */
  show(id: string | null): Promise<void>;
}
