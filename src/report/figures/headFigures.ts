// The pictures of one head, as plain data, in reading order: pattern, spectrum, angles, gamma, RPC, noise. Captions
// measure and name the formula; they take no side.

import type { AlignmentMode, HeadResult } from '../../diagnostics/headResult';
import { gramSentence, withGram } from '../gramText';
import { formatNull, formatNumber, median, verdictText } from '../format';
import type { Figure, HeatmapFigure, LineFigure, Series, SeriesRole } from './figure';
import { noiseFigures, whatIf } from './noiseFigures';
import type { HeadPictures } from './patternCells';
import { classMapFigure, patternFigures } from './patternFigures';
import { rpcSweepFigures } from './rpcSweepFigures';
import { formulas } from './sources';
import { scoreFigure, tensorFigures } from './tensorFigures';

/** Facts about the run that captions and axes need. */
export interface HeadContext {
  readonly layer: number;
  /** N */
  readonly tokens: number;
  /** Class and distillation tokens at the front. */
  readonly prefixTokens: number;
  /** Class embeddings behind the patches (the decoder of a Segmenter); absent: none. */
  readonly suffixTokens?: number;
  /** Rows and columns of patches; absent or 0: no picture. */
  readonly grid?: readonly [number, number];
  /** d */
  readonly headDim: number;
  /** What the checkpoint was trained with ('softmax', 'symmetric', 'scaled', 'rpc'): decides "what-if" in cautions. */
  readonly trainedWith: 'softmax' | 'symmetric' | 'scaled' | 'rpc';
  /** Names of the N tokens (tokenAxis.ts); null or absent: plain indexes. */
  readonly tokenNames?: readonly string[] | null;
}

/** Figures of one head in reading order; patterns only where `pictures` are there. */
export function headFigures(head: HeadResult, context: HeadContext, pictures: HeadPictures | null): Figure[] {
  // A pattern is of one input, whatever the numbers are means over.
  const ofFirst = <T extends Figure>(figure: T): T =>
    head.over === undefined ? figure : { ...figure, shows: `Of the first input alone. ${figure.shows}` };
  return [
    ...(pictures ? attentionFigures(pictures, context).map(ofFirst) : []),
    ...weightFigure(head),
    spectrumFigure(head, context),
    ...(['theory', 'plain'] as const).flatMap((mode) => anglesFigure(head, mode)),
    ...gammaFigures(head),
    ...rpcTraceFigures(head.rpc, context),
    ...noiseFigures(head, context),
    ...(head.rpcSweep === undefined ? [] : rpcSweepFigures(head.rpcSweep, context)),
  ];
}

function attentionFigures(pictures: HeadPictures, context: HeadContext): HeatmapFigure[] {
  const patterns = patternFigures(pictures, context);
  const [softmax] = patterns;
  return [
    ...patterns,
    ...scoreFigure(pictures, softmax),
    ...classMapFigure(softmax, context),
    ...tensorFigures(pictures, context),
  ];
}

const countFrom1 = (length: number): number[] => Array.from({ length }, (_, index) => index + 1);

/** Singular values of both forms of the weights, beside the mean of Gaussian ones. */
function weightFigure({ weights }: HeadResult): LineFigure[] {
  const { qk = null, ov = null } = weights ?? {};
  if (qk === null || ov === null) return [];
  const forms = { qk, ov };
  const series = (['qk', 'ov'] as const).flatMap((form) => {
    const { singularValues, gaussian } = forms[form];
    const name = form === 'qk' ? 'W_QK' : 'W_OV';
    const line = (
      label: string,
      role: SeriesRole,
      values: readonly number[],
      draw: 'line' | 'line+points',
    ): Series => ({
      name: label,
      role,
      x: countFrom1(values.length),
      y: values.map((value) => (value > 0 ? Math.log10(value) : null)),
      draw,
    });
    return [
      line(name, form === 'qk' ? 'data' : 'data2', singularValues, 'line+points'),
      ...(gaussian === null
        ? []
        : [line(`Gaussian, size of ${name}`, form === 'qk' ? 'chance' : 'reference', gaussian.singularValues, 'line')]),
    ];
  });
  const ranks = (form: 'qk' | 'ov'): string =>
    `${formatNumber(forms[form].stableRank)} (Gaussian ${formatNumber(forms[form].gaussian?.stableRank.mean)})`;
  return [
    {
      kind: 'lines',
      id: 'weights',
      title: "Spectra of the head's weights",
      shows: `Singular values of W_QK, which makes the scores, and of W_OV, which makes the output, beside the mean of Gaussian matrices of the same shapes and size; stable rank ${ranks('qk')} and ${ranks('ov')}.`,
      caution: 'Weights alone: the norm before them and the input decide which of these directions are used.',
      formula: formulas.weights,
      x: { label: 'singular value', unit: '', scale: 'linear', integer: true },
      y: { label: 'size', unit: 'log10', scale: 'linear' },
      series,
      levels: [],
    },
  ];
}

function spectrumFigure(head: HeadResult, context: HeadContext): LineFigure {
  const { spectrum } = head;
  const shown = spectrum.log10Eigenvalues.length;
  const marks = [
    { x: spectrum.rank, name: `r = ${formatNumber(spectrum.rank)} used for alignment`, role: 'reference' as const },
    {
      x: spectrum.numericalRank,
      name: `numerical rank R = ${formatNumber(spectrum.numericalRank)}`,
      role: 'chance' as const,
    },
  ].filter((mark) => mark.x >= 1 && mark.x <= shown);
  const beyond =
    spectrum.numericalRank > shown
      ? ` The numerical rank ${formatNumber(spectrum.numericalRank)} lies beyond the ${shown} shown.`
      : '';
  return {
    kind: 'lines',
    id: 'spectrum',
    title: withGram('Spectrum of the centred key Gram matrix', spectrum),
    shows: `Eigenvalues of the centred Gram matrix of the keys, largest first, with the number r = min(d, R, ${spectrum.gramKeys === undefined ? 'N' : 'T'} - 1) = ${formatNumber(spectrum.rank)} of eigenvectors that alignment uses; largest score ${formatNumber(spectrum.maxScore)}.${beyond}${gramSentence(spectrum)}`,
    caution: `The spectrum says nothing about the values; where R is below d = ${context.headDim}, the eigenvectors past R are round-off and are left out, as are the eigenvalues past R here.${spectrum.reason === undefined ? '' : ` ${spectrum.reason}`}`,
    formula: formulas.spectrum,
    x: { label: 'eigenvalue index', unit: '', scale: 'linear', integer: true },
    y: { label: 'eigenvalue', unit: 'log10', scale: 'linear' },
    series: [
      {
        name: 'eigenvalues',
        role: 'data',
        x: countFrom1(shown),
        y: spectrum.log10Eigenvalues.map((value, index) => (index < spectrum.numericalRank ? value : null)),
        draw: 'line+points',
      },
    ],
    levels: [],
    marks,
  };
}

function nullsText(mode: AlignmentMode): string {
  const { random, permuted, untrained } = mode.nulls;
  const found = [
    random && formatNull('random V', random.overlap, random.draws),
    permuted && formatNull('permuted tokens', permuted.overlap, permuted.draws),
    untrained && formatNull('untrained twins', untrained.overlap, untrained.draws),
  ].filter((text) => text !== null);
  return found.length === 0 ? 'No null was run.' : `Overlap of the nulls: ${found.join('; ')}.`;
}

const modeWords = {
  theory: 'values as kernel PCA reads them (P G⁻¹ V)',
  plain: 'centred values (P V)',
} as const;

function anglesFigure(head: HeadResult, name: 'theory' | 'plain'): LineFigure[] {
  const mode = head.alignment[name];
  if (mode.cosines.length === 0) return [];
  const { cosineBand: band } = mode;
  const chance = band.mean.length > 0;
  const informative = mode.informative ? '' : ' Not informative here: chance alone gives an overlap above 0.8.';
  return [
    {
      kind: 'lines',
      id: `angles-${name}`,
      title: withGram(`Principal angles, ${name}`, head.spectrum),
      shows: `Cosines of the principal angles between the ${modeWords[name]} and the top eigenvectors; overlap ${formatNumber(mode.overlap)}, chance level ${formatNumber(mode.overlapChance)}. ${nullsText(mode)} Verdict: ${verdictText(head)}.${gramSentence(head.spectrum)}`,
      caution: `Lying above the chance band of random V is no evidence of learned eigenvectors: keys and values are linear maps of the same tokens, and permuted tokens are easy to beat too; only untrained twins and other heads test that.${informative}`,
      formula: formulas.angles[name],
      x: { label: 'principal angle', unit: '', scale: 'linear', integer: true },
      y: { label: 'cosine', unit: '', scale: 'linear', domain: [0, 1] },
      series: [
        ...(chance
          ? [
              {
                name: 'random V: mean, 5 to 95 %',
                role: 'chance' as const,
                x: countFrom1(band.mean.length),
                y: band.mean,
                low: band.low,
                high: band.high,
                draw: 'line' as const,
              },
            ]
          : []),
        { name: 'this head', role: 'data', x: countFrom1(mode.cosines.length), y: mode.cosines, draw: 'line+points' },
      ],
      levels: [],
    },
  ];
}

const gammaRoles = [
  ['learned', 'learned columns', 'data'],
  ['eig', 'eigenvectors (round-off only)', 'reference'],
  ['perturbed', 'perturbed eigenvectors', 'data2'],
] as const;

function gammaFigures(head: HeadResult): LineFigure[] {
  const { gamma } = head;
  if (gammaRoles.every(([key]) => gamma[key].eigenResidual.length === 0)) return [];
  const medians = gammaRoles
    .map(([key, name]) => `${name} ${formatNumber(median(gamma[key].eigenResidual))}`)
    .join(', ');
  const reason = gamma.learned.reason === undefined ? '' : ` ${gamma.learned.reason}`;
  const column = { label: 'column', unit: '', scale: 'linear', integer: true } as const;
  return [
    {
      kind: 'lines',
      id: 'gamma-residual',
      title: withGram('Eigen-residual of each column', head.spectrum),
      shows: `How far each column recovered from V is from being an eigenvector of the Gram matrix: 0 = eigenvector, near 1 = unrelated; medians: ${medians}.${gramSentence(head.spectrum)}`,
      caution: `A small residual of the eigenvectors only measures round-off; a large one of the learned columns does not exclude that their span lies close to the leading eigenvectors (see the principal angles).${reason}`,
      formula: formulas.eigenResidual,
      x: column,
      y: { label: 'eigen-residual', unit: '', scale: 'linear', domain: [0, 1] },
      series: gammaRoles.map(([key, name, role]) => ({
        name,
        role,
        x: countFrom1(gamma[key].eigenResidual.length),
        y: gamma[key].eigenResidual,
        draw: 'line+points',
      })),
      levels: [],
    },
    {
      kind: 'lines',
      id: 'gamma-pairs',
      title: withGram('Gamma constancy: relative difference of pairs', head.spectrum),
      shows: `Mean relative difference of gamma over all pairs of tokens, per column, with one standard deviation as band; gamma is constant exactly where the column is an eigenvector.${gramSentence(head.spectrum)}`,
      caution:
        'Entries of a column near 0 make this heavy-tailed, and the band is the spread over pairs, not a confidence interval; the eigen-residual says the same without that weakness.',
      formula: formulas.gamma,
      x: column,
      y: { label: 'relative difference', unit: '', scale: 'linear' },
      series: gammaRoles.map(([key, name, role]) => {
        const numbers = gamma[key];
        const edge = (sign: 1 | -1) => (mean: number | null, index: number) => {
          const sd = numbers.sdRelDiff[index] ?? null;
          return mean === null || sd === null ? null : Math.max(0, mean + sign * sd);
        };
        return {
          name,
          role,
          x: countFrom1(numbers.meanRelDiff.length),
          y: numbers.meanRelDiff,
          // Three bands on top of each other would be a fog: only the learned columns get theirs.
          ...(key === 'learned'
            ? { low: numbers.meanRelDiff.map(edge(-1)), high: numbers.meanRelDiff.map(edge(1)) }
            : {}),
          draw: 'line',
        };
      }),
      levels: [],
    },
  ];
}

/** Residual, density and size of S in each pass; none where RPC was not computed. */
export function rpcTraceFigures(rpc: HeadResult['rpc'], context: HeadContext): LineFigure[] {
  if (!rpc) return [];
  const never = rpc.sparseNeverActive ? ' S was 0 in every iteration: the robust step never acted.' : '';
  const x = countFrom1(rpc.residual.length);
  const line = (name: string, role: 'data' | 'data2' | 'difference', y: readonly number[]) =>
    ({ name, role, x, y, draw: 'line+points' }) as const;
  return [
    {
      kind: 'lines',
      id: 'rpc',
      title: `RPC per iteration (${rpc.variant}${rpc.asymmetric ? '+asym' : ''}, n = ${rpc.iterations}, λ = ${formatNumber(rpc.lambda)})`,
      shows: `Residual, density of S and size of S after each iteration; mu ${formatNumber(rpc.mu)}, tau ${formatNumber(rpc.tau)}, clean gap ${formatNumber(rpc.cleanGap)}, dispersion softmax ${formatNumber(rpc.dispersion.softmax)}, RPC ${formatNumber(rpc.dispersion.rpc)}.${never}`,
      caution: `L is an attention output, not a low-rank part, so the residual need not shrink and nothing here says "converged".${whatIf(context)}${rpc.asymmetric ? ' In heads with queries only the keys are cleaned (+asym), which is an extension of ours.' : ''}`,
      formula: formulas.rpc,
      x: { label: 'iteration', unit: '', scale: 'linear', integer: true },
      y: { label: 'ratio', unit: '', scale: 'linear' },
      series: [
        line('residual ‖K − L − S‖ / ‖K‖', 'data', rpc.residual),
        line('density of S (share of entries)', 'data2', rpc.density),
        line('‖S‖ / ‖K‖', 'difference', rpc.sparseNorm),
      ],
      levels: [],
    },
  ];
}
