// The primitives that a backend of blocks brings; everything else (which tensor goes where) is shared in runLayer.ts and
// layerBackend.ts. `reference` and both precisions of `cpu` differ in nothing but this.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { Activation } from '../model/modelSpec';
import type { LinearWeights } from '../model/weights';
import type { HeadKernels } from './headKernels';

/**
 * All functions leave their inputs alone and return fresh arrays. Norms, attention and RPC are float64 always; products
 * and activations are where the time goes, and they have the precision of the backend.
 */
export interface LayerOps {
  readonly kernels: HeadKernels;
  /** x [rows, in] times weight^T [in, out] plus bias; result [rows, out]. */
  linear(x: FloatArray, rows: number, weights: LinearWeights, inWidth: number, outWidth: number): FloatArray;
  /** Each row of x [rows, width] to mean 0 and biased variance 1 (plus eps), then times weight plus bias. */
  layerNorm(x: FloatArray, rows: number, width: number, weights: LinearWeights, eps: number): Float64Array;
  /** Each row of x [rows, width] over sqrt(mean(x^2) + eps), times weight; a bias is not used. */
  rmsNorm(x: FloatArray, rows: number, width: number, weights: LinearWeights, eps: number): Float64Array;
  /** Elementwise: GELU by erf, by tanh, x sigmoid(1.702 x) (quick_gelu), ReLU, x sigmoid(x) (silu). */
  activate(kind: Activation, x: FloatArray): FloatArray;
}
