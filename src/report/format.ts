// How numbers and verdicts become words. Tooltips, captions, the terminal and the HTML report all speak through
// here, so that one head never has two spellings. CSV and JSON do not: they carry full precision.

import type { AlignmentNumbers, NullSummary } from '../diagnostics/headResult';

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

/** `permuted tokens: mean 0.41, sd 0.03, z 5.1, p <= 0.005, q 0.006 (200 draws)` */
export function formatNull(name: string, summary: NullSummary, draws: number): string {
  const q = summary.q === undefined ? '' : `, q ${formatP(summary.q)}`;
  return (
    `${name}: mean ${formatNumber(summary.mean)}, sd ${formatNumber(summary.sd)}, ` +
    `z ${formatNumber(summary.z)}, p ${formatP(summary.p, draws)}${q} (${draws} draws)`
  );
}

/** The verdict's words; where there is none, in short which null is missing (`alignment.reason` says it at length). */
export function verdictText(alignment: AlignmentNumbers): string {
  if (alignment.verdict !== null) return alignment.verdict;
  const { permuted, untrained } = alignment.theory.nulls;
  if (!permuted) return 'no verdict: permuted null not run';
  if (permuted.draws < fewestDraws) return 'no verdict: too few draws of the permuted null';
  return untrained ? 'beats permuted; too few untrained twins' : 'beats permuted; untrained twin not run';
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
