// What crosses between the extension host and the comparison page. The host has the results and compares them; the page
// draws.

import type { Comparison, MatchedBy } from '../comparison/comparison';
import type { FigureCalls, HeadAddress, HostCalls } from './messages';

/** Calls the comparison page makes to the extension host. */
export interface ComparisonHostCalls extends FigureCalls, Pick<HostCalls, 'log'> {
  /**
   * The comparison with heads matched so; null: as it is in its file, by index where there is none. Rejects with a
   * sentence where its inspections are gone, or the file is no comparison.
   */
  compare(by: MatchedBy | null): Promise<WireComparison>;
  /** Shows the head of a run (its place in the comparison) in the inspector. */
  openHead(run: number, address: HeadAddress): Promise<void>;
  exportReport(by: MatchedBy | null): Promise<void>;
  /** Shows a figure in the report of the comparison. */
  openInReport(by: MatchedBy | null, figure: string): Promise<void>;
}

export interface WireComparison {
  /** Texts of its JSON, without the layers, and of each layer: a page reads them in slices. */
  readonly json: string;
  readonly layers: readonly string[];
  /** Name of the file that it was read from; null: it was made of inspections. */
  readonly file: string | null;
  /** [runs] Whether the inspection is kept on this machine, so that its heads can be opened. */
  readonly kept: readonly boolean[];
  /** Ways of matching that can be asked for: of a file whose inspections are not all kept, its own alone. */
  readonly matchings: readonly MatchedBy[];
}

export function packComparison({ layers, ...rest }: Comparison): Pick<WireComparison, 'json' | 'layers'> {
  return { json: JSON.stringify(rest), layers: layers.map((layer) => JSON.stringify(layer)) };
}

/** `layers`: as `unpackComparedLayer` has them. */
export function unpackComparison({ json }: WireComparison, layers: Comparison['layers']): Comparison {
  return { ...(JSON.parse(json) as Omit<Comparison, 'layers'>), layers };
}

export function unpackComparedLayer(text: string): Comparison['layers'][number] {
  return JSON.parse(text) as Comparison['layers'][number];
}

/** The extension host asks nothing of the page. */
export type ComparisonPageCalls = Readonly<Record<string, never>>;

/** What finds a kept inspection again. */
export interface RunName {
  readonly name: string;
  readonly inspection: string;
}

/** What a comparison tab remembers of itself, from which the editor makes it anew when its window is opened again. */
export interface ComparisonTab {
  readonly runs: readonly RunName[];
  readonly matchedBy: MatchedBy;
  readonly metric: string | null;
  readonly selected: HeadAddress | null;
}
