// A head as the maps, lists and tooltips of all heads need it, without the lists that only its own page draws: of 32 x 32
// heads these are nine tenths of what a page would have to take in before it shows anything.

import type { HeadResult } from '../../diagnostics/headResult';
import { median } from '../format';

/** Lists of numbers up to this length stay: quartiles, for instance. */
const shortList = 4;

/**
 * Says the same in every metric, filter and verdict as the whole head (metrics.ts, headFilters.ts): lists of numbers are
 * empty, but for those that a metric reads, which are as short as it needs.
 */
export function headNumbers(head: HeadResult): HeadResult {
  const { gamma, spectrum, rpc } = head;
  const medianOf = (one: HeadResult['gamma']['learned']): HeadResult['gamma']['learned'] => ({
    ...withoutLists(one),
    eigenResidual: [median(one.eigenResidual)],
  });
  const cut: HeadResult = {
    ...withoutLists(head),
    gamma: { learned: medianOf(gamma.learned), eig: medianOf(gamma.eig), perturbed: medianOf(gamma.perturbed) },
    spectrum: {
      ...withoutLists(spectrum),
      eigenvalues: spectrum.eigenvalues.slice(0, 1),
      log10Eigenvalues: spectrum.log10Eigenvalues.slice(0, 1),
    },
    rpc: rpc === null ? null : { ...withoutLists(rpc), density: rpc.density.slice(-1) },
  };
  // A table of settings, of its own page alone.
  delete (cut as { rpcSweep?: unknown }).rpcSweep;
  return cut;
}

function withoutLists<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, cutPart(part)])) as T;
}

function cutPart(part: unknown): unknown {
  if (typeof part !== 'object' || part === null) return part;
  if (!Array.isArray(part)) return withoutLists(part);
  const isList = part.every((one) => one === null || typeof one === 'number');
  return isList && part.length > shortList ? [] : part.map(cutPart);
}
