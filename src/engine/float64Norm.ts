// The network's norm on rows of any width, over the primitives of a float64 backend.

import type { FloatArray } from '../checkpoint/tensorIndex';
import { blockShape } from '../model/blockShape';
import type { ModelSpec } from '../model/modelSpec';
import type { LinearWeights } from '../model/weights';
import type { LayerOps } from './layerOps';

/** Rows of x [rows, width] by the network's norm; width is the length of its weight. */
export function normRows(
  ops: LayerOps,
  spec: ModelSpec,
  x: FloatArray,
  rows: number,
  weights: LinearWeights,
): Float64Array {
  const width = weights.weight.length;
  return blockShape(spec).norm === 'rms'
    ? ops.rmsNorm(x, rows, width, weights, spec.layerNormEps)
    : ops.layerNorm(x, rows, width, weights, spec.layerNormEps);
}
