// What RPC-Attention does to one head on clean input: its iterations (spec section 2, F4 and F5) and how far its
// output is from softmax attention, without which no robustness number may be read (spec section 6).

import type { RpcOutput, RpcParameters } from '../engine/headKernels';
import type { RpcNumbers } from './headResult';
import { dispersion, distance, measured, norm } from './vector';

const zeroKeys = 'All keys are zero; mu divides by their 1-norm, so RPC-Attention has no value here.';
const zeroOutput = 'The head output is zero, so nothing relative to it has a value.';

/** `softmax` and `rpc.out` are [N, d]; `rpc` null: all keys are zero. */
export function rpcNumbers(
  parameters: RpcParameters,
  asymmetric: boolean,
  softmax: Float64Array,
  rpc: RpcOutput | null,
  tokens: number,
  headDim: number,
): RpcNumbers {
  const named = {
    variant: parameters.variant,
    iterations: parameters.iterations,
    lambda: parameters.lambda,
    asymmetric,
  };
  const softmaxDispersion = dispersion(softmax, tokens, headDim);
  if (rpc === null) {
    return {
      ...named,
      mu: null,
      tau: null,
      residual: [],
      density: [],
      sparseNorm: [],
      cleanGap: null,
      dispersion: { softmax: softmaxDispersion, rpc: null, reason: zeroKeys },
      sparseNeverActive: false,
      reason: zeroKeys,
    };
  }
  const { mu, tau, residual, density, sparseNorm } = rpc.numbers;
  const cleanGap = measured(distance(rpc.out, softmax) / norm(softmax));
  const rpcDispersion = dispersion(rpc.out, tokens, headDim);
  return {
    ...named,
    mu,
    tau,
    residual,
    density,
    sparseNorm,
    cleanGap,
    dispersion: {
      softmax: softmaxDispersion,
      rpc: rpcDispersion,
      ...(softmaxDispersion === null || rpcDispersion === null ? { reason: zeroOutput } : {}),
    },
    sparseNeverActive: density.every((share) => share === 0),
    ...(cleanGap === null ? { reason: zeroOutput } : {}),
  };
}
