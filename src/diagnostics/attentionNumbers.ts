// Plain numbers about an attention pattern; they need no theory and say at a glance what kind of head it is. The same
// numbers of uniform attention stand beside them.

import { visibleKeys, type ScoreRule } from '../model/blockShape';
import type { AttentionFacts, AttentionNumbers } from './headResult';

/** Where tokens are, for distances and for the mass on tokens that are no content. */
export interface TokenPlaces {
  /** Patches row by row from token `first` on; null: a sequence, whose distance is |i - j|. */
  readonly grid: { readonly rows: number; readonly columns: number; readonly first: number } | null;
  /** Indexes of class, distillation, register and special tokens. */
  readonly special: readonly number[];
}

/** Of a pattern [N, N] whose rows sum to 1; entropy in nats, 0 log 0 = 0. `rule`: what uniform attention may see. */
export function attentionNumbers(
  pattern: Float64Array,
  tokens: number,
  places: TokenPlaces,
  rule: ScoreRule,
): AttentionNumbers {
  return {
    ...attentionFacts(pattern, tokens, places),
    uniform: attentionFacts(uniformPattern(tokens, rule), tokens, places),
  };
}

/** Every visible key gets the same weight. */
export function uniformPattern(tokens: number, rule: ScoreRule): Float64Array {
  const pattern = new Float64Array(tokens * tokens);
  for (let i = 0; i < tokens; i++) {
    const { from, to } = visibleKeys(rule, i, tokens);
    pattern.fill(1 / (to - from), i * tokens + from, i * tokens + to);
  }
  return pattern;
}

function attentionFacts(pattern: Float64Array, tokens: number, places: TokenPlaces): AttentionFacts {
  let entropy = 0;
  let effectiveTokens = 0;
  let maxWeight = 0;
  let diagonalMass = 0;
  let previousTokenMass = 0;
  let firstTokenMass = 0;
  let specialTokenMass = 0;
  for (let i = 0; i < tokens; i++) {
    let rowEntropy = 0;
    let largest = 0;
    for (let j = 0; j < tokens; j++) {
      const weight = pattern[i * tokens + j]!;
      if (weight > 0) rowEntropy -= weight * Math.log(weight);
      if (weight > largest) largest = weight;
    }
    entropy += rowEntropy;
    effectiveTokens += Math.exp(rowEntropy);
    maxWeight += largest;
    diagonalMass += pattern[i * tokens + i]!;
    firstTokenMass += pattern[i * tokens]!;
    if (i > 0) previousTokenMass += pattern[i * tokens + i - 1]!;
    for (const j of places.special) specialTokenMass += pattern[i * tokens + j]!;
  }
  const distance = meanDistance(pattern, tokens, places);
  return {
    entropy: entropy / tokens,
    effectiveTokens: effectiveTokens / tokens,
    maxWeight: maxWeight / tokens,
    diagonalMass: diagonalMass / tokens,
    ...(tokens > 1 ? { previousTokenMass: previousTokenMass / (tokens - 1) } : {}),
    firstTokenMass: firstTokenMass / tokens,
    ...(places.special.length === 0 ? {} : { specialTokenMass: specialTokenMass / tokens }),
    ...(distance === null ? {} : { distance }),
  };
}

/**
 * Mean over queries of the attention-weighted distance to their keys: Euclidean on the patch grid, in patches, between
 * patches alone (weights of the other keys left out, the rest rescaled to 1); |i - j| where there is no grid.
 */
function meanDistance(pattern: Float64Array, tokens: number, { grid }: TokenPlaces): number | null {
  const first = grid?.first ?? 0;
  const count = grid === null ? tokens : grid.rows * grid.columns;
  let total = 0;
  let queries = 0;
  for (let i = 0; i < count; i++) {
    let mass = 0;
    let weighted = 0;
    for (let j = 0; j < count; j++) {
      const weight = pattern[(first + i) * tokens + first + j]!;
      mass += weight;
      weighted += weight * (grid === null ? Math.abs(i - j) : gridDistance(i, j, grid.columns));
    }
    if (mass === 0) continue;
    total += weighted / mass;
    queries += 1;
  }
  return queries === 0 ? null : total / queries;
}

function gridDistance(i: number, j: number, columns: number): number {
  const down = Math.floor(i / columns) - Math.floor(j / columns);
  const across = (i % columns) - (j % columns);
  return Math.sqrt(down * down + across * across);
}
