// The cost of a run over several inputs: one after the other, so that times add up and memory is that of the largest.

import type { InspectionPlan } from '../inspectionRequest';

/** `sum` (null: none yet) with one more input; the name of the first stays. */
export function addPlan(sum: InspectionPlan | null, next: InspectionPlan): InspectionPlan {
  if (sum === null) return { ...next, inputs: { count: 1, fewestTokens: next.tokens, mostTokens: next.tokens } };
  const { count = 1, fewestTokens = sum.tokens, mostTokens = sum.tokens } = sum.inputs ?? {};
  return {
    ...sum,
    inputs: {
      count: count + 1,
      fewestTokens: Math.min(fewestTokens, next.tokens),
      mostTokens: Math.max(mostTokens, next.tokens),
    },
    peakByteLength: Math.max(sum.peakByteLength, next.peakByteLength),
    forwardFlops: sum.forwardFlops + next.forwardFlops,
    diagnosticsFlops: sum.diagnosticsFlops + next.diagnosticsFlops,
    estimatedSeconds: sum.estimatedSeconds + next.estimatedSeconds,
    knownTwins: sum.knownTwins && next.knownTwins,
  };
}
