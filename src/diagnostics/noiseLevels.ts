// Default levels of the noise kinds, table of spec section 6.

import type { NoiseKind } from './headResult';

const levels: Readonly<Record<NoiseKind, readonly number[]>> = {
  token_gauss: [0.05, 0.1, 0.2, 0.4, 0.8],
  key_gauss: [0.05, 0.1, 0.2, 0.4, 0.8],
  key_sparse: [0.01, 0.02, 0.05, 0.1, 0.2],
  token_replace: [0.05, 0.1, 0.2, 0.3, 0.5],
  token_drop: [0.05, 0.1, 0.2, 0.3, 0.5],
};

/** Default levels of a kind, ascending: relative sd for gauss kinds, share of entries or tokens for the others. */
export function defaultLevels(kind: NoiseKind): readonly number[] {
  return levels[kind];
}

/** Whether a level of this kind is a share of entries or tokens, and so 1 at most. */
export function levelsAreShares(kind: NoiseKind): boolean {
  return kind === 'key_sparse' || kind === 'token_replace' || kind === 'token_drop';
}
