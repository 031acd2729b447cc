// The pictures of one head, as plain data, in reading order: pattern, spectrum, angles, gamma, RPC, noise. Captions
// measure and name the formula; they take no side.

import * as l10n from '@vscode/l10n';
import type { AlignmentMode, HeadResult } from '../../diagnostics/headResult';
import { gramSentence, withGram } from '../gramText';
import { formatNull, formatNumber, median, verdictText } from '../format';
import { directionFigure } from './directionFigures';
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
    head.over === undefined ? figure : { ...figure, shows: `${l10n.t('Of the first input alone.')} ${figure.shows}` };
  return [
    ...(pictures ? attentionFigures(pictures, context).map(ofFirst) : []),
    ...weightFigure(head),
    spectrumFigure(head, context),
    ...(['theory', 'plain'] as const).flatMap((mode) => [
      ...directionFigure(mode, pictures?.directions ?? null, head, context).map(ofFirst),
      ...anglesFigure(head, mode),
    ]),
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
        : [
            line(
              l10n.t('Gaussian, size of {0}', name),
              form === 'qk' ? 'chance' : 'reference',
              gaussian.singularValues,
              'line',
            ),
          ]),
    ];
  });
  const ranks = (form: 'qk' | 'ov'): string =>
    l10n.t(
      '{0} (Gaussian {1})',
      formatNumber(forms[form].stableRank),
      formatNumber(forms[form].gaussian?.stableRank.mean),
    );
  return [
    {
      kind: 'lines',
      id: 'weights',
      title: l10n.t("Spectra of the head's weights"),
      shows: l10n.t(
        'Singular values of W_QK, which makes the scores, and of W_OV, which makes the output, beside the mean of Gaussian matrices of the same shapes and size; stable rank {0} and {1}.',
        ranks('qk'),
        ranks('ov'),
      ),
      caution: l10n.t('Weights alone: the norm before them and the input decide which of these directions are used.'),
      formula: formulas.weights,
      x: { label: l10n.t('singular value'), unit: '', scale: 'linear', integer: true },
      y: { label: l10n.t('size'), unit: 'log10', scale: 'linear' },
      series,
      levels: [],
    },
  ];
}

function spectrumFigure(head: HeadResult, context: HeadContext): LineFigure {
  const { spectrum } = head;
  const shown = spectrum.log10Eigenvalues.length;
  const marks = [
    {
      x: spectrum.rank,
      name: l10n.t('r = {0} used for alignment', formatNumber(spectrum.rank)),
      role: 'reference' as const,
    },
    {
      x: spectrum.numericalRank,
      name: l10n.t('numerical rank R = {0}', formatNumber(spectrum.numericalRank)),
      role: 'chance' as const,
    },
  ].filter((mark) => mark.x >= 1 && mark.x <= shown);
  const beyond =
    spectrum.numericalRank > shown
      ? ` ${l10n.t('The numerical rank {0} lies beyond the {1} shown.', formatNumber(spectrum.numericalRank), shown)}`
      : '';
  return {
    kind: 'lines',
    id: 'spectrum',
    title: withGram(l10n.t('Spectrum of the centred key Gram matrix'), spectrum),
    shows: `${l10n.t(
      'Eigenvalues of the centred Gram matrix of the keys, largest first, with the number r = min(d, R, {0} - 1) = {1} of eigenvectors that alignment uses; largest score {2}.',
      spectrum.gramKeys === undefined ? 'N' : 'T',
      formatNumber(spectrum.rank),
      formatNumber(spectrum.maxScore),
    )}${beyond}${gramSentence(spectrum)}`,
    caution: `${l10n.t('The spectrum says nothing about the values; where R is below d = {0}, the eigenvectors past R are round-off and are left out, as are the eigenvalues past R here.', context.headDim)}${spectrum.reason === undefined ? '' : ` ${spectrum.reason}`}`,
    formula: formulas.spectrum,
    x: { label: l10n.t('eigenvalue index'), unit: '', scale: 'linear', integer: true },
    y: { label: l10n.t('eigenvalue'), unit: 'log10', scale: 'linear' },
    series: [
      {
        name: l10n.t('eigenvalues'),
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
    random && formatNull(l10n.t('random V'), random.overlap, random.draws),
    permuted && formatNull(l10n.t('permuted tokens'), permuted.overlap, permuted.draws),
    untrained && formatNull(l10n.t('untrained twins'), untrained.overlap, untrained.draws),
  ].filter((text) => text !== null);
  return found.length === 0 ? l10n.t('No null was run.') : l10n.t('Overlap of the nulls: {0}.', found.join('; '));
}

function anglesText(name: 'theory' | 'plain', { overlap, overlapChance }: AlignmentMode): string {
  const [measured, chance] = [formatNumber(overlap), formatNumber(overlapChance)];
  return name === 'theory'
    ? l10n.t(
        'Cosines of the principal angles between the values as kernel PCA reads them (P G⁻¹ V) and the top eigenvectors; overlap {0}, chance level {1}.',
        measured,
        chance,
      )
    : l10n.t(
        'Cosines of the principal angles between the centred values (P V) and the top eigenvectors; overlap {0}, chance level {1}.',
        measured,
        chance,
      );
}

function anglesFigure(head: HeadResult, name: 'theory' | 'plain'): LineFigure[] {
  const mode = head.alignment[name];
  if (mode.cosines.length === 0) return [];
  const { cosineBand: band } = mode;
  const chance = band.mean.length > 0;
  const informative = mode.informative
    ? ''
    : ` ${l10n.t('Not informative here: chance alone gives an overlap above 0.8.')}`;
  return [
    {
      kind: 'lines',
      id: `angles-${name}`,
      title: withGram(
        name === 'theory' ? l10n.t('Principal angles, theory') : l10n.t('Principal angles, plain'),
        head.spectrum,
      ),
      shows: `${anglesText(name, mode)} ${nullsText(mode)} ${l10n.t('Verdict: {0}.', verdictText(head))}${gramSentence(head.spectrum)}`,
      caution: `${l10n.t('Lying above the chance band of random V is no evidence of learned eigenvectors: keys and values are linear maps of the same tokens, and permuted tokens are easy to beat too; only untrained twins and other heads test that.')}${informative}`,
      formula: formulas.angles[name],
      x: { label: l10n.t('principal angle'), unit: '', scale: 'linear', integer: true },
      y: { label: l10n.t('cosine'), unit: '', scale: 'linear', domain: [0, 1] },
      series: [
        ...(chance
          ? [
              {
                name: l10n.t('random V: mean, 5 to 95 %'),
                role: 'chance' as const,
                x: countFrom1(band.mean.length),
                y: band.mean,
                low: band.low,
                high: band.high,
                draw: 'line' as const,
              },
            ]
          : []),
        {
          name: l10n.t('this head'),
          role: 'data',
          x: countFrom1(mode.cosines.length),
          y: mode.cosines,
          draw: 'line+points',
        },
      ],
      levels: [],
    },
  ];
}

const gammaRoles = [
  ['learned', l10n.t('learned columns'), 'data'],
  ['eig', l10n.t('eigenvectors (round-off only)'), 'reference'],
  ['perturbed', l10n.t('perturbed eigenvectors'), 'data2'],
] as const;

function gammaFigures(head: HeadResult): LineFigure[] {
  const { gamma } = head;
  if (gammaRoles.every(([key]) => gamma[key].eigenResidual.length === 0)) return [];
  const medians = gammaRoles
    .map(([key, name]) => `${name} ${formatNumber(median(gamma[key].eigenResidual))}`)
    .join(', ');
  const reason = gamma.learned.reason === undefined ? '' : ` ${gamma.learned.reason}`;
  const column = { label: l10n.t('column'), unit: '', scale: 'linear', integer: true } as const;
  return [
    {
      kind: 'lines',
      id: 'gamma-residual',
      title: withGram(l10n.t('Eigen-residual of each column'), head.spectrum),
      shows: `${l10n.t('How far each column recovered from V is from being an eigenvector of the Gram matrix: 0 = eigenvector, near 1 = unrelated; medians: {0}.', medians)}${gramSentence(head.spectrum)}`,
      caution: `${l10n.t('A small residual of the eigenvectors only measures round-off; a large one of the learned columns does not exclude that their span lies close to the leading eigenvectors (see the principal angles).')}${reason}`,
      formula: formulas.eigenResidual,
      x: column,
      y: { label: l10n.t('eigen-residual'), unit: '', scale: 'linear', domain: [0, 1] },
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
      title: withGram(l10n.t('Gamma constancy: relative difference of pairs'), head.spectrum),
      shows: `${l10n.t('Mean relative difference of gamma over all pairs of tokens, per column, with one standard deviation as band; gamma is constant exactly where the column is an eigenvector.')}${gramSentence(head.spectrum)}`,
      caution: l10n.t(
        'Entries of a column near 0 make this heavy-tailed, and the band is the spread over pairs, not a confidence interval; the eigen-residual says the same without that weakness.',
      ),
      formula: formulas.gamma,
      x: column,
      y: { label: l10n.t('relative difference'), unit: '', scale: 'linear' },
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
  const never = rpc.sparseNeverActive ? ` ${l10n.t('S was 0 in every iteration: the robust step never acted.')}` : '';
  const x = countFrom1(rpc.residual.length);
  const line = (name: string, role: 'data' | 'data2' | 'difference', y: readonly number[]) =>
    ({ name, role, x, y, draw: 'line+points' }) as const;
  return [
    {
      kind: 'lines',
      id: 'rpc',
      title: l10n.t(
        'RPC per iteration ({0}, n = {1}, λ = {2})',
        `${rpc.variant}${rpc.asymmetric ? '+asym' : ''}`,
        rpc.iterations,
        formatNumber(rpc.lambda),
      ),
      shows: `${l10n.t(
        'Residual, density of S and size of S after each iteration; mu {0}, tau {1}, clean gap {2}, dispersion softmax {3}, RPC {4}.',
        formatNumber(rpc.mu),
        formatNumber(rpc.tau),
        formatNumber(rpc.cleanGap),
        formatNumber(rpc.dispersion.softmax),
        formatNumber(rpc.dispersion.rpc),
      )}${never}`,
      caution: `${l10n.t('L is an attention output, not a low-rank part, so the residual need not shrink and nothing here says "converged".')}${whatIf(context)}${rpc.asymmetric ? ` ${l10n.t('In heads with queries only the keys are cleaned (+asym), which is an extension of ours.')}` : ''}`,
      formula: formulas.rpc,
      x: { label: l10n.t('iteration'), unit: '', scale: 'linear', integer: true },
      y: { label: l10n.t('ratio'), unit: '', scale: 'linear' },
      series: [
        line(l10n.t('residual ‖K − L − S‖ / ‖K‖'), 'data', rpc.residual),
        line(l10n.t('density of S (share of entries)'), 'data2', rpc.density),
        line('‖S‖ / ‖K‖', 'difference', rpc.sparseNorm),
      ],
      levels: [],
    },
  ];
}
