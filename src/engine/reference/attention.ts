// Softmax attention of one head in plain float64 (spec section 1), stored pattern and all.

import { plainScores, visibleKeys, type ScoreRule } from '../../model/blockShape';
import { matmul, matmulTransposed } from './matmul';

/**
 * softmax over the visible j of q_i.k_j / sqrt(d) (or as the rule scales it); q null: q = k. Each row's maximum is
 * subtracted before exp, so scores of any size stay finite. Result [N, N], rows sum to 1, 0 where not visible.
 */
export function pattern(
  q: Float64Array | null,
  k: Float64Array,
  tokens: number,
  headDim: number,
  rule: ScoreRule = plainScores,
): Float64Array {
  const a = matmulTransposed(q ?? k, k, tokens, headDim, tokens);
  const divisor = Math.sqrt(headDim);
  for (let i = 0; i < tokens; i++) {
    const { from, to } = visibleKeys(rule, i, tokens);
    const row = a.subarray(i * tokens, (i + 1) * tokens);
    let max = -Infinity;
    for (let j = from; j < to; j++) {
      row[j] = rule.scale === null ? row[j]! / divisor : row[j]! * rule.scale;
      max = Math.max(max, row[j]!);
    }
    let sum = 0;
    for (let j = 0; j < tokens; j++) {
      row[j] = j < from || j >= to ? 0 : Math.exp(row[j]! - max);
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
  rule: ScoreRule = plainScores,
): Float64Array {
  return matmul(pattern(q, k, tokens, headDim, rule), v, tokens, tokens, v.length / tokens);
}
