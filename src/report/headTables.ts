// The numbers of one head as tables of plain text, each score beside its null: report and inspector show the same
// ones. What is a curve or a map is a figure instead (figures/headFigures.ts).

import type {
  AblationNumbers,
  AttentionFacts,
  HeadResult,
  NullSummary,
  ReproductionMetrics,
  WeightForm,
} from '../diagnostics/headResult';
import { formatNumber, formatTest, formatTestP, notMeasured, yesText } from './format';
import { formulas } from './figures/sources';

export interface HeadTable {
  /** Stable within a head. */
  readonly id: string;
  readonly title: string;
  /** What it shows and what it does not prove. */
  readonly note: string;
  readonly formula: string;
  /** The first column names the row. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Tables of one head in reading order; those without numbers are left out. */
export function headTables(head: HeadResult): HeadTable[] {
  return [
    ...attentionTable(head),
    ...weightTable(head),
    projectionTable(head),
    ...ablationTable(head),
    ...studyTable(head),
  ];
}

/** Forms of the study's metrics by name, in reading order. */
export const studyForms = {
  asCoded: 'as coded, value_vectors.py',
  asCodedNlp: 'as coded, nlp_value_vectors.py',
  scaleFree: 'scale-free, unit axes',
  kpcaAxes: 'scale-free, KPCA axes',
} as const;

/** `0.31 (random 0.30 ± 0.02, z 0.5, p 0.4)` */
export function scoreWithNull(value: number | null, name: string, summary: NullSummary | null, draws: number): string {
  if (value === null || summary === null) return formatNumber(value);
  return `${formatNumber(value)} (${name} ${formatNumber(summary.mean)} ± ${formatNumber(summary.sd, 2)}, z ${formatNumber(summary.z)}, ${formatTest(summary, draws)})`;
}

function studyRow(name: string, metrics: ReproductionMetrics): string[] {
  const { random = null, permuted = null } = metrics.nulls ?? {};
  const both = (score: 'linearCka' | 'kernelCka'): string => {
    const first = scoreWithNull(metrics[score], 'random', random?.[score] ?? null, random?.draws ?? 0);
    if (permuted === null || metrics[score] === null) return first;
    const { mean, sd, z } = permuted[score];
    return `${first.slice(0, -1)}; permuted ${formatNumber(mean)} ± ${formatNumber(sd, 2)}, z ${formatNumber(z)}, ${formatTestP(permuted[score], permuted.draws)})`;
  };
  return [
    name,
    scoreWithNull(metrics.optimal, 'random', random?.optimal ?? null, random?.draws ?? 0),
    both('linearCka'),
    both('kernelCka'),
    formatNumber(metrics.direct),
    formatNumber(metrics.pearson),
    formatNumber(metrics.relFrobenius),
  ];
}

function studyTable({ reproduction }: HeadResult): HeadTable[] {
  const rows = (Object.keys(studyForms) as (keyof typeof studyForms)[]).flatMap((form) => {
    const metrics = reproduction[form];
    return metrics === undefined ? [] : [studyRow(studyForms[form], metrics)];
  });
  const reasons = [reproduction.asCoded, reproduction.scaleFree, reproduction.kpcaAxes].map(
    (metrics) => metrics?.reason ?? metrics?.nulls?.reason,
  );
  const noted = [...new Set([reproduction.warning, ...reasons].filter((text) => text !== undefined))].join(' ');
  return [
    {
      id: 'study',
      title: "The reproduction study's metrics",
      note: `Similarity of V and the kernel PCA values. Its chance level is not 0 and depends on the spectrum: read each number against its null. Direct and Pearson depend on the arbitrary signs of eigenvectors; optimal is the same for shuffled tokens.${noted === '' ? '' : ` ${noted}`}`,
      formula: formulas.reproduction,
      columns: ['form', 'optimal', 'linear CKA', 'kernel CKA', 'direct', 'Pearson', '‖V − V̂‖ / ‖V‖'],
      rows,
    },
  ];
}

const attentionRows: readonly (readonly [keyof AttentionFacts, string])[] = [
  ['entropy', 'entropy, nats'],
  ['effectiveTokens', 'effective number of tokens'],
  ['maxWeight', 'largest weight'],
  ['distance', 'attention distance, patches or tokens'],
  ['diagonalMass', 'mass on the token itself'],
  ['previousTokenMass', 'mass on the token before'],
  ['firstTokenMass', 'mass on the first token'],
  ['specialTokenMass', 'mass on class, register and special tokens'],
];

function attentionTable({ attention }: HeadResult): HeadTable[] {
  const { uniform } = attention;
  if (uniform === undefined) return [];
  return [
    {
      id: 'attention',
      title: 'The attention pattern in numbers',
      note: "Means over queries of the model's own pattern, beside attention that gives every visible key the same weight. Where weights go does not say what the values behind them contribute.",
      formula: formulas.attention,
      columns: ['', 'this head', 'uniform attention'],
      rows: attentionRows.map(([id, name]) => [
        name,
        formatNumber(attention[id] ?? null),
        formatNumber(uniform[id] ?? null),
      ]),
    },
  ];
}

function weightRow(name: string, { spectralNorm, stableRank, gaussian, reason }: WeightForm): string[] {
  const of = (value: number | null, id: 'spectralNorm' | 'stableRank'): string =>
    scoreWithNull(value, 'Gaussian', gaussian?.[id] ?? null, gaussian?.draws ?? 0);
  return [
    name,
    of(spectralNorm, 'spectralNorm'),
    of(stableRank, 'stableRank') + (reason === undefined ? '' : `. ${reason}`),
  ];
}

function weightTable({ weights }: HeadResult): HeadTable[] {
  if (!weights?.qk || !weights.ov) return [];
  return [
    {
      id: 'weights',
      title: 'The weights of the head',
      note: "Scores are x W_QK x', the head adds W_OV x to the stream. A form that acts along fewer directions than Gaussian weights of its size is not as random weights are; which directions matter on an input is not in it. Biases, norms and rotary positions are left out.",
      formula: formulas.weights,
      columns: ['form', 'spectral norm', 'stable rank'],
      rows: [weightRow('W_QK = W_qᵀ W_k', weights.qk), weightRow('W_OV = W_o W_v', weights.ov)],
    },
  ];
}

function ablationTable({ ablation, over }: HeadResult): HeadTable[] {
  if (ablation === undefined) return [];
  const row = (name: string, kind: keyof AblationNumbers): string[] => {
    const { kl, topChanged, relChange } = ablation[kind];
    return [
      name,
      formatNumber(kl),
      topChanged === null ? notMeasured : yesText(topChanged, `ablation.${kind}.topChanged`, over),
      formatNumber(relChange),
    ];
  };
  const { reason } = ablation.zero;
  return [
    {
      id: 'ablation',
      title: 'Without this head',
      note: `The network again with the output of this head replaced. The last row is the null: a change as large in no particular direction. ${over === undefined ? 'One input, one draw' : 'One draw for each input'}; that an output does not move does not say that the head does nothing, for others may stand in.${reason === undefined ? '' : ` ${reason}`}`,
      formula: formulas.ablation,
      columns: ['head output', 'KL(clean ‖ ablated), nats', 'first class changes', '‖change‖ / ‖output‖'],
      rows: [row('0', 'zero'), row('its mean over the tokens', 'mean'), row('noise of the same norm (null)', 'random')],
    },
  ];
}

const quartiles = (values: readonly (number | null)[] | undefined): string =>
  values === undefined ? formatNumber(null) : values.map((value) => formatNumber(value)).join(' | ');

function projectionTable({ projection }: HeadResult): HeadTable {
  const { normsScript } = projection;
  const rows: (readonly [string, string, string])[] = [
    [
      'log ‖φ(q)‖², median | quartiles',
      formatNumber(projection.logPhiNormMedian),
      quartiles(projection.logPhiNormQuartiles),
    ],
    ['log ‖φ(q)‖², of the mean', formatNumber(projection.logPhiNormMean), `mean ${formatNumber(projection.phiNorm)}`],
    ['‖h‖², median | quartiles', formatNumber(projection.hNormMedian), quartiles(projection.hNormQuartiles)],
    ['log(‖φ(q)‖² / ‖h‖²), median', formatNumber(projection.logRatio), 'projection: 0 or above'],
    ['J, median', formatNumber(projection.signedMedian), 'projection: 0 or above'],
    ['J signed, mean', formatNumber(projection.signed), 'projection: 0 or above'],
    ['|J|, mean', formatNumber(projection.abs), `log of the mean ${formatNumber(projection.logAbs)}`],
    ['|J| relative to ‖h‖²', formatNumber(projection.relH), ''],
    ['|J| relative to ‖φ‖²', formatNumber(projection.relPhi), 'projection: 1 at most'],
    [
      'log mean(J) as the KPCA code has it',
      formatNumber(projection.kpcaCode?.logMean),
      projection.kpcaCode?.reason ?? '',
    ],
    [
      'norms.py: log ‖φ‖², lower | median | upper quartile',
      quartiles(normsScript?.logPhi),
      'cut at the 95th percentile',
    ],
    ['norms.py: ‖h‖², lower | median | upper quartile', quartiles(normsScript?.h), 'cut at the 95th percentile'],
    ['Bessel violation, share of tokens', formatNumber(projection.besselViolation), 'projection: 0'],
  ];
  return {
    id: 'projection',
    title: 'Projection loss, in every published form',
    note: `‖φ(q)‖² spans many decades, so read the medians of logarithms; means are given where they are finite. A violation of Bessel's inequality rules out that h is a projection on orthonormal axes; its absence proves nothing.${projection.reason === undefined ? '' : ` ${projection.reason}`}`,
    formula: formulas.projection,
    columns: ['quantity', 'this head', 'beside it'],
    rows,
  };
}
