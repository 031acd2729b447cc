// Layers on their way to a page: the numbers of their heads as text, a layer a text. A page takes in text as it is and reads
// it layer by layer, while objects of 32 x 32 heads would block it for a quarter of a second.

import type { LayerResult } from '../inspection/inspectionResult';
import { headNumbers } from '../report/figures/headNumbers';

/** JSON of a layer whose heads have no lists (headNumbers.ts). */
export type WireLayer = string;

/** Layers go to two pages, and again with every snapshot. */
const known = new WeakMap<LayerResult, WireLayer>();

export function packLayers(layers: readonly LayerResult[]): readonly WireLayer[] {
  return layers.map((layer) => {
    const text = known.get(layer) ?? JSON.stringify({ ...layer, heads: layer.heads.map(headNumbers) });
    known.set(layer, text);
    return text;
  });
}

export function unpackLayer(text: WireLayer): LayerResult {
  return JSON.parse(text) as LayerResult;
}
