// The Gram matrix that kernel PCA of the keys is about, in the log domain of spec section 3: no epsilon, no
// overflow however long the keys are.

import type { HeadKernels } from '../engine/headKernels';

export interface KeyGram {
  readonly tokens: number;
  /** log g(k_i) = lse_j k_i.k_j / sqrt(d), [N] */
  readonly logG: Float64Array;
  /** max_ij log K_phi(k_i, k_j), never above 0. True centred Gram = e^shift centred. */
  readonly shift: number;
  /** K_phi e^-shift, [N, N], entries in [0, 1]. */
  readonly gram: Float64Array;
  /** P gram P, [N, N], symmetric to the bit. */
  readonly centred: Float64Array;
  /** max_ij k_i.k_j / sqrt(d) */
  readonly maxScore: number;
}

/** log sum exp of a row of scores. */
export function logSumExp(row: Float64Array): number {
  let max = -Infinity;
  for (let i = 0; i < row.length; i++) max = Math.max(max, row[i]!);
  let total = 0;
  for (let i = 0; i < row.length; i++) total += Math.exp(row[i]! - max);
  return max + Math.log(total);
}

/** Keys k [N, d] to the centred phi-kernel of spec section 3. */
export function keyGram(k: Float64Array, tokens: number, headDim: number, kernels: HeadKernels): KeyGram {
  const n = tokens;
  const scores = kernels.matmulTransposed(k, k, n, headDim, n);
  const root = Math.sqrt(headDim);
  let maxScore = -Infinity;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const score = scores[i * n + j]! / root;
      scores[i * n + j] = score;
      scores[j * n + i] = score;
      if (score > maxScore) maxScore = score;
    }
  }
  const logG = new Float64Array(n);
  for (let i = 0; i < n; i++) logG[i] = logSumExp(scores.subarray(i * n, (i + 1) * n));

  let shift = -Infinity;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) shift = Math.max(shift, scores[i * n + j]! - logG[i]! - logG[j]!);
  }
  const gram = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const value = Math.exp(scores[i * n + j]! - logG[i]! - logG[j]! - shift);
      gram[i * n + j] = value;
      gram[j * n + i] = value;
    }
  }
  return { tokens, logG, shift, gram, centred: centre(gram, n), maxScore };
}

/** P a P of a symmetric a [n, n]: row and column means off, grand mean on. */
export function centre(a: Float64Array, n: number): Float64Array {
  const means = new Float64Array(n);
  let grand = 0;
  for (let i = 0; i < n; i++) {
    let total = 0;
    for (let j = 0; j < n; j++) total += a[i * n + j]!;
    means[i] = total / n;
    grand += total / n / n;
  }
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const value = a[i * n + j]! - means[i]! - means[j]! + grand;
      out[i * n + j] = value;
      out[j * n + i] = value;
    }
  }
  return out;
}
