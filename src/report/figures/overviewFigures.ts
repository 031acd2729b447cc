// Layers x heads heatmaps of any metric, also while a run is still filling in.

import * as l10n from '@vscode/l10n';
import type { HeadResult } from '../../diagnostics/headResult';
import type { LayerResult, ModelSummary } from '../../inspection/inspectionResult';
import { gramOfRun, gramSentence, withGram } from '../gramText';
import { layerLabel } from '../layerLabel';
import type { HeatmapFigure } from './figure';
import { metricDomain, type HeadMetric } from './headMetric';
import { metricById, usesGram } from './metrics';
import { formulas } from './sources';

/** Sizes of the model, as its summary has them. */
type OverviewSize = Pick<ModelSummary, 'layers' | 'heads' | 'stages'>;

const cautions: Readonly<Record<HeadMetric['group'], string>> = {
  Alignment: l10n.t(
    'Compare with the chance level in the tooltip or table: keys and values share their tokens, so a high number alone does not show that V learned the eigenvectors.',
  ),
  'Kernel PCA': l10n.t(
    'One input, one Gram matrix a head: it says how this input sits in the kernel PCA reading, not why the head was learned that way.',
  ),
  Attention: l10n.t('Patterns describe where weights go, not what the values behind them contribute.'),
  Ablation: l10n.t('One input; heads can stand in for each other, so a small effect does not say that a head is idle.'),
  Weights: l10n.t('Weights alone: what the norm before them and the input make of these directions is not in it.'),
  RPC: l10n.t('Computed beside the model on the same q, k, v; on a checkpoint not trained with RPC it is a what-if.'),
  Noise: l10n.t('A head that collapses does not deviate either: read it with dispersion and clean gap.'),
  Reproduction: l10n.t('Chance is not 0 and changes with the spectrum; such numbers cannot be read without a null.'),
};

function formulaOf(metric: HeadMetric): string {
  if (metric.id === 'alignment.centringResidual') return formulas.centring;
  if (metric.id.startsWith('alignment.')) return formulas.overlap;
  if (metric.id.startsWith('gamma.')) return formulas.eigenResidual;
  if (metric.id.startsWith('projection.')) return formulas.projection;
  if (metric.id.startsWith('spectrum.')) return formulas.spectrum;
  if (metric.id.startsWith('noise.')) return formulas.noise;
  if (metric.id === 'rpc.cleanGap') return formulas.cleanGap;
  if (metric.id.startsWith('rpc.')) return formulas.rpc;
  if (metric.group === 'Ablation') return formulas.ablation;
  if (metric.group === 'Weights') return formulas.weights;
  return metric.group === 'Attention' ? formulas.attention : formulas.reproduction;
}

/** One heatmap [layers, heads]; heads that are not there yet are NaN. `cellNote` is the metric's tooltip. */
export function overviewFigure(metric: HeadMetric, layers: readonly LayerResult[], size: OverviewSize): HeatmapFigure {
  const values = new Float64Array(size.layers * size.heads).fill(Number.NaN);
  const measured: HeadResult[] = [];
  for (const layer of layers) {
    for (const head of layer.heads) {
      if (layer.index >= size.layers || head.index >= size.heads) continue;
      const cell = layer.index * size.heads + head.index;
      values[cell] = metric.value(head) ?? Number.NaN;
      measured[cell] = head;
    }
  }
  const gram = usesGram(metric) ? gramOfRun(layers) : null;
  return {
    kind: 'heatmap',
    id: `overview-${metric.id}`,
    title: withGram(metric.label, gram),
    shows: metric.explanation + (gram === null ? '' : gramSentence(gram)),
    caution: cautions[metric.group],
    formula: formulaOf(metric),
    rows: size.layers,
    columns: size.heads,
    ...(size.stages === undefined
      ? {}
      : { rowLabels: Array.from({ length: size.layers }, (_, layer) => layerLabel(size, layer)) }),
    values,
    cellNote: (cell) => (measured[cell] === undefined ? '' : metric.describe(measured[cell])),
    rowAxis: { label: l10n.t('layer'), unit: '', scale: 'linear', integer: true },
    columnAxis: { label: l10n.t('head'), unit: '', scale: 'linear', integer: true },
    value: { label: shortLabel(metric), unit: metric.unit, scale: 'linear' },
    palette: metric.palette,
    domain: metricDomain(
      metric.domain,
      Array.from(values, (value) => (Number.isNaN(value) ? null : value)),
    ),
  };
}

/** The colour legend has little room; the title says the rest. */
function shortLabel(metric: HeadMetric): string {
  if (metric.group === 'Noise') return metric.id.endsWith('.difference') ? l10n.t('AUC difference') : l10n.t('AUC');
  if (metric.id.endsWith('.overlapZ')) return 'z';
  return (
    {
      'gamma.learned.eigenResidual': l10n.t('eigen-residual'),
      'projection.logRatio': l10n.t('log ratio'),
      'spectrum.topEigenvalue': l10n.t('eigenvalue'),
      'spectrum.numericalRank': l10n.t('rank'),
      'projection.besselViolation': l10n.t('violations'),
      'rpc.density': l10n.t('density'),
      'attention.effectiveTokens': l10n.t('tokens'),
      'attention.distance': l10n.t('distance'),
      'weights.qk.stableRank': l10n.t('stable rank'),
      'weights.ov.stableRank': l10n.t('stable rank'),
      'rpc.cleanGap': l10n.t('clean gap'),
      'alignment.theory.overlap': l10n.t('overlap (theory)'),
      'alignment.plain.overlap': l10n.t('overlap (plain)'),
      'alignment.theory.rayleigh': l10n.t('rayleigh ratio (theory)'),
      'alignment.plain.rayleigh': l10n.t('rayleigh ratio (plain)'),
      'alignment.theory.energy': l10n.t('energy (theory)'),
      'alignment.plain.energy': l10n.t('energy (plain)'),
      'alignment.centringResidual': l10n.t('centring residual'),
      'attention.entropy': l10n.t('attention entropy'),
      'attention.maxWeight': l10n.t('largest attention weight'),
      'attention.diagonalMass': l10n.t('diagonal mass'),
      'attention.firstTokenMass': l10n.t('first-token mass'),
      'attention.previousTokenMass': l10n.t('previous-token mass'),
      'attention.specialTokenMass': l10n.t('special-token mass'),
      'weights.qk.spectralNorm': l10n.t('spectral norm'),
      'weights.ov.spectralNorm': l10n.t('spectral norm'),
      'ablation.zero.kl': l10n.t('effect'),
      'ablation.mean.kl': l10n.t('effect'),
    }[metric.id] ?? metric.label
  );
}

/** Metric ids that the report and the inspector's overview show. */
export const overviewMetricIds: readonly string[] = [
  'alignment.theory.overlap',
  'alignment.theory.overlapZ',
  'alignment.theory.rayleigh',
  'alignment.plain.overlap',
  'gamma.learned.eigenResidual',
  'projection.besselViolation',
  'noise.token_gauss.difference',
  'noise.key_gauss.difference',
  'noise.key_sparse.difference',
  'rpc.cleanGap',
  'rpc.density',
  'attention.entropy',
  'attention.distance',
  'weights.qk.stableRank',
  'weights.ov.stableRank',
];

/** The heatmaps of the main metrics, those without any number left out. */
export function overviewFigures(layers: readonly LayerResult[], size: OverviewSize): HeatmapFigure[] {
  return overviewMetricIds
    .map((id) => overviewFigure(metricById(id), layers, size))
    .filter((figure) => figure.values.some((value) => !Number.isNaN(value)));
}
