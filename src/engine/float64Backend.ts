// A whole `Backend` from float64 primitives: both ends (float64Ends.ts) and blocks (runLayer.ts). `reference` and `cpu`
// are this with their own primitives.

import type { Backend } from './backend';
import { embed, unembed } from './float64Ends';
import type { Float64Ops } from './float64Ops';
import { runLayer } from './runLayer';

/** Backend over the given primitives; errors arrive as rejections. */
export function createFloat64Backend(kind: 'reference' | 'cpu', ops: Float64Ops): Backend {
  const later = <T>(work: () => T): Promise<T> =>
    new Promise((resolve) => {
      resolve(work());
    });
  return {
    kind,
    precision: 'float64',
    adapter: null,
    embed: (spec, weights, input) => later(() => embed(ops, spec, weights, input)),
    runLayer: (spec, weights, x, options) => later(() => runLayer(ops, spec, weights, x, options)),
    unembed: (spec, weights, x) => later(() => unembed(ops, spec, weights, x)),
    dispose: () => undefined,
  };
}
