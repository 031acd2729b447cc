// Three runs and more: how far a metric of a head wanders, which the change from the first run to the last does not say. A
// head may rise and fall back, or change all at once between two steps.

import * as l10n from '@vscode/l10n';
import { formatNumber } from '../report/format';
import { layerLabel } from '../report/layerLabel';
import type { Comparison } from './comparison';
import { comparedHeadAt, signed } from './comparisonText';

/** One head's metric over the runs; runs are named by their place. */
export interface TimelineChange {
  readonly layer: number;
  readonly head: number;
  /** Largest value minus least, in the metric's unit. */
  readonly range: number;
  readonly lowest: number;
  readonly highest: number;
  /** Largest change between two runs that follow each other, later minus earlier; null: no two of them measured it. */
  readonly step: number | null;
  /** The later run of that step. */
  readonly stepTo: number;
  /** Last run minus first; null: not measured in one of them. */
  readonly change: number | null;
}

export type TimelineOrder = 'range' | 'step' | 'change';

/** Values [runs] of one head; null: fewer than two runs measured it. Of equal steps the earliest. */
function wandering(values: readonly (number | null)[]): Omit<TimelineChange, 'layer' | 'head' | 'change'> | null {
  const known = values.flatMap((value, run) => (value === null ? [] : [{ value, run }]));
  if (known.length < 2) return null;
  const lowest = known.reduce((best, one) => (one.value < best.value ? one : best));
  const highest = known.reduce((best, one) => (one.value > best.value ? one : best));
  let step: number | null = null;
  let stepTo = 0;
  for (const [i, { value, run }] of known.entries()) {
    const before = known[i - 1];
    // A run that did not measure it leaves a gap, and a change over the gap is none of one step.
    if (before?.run !== run - 1) continue;
    const size = value - before.value;
    if (step === null || Math.abs(size) > Math.abs(step)) [step, stepTo] = [size, run];
  }
  return { range: highest.value - lowest.value, lowest: lowest.run, highest: highest.run, step, stepTo };
}

/** Heads that at least two runs measured the metric in, the largest first; equal ones in the order of layers and heads. */
export function rankTimeline({ layers }: Comparison, metric: string, by: TimelineOrder): readonly TimelineChange[] {
  const found = layers.flatMap(({ index, heads }) =>
    heads.flatMap((head): TimelineChange[] => {
      const number = head.metrics[metric];
      const own = wandering(number?.values ?? []);
      return own === null ? [] : [{ layer: index, head: head.index, ...own, change: number?.difference ?? null }];
    }),
  );
  const size = (one: TimelineChange): number => Math.abs(one[by] ?? Number.NaN);
  const known = found.filter((one) => one[by] !== null);
  return [...known.sort((a, b) => size(b) - size(a)), ...found.filter((one) => one[by] === null)];
}

/** Columns of a ranked timeline; the first two name the head. */
export const timelineColumns: readonly string[] = [
  l10n.t('layer'),
  l10n.t('head'),
  l10n.t('range'),
  l10n.t('lowest'),
  l10n.t('highest'),
  l10n.t('largest step'),
  l10n.t('between'),
  l10n.t('first to last'),
];

/** What they mean. */
export const timelineLegend = l10n.t(
  'Range: largest value minus least over all runs. Largest step: the change between two runs that follow each other that is largest in size; how far apart the runs are does not enter. Neither has a null: the more runs there are, the larger both are by chance.',
);

/** A line of it. */
export function timelineRow(comparison: Comparison, metric: string, one: TimelineChange): readonly string[] {
  const { runs, model } = comparison;
  const { layer, head, range, lowest, highest, step, stepTo, change } = one;
  const values = comparedHeadAt(comparison, layer, head)?.metrics[metric]?.values ?? [];
  const at = (run: number): string => l10n.t('{0} in {1}', formatNumber(values[run]), runLabel(runs, run));
  return [
    layerLabel(model, layer),
    String(head),
    formatNumber(range),
    at(lowest),
    at(highest),
    signed(step),
    step === null ? '' : `${runLabel(runs, stepTo - 1)} → ${runLabel(runs, stepTo)}`,
    signed(change),
  ];
}

/** A run by its step where all have one, else by its name. */
export function runLabel(runs: Comparison['runs'], run: number): string {
  const { name, step } = runs[run]!;
  return step !== null && runs.every((one) => one.step !== null) ? String(step) : name;
}
