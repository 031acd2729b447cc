// One setting of RPC on every head of a layer: a row a head, and how the iteration goes in each.

import * as l10n from '@vscode/l10n';
import { hasCollapsed } from '../../diagnostics/rpcSweep';
import type { RpcLabRow } from '../../inspection/rpcLab';
import { formatNumber } from '../format';
import type { HeatmapFigure } from './figure';
import type { HeadContext } from './headFigures';
import { whatIf } from './noiseFigures';
import { formulas } from './sources';

export const rpcLayerColumns = [
  l10n.t('Head'),
  l10n.t('Clean gap'),
  l10n.t('Dispersion, RPC'),
  l10n.t('Dispersion, softmax'),
  l10n.t('Residual'),
  l10n.t('Density of S'),
  '‖S‖/‖K‖',
  'mu',
  'tau',
  l10n.t('Remarks'),
] as const;

/** Cells of one head; numbers of the iteration are those of its last pass. */
export function rpcLayerCells({ head, numbers }: RpcLabRow): readonly string[] {
  const { cleanGap, dispersion, residual, density, sparseNorm, mu, tau, sparseNeverActive, reason } = numbers;
  const last = (values: readonly number[]): string => formatNumber(values.at(-1) ?? null);
  const remarks = [
    ...(hasCollapsed(numbers) ? [l10n.t('collapse')] : []),
    ...(sparseNeverActive ? [l10n.t('S never active')] : []),
    ...(reason === undefined ? [] : [reason]),
  ];
  return [
    String(head),
    formatNumber(cleanGap),
    formatNumber(dispersion.rpc),
    formatNumber(dispersion.softmax),
    last(residual),
    last(density),
    last(sparseNorm),
    formatNumber(mu),
    formatNumber(tau),
    remarks.join('; '),
  ];
}

/** Residual and density of S, heads by passes; empty where no head has a value. */
export function rpcLayerFigures(rows: readonly RpcLabRow[], context: HeadContext): HeatmapFigure[] {
  const passes = Math.max(0, ...rows.map(({ numbers }) => numbers.residual.length));
  if (passes === 0) return [];
  const map = (
    id: 'residual' | 'density',
    words: Pick<HeatmapFigure, 'title' | 'shows' | 'caution'> & {
      readonly value: string;
      readonly most: number | null;
    },
  ): HeatmapFigure => {
    const values = Float64Array.from(
      rows.flatMap(({ numbers }) => Array.from({ length: passes }, (_, t) => numbers[id][t] ?? Number.NaN)),
    );
    const { title, shows, caution, value, most } = words;
    const known = values.filter((one) => !Number.isNaN(one));
    return {
      kind: 'heatmap',
      id: `lab-layer-${id}`,
      title,
      shows,
      caution,
      formula: formulas.rpc,
      rows: rows.length,
      columns: passes,
      values,
      rowAxis: { label: l10n.t('head'), unit: '', scale: 'linear', integer: true },
      columnAxis: { label: l10n.t('iteration'), unit: '', scale: 'linear', integer: true },
      rowLabels: rows.map(({ head }) => String(head)),
      columnLabels: Array.from({ length: passes }, (_, t) => String(t + 1)),
      value: { label: value, unit: '', scale: 'linear' },
      palette: 'sequential',
      domain: [0, most ?? (Math.max(...known) || 1)],
    };
  };
  return [
    map('residual', {
      title: l10n.t('Residual, every head of the layer'),
      shows: l10n.t('How far keys, sparse part and output of RPC are apart after each pass, ‖K − L − S‖/‖K‖.'),
      caution: `${l10n.t('L is no low-rank part of the keys, so the residual need not fall.')}${whatIf(context)}`,
      value: l10n.t('residual'),
      most: null,
    }),
    map('density', {
      title: l10n.t('Density of S, every head of the layer'),
      shows: l10n.t('Share of the entries of the keys that the threshold takes out in each pass.'),
      caution: `${l10n.t('Neither a dense nor an empty S says that outliers were found.')}${whatIf(context)}`,
      value: l10n.t('density'),
      most: 1,
    }),
  ];
}
