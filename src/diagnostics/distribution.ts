// Two outputs of a network as distributions over its classes, in the log domain: how far one is from the other.

import { logSumExp } from './gram';

function logProbabilities(logits: Float64Array): Float64Array {
  const whole = logSumExp(logits);
  return logits.map((value) => value - whole);
}

/** KL(clean || changed) in nats, of logits [classes] each; never below 0. */
export function klDivergence(clean: Float64Array, changed: Float64Array): number {
  const before = logProbabilities(clean);
  const after = logProbabilities(changed);
  const kl = before.reduce((sum, value, i) => sum + Math.exp(value) * (value - after[i]!), 0);
  return Math.max(0, kl);
}

/** Index of the largest, the first of equals. */
export function topOf(values: Float64Array): number {
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
}
