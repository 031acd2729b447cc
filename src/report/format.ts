// How numbers and verdicts become words. Tooltips, captions, the terminal and the HTML report all speak through
// here, so that one head never has two spellings. CSV and JSON do not: they carry full precision.

import * as l10n from '@vscode/l10n';
import type {
  AlignmentVerdict,
  HeadResult,
  NoiseNumbers,
  NoiseVerdict,
  NullSummary,
  OverInputs,
} from '../diagnostics/headResult';
import { countsText } from '../inspection/overInputs/field';

/** Draws below which diagnostics gives no verdict (smallest p is then above 0.05). */
const fewestDraws = 20;

/** What stands where a quantity is undefined or was not computed. */
export const notMeasured = l10n.t('not measured');

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
  return pBelow05 === undefined
    ? `p ${formatP(p, draws)}`
    : l10n.t('p < 0.05 in {0} of the inputs', formatShare(pBelow05));
}

/** The same with q, where it was adjusted. */
export function formatTest(summary: NullSummary, draws?: number): string {
  const { q, qBelow05 } = summary;
  const adjusted =
    qBelow05 !== undefined
      ? l10n.t('q < 0.05 in {0}', formatShare(qBelow05))
      : q === undefined
        ? null
        : `q ${formatP(q)}`;
  return [formatTestP(summary, draws), adjusted].filter((part) => part !== null).join(', ');
}

/** 0.8 as `80 %`. */
export function formatShare(share: number | null): string {
  return share === null ? notMeasured : `${formatNumber(100 * share)} %`;
}

/** `permuted tokens: mean 0.41, sd 0.03, z 5.1, p <= 0.005, q 0.006 (200 draws)` */
export function formatNull(name: string, summary: NullSummary, draws: number): string {
  const { mean, sd, z } = summary;
  return l10n.t(
    '{0}: mean {1}, sd {2}, z {3}, {4} ({5} draws)',
    name,
    formatNumber(mean),
    formatNumber(sd),
    formatNumber(z),
    formatTest(summary, draws),
    draws,
  );
}

/** Words that results hold in English, and how they are shown. */
const verdictWords: Readonly<Record<AlignmentVerdict | NoiseVerdict, string>> = {
  'above token-shared baseline': l10n.t('above token-shared baseline'),
  'explained by shared tokens': l10n.t('explained by shared tokens'),
  'no evidence': l10n.t('no evidence'),
  'not measurable': l10n.t('not measurable'),
  'RPC deviates less': l10n.t('RPC deviates less'),
  'RPC deviates more': l10n.t('RPC deviates more'),
  'no difference': l10n.t('no difference'),
  collapsed: l10n.t('collapsed'),
  'not measured': notMeasured,
};
const shownWords: ReadonlyMap<string, string> = new Map(Object.entries(verdictWords));

/** A word of a result as it is shown; one that is unknown as it stands. */
export function verdictWord(word: string): string {
  return shownWords.get(word) ?? word;
}

/** The verdict's words; where there is none, in short which null is missing (`alignment.reason` says it at length). */
export function verdictText({ alignment, over }: Pick<HeadResult, 'alignment' | 'over'>): string {
  if (alignment.verdict !== null) return verdictWord(alignment.verdict);
  if (over?.words['alignment.verdict'] !== undefined) return wordsText(over, 'alignment.verdict');
  const { permuted, untrained } = alignment.theory.nulls;
  if (!permuted) return l10n.t('no verdict: permuted null not run');
  if (permuted.draws < fewestDraws) return l10n.t('no verdict: too few draws of the permuted null');
  return untrained
    ? l10n.t('beats permuted; too few untrained twins')
    : l10n.t('beats permuted; untrained twin not run');
}

/** The verdict on a noise kind; where several inputs differ, how many say what. */
export function noiseVerdictText({ kind, verdict }: NoiseNumbers, over?: OverInputs): string {
  if (verdict !== null) return verdictWord(verdict);
  return over === undefined ? notMeasured : wordsText(over, `noise.${kind}.verdict`);
}

/** 'no evidence 3, not measurable 1, no verdict 2': inputs without a word are counted last. */
function wordsText({ inputs, words }: OverInputs, name: string): string {
  const counts = words[name] ?? {};
  const silent = inputs - Object.values(counts).reduce((sum, count) => sum + count, 0);
  const shown = Object.fromEntries(Object.entries(counts).map(([word, count]) => [verdictWord(word), count]));
  return [countsText(shown), silent === 0 ? '' : l10n.t('no verdict {0}', silent)]
    .filter((text) => text !== '')
    .join(', ');
}

/** yes or no; where several inputs differ, in how many it is so. `name`: of the quantity, dotted. */
export function yesText(yes: boolean, name: string, over?: OverInputs): string {
  const counts = over?.words[name];
  return over !== undefined && counts !== undefined
    ? l10n.t('in {0} of {1} inputs', counts['true'] ?? 0, over.inputs)
    : yes
      ? l10n.t('yes')
      : l10n.t('no');
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
  token_gauss: l10n.t('Gaussian noise on tokens'),
  key_gauss: l10n.t('Gaussian noise on keys'),
  key_sparse: l10n.t('sparse outliers in keys'),
  token_replace: l10n.t('replaced tokens'),
  token_drop: l10n.t('dropped tokens'),
} as const;

/** What the level of each noise kind counts. */
export const noiseLevelUnits = {
  token_gauss: l10n.t('x rms of tokens'),
  key_gauss: l10n.t('x rms of keys'),
  key_sparse: l10n.t('fraction of key entries'),
  token_replace: l10n.t('fraction of tokens'),
  token_drop: l10n.t('fraction of tokens'),
} as const;
