// Four plain numbers about an attention pattern; they need no theory and say at a glance what kind of head it is.

import type { AttentionNumbers } from './headResult';

/** Of a pattern [N, N] whose rows sum to 1. Entropy in nats, 0 log 0 = 0. */
export function attentionNumbers(pattern: Float64Array, tokens: number): AttentionNumbers {
  let entropy = 0;
  let maxWeight = 0;
  let diagonalMass = 0;
  let firstTokenMass = 0;
  for (let i = 0; i < tokens; i++) {
    let largest = 0;
    for (let j = 0; j < tokens; j++) {
      const weight = pattern[i * tokens + j]!;
      if (weight > 0) entropy -= weight * Math.log(weight);
      if (weight > largest) largest = weight;
    }
    maxWeight += largest;
    diagonalMass += pattern[i * tokens + i]!;
    firstTokenMass += pattern[i * tokens]!;
  }
  return {
    entropy: entropy / tokens,
    maxWeight: maxWeight / tokens,
    diagonalMass: diagonalMass / tokens,
    firstTokenMass: firstTokenMass / tokens,
  };
}
