// What crosses between the extension host and the tab of a report.

import type { HeadAddress, HostCalls } from './messages';

/** Calls the page makes to the extension host. */
export interface ReportHostCalls extends Pick<HostCalls, 'log'> {
  /** The report is there; answers the id that it is opened at, null: its beginning. */
  ready(): Promise<string | null>;
  /** Shows a head in the inspector. */
  openHead(address: HeadAddress): Promise<void>;
}

/** Calls the extension host makes to the page. */
export interface ReportPageCalls {
  /** Goes to the figure of this id and marks it; null: to the beginning. */
  show(id: string | null): Promise<void>;
}
