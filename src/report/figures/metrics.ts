// Every number that the layers x heads heatmaps can show, one entry a metric. Side panel, inspector and report take
// their lists, labels, colours and tooltips from here. Order of the list is the order of the picker.

import * as l10n from '@vscode/l10n';
import type {
  AlignmentMode,
  AlignmentStatistic,
  AttentionFacts,
  HeadResult,
  NoiseKind,
} from '../../diagnostics/headResult';
import {
  formatInterval,
  formatNull,
  formatNumber,
  median,
  noiseNames,
  notMeasured,
  verdictText,
  noiseVerdictText,
} from '../format';
import { intervalBand, metric, nullBand, unit01, type HeadMetric } from './headMetric';

/** Nulls of one statistic, with verdict, for the tooltip. */
function nullLines(mode: AlignmentMode, statistic: AlignmentStatistic, head: HeadResult): string {
  const lines: string[] = [];
  const names = {
    random: l10n.t('random V'),
    permuted: l10n.t('permuted tokens'),
    untrained: l10n.t('untrained twins'),
  } as const;
  for (const key of ['random', 'permuted', 'untrained'] as const) {
    const found = mode.nulls[key];
    if (found) lines.push(formatNull(names[key], found[statistic], found.draws));
  }
  const rank = statistic === 'energy' ? null : mode.nulls.otherHeads?.[statistic];
  if (rank) lines.push(l10n.t("rank {0} of {1} among V of the layer's heads", formatNumber(rank.rank), rank.of));
  if (!mode.informative) lines.push(l10n.t('not informative: chance alone gives more than 0.8'));
  if (mode.reason !== undefined) lines.push(mode.reason);
  lines.push(l10n.t('verdict: {0}', verdictText(head)));
  if (head.alignment.verdict === null && head.alignment.reason !== undefined) lines.push(head.alignment.reason);
  return lines.join('\n');
}

type ModeName = 'theory' | 'plain';
const modeNote = { theory: l10n.t('B = P G⁻¹ V, what kernel PCA asserts'), plain: 'B = P V' } as const;
const statisticNames = {
  overlap: { theory: l10n.t('Alignment overlap (theory)'), plain: l10n.t('Alignment overlap (plain)') },
  rayleigh: { theory: l10n.t('Rayleigh ratio (theory)'), plain: l10n.t('Rayleigh ratio (plain)') },
  energy: { theory: l10n.t('Alignment energy (theory)'), plain: l10n.t('Alignment energy (plain)') },
} as const;

function alignment(statistic: AlignmentStatistic, mode: ModeName, explanation: string): HeadMetric {
  return metric({
    id: `alignment.${mode}.${statistic}`,
    label: statisticNames[statistic][mode],
    unit: '',
    explanation: `${explanation} ${modeNote[mode]}.`,
    group: 'Alignment',
    palette: 'sequential',
    domain: unit01,
    value: (head) => head.alignment[mode][statistic],
    chance: (head) => {
      const numbers = head.alignment[mode];
      if (statistic === 'overlap') return numbers.overlapChance;
      if (statistic === 'energy') return numbers.energyChance;
      return numbers.nulls.random?.rayleigh.mean ?? null;
    },
    band: (head) => nullBand(head.alignment[mode].nulls.permuted?.[statistic]),
    describe: (head) => nullLines(head.alignment[mode], statistic, head),
  });
}

const overlapText = l10n.t(
  'Mean squared cosine of the principal angles between the values and the leading eigenvectors of the centred key Gram; 1 = same subspace.',
);
const energyText = l10n.t("Share of the values' energy that lies in the span of the leading eigenvectors; 1 = all.");
const rayleighText = l10n.t(
  'Kernel variance that the span of the values captures, over the best possible for its dimension.',
);

function permutedZ(mode: ModeName): HeadMetric {
  return metric({
    id: `alignment.${mode}.overlapZ`,
    label: mode === 'theory' ? l10n.t('z of overlap (theory)') : l10n.t('z of overlap (plain)'),
    unit: l10n.t('sd of null'),
    explanation: `${l10n.t('Overlap minus its mean under permuted tokens, in standard deviations. Easy to beat: q, k and v come from the same tokens.')} ${modeNote[mode]}.`,
    group: 'Alignment',
    palette: 'diverging',
    domain: { kind: 'symmetric' },
    value: (head) => head.alignment[mode].nulls.permuted?.overlap.z ?? null,
    chance: () => 0,
    column: `alignment.${mode}.nulls.permuted.overlap.z`,
    band: () => nullBand({ mean: 0, sd: 1 }),
    describe: (head) => nullLines(head.alignment[mode], 'overlap', head),
  });
}

const alignmentMetrics: readonly HeadMetric[] = [
  alignment('overlap', 'theory', overlapText),
  alignment('overlap', 'plain', overlapText),
  permutedZ('theory'),
  permutedZ('plain'),
  alignment('rayleigh', 'theory', rayleighText),
  alignment('rayleigh', 'plain', rayleighText),
  alignment('energy', 'theory', energyText),
  alignment('energy', 'plain', energyText),
];

const kernelPcaMetrics: readonly HeadMetric[] = [
  metric({
    id: 'alignment.centringResidual',
    label: l10n.t('Centring residual'),
    unit: '',
    explanation: l10n.t('Part of G⁻¹ V that centring removes; 0 under the theory of Teo & Nguyen, 1 = all of it.'),
    group: 'Kernel PCA',
    palette: 'sequential',
    domain: unit01,
    value: (head) => head.alignment.centringResidual,
    describe: () => l10n.t('theory says 0'),
  }),
  metric({
    id: 'gamma.learned.eigenResidual',
    label: l10n.t('Eigen-residual of learned columns (median)'),
    unit: '',
    explanation: l10n.t(
      'Relative residual of K_c a = theta a for the columns recovered from V; 0 = eigenvector, near 1 = unrelated.',
    ),
    group: 'Kernel PCA',
    palette: 'sequential',
    domain: unit01,
    value: (head) => median(head.gamma.learned.eigenResidual),
    describe: (head) =>
      l10n.t(
        'eigenvectors themselves {0}, perturbed eigenvectors {1}',
        formatNumber(median(head.gamma.eig.eigenResidual)),
        formatNumber(median(head.gamma.perturbed.eigenResidual)),
      ),
  }),
  metric({
    id: 'projection.besselViolation',
    label: l10n.t('Bessel violation'),
    unit: l10n.t('fraction of tokens'),
    explanation: l10n.t(
      'Tokens whose output is longer than the feature vector it should be a projection of; any above 0 rules out a projection on orthonormal axes.',
    ),
    group: 'Kernel PCA',
    palette: 'sequential',
    domain: unit01,
    value: (head) => head.projection.besselViolation,
    describe: () => l10n.t('a projection on orthonormal axes gives 0'),
  }),
  metric({
    id: 'projection.logRatio',
    label: l10n.t('log(norm of phi² / norm of h²), median'),
    unit: l10n.t('nats'),
    explanation: l10n.t(
      'Median over tokens of log ||phi(q)||² - log ||h||². 0 = equal norms; below 0 the output is the longer one.',
    ),
    group: 'Kernel PCA',
    palette: 'diverging',
    domain: { kind: 'symmetric' },
    value: (head) => head.projection.logRatio,
  }),
  metric({
    id: 'spectrum.topEigenvalue',
    label: l10n.t('Top Gram eigenvalue'),
    unit: l10n.t('log10'),
    explanation: l10n.t(
      'log10 of the largest eigenvalue of the centred Gram matrix of the kernel. No eigenvalue can exceed the number of tokens.',
    ),
    group: 'Kernel PCA',
    palette: 'sequential',
    domain: { kind: 'data' },
    value: (head) => head.spectrum.log10Eigenvalues[0] ?? null,
    describe: (head) => l10n.t('eigenvalue {0}', formatNumber(head.spectrum.eigenvalues[0])),
  }),
  metric({
    id: 'spectrum.numericalRank',
    label: l10n.t('Numerical rank of the Gram matrix'),
    unit: l10n.t('eigenvalues'),
    explanation: l10n.t(
      'Eigenvalues above N 2^-52 of the largest. Where it is below the head dimension, the eigenvectors past it are round-off.',
    ),
    group: 'Kernel PCA',
    palette: 'sequential',
    domain: { kind: 'data' },
    value: (head) => head.spectrum.numericalRank,
    describe: (head) =>
      l10n.t('alignment uses r = {0}; largest score {1}', head.spectrum.rank, formatNumber(head.spectrum.maxScore)),
  }),
];

function attention(id: keyof AttentionFacts, label: string, unit: string, explanation: string): HeadMetric {
  return metric({
    id: `attention.${id}`,
    label,
    unit,
    explanation,
    group: 'Attention',
    palette: 'sequential',
    domain: unit === '' ? unit01 : { kind: 'data' },
    value: (head) => head.attention[id] ?? null,
    describe: ({ attention: { uniform } }) =>
      uniform === undefined
        ? ''
        : l10n.t('uniform attention over the visible keys {0}', formatNumber(uniform[id] ?? null)),
  });
}

const attentionMetrics: readonly HeadMetric[] = [
  attention(
    'entropy',
    l10n.t('Attention entropy'),
    l10n.t('nats'),
    l10n.t("Mean entropy of the pattern's rows; 0 = one key gets everything."),
  ),
  attention(
    'maxWeight',
    l10n.t('Largest attention weight'),
    '',
    l10n.t("Mean over queries of the row's largest weight."),
  ),
  attention('diagonalMass', l10n.t('Diagonal mass'), '', l10n.t('Mean weight that a token gives to itself.')),
  attention(
    'firstTokenMass',
    l10n.t('First-token mass'),
    '',
    l10n.t('Mean weight on token 0: the class token of a vision transformer, the first token of a text.'),
  ),
  attention(
    'effectiveTokens',
    l10n.t('Effective number of tokens'),
    l10n.t('tokens'),
    l10n.t('Mean over queries of e^entropy: how many keys the weights spread over.'),
  ),
  attention(
    'distance',
    l10n.t('Mean attention distance'),
    l10n.t('patches or tokens'),
    l10n.t('Weighted distance from a query to its keys: between patches on the grid of a picture, |i − j| in a text.'),
  ),
  attention('previousTokenMass', l10n.t('Previous-token mass'), '', l10n.t('Mean weight on the token before.')),
  attention(
    'specialTokenMass',
    l10n.t('Special-token mass'),
    '',
    l10n.t('Mean weight on class, distillation, register and special tokens together.'),
  ),
];

const formNames = { qk: 'W_QK', ov: 'W_OV' } as const;

function weights(form: 'qk' | 'ov', id: 'stableRank' | 'spectralNorm'): HeadMetric {
  return metric({
    id: `weights.${form}.${id}`,
    label:
      id === 'stableRank'
        ? l10n.t('Stable rank of {0}', formNames[form])
        : l10n.t('Spectral norm of {0}', formNames[form]),
    unit: id === 'stableRank' ? l10n.t('directions') : '',
    explanation:
      id === 'stableRank'
        ? l10n.t('Squared Frobenius norm over squared largest singular value: along how many directions the form acts.')
        : l10n.t('Largest singular value of the form.'),
    group: 'Weights',
    palette: 'sequential',
    domain: { kind: 'data' },
    value: (head) => head.weights?.[form]?.[id] ?? null,
    describe: (head) => {
      const drawn = head.weights?.[form]?.gaussian ?? null;
      return drawn === null ? '' : formatNull(l10n.t('Gaussian weights of the same size'), drawn[id], drawn.draws);
    },
  });
}

const ablationMetrics: readonly HeadMetric[] = (['zero', 'mean'] as const).map((kind) =>
  metric({
    id: `ablation.${kind}.kl`,
    label:
      kind === 'zero' ? l10n.t('Effect of taking the head out (zero)') : l10n.t('Effect of taking the head out (mean)'),
    unit: l10n.t('nats'),
    explanation:
      kind === 'zero'
        ? l10n.t("KL divergence of the output's distribution when the head's output is 0.")
        : l10n.t("KL divergence of the output's distribution when the head's output is its mean over the tokens."),
    group: 'Ablation',
    palette: 'sequential',
    domain: { kind: 'data' },
    value: (head) => head.ablation?.[kind].kl ?? null,
    describe: ({ ablation }) =>
      ablation === undefined
        ? l10n.t('not asked for (--ablation, gramlens.ablation)')
        : ablation[kind].topChanged === true
          ? l10n.t('noise of the same norm {0}; first class changes', formatNumber(ablation.random.kl))
          : l10n.t('noise of the same norm {0}; first class stays', formatNumber(ablation.random.kl)),
  }),
);

const weightMetrics: readonly HeadMetric[] = (['qk', 'ov'] as const).flatMap((form) => [
  weights(form, 'stableRank'),
  weights(form, 'spectralNorm'),
]);

const rpcMetrics: readonly HeadMetric[] = [
  metric({
    id: 'rpc.cleanGap',
    label: l10n.t('RPC clean gap'),
    unit: '',
    explanation: l10n.t(
      'How far RPC moves the output on clean input: ||h_rpc - h_softmax|| / ||h_softmax||. On a model trained with softmax this is a what-if.',
    ),
    group: 'RPC',
    palette: 'sequential',
    domain: { kind: 'data' },
    value: (head) => head.rpc?.cleanGap ?? null,
    describe: (head) => (head.rpc ? rpcLine(head.rpc) : l10n.t('RPC was not asked for in this layer')),
  }),
  metric({
    id: 'rpc.density',
    label: l10n.t('RPC density of S, last iteration'),
    unit: l10n.t('fraction of entries'),
    explanation: l10n.t(
      'Non-zero share of the sparse part S after the last iteration; 0 = the robust step changed nothing.',
    ),
    group: 'RPC',
    palette: 'sequential',
    domain: { kind: 'data' },
    value: (head) => head.rpc?.density.at(-1) ?? null,
    describe: (head) => (head.rpc ? rpcLine(head.rpc) : l10n.t('RPC was not asked for in this layer')),
  }),
];

function rpcLine(rpc: NonNullable<HeadResult['rpc']>): string {
  const { iterations } = rpc;
  const variant = `${rpc.variant}${rpc.asymmetric ? '+asym' : ''}`;
  const [lambda, tau] = [formatNumber(rpc.lambda), formatNumber(rpc.tau)];
  const setting = rpc.sparseNeverActive
    ? l10n.t('variant {0}, {1} iterations, lambda {2}, tau {3}; S never active', variant, iterations, lambda, tau)
    : l10n.t('variant {0}, {1} iterations, lambda {2}, tau {3}', variant, iterations, lambda, tau);
  const { softmax, rpc: ours } = rpc.dispersion;
  return `${setting}\n${l10n.t('dispersion softmax {0}, RPC {1}', formatNumber(softmax), formatNumber(ours))}`;
}

const noiseKinds: readonly NoiseKind[] = ['token_gauss', 'key_gauss', 'key_sparse', 'token_replace', 'token_drop'];

function noiseLines(head: HeadResult, kind: NoiseKind): string {
  const found = head.noise.find((noise) => noise.kind === kind);
  if (!found) return notMeasured;
  const { auc } = found;
  const lines = [
    l10n.t(
      'softmax {0}, RPC {1}, difference {2} (95 %)',
      formatInterval(auc.softmax, auc.ci.softmax),
      formatInterval(auc.rpc, auc.ci.rpc),
      formatInterval(auc.difference, auc.ci.difference),
    ),
    l10n.t('verdict: {0}', noiseVerdictText(found, head.over)),
  ];
  if (head.rpc) {
    const { cleanGap, dispersion } = head.rpc;
    lines.push(
      l10n.t(
        'clean gap {0}, dispersion softmax {1}, RPC {2}',
        formatNumber(cleanGap),
        formatNumber(dispersion.softmax),
        formatNumber(dispersion.rpc),
      ),
    );
  }
  if (found.reason !== undefined) lines.push(found.reason);
  return lines.join('\n');
}

function noiseMetrics(kind: NoiseKind): readonly HeadMetric[] {
  const draft = (which: 'softmax' | 'rpc' | 'difference', label: string, explanation: string): HeadMetric =>
    metric({
      id: `noise.${kind}.${which}`,
      label: `${label}, ${noiseNames[kind]}`,
      unit: '',
      explanation,
      group: 'Noise',
      palette: which === 'difference' ? 'diverging' : 'sequential',
      domain: { kind: which === 'difference' ? 'symmetric' : 'data' },
      value: (head) => head.noise.find((noise) => noise.kind === kind)?.auc[which] ?? null,
      column: `noise.${kind}.auc.${which}`,
      band: (head) => intervalBand(head.noise.find((noise) => noise.kind === kind)?.auc.ci[which] ?? null, 'repeats'),
      describe: (head) => noiseLines(head, kind),
    });
  return [
    draft(
      'softmax',
      l10n.t('Noise AUC softmax'),
      l10n.t('Mean relative deviation of the softmax output over the noise levels; 0 = unmoved.'),
    ),
    draft(
      'rpc',
      l10n.t('Noise AUC RPC'),
      l10n.t(
        "Mean relative deviation of RPC's output from its own clean output; 0 = unmoved, or collapsed: see dispersion.",
      ),
    ),
    draft(
      'difference',
      l10n.t('Noise AUC softmax − RPC'),
      l10n.t('Paired difference; above 0 RPC deviates less, which is robustness only where it has not collapsed.'),
    ),
  ];
}

function reproduction(
  form: 'asCoded' | 'scaleFree',
  id: 'optimal' | 'linearCka' | 'kernelCka',
  label: string,
): HeadMetric {
  return metric({
    id: `reproduction.${form}.${id}`,
    label: form === 'asCoded' ? l10n.t('{0} (as coded)', label) : l10n.t('{0} (scale-free)', label),
    unit: '',
    explanation: l10n.t(
      'Similarity of V and the kernel-PCA values as the reproduction study computes it. Its chance level is not 0.',
    ),
    group: 'Reproduction',
    palette: 'sequential',
    domain: unit01,
    value: (head) => head.reproduction[form][id],
    chance: (head) => head.reproduction[form].nulls?.random?.[id].mean ?? null,
    band: (head) => nullBand(head.reproduction[form].nulls?.random?.[id]),
    describe: (head) => {
      const { nulls, reason } = head.reproduction[form];
      const { warning } = head.reproduction;
      const { random = null, permuted = null } = nulls ?? {};
      return [
        random === null ? l10n.t('chance is not 0 and depends on the spectrum; not measured here') : '',
        random === null ? '' : formatNull(l10n.t('random V'), random[id], random.draws),
        permuted === null || id === 'optimal'
          ? ''
          : formatNull(l10n.t('permuted tokens'), permuted[id], permuted.draws),
        id === 'optimal' ? l10n.t('unchanged when the tokens of V are shuffled') : '',
        form === 'asCoded' ? (warning ?? '') : '',
        reason ?? '',
      ]
        .filter((line) => line !== '')
        .join('\n');
    },
  });
}

const reproductionMetrics: readonly HeadMetric[] = [
  reproduction('asCoded', 'linearCka', l10n.t('Linear CKA')),
  reproduction('asCoded', 'kernelCka', l10n.t('Kernel CKA')),
  reproduction('asCoded', 'optimal', l10n.t('Optimal matching cosine')),
  reproduction('scaleFree', 'linearCka', l10n.t('Linear CKA')),
  reproduction('scaleFree', 'kernelCka', l10n.t('Kernel CKA')),
  reproduction('scaleFree', 'optimal', l10n.t('Optimal matching cosine')),
];

/** Every metric, in the order of the picker. */
export const headMetrics: readonly HeadMetric[] = [
  ...alignmentMetrics,
  ...kernelPcaMetrics,
  ...noiseKinds.flatMap(noiseMetrics),
  ...rpcMetrics,
  ...attentionMetrics,
  ...weightMetrics,
  ...ablationMetrics,
  ...reproductionMetrics,
];

/** What the side panel shows before anyone chooses. */
export const defaultMetricId = 'alignment.theory.overlap';

/** The metric of that id; the default one for an id that no longer exists. */
export function metricById(id: string): HeadMetric {
  return headMetrics.find((candidate) => candidate.id === id) ?? headMetrics[0]!;
}

/** Whether the number rests on the Gram matrix of the keys. */
export function usesGram({ id, group }: Pick<HeadMetric, 'id' | 'group'>): boolean {
  return group === 'Alignment' || group === 'Reproduction' || (group === 'Kernel PCA' && !id.startsWith('projection.'));
}

/** Metrics that at least one of these heads has a number for (all of them while there are no heads yet). */
export function availableMetrics(heads: readonly HeadResult[]): readonly HeadMetric[] {
  if (heads.length === 0) return headMetrics;
  return headMetrics.filter((candidate) => heads.some((head) => candidate.value(head) !== null));
}
