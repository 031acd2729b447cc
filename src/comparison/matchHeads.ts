// Which head of one run is which of another within a layer: by index, or by the permutation under which their metrics are
// closest. result.json holds metrics and no outputs, so that the distance is one of metrics.

import { linearAssignment } from '../diagnostics/assignment';
import type { HeadResult } from '../diagnostics/headResult';
import type { HeadMetric } from '../report/figures/headMetric';
import type { LayerMatching, MatchedBy } from './comparison';

/** Heads of one layer, in the order of their indexes. */
type Heads = readonly HeadResult[];

/**
 * Distances [H, H] of the heads of `a` (rows) and `b` (columns), row-major: the square root of the mean over groups of
 * metrics of the mean over the group's metrics of (z_a - z_b)^2, z standardised over the 2H heads of both (ddof 1). Groups
 * weigh the same however many metrics they have. Metrics that a head lacks, or that do not vary, are left out; null:
 * none is left, or the layers differ in heads.
 */
export function headDistances(a: Heads, b: Heads, metrics: readonly HeadMetric[]): Float64Array | null {
  const count = a.length;
  if (count !== b.length) return null;
  const groups = new Map<string, { sum: Float64Array; metrics: number }>();
  for (const metric of metrics) {
    const scores = standardised([...a, ...b].map((head) => metric.value(head)));
    if (scores === null) continue;
    const group = groups.get(metric.group) ?? { sum: new Float64Array(count * count), metrics: 0 };
    groups.set(metric.group, group);
    group.metrics += 1;
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) group.sum[i * count + j]! += (scores[i]! - scores[count + j]!) ** 2;
    }
  }
  if (groups.size === 0) return null;
  const all = [...groups.values()];
  return Float64Array.from({ length: count * count }, (_, pair) =>
    Math.sqrt(all.reduce((sum, group) => sum + group.sum[pair]! / group.metrics, 0) / all.length),
  );
}

function standardised(values: readonly (number | null)[]): Float64Array | null {
  const known = values.filter((value) => value !== null);
  if (known.length < values.length) return null;
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const sd = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1));
  return Number.isFinite(sd) && sd > 0 ? Float64Array.from(known, (value) => (value - mean) / sd) : null;
}

/** Entry i is the place in `b` of the partner of head i of `a`; places, not indexes, where only some heads were inspected. */
export function matchHeads(
  a: Heads,
  b: Heads,
  metrics: readonly HeadMetric[],
  by: MatchedBy,
): { readonly places: readonly number[]; readonly matching: LayerMatching | null } {
  const identity = a.map((_, i) => i);
  const distances = headDistances(a, b, metrics);
  if (distances === null) return { places: identity, matching: null };
  const count = a.length;
  const best = Array.from(linearAssignment(distances, count));
  const mean = (places: readonly number[]): number =>
    places.reduce((sum, j, i) => sum + distances[i * count + j]!, 0) / count;
  const [byIndex, byPermutation] = [mean(identity), mean(best)];
  // Equally good: the order that is there.
  const places = by === 'permutation' && byPermutation < byIndex ? best : identity;
  const byChance = distances.reduce((sum, one) => sum + one, 0) / distances.length;
  return { places, matching: { distance: mean(places), byIndex, byPermutation, byChance } };
}
