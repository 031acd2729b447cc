// How numbers and verdicts become words. Tooltips, captions, the terminal and the HTML report all speak through
// here, so that one head never has two spellings. CSV and JSON do not: they carry full precision.

import type { HeadResult, NoiseNumbers, NullSummary, OverInputs } from '../diagnostics/headResult';
import { countsText } from '../inspection/overInputs/field';

/** Draws below which diagnostics gives no verdict (smallest p is then above 0.05). */
const fewestDraws = 20;

/** What stands where a quantity is undefined or was not computed. */
export const notMeasured = 'not measured';

/** Three significant digits by default; powers of ten only outside 1e-3 .. 1e5; null becomes `not measured`. */
export function formatNumber(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return notMeasured;
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) {
    const [mantissa = '0', exponent = '0'] = value.toExponential(digits - 1).split('e');
    return `${mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa}e${Number(exponent)}`;
  }
  if (size >= 10 ** digits || Number.isInteger(value)) return value.toFixed(0);
  return value.toPrecision(digits);
}

/** p with its floor: 1/(B+1) is the smallest value that B draws can give. */
export function formatP(p: number | null | undefined, draws?: number): string {
  if (p === null || p === undefined) return notMeasured;
  const floor = draws === undefined ? null : 1 / (draws + 1);
  const text = p < 0.001 ? p.toExponential(1) : p.toPrecision(2);
  return floor !== null && p <= floor * 1.0000001 ? `≤ ${text}` : text;
}

/** `0.412 ± 0.023`, both to the interval's second digit; without an interval just the number. */
export function formatInterval(mean: number | null, halfWidth: number | null, digits = 3): string {
  if (mean === null || halfWidth === null) return formatNumber(mean, digits);
  const decimals = halfWidth > 0 ? 1 - Math.floor(Math.log10(halfWidth)) : 20;
  if (decimals < 0 || decimals > 6) return `${formatNumber(mean, digits)} ± ${formatNumber(halfWidth, 2)}`;
  return `${mean.toFixed(decimals)} ± ${halfWidth.toFixed(decimals)}`;
}

/** p of a test, `p ≤ 0.005`; of a mean over inputs the share of them in which it is below 0.05. */
export function formatTestP({ p, pBelow05 }: NullSummary, draws?: number): string {
  return pBelow05 === undefined ? `p ${formatP(p, draws)}` : `p < 0.05 in ${formatShare(pBelow05)} of the inputs`;
}

/** The same with q, where it was adjusted. */
export function formatTest(summary: NullSummary, draws?: number): string {
  const { q, qBelow05 } = summary;
  const adjusted =
    qBelow05 !== undefined ? `, q < 0.05 in ${formatShare(qBelow05)}` : q === undefined ? '' : `, q ${formatP(q)}`;
  return `${formatTestP(summary, draws)}${adjusted}`;
}

/** 0.8 as `80 %`. */
export function formatShare(share: number | null): string {
  return share === null ? notMeasured : `${formatNumber(100 * share)} %`;
}

/** `permuted tokens: mean 0.41, sd 0.03, z 5.1, p <= 0.005, q 0.006 (200 draws)` */
export function formatNull(name: string, summary: NullSummary, draws: number): string {
  return (
    `${name}: mean ${formatNumber(summary.mean)}, sd ${formatNumber(summary.sd)}, ` +
    `z ${formatNumber(summary.z)}, ${formatTest(summary, draws)} (${draws} draws)`
  );
}

/** The verdict's words; where there is none, in short which null is missing (`alignment.reason` says it at length). */
export function verdictText({ alignment, over }: Pick<HeadResult, 'alignment' | 'over'>): string {
  if (alignment.verdict !== null) return alignment.verdict;
  if (over?.words['alignment.verdict'] !== undefined) return wordsText(over, 'alignment.verdict');
  const { permuted, untrained } = alignment.theory.nulls;
  if (!permuted) return 'no verdict: permuted null not run';
  if (permuted.draws < fewestDraws) return 'no verdict: too few draws of the permuted null';
  return untrained ? 'beats permuted; too few untrained twins' : 'beats permuted; untrained twin not run';
}

/** The verdict on a noise kind; where several inputs differ, how many say what. */
export function noiseVerdictText({ kind, verdict }: NoiseNumbers, over?: OverInputs): string {
  return verdict ?? (over === undefined ? notMeasured : wordsText(over, `noise.${kind}.verdict`));
}

/** 'no evidence 3, not measurable 1, no verdict 2': inputs without a word are counted last. */
function wordsText({ inputs, words }: OverInputs, name: string): string {
  const counts = words[name] ?? {};
  const silent = inputs - Object.values(counts).reduce((sum, count) => sum + count, 0);
  return [countsText(counts), silent === 0 ? '' : `no verdict ${silent}`].filter((text) => text !== '').join(', ');
}

/** yes or no; where several inputs differ, in how many it is so. `name`: of the quantity, dotted. */
export function yesText(yes: boolean, name: string, over?: OverInputs): string {
  const counts = over?.words[name];
  return over !== undefined && counts !== undefined
    ? `in ${counts['true'] ?? 0} of ${over.inputs} inputs`
    : yes
      ? 'yes'
      : 'no';
}

/** Middle value of the numbers that exist (lower of the two middle ones averaged with the upper); null when none. */
export function median(values: readonly (number | null)[]): number | null {
  const sorted = values.filter((value): value is number => value !== null).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const upper = sorted[Math.floor(sorted.length / 2)]!;
  return sorted.length % 2 === 1 ? upper : (sorted[sorted.length / 2 - 1]! + upper) / 2;
}

/** Names of the noise kinds for people. */
export const noiseNames = {
  token_gauss: 'Gaussian noise on tokens',
  key_gauss: 'Gaussian noise on keys',
  key_sparse: 'sparse outliers in keys',
  token_replace: 'replaced tokens',
  token_drop: 'dropped tokens',
} as const;

/** What the level of each noise kind counts. */
export const noiseLevelUnits = {
  token_gauss: 'x rms of tokens',
  key_gauss: 'x rms of keys',
  key_sparse: 'fraction of key entries',
  token_replace: 'fraction of tokens',
  token_drop: 'fraction of tokens',
} as const;
