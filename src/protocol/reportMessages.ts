// What crosses between the extension host and the tab of a report.

import type { MatchedBy } from '../comparison/comparison';
import type { RunName } from './comparisonMessages';
import type { HeadAddress, HostCalls } from './messages';

/** Calls the page makes to the extension host. */
export interface ReportHostCalls extends Pick<HostCalls, 'log'> {
  /** The report is there. */
  ready(): Promise<OpenedReport>;
  /** Shows a head of an inspection in the inspector. */
  openHead(inspection: string, address: HeadAddress): Promise<void>;
}

/** Where a report is opened: a figure of a head, or of the whole (`head` null). */
export interface ReportPlace {
  readonly head: HeadAddress | null;
  readonly figure: string;
}

/** What a report is written from: an inspection by its name, or those that are compared. */
export type ReportSource =
  { readonly inspection: string } | { readonly runs: readonly RunName[]; readonly matchedBy: MatchedBy };

export interface OpenedReport {
  /** Id of the figure that it is opened at; null: where it was left, else its beginning. */
  readonly figure: string | null;
  readonly tab: Omit<ReportTab, 'scroll'>;
}

/** What the tab of a report remembers of itself, from which the editor makes it anew when its window is opened again. */
export interface ReportTab {
  readonly source: ReportSource;
  /** What was asked for when it was written, which may be beside what a report chooses; null: nothing. */
  readonly place: ReportPlace | null;
  /** CSS pixels. */
  readonly scroll: number;
}

/** Calls the extension host makes to the page. */
export interface ReportPageCalls {
  /** Goes to the figure of this id and marks it; null: to the beginning. */
  show(id: string | null): Promise<void>;
}
