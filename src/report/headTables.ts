// The numbers of one head as tables of plain text, each score beside its null: report and inspector show the same
// ones. What is a curve or a map is a figure instead (figures/headFigures.ts). Over several inputs a number has its 95 %
// interval beside it, wherever the result has one.

import * as l10n from '@vscode/l10n';
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
import { halfWidth, withInterval } from './overInputs';

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
  asCoded: l10n.t('as coded, value_vectors.py'),
  asCodedNlp: l10n.t('as coded, nlp_value_vectors.py'),
  scaleFree: l10n.t('scale-free, unit axes'),
  kpcaAxes: l10n.t('scale-free, KPCA axes'),
} as const;

/** A null in brackets: `random 0.30 ± 0.02`, its spread; over inputs `random mean 0.30, sd 0.02`, as ± is an interval there. */
function nullText(head: HeadResult, name: string, { mean, sd }: NullSummary): string {
  return head.over === undefined
    ? `${name} ${formatNumber(mean)} ± ${formatNumber(sd, 2)}`
    : l10n.t('{0} mean {1}, sd {2}', name, formatNumber(mean), formatNumber(sd, 2));
}

/** A score of the head with one of its nulls; both by their dotted names. */
interface Score {
  readonly at: string;
  readonly value: number | null;
  readonly null: {
    readonly name: string;
    readonly at: string;
    readonly draws: number;
    readonly summary: NullSummary;
  } | null;
}

/** `0.31 (random 0.30 ± 0.02, z 0.5, p 0.4)` */
function scoreWithNull(head: HeadResult, { at, value, null: beside }: Score): string {
  const score = withInterval(head, at, value);
  if (value === null || beside === null) return score;
  const { summary, draws, name } = beside;
  const z = withInterval(head, `${beside.at}.z`, summary.z);
  return `${score} (${nullText(head, name, summary)}, z ${z}, ${formatTest(summary, draws)})`;
}

function studyRow(head: HeadResult, form: keyof typeof studyForms, metrics: ReproductionMetrics): string[] {
  const { random = null, permuted = null } = metrics.nulls ?? {};
  const path = `reproduction.${form}`;
  const single = (score: 'direct' | 'pearson' | 'relFrobenius'): string =>
    withInterval(head, `${path}.${score}`, metrics[score]);
  const beside = (score: 'optimal' | 'linearCka' | 'kernelCka'): string =>
    scoreWithNull(head, {
      at: `${path}.${score}`,
      value: metrics[score],
      null:
        random === null
          ? null
          : {
              name: l10n.t('random'),
              at: `${path}.nulls.random.${score}`,
              draws: random.draws,
              summary: random[score],
            },
    });
  const both = (score: 'linearCka' | 'kernelCka'): string => {
    const first = beside(score);
    if (random === null || permuted === null || metrics[score] === null) return first;
    const z = withInterval(head, `${path}.nulls.permuted.${score}.z`, permuted[score].z);
    return `${first.slice(0, -1)}; ${nullText(head, l10n.t('permuted'), permuted[score])}, z ${z}, ${formatTestP(permuted[score], permuted.draws)})`;
  };
  return [
    studyForms[form],
    beside('optimal'),
    both('linearCka'),
    both('kernelCka'),
    single('direct'),
    single('pearson'),
    single('relFrobenius'),
  ];
}

function studyTable(head: HeadResult): HeadTable[] {
  const { reproduction } = head;
  const rows = (Object.keys(studyForms) as (keyof typeof studyForms)[]).flatMap((form) => {
    const metrics = reproduction[form];
    return metrics === undefined ? [] : [studyRow(head, form, metrics)];
  });
  const reasons = [reproduction.asCoded, reproduction.scaleFree, reproduction.kpcaAxes].map(
    (metrics) => metrics?.reason ?? metrics?.nulls?.reason,
  );
  const noted = [...new Set([reproduction.warning, ...reasons].filter((text) => text !== undefined))].join(' ');
  return [
    {
      id: 'study',
      title: l10n.t("The reproduction study's metrics"),
      note: `${l10n.t('Similarity of V and the kernel PCA values. Its chance level is not 0 and depends on the spectrum: read each number against its null. Direct and Pearson depend on the arbitrary signs of eigenvectors; optimal is the same for shuffled tokens.')}${noted === '' ? '' : ` ${noted}`}`,
      formula: formulas.reproduction,
      columns: [
        l10n.t('form'),
        l10n.t('optimal'),
        l10n.t('linear CKA'),
        l10n.t('kernel CKA'),
        l10n.t('direct'),
        l10n.t('Pearson'),
        '‖V − V̂‖ / ‖V‖',
      ],
      rows,
    },
  ];
}

const attentionRows: readonly (readonly [keyof AttentionFacts, string])[] = [
  ['entropy', l10n.t('entropy, nats')],
  ['effectiveTokens', l10n.t('effective number of tokens')],
  ['maxWeight', l10n.t('largest weight')],
  ['distance', l10n.t('attention distance, patches or tokens')],
  ['diagonalMass', l10n.t('mass on the token itself')],
  ['previousTokenMass', l10n.t('mass on the token before')],
  ['firstTokenMass', l10n.t('mass on the first token')],
  ['specialTokenMass', l10n.t('mass on class, register and special tokens')],
];

function attentionTable(head: HeadResult): HeadTable[] {
  const { attention } = head;
  const { uniform } = attention;
  if (uniform === undefined) return [];
  // Of inputs of one length it is the same in all of them.
  const chance = (id: keyof AttentionFacts): string => {
    const name = `attention.uniform.${id}`;
    const value = uniform[id] ?? null;
    return halfWidth(head, name) === 0 ? formatNumber(value) : withInterval(head, name, value);
  };
  return [
    {
      id: 'attention',
      title: l10n.t('The attention pattern in numbers'),
      note: l10n.t(
        "Means over queries of the model's own pattern, beside attention that gives every visible key the same weight. Where weights go does not say what the values behind them contribute.",
      ),
      formula: formulas.attention,
      columns: ['', l10n.t('this head'), l10n.t('uniform attention')],
      rows: attentionRows.map(([id, name]) => [
        name,
        withInterval(head, `attention.${id}`, attention[id] ?? null),
        chance(id),
      ]),
    },
  ];
}

function weightRow(head: HeadResult, form: 'qk' | 'ov', name: string, weights: WeightForm): string[] {
  const { gaussian, reason } = weights;
  const of = (id: 'spectralNorm' | 'stableRank'): string => {
    const at = `weights.${form}`;
    const beside =
      gaussian === null
        ? null
        : { name: l10n.t('Gaussian'), at: `${at}.gaussian.${id}`, draws: gaussian.draws, summary: gaussian[id] };
    return scoreWithNull(head, { at: `${at}.${id}`, value: weights[id], null: beside });
  };
  return [name, of('spectralNorm'), of('stableRank') + (reason === undefined ? '' : `. ${reason}`)];
}

function weightTable(head: HeadResult): HeadTable[] {
  const { weights } = head;
  if (!weights?.qk || !weights.ov) return [];
  return [
    {
      id: 'weights',
      title: l10n.t('The weights of the head'),
      note: l10n.t(
        "Scores are x W_QK x', the head adds W_OV x to the stream. A form that acts along fewer directions than Gaussian weights of its size is not as random weights are; which directions matter on an input is not in it. Biases, norms and rotary positions are left out.",
      ),
      formula: formulas.weights,
      columns: [l10n.t('form'), l10n.t('spectral norm'), l10n.t('stable rank')],
      rows: [weightRow(head, 'qk', 'W_QK = W_qᵀ W_k', weights.qk), weightRow(head, 'ov', 'W_OV = W_o W_v', weights.ov)],
    },
  ];
}

function ablationTable(head: HeadResult): HeadTable[] {
  const { ablation, over } = head;
  if (ablation === undefined) return [];
  const row = (name: string, kind: keyof AblationNumbers): string[] => {
    const { kl, topChanged, relChange } = ablation[kind];
    return [
      name,
      withInterval(head, `ablation.${kind}.kl`, kl),
      topChanged === null ? notMeasured : yesText(topChanged, `ablation.${kind}.topChanged`, over),
      withInterval(head, `ablation.${kind}.relChange`, relChange),
    ];
  };
  const { reason } = ablation.zero;
  return [
    {
      id: 'ablation',
      title: l10n.t('Without this head'),
      note: `${
        over === undefined
          ? l10n.t(
              'The network again with the output of this head replaced. The last row is the null: a change as large in no particular direction. One input, one draw; that an output does not move does not say that the head does nothing, for others may stand in.',
            )
          : l10n.t(
              'The network again with the output of this head replaced. The last row is the null: a change as large in no particular direction. One draw for each input; that an output does not move does not say that the head does nothing, for others may stand in.',
            )
      }${reason === undefined ? '' : ` ${reason}`}`,
      formula: formulas.ablation,
      columns: [
        l10n.t('head output'),
        l10n.t('KL(clean ‖ ablated), nats'),
        l10n.t('first class changes'),
        '‖change‖ / ‖output‖',
      ],
      rows: [
        row('0', 'zero'),
        row(l10n.t('its mean over the tokens'), 'mean'),
        row(l10n.t('noise of the same norm (null)'), 'random'),
      ],
    },
  ];
}

function projectionTable(head: HeadResult): HeadTable {
  const { projection } = head;
  const { normsScript } = projection;
  const of = (name: string, value: number | null | undefined): string =>
    withInterval(head, `projection.${name}`, value ?? null);
  const quartiles = (name: string, values: readonly (number | null)[] | undefined): string =>
    values === undefined ? notMeasured : values.map((value, place) => of(`${name}.${place}`, value)).join(' | ');
  const rows: (readonly [string, string, string])[] = [
    [
      l10n.t('log ‖φ(q)‖², median | quartiles'),
      of('logPhiNormMedian', projection.logPhiNormMedian),
      quartiles('logPhiNormQuartiles', projection.logPhiNormQuartiles),
    ],
    [
      l10n.t('log ‖φ(q)‖², of the mean'),
      of('logPhiNormMean', projection.logPhiNormMean),
      l10n.t('mean {0}', of('phiNorm', projection.phiNorm)),
    ],
    [
      l10n.t('‖h‖², median | quartiles'),
      of('hNormMedian', projection.hNormMedian),
      quartiles('hNormQuartiles', projection.hNormQuartiles),
    ],
    [l10n.t('log(‖φ(q)‖² / ‖h‖²), median'), of('logRatio', projection.logRatio), l10n.t('projection: 0 or above')],
    [l10n.t('J, median'), of('signedMedian', projection.signedMedian), l10n.t('projection: 0 or above')],
    [l10n.t('J signed, mean'), of('signed', projection.signed), l10n.t('projection: 0 or above')],
    [l10n.t('|J|, mean'), of('abs', projection.abs), l10n.t('log of the mean {0}', of('logAbs', projection.logAbs))],
    [l10n.t('|J| relative to ‖h‖²'), of('relH', projection.relH), ''],
    [l10n.t('|J| relative to ‖φ‖²'), of('relPhi', projection.relPhi), l10n.t('projection: 1 at most')],
    [
      l10n.t('log mean(J) as the KPCA code has it'),
      of('kpcaCode.logMean', projection.kpcaCode?.logMean),
      projection.kpcaCode?.reason ?? '',
    ],
    [
      l10n.t('norms.py: log ‖φ‖², lower | median | upper quartile'),
      quartiles('normsScript.logPhi', normsScript?.logPhi),
      l10n.t('cut at the 95th percentile'),
    ],
    [
      l10n.t('norms.py: ‖h‖², lower | median | upper quartile'),
      quartiles('normsScript.h', normsScript?.h),
      l10n.t('cut at the 95th percentile'),
    ],
    [
      l10n.t('Bessel violation, share of tokens'),
      of('besselViolation', projection.besselViolation),
      l10n.t('projection: 0'),
    ],
  ];
  return {
    id: 'projection',
    title: l10n.t('Projection loss, in every published form'),
    note: `${l10n.t("‖φ(q)‖² spans many decades, so read the medians of logarithms; means are given where they are finite. A violation of Bessel's inequality rules out that h is a projection on orthonormal axes; its absence proves nothing.")}${projection.reason === undefined ? '' : ` ${projection.reason}`}`,
    formula: formulas.projection,
    columns: [l10n.t('quantity'), l10n.t('this head'), l10n.t('beside it')],
    rows,
  };
}
