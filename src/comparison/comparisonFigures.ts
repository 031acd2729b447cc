// Pictures of a comparison: difference maps on a palette with 0 in its middle, and timelines of any metric.

import * as l10n from '@vscode/l10n';
import type { HeatmapFigure, LineFigure, Series } from '../report/figures/figure';
import { metricDomain, type HeadMetric } from '../report/figures/headMetric';
import { metricById, usesGram } from '../report/figures/metrics';
import { overviewFigure, overviewMetricIds } from '../report/figures/overviewFigures';
import { formulas } from '../report/figures/sources';
import { formatNumber } from '../report/format';
import { withGram } from '../report/gramText';
import { headPlace, layerLabel } from '../report/layerLabel';
import { metricHere } from './comparedMetrics';
import type { ComparedHead, ComparedMetric, Comparison } from './comparison';
import { changeNote, comparedHeadAt, endsOf } from './comparisonText';
import { runLabel } from './timelineRanking';

/** The metric whose meaning, formula and caution a compared number shares. */
function sourceMetric({ kind }: Comparison, id: string): HeadMetric {
  if (kind !== 'methods') return metricById(id);
  return metricById(id.startsWith('noise.') ? `${id}.difference` : 'rpc.cleanGap');
}

function metricOf(comparison: Comparison, id: string): ComparedMetric {
  return metricHere(comparison, id) ?? comparison.metrics[0]!;
}

/** What a figure of this metric has in common with the overview of a single run. */
function frameOf(comparison: Comparison, id: string): Pick<HeatmapFigure, 'title' | 'caution' | 'formula' | 'value'> {
  const source = sourceMetric(comparison, id);
  const { caution, formula, value } = overviewFigure(source, [], { layers: 1, heads: 1 });
  const metric = metricOf(comparison, id);
  return { title: usesGram(metric) ? withGram(metric.label, comparison.gram) : metric.label, caution, formula, value };
}

/** Metrics that report and page show first. */
export function shownMetricIds(comparison: Comparison): readonly string[] {
  const ids = comparison.metrics.map(({ id }) => id);
  const first = overviewMetricIds.filter((id) => ids.includes(id));
  return comparison.kind === 'methods' || first.length === 0 ? ids : first;
}

/** Change of one metric [layers, heads]; heads without a number in both runs are NaN. `cellNote` says it in words. */
export function differenceFigure(comparison: Comparison, id: string): HeatmapFigure {
  const { layers, heads } = comparison.model;
  const values = new Float64Array(layers * heads).fill(Number.NaN);
  const compared: ComparedHead[] = [];
  for (const layer of comparison.layers) {
    for (const head of layer.heads) {
      const cell = layer.index * heads + head.index;
      values[cell] = head.metrics[id]?.difference ?? Number.NaN;
      compared[cell] = head;
    }
  }
  const [from, to] = endsOf(comparison);
  const frame = frameOf(comparison, id);
  const { unit } = metricOf(comparison, id);
  return {
    kind: 'heatmap',
    id: `difference-${id}`,
    title: l10n.t('Change of {0}', frame.title),
    shows: `${l10n.t('{0} minus {1}.', to, from)} ${metricOf(comparison, id).explanation}`,
    caution: frame.caution,
    formula: `${frame.formula}\n${formulas.change}`,
    rows: layers,
    columns: heads,
    ...(comparison.model.stages === undefined
      ? {}
      : { rowLabels: Array.from({ length: layers }, (_, layer) => layerLabel(comparison.model, layer)) }),
    values,
    cellNote: (cell) => (compared[cell] === undefined ? '' : changeNote(comparison, compared[cell], id)),
    rowAxis: { label: l10n.t('layer'), unit: '', scale: 'linear', integer: true },
    columnAxis: { label: l10n.t('head'), unit: '', scale: 'linear', integer: true },
    value: { label: l10n.t('change'), unit, scale: 'linear' },
    palette: 'diverging',
    domain: metricDomain({ kind: 'symmetric' }, Array.from(values)),
  };
}

/** Ticks of an axis of runs: steps where all have one, else names. */
function runLabels({ runs }: Comparison): readonly string[] {
  return runs.map((_, run) => runLabel(runs, run));
}

function allHeads({ layers }: Comparison): { readonly layer: number; readonly head: ComparedHead }[] {
  return layers.flatMap(({ index, heads }) => heads.map((head) => ({ layer: index, head })));
}

/** A metric over the runs [heads, runs], a row a head. */
export function timelineFigure(comparison: Comparison, id: string): HeatmapFigure {
  const { palette, domain } = sourceMetric(comparison, id);
  const rows = allHeads(comparison);
  const { runs, model } = comparison;
  const values = Float64Array.from(
    rows.flatMap(({ head }) => runs.map((_, run) => head.metrics[id]?.values[run] ?? Number.NaN)),
  );
  const frame = frameOf(comparison, id);
  return {
    kind: 'heatmap',
    id: `timeline-${id}`,
    title: l10n.t('{0}, run by run', frame.title),
    shows:
      `${metricOf(comparison, id).explanation} ${l10n.t('A row a head, a column a run.')} ${comparison.order ?? ''}`.trim(),
    caution: frame.caution,
    formula: frame.formula,
    rows: rows.length,
    columns: runs.length,
    rowLabels: rows.map(({ layer, head }) => `${layerLabel(model, layer)} · ${head.index}`),
    columnLabels: runLabels(comparison),
    values,
    cellNote: (cell) => {
      const { layer, head } = rows[Math.floor(cell / runs.length)]!;
      return valueNote(comparison, layer, head, id, cell % runs.length);
    },
    rowAxis: { label: l10n.t('layer · head'), unit: '', scale: 'linear', integer: true },
    columnAxis: {
      label: runs.every(({ step }) => step !== null) ? l10n.t('step') : l10n.t('run'),
      unit: '',
      scale: 'linear',
    },
    value: frame.value,
    palette,
    domain: metricDomain(
      domain,
      Array.from(values, (value) => (Number.isNaN(value) ? null : value)),
    ),
  };
}

function valueNote(comparison: Comparison, layer: number, head: ComparedHead, id: string, run: number): string {
  const { label, unit } = metricOf(comparison, id);
  const number = head.metrics[id];
  const level = number?.chance?.[run];
  const value = number?.values[run] ?? null;
  const place = headPlace(comparison.model, layer, head.index);
  const partner = head.partners[run] ?? head.index;
  const who = partner === head.index ? place : l10n.t('{0} (its head {1})', place, partner);
  const text = `${label}: ${formatNumber(value)}${value === null || unit === '' ? '' : ` ${unit}`}`;
  const beside = typeof level === 'number' ? l10n.t('{0}; chance level {1}', text, formatNumber(level)) : text;
  return `${comparison.runs[run]?.name ?? ''}, ${who}\n${beside}`;
}

/** The same of one head as a line over the steps, with its chance level. */
export function headTimeline(comparison: Comparison, id: string, layer: number, index: number): LineFigure {
  const { runs, model } = comparison;
  const head = comparedHeadAt(comparison, layer, index);
  const number = head?.metrics[id];
  const steps = runs.map(({ step }, run) => step ?? run);
  const byStep = runs.every(({ step }) => step !== null);
  const frame = frameOf(comparison, id);
  const { unit, label } = metricOf(comparison, id);
  const chance: Series[] =
    number?.chance === undefined
      ? []
      : [{ name: l10n.t('chance'), role: 'chance', x: steps, y: number.chance, draw: 'line' }];
  return {
    kind: 'lines',
    id: `timeline-head-${id}`,
    title: `${label}: ${headPlace(model, layer, index)}`,
    shows: `${metricOf(comparison, id).explanation} ${comparison.order ?? ''}`.trim(),
    caution: frame.caution,
    formula: frame.formula,
    x: { label: byStep ? l10n.t('step') : l10n.t('run'), unit: '', scale: 'linear', integer: true },
    y: { label: frame.value.label, unit, scale: 'linear' },
    series: [
      {
        name: l10n.t('this head'),
        role: 'data',
        x: steps,
        y: number?.values ?? steps.map(() => null),
        draw: 'line+points',
      },
      ...chance,
    ],
    levels: [],
  };
}
