// The rank rule of spec section 3: how many eigenvectors of a centred Gram matrix are more than round-off.

import type { EigenPairs } from '../engine/symmetricEigen';

/**
 * R = #{w > N 2^-52 w_1} (spec section 3) of the centred Gram with entries up to 1. When even w_1 is no more than
 * the round-off of centring such entries, all keys are the same and R is 0.
 */
export function numericalRank(eigen: EigenPairs): number {
  const roundOff = eigen.size * 2 ** -52;
  const top = eigen.values[0] ?? 0;
  if (top <= roundOff) return 0;
  let rank = 0;
  while (rank < eigen.size && eigen.values[rank]! > roundOff * top) rank++;
  return rank;
}
