// Attention rollout (Abnar & Zuidema 2020, arXiv 2005.00928): how much of each token behind a layer comes from each token
// in front of the first one, if heads count alike and half of a token goes past the attention.

import type { HeadKernels } from './headKernels';

/** Nothing has been mixed yet: [N, N]. */
export function identityRollout(tokens: number): Float64Array {
  const rollout = new Float64Array(tokens * tokens);
  for (let i = 0; i < tokens; i++) rollout[i * tokens + i] = 1;
  return rollout;
}

/**
 * R = (I + A)/2 R_before with A the mean pattern of the heads.
 * @param patternSum [N, N], the patterns of all heads added up.
 * @param before [N, N] rollout in front of the layer; rows sum to 1, and so do those of the result.
 */
export function rollOn(
  kernels: Pick<HeadKernels, 'matmul'>,
  patternSum: Float64Array,
  heads: number,
  before: Float64Array,
): Float64Array {
  const tokens = Math.sqrt(before.length);
  const mixed = kernels.matmul(patternSum, before, tokens, tokens, tokens);
  return mixed.map((value, cell) => (value / heads + before[cell]!) / 2);
}
