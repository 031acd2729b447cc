// RPC-Attention (Principal Attention Pursuit) of one head in plain float64: the iteration of spec section 2,
// line by line, with the numbers of F4 written down in each pass.

import { plainScores, type ScoreRule } from '../../model/blockShape';
import type { RpcOutput, RpcParameters, RpcStep } from '../headKernels';
import { rpcConstants } from '../rpcConstants';
import { attention } from './attention';

/**
 * Iterates S, K2, L, Y from L = Y = 0 and returns L after the last pass. q null: symmetric, scores K2 K2^T.
 * With q the unpublished what-if `+asym`: only the keys are cleaned, scores q K2^T. A mask acts inside the softmax;
 * that too is an extension (nobody has published RPC-Attention for causal models).
 * k and v are [N, d]; v must be as wide as k, because L is subtracted from K.
 */
export function rpc(
  q: Float64Array | null,
  k: Float64Array,
  v: Float64Array,
  tokens: number,
  headDim: number,
  parameters: RpcParameters,
  rule: ScoreRule = plainScores,
  onStep?: (step: RpcStep) => void,
): RpcOutput {
  const size = tokens * headDim;
  const { mu, tau, sigma } = rpcConstants(parameters, norm1(k), tokens, headDim);
  const sparse = new Float64Array(size);
  const dual = new Float64Array(size);
  const cleanedKeys = new Float64Array(size);
  let low: Float64Array = new Float64Array(size);
  const residual: number[] = [];
  const density: number[] = [];
  const sparseNorm: number[] = [];
  const keyNorm = norm2(k);

  for (let t = 1; t <= parameters.iterations; t++) {
    for (let i = 0; i < size; i++) {
      const r = k[i]! - low[i]! + dual[i]! / mu;
      sparse[i] = Math.sign(r) * Math.max(Math.abs(r) - tau, 0);
      cleanedKeys[i] = k[i]! - sparse[i]! + (sigma * dual[i]!) / mu;
    }
    low = attention(q, cleanedKeys, v, tokens, headDim, rule);
    const rest = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      rest[i] = k[i]! - low[i]! - sparse[i]!;
      dual[i]! += mu * rest[i]!;
    }
    residual.push(norm2(rest) / keyNorm);
    density.push(sparse.reduce((count, value) => count + (value === 0 ? 0 : 1), 0) / size);
    sparseNorm.push(norm2(sparse) / keyNorm);
    const passed = low;
    onStep?.({
      iteration: t,
      low: () => passed.slice(),
      sparse: () => sparse.slice(),
      cleanedKeys: () => cleanedKeys.slice(),
    });
  }
  return { out: low, cleanedKeys, numbers: { mu, tau, residual, density, sparseNorm } };
}

/** Sum of |x|. */
function norm1(x: Float64Array): number {
  return x.reduce((sum, value) => sum + Math.abs(value), 0);
}

/** Frobenius norm. */
function norm2(x: Float64Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
}
