// Attention rollout as pictures: how many tokens the output draws from, layer by layer, and from which.

import * as l10n from '@vscode/l10n';
import type { AttentionRollout } from '../../diagnostics/rollout';
import type { InspectionResult, ModelSummary } from '../../inspection/inspectionResult';
import { formatNumber } from '../format';
import { layerLabel, layerSizes } from '../layerLabel';
import type { Figure, HeatmapFigure, LineFigure } from './figure';
import { colourScale, scaleNote } from './patternCells';
import { formulas } from './sources';
import { tokenNames } from './tokenAxis';

const caution = l10n.t(
  'Every head counts alike, half of a token is taken to go past the attention, and values count as if they were the tokens themselves: it is an upper view of where information can come from, not of what the output uses.',
);

function spreadFigure({ layers, from }: AttentionRollout): LineFigure {
  const last = layers.at(-1)!;
  const x = layers.map(({ index }) => index);
  const line = { x, draw: 'line+points' } as const;
  return {
    kind: 'lines',
    id: 'rollout-spread',
    title: l10n.t('Attention rollout: how many tokens'),
    shows: l10n.t(
      'Over how many tokens in front of the first layer the rollout from {0} is spread (e^entropy); {1} behind layer {2}, {3} with uniform attention.',
      from,
      formatNumber(last.effectiveTokens),
      last.index,
      formatNumber(last.uniformEffectiveTokens),
    ),
    caution,
    formula: formulas.rollout,
    x: { label: l10n.t('layer'), unit: '', scale: 'linear', integer: true },
    y: { label: l10n.t('effective tokens'), unit: l10n.t('tokens'), scale: 'linear' },
    series: [
      { ...line, name: l10n.t('this model'), role: 'data', y: layers.map((one) => one.effectiveTokens) },
      {
        ...line,
        name: l10n.t('uniform attention'),
        role: 'chance',
        y: layers.map((one) => one.uniformEffectiveTokens),
      },
    ],
    levels: [],
  };
}

const heat = {
  kind: 'heatmap',
  caution,
  formula: formulas.rollout,
  value: { label: l10n.t('weight'), unit: '', scale: 'linear' },
  palette: 'sequential',
} as const;

function layersFigure(
  { layers, from }: AttentionRollout,
  model: ModelSummary,
  names: readonly string[] | null,
): HeatmapFigure[] {
  const rows = layers.filter(({ weights }) => weights !== undefined);
  const columns = rows.at(-1)?.weights?.length ?? 0;
  if (rows.length < 2 || columns < 2) return [];
  const values = Float32Array.from(rows.flatMap(({ weights = [] }) => [...weights]));
  const scale = colourScale(values);
  return [
    {
      ...heat,
      id: 'rollout-layers',
      title: l10n.t('Attention rollout, layer by layer'),
      shows: `${l10n.t('Share of {0} behind each layer (row) that comes from each token in front of the first one (column); rows sum to 1.', from)}${scaleNote(scale)}`,
      rows: rows.length,
      columns,
      values,
      rowAxis: { label: l10n.t('layer'), unit: '', scale: 'linear', integer: true },
      columnAxis: { label: l10n.t('token'), unit: '', scale: 'linear', integer: true },
      rowLabels: rows.map(({ index }) => layerLabel(model, index)),
      ...(names === null ? {} : { columnLabels: names }),
      domain: [0, scale.end],
    },
  ];
}

function mapFigure({ layers, from }: AttentionRollout, model: ModelSummary): HeatmapFigure[] {
  const { index = 0, weights = [] } = layers.at(-1) ?? {};
  const { prefixTokens, suffixTokens } = layerSizes(model, index);
  const [rows, columns] = model.grid;
  const patches = rows * columns;
  if (patches < 2 || prefixTokens + patches + suffixTokens !== weights.length) return [];
  const values = Float64Array.from(weights.slice(prefixTokens, prefixTokens + patches));
  const outside = 1 - values.reduce((sum, weight) => sum + weight, 0);
  const other =
    prefixTokens + suffixTokens === 0
      ? ''
      : ` ${l10n.t('{0} of it comes from tokens that are no patches.', formatNumber(outside))}`;
  return [
    {
      ...heat,
      id: 'rollout-map',
      title: l10n.t('Attention rollout over the patches'),
      shows: `${l10n.t('Share of {0} behind the last layer that comes from each patch, in its place.', from)}${other} ${l10n.t('Equal shares would be {0}.', formatNumber(1 / weights.length))}`,
      rows,
      columns,
      values,
      rowAxis: { label: l10n.t('row of patches'), unit: '', scale: 'linear', integer: true },
      columnAxis: { label: l10n.t('column of patches'), unit: '', scale: 'linear', integer: true },
      domain: [0, Math.max(...values) || 1],
    },
  ];
}

/** Of results that have one; empty otherwise. */
export function rolloutFigures({
  rollout,
  model,
  provenance,
}: Pick<InspectionResult, 'rollout' | 'model' | 'provenance'>): Figure[] {
  if (rollout === undefined || rollout.layers.length === 0) return [];
  const last = rollout.layers.at(-1)!.index;
  const names = tokenNames({ ...model, ...layerSizes(model, last) }, provenance.inputs[0] ?? null);
  return [spreadFigure(rollout), ...mapFigure(rollout, model), ...layersFigure(rollout, model, names)];
}
