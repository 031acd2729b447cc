// What crosses between the extension host and the comparison page. The host has the results and compares them; the page
// draws.

import type { MatchedBy } from '../comparison/comparison';
import type { HeadAddress, HostCalls } from './messages';

/** Calls the comparison page makes to the extension host. */
export interface ComparisonHostCalls extends Pick<HostCalls, 'saveFigure' | 'log'> {
  /**
   * The comparison with heads matched so, as the text of its JSON: an editor's messages look at every value by itself.
   * Rejects with a sentence where its inspections are gone.
   */
  compare(by: MatchedBy): Promise<string>;
  /** Shows the head of a run (its place in the comparison) in the inspector. */
  openHead(run: number, address: HeadAddress): Promise<void>;
  exportReport(by: MatchedBy): Promise<void>;
}

/** The extension host asks nothing of the page. */
export type ComparisonPageCalls = Readonly<Record<string, never>>;

/** What a comparison tab remembers of itself, from which the editor makes it anew when its window is opened again. */
export interface ComparisonTab {
  readonly runs: readonly { readonly name: string; readonly inspection: string }[];
  readonly matchedBy: MatchedBy;
  readonly metric: string | null;
  readonly selected: HeadAddress | null;
}
