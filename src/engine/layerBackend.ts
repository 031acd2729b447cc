// A whole `Backend` from primitives: both ends (float64Ends.ts) and blocks (runLayer.ts). `reference` and both precisions
// of `cpu` are this with their own primitives.

import type { Backend } from './backend';
import { embed, unembed } from './float64Ends';
import type { LayerOps } from './layerOps';
import { runLayer } from './runLayer';

/** Backend over the given primitives, whose products have `precision`; errors arrive as rejections. */
export function createLayerBackend(kind: 'reference' | 'cpu', precision: Backend['precision'], ops: LayerOps): Backend {
  const later = <T>(work: () => T): Promise<T> =>
    new Promise((resolve) => {
      resolve(work());
    });
  return {
    kind,
    precision,
    adapter: null,
    embed: (spec, weights, input) => later(() => embed(ops, spec, weights, input)),
    runLayer: (spec, weights, x, options) => later(() => runLayer(ops, spec, weights, x, options)),
    unembed: (spec, weights, x) => later(() => unembed(ops, spec, weights, x)),
    dispose: () => undefined,
  };
}
