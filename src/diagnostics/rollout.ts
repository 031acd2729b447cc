// Attention rollout from the tokens that the output is read from, beside the same of uniform attention. Plain numbers:
// the matrices are made with the forward pass (engine/rollout.ts).

import { visibleKeys, type ScoreRule } from '../model/blockShape';

/** One layer: where the tokens that are read come from, in tokens in front of the first layer. */
export interface RolloutLayer {
  readonly index: number;
  /** e^entropy of the weights: how many tokens they are spread over. */
  readonly effectiveTokens: number;
  /** The same if every head gave each visible key the same weight. */
  readonly uniformEffectiveTokens: number;
  /** [N], sum 1; absent where there are many layers of many tokens, except in the last. */
  readonly weights?: readonly number[];
}

export interface AttentionRollout {
  /** Which tokens are read, in words: 'the class token'. */
  readonly from: string;
  /** The first layer that the rollout goes through: 0, or where a later stage begins with tokens of its own. */
  readonly firstLayer: number;
  readonly layers: readonly RolloutLayer[];
}

/** Mean of the rows `read` of a rollout [N, N]: [N]. */
export function readRows(rollout: Float64Array, read: readonly number[]): Float64Array {
  const tokens = Math.sqrt(rollout.length);
  const weights = new Float64Array(tokens);
  for (const row of read) {
    for (let j = 0; j < tokens; j++) weights[j]! += rollout[row * tokens + j]! / read.length;
  }
  return weights;
}

/** `readRows` of the rollout through uniform attention under `rules`, one a layer: no matrix is needed for it. */
export function uniformRollout(tokens: number, read: readonly number[], rules: readonly ScoreRule[]): Float64Array {
  let weights = new Float64Array(tokens);
  for (const row of read) weights[row] = 1 / read.length;
  // From the last layer back: the row vector is multiplied by (I + U)/2, whose rows are constant over the visible keys.
  for (const rule of [...rules].reverse()) {
    const steps = new Float64Array(tokens + 1);
    for (let i = 0; i < tokens; i++) {
      const { from, to } = visibleKeys(rule, i, tokens);
      const share = weights[i]! / (to - from);
      steps[from]! += share;
      steps[to]! -= share;
    }
    let spread = 0;
    weights = weights.map((own, j) => {
      spread += steps[j]!;
      return (own + spread) / 2;
    });
  }
  return weights;
}

/** e^entropy of weights that sum to 1, 0 log 0 = 0. */
export function effectiveTokens(weights: Float64Array): number {
  let entropy = 0;
  for (const weight of weights) if (weight > 0) entropy -= weight * Math.log(weight);
  return Math.exp(entropy);
}
