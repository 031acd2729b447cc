// A run that is filling in: one more head.

import type { HeadResult } from '../diagnostics/headResult';
import type { LayerResult } from './inspectionResult';

/** `layers` with `head` added or replaced, in index order. */
export function withHead(layers: readonly LayerResult[], layer: number, head: HeadResult): readonly LayerResult[] {
  const before = layers.find((entry) => entry.index === layer)?.heads ?? [];
  const heads = [...before.filter((other) => other.index !== head.index), head].sort((a, b) => a.index - b.index);
  return [...layers.filter((entry) => entry.index !== layer), { index: layer, heads }].sort(
    (a, b) => a.index - b.index,
  );
}
