// What changed most. Changes are ranked by how far they lie outside what their null draws, repeats or inputs do by
// themselves; those without such a yardstick by how far heads differ from each other, in a list of their own.

import type { ComparedHead, ComparedLayer, ComparedMetric, Comparison, RankedChange } from './comparison';

/** Adds `inSpreads`, and leaves out what is none of `metrics`. */
export function withSpreads(
  layers: readonly ComparedLayer[],
  metrics: readonly Pick<ComparedMetric, 'id'>[],
): ComparedLayer[] {
  const all = layers.flatMap(({ heads }) => heads);
  const spreads = new Map(
    metrics.map(({ id }) => [id, standardDeviation(all.flatMap((head) => ends(head, id)))] as const),
  );
  const spreadHead = (head: ComparedHead): ComparedHead => ({
    ...head,
    metrics: Object.fromEntries(
      metrics.map(({ id }) => {
        const number = head.metrics[id]!;
        const spread = spreads.get(id) ?? 0;
        const measurable = number.difference !== null && Number.isFinite(spread) && spread > 0;
        return [id, measurable ? { ...number, inSpreads: number.difference / spread } : number];
      }),
    ),
  });
  return layers.map((layer) => ({ ...layer, heads: layer.heads.map(spreadHead) }));
}

/** Values of the first and the last run, where both are there. */
function ends(head: ComparedHead, id: string): number[] {
  const { values, difference } = head.metrics[id]!;
  return difference === null ? [] : [values[0]!, values.at(-1)!];
}

/** ddof 1 */
function standardDeviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

interface Measure {
  readonly change: RankedChange;
  readonly size: number;
}

/** One line a head and group of metrics: its largest change. */
export function rankChanges(
  layers: readonly ComparedLayer[],
  metrics: readonly Pick<ComparedMetric, 'id' | 'group'>[],
): Comparison['ranked'] {
  const inBands: Measure[] = [];
  const inSpreads: Measure[] = [];
  let banded = 0;
  let outside = 0;
  const groups = [...new Set(metrics.map(({ group }) => group))];
  for (const { index: layer, heads } of layers) {
    for (const head of heads) {
      const line = { layer, head: head.index, partner: head.partners.at(-1)! };
      for (const group of groups) {
        const members = metrics.filter((metric) => metric.group === group).map(({ id }) => id);
        const byBand = members.flatMap((id) => sized(id, head.metrics[id]!.inBands));
        const bySpread = members.flatMap((id) =>
          head.metrics[id]!.band === undefined ? sized(id, head.metrics[id]!.inSpreads) : [],
        );
        const far = byBand.filter(({ size }) => size > 1).length;
        banded += byBand.length;
        outside += far;
        const [most] = largestFirst(byBand);
        if (most !== undefined && most.size > 0) {
          const others = far - (most.size > 1 ? 1 : 0);
          inBands.push({ size: most.size, change: { ...line, metric: most.id, others } });
        }
        const [widest] = largestFirst(bySpread);
        if (widest !== undefined && widest.size > 0)
          inSpreads.push({ size: widest.size, change: { ...line, metric: widest.id, others: 0 } });
      }
    }
  }
  const ranked = (list: readonly Measure[]): RankedChange[] => largestFirst(list).map(({ change }) => change);
  return { inBands: ranked(inBands), inSpreads: ranked(inSpreads), banded, outside };
}

function sized(id: string, change: number | undefined): { id: string; size: number }[] {
  return change === undefined ? [] : [{ id, size: Math.abs(change) }];
}

/** Equal sizes stay in the order of layers, heads and metrics. */
function largestFirst<T extends { readonly size: number }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => b.size - a.size);
}
