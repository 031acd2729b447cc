// The table of heads that the command line prints: plain text, aligned, one row a head.

import type { HeadResult, Measured, NoiseNumbers } from '../diagnostics/headResult';
import type { InspectionResult } from '../inspection/inspectionResult';
import { alignedTable } from './alignedTable';
import { formatNumber, formatShare, noiseVerdictText, verdictText } from './format';
import { gramLabel, gramOfRun, gramSentence } from './gramText';
import { layerLabel } from './layerLabel';
import { inputCount, withInterval } from './overInputs';
import { groupedHeadsText } from './sharedHeads';

interface HeadTableOptions {
  /** Which alignment the overlap columns show; default 'theory'. */
  readonly mode?: 'theory' | 'plain';
  /** At most this many heads, the rest is counted in a last line; default: all. */
  readonly maxRows?: number;
}

const headings = ['layer', 'head', 'overlap', 'chance', 'p', 'q', 'AUC softmax', 'AUC RPC', 'noise verdict', 'verdict'];
/** Over several inputs there is no p: z with its interval, and in how many inputs p is below 0.05. */
const meanHeadings = headings.map((name) => (name === 'p' ? 'z' : name === 'q' ? 'p < 0.05 in' : name));

/** The noise kind of the AUC columns: the first that every head with noise has, in the order the run had them. */
function noiseKindOf(result: InspectionResult): string | null {
  return result.layers.flatMap((layer) => layer.heads)[0]?.noise[0]?.kind ?? null;
}

function short(value: number | null | undefined, digits = 3): string {
  return value === null || value === undefined ? '-' : formatNumber(value, digits);
}

function cells(layer: string, head: HeadResult, mode: 'theory' | 'plain', kind: string | null): string[] {
  const noise = head.noise.find((one) => one.kind === kind);
  return [
    layer,
    String(head.index),
    ...numberCells(head, mode, noise),
    noise === undefined ? '-' : noiseVerdictText(noise, head.over),
    verdictText(head),
  ];
}

function numberCells(head: HeadResult, mode: 'theory' | 'plain', noise: NoiseNumbers | undefined): string[] {
  const { overlap, overlapChance, nulls } = head.alignment[mode];
  const test = nulls.permuted?.overlap;
  if (head.over === undefined) {
    return [
      short(overlap),
      short(overlapChance),
      short(test?.p, 2),
      short(test?.q, 2),
      short(noise?.auc.softmax),
      short(noise?.auc.rpc),
    ];
  }
  const interval = (name: string, value: Measured | undefined): string =>
    value === null || value === undefined ? '-' : withInterval(head, name, value);
  const share = test?.pBelow05 ?? null;
  return [
    interval(`alignment.${mode}.overlap`, overlap),
    short(overlapChance),
    interval(`alignment.${mode}.nulls.permuted.overlap.z`, test?.z),
    share === null ? '-' : formatShare(share),
    interval(`noise.${noise?.kind ?? ''}.auc.softmax`, noise?.auc.softmax),
    interval(`noise.${noise?.kind ?? ''}.auc.rpc`, noise?.auc.rpc),
  ];
}

/** Aligned text table, ending in a newline: numbers to the right, words to the left, then what the columns are. */
export function headTable(result: InspectionResult, options: HeadTableOptions = {}): string {
  const mode = options.mode ?? 'theory';
  const kind = noiseKindOf(result);
  const all = result.layers.flatMap((layer) => layer.heads.map((head) => [layer.index, head] as const));
  const shown = all.slice(0, options.maxRows ?? all.length);
  const inputs = inputCount(result);
  const rows = [
    inputs === 1 ? headings : meanHeadings,
    ...shown.map(([layer, head]) => cells(layerLabel(result.model, layer), head, mode, kind)),
  ];
  const lines = alignedTable(rows, (column) => column >= 8);
  if (shown.length < all.length)
    lines.push(`... and ${all.length - shown.length} more heads (see the report or heads.csv)`);
  const { rpc, nulls } = result.provenance;
  lines.push('');
  if (inputs > 1)
    lines.push(
      `Mean over ${inputs} inputs ± 95 % interval (Student's t); words with the number of inputs that they hold in, where these differ.`,
    );
  lines.push(
    `overlap: ${mode}, chance is that of random directions; ${inputs > 1 ? 'z and p' : 'p and q (Benjamini-Hochberg)'} against permuted tokens, ${nulls} draws, which are easy to beat.`,
  );
  if (kind !== null)
    lines.push(
      `AUC: mean relative deviation under ${kind}; RPC ${rpc.variant}, ${rpc.iterations} iterations, lambda ${formatNumber(rpc.lambda)}.`,
    );
  const gram = gramOfRun(result.layers);
  if (gram !== null && gramLabel(gram) !== '') lines.push(`overlap, p, q and verdict:${gramSentence(gram)}`);
  const grouped = groupedHeadsText(result.model);
  if (grouped !== null) lines.push(grouped);
  return `${lines.join('\n')}\n`;
}
