// Log-probabilities of an adaptive softmax (ProjectedAdaptiveLogSoftmax of Transformer-XL and lmtool-fwms): frequent
// words compete with one logit a cluster of rarer ones, the words of a cluster with each other.

import type { FloatArray } from '../checkpoint/tensorIndex';

/**
 * `words` [vocabulary] and `clusters` [K]: logits as the weights give them. `cutoffs`: where each cluster begins,
 * ascending, K of them. The code reads its cluster logits from the end: cluster i takes logit K - i.
 */
export function adaptiveLogProbabilities(
  words: FloatArray,
  clusters: FloatArray,
  cutoffs: readonly number[],
): Float64Array {
  const first = cutoffs[0] ?? words.length;
  const headSum = logSumExp([...words.subarray(0, first), ...clusters]);
  const out = Float64Array.from(words, (logit) => logit - headSum);
  cutoffs.forEach((from, i) => {
    const tail = words.subarray(from, cutoffs[i + 1] ?? words.length);
    const shift = clusters[clusters.length - 1 - i]! - headSum - logSumExp(tail);
    for (let j = 0; j < tail.length; j++) out[from + j] = tail[j]! + shift;
  });
  return out;
}

function logSumExp(values: ArrayLike<number>): number {
  let most = -Infinity;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]!);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i]! - most);
  return most + Math.log(sum);
}
