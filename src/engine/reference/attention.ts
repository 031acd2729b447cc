// Softmax attention of one head in plain float64 (spec section 1), stored pattern and all.

import { matmul, matmulTransposed } from './matmul';

/**
 * softmax over j of q_i.k_j / sqrt(d); q null: q = k. Each row's maximum is subtracted before exp, so scores of
 * any size stay finite. Result [N, N], rows sum to 1.
 */
export function pattern(q: Float64Array | null, k: Float64Array, tokens: number, headDim: number): Float64Array {
  const a = matmulTransposed(q ?? k, k, tokens, headDim, tokens);
  const scale = Math.sqrt(headDim);
  for (let i = 0; i < tokens; i++) {
    const row = a.subarray(i * tokens, (i + 1) * tokens);
    let max = -Infinity;
    for (let j = 0; j < tokens; j++) {
      row[j] = row[j]! / scale;
      max = Math.max(max, row[j]!);
    }
    let sum = 0;
    for (let j = 0; j < tokens; j++) {
      row[j] = Math.exp(row[j]! - max);
      sum += row[j]!;
    }
    for (let j = 0; j < tokens; j++) row[j]! /= sum;
  }
  return a;
}

/** h = pattern(q, k) v; v is [N, dv] with any dv. Result [N, dv]. */
export function attention(
  q: Float64Array | null,
  k: Float64Array,
  v: Float64Array,
  tokens: number,
  headDim: number,
): Float64Array {
  return matmul(pattern(q, k, tokens, headDim), v, tokens, tokens, v.length / tokens);
}
