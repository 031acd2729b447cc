// The numbers that tell the named variants of RPC-Attention apart (table of spec section 2), and in which layers
// RPC runs. Shared by every backend; the iteration itself is each backend's own.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { RpcSettings } from '../model/modelSpec';
import { EngineError } from './backend';
import type { RpcParameters } from './headKernels';

export interface RpcConstants {
  readonly mu: number;
  /** Soft threshold of S. */
  readonly tau: number;
  /** Sign of Y/mu in the cleaned keys K2 = K - S + sigma Y/mu. */
  readonly sigma: 1 | -1;
}

/**
 * mu, tau and sigma of a variant. `keyNorm1` is the entrywise 1-norm of the keys [N, d] of one head.
 * @throws EngineError nonFinite when the keys are all zero: mu = N C / (4 ||K||_1) has no value then.
 */
export function rpcConstants(
  parameters: RpcParameters,
  keyNorm1: number,
  tokens: number,
  headDim: number,
): RpcConstants {
  if (keyNorm1 === 0) {
    throw new EngineError(
      'nonFinite',
      'RPC-Attention has no value for a head whose keys are all zero (mu divides by the 1-norm of the keys). Let softmax flow on in this layer.',
    );
  }
  if (!Number.isInteger(parameters.iterations) || parameters.iterations < 1) {
    throw new EngineError('internal', `RPC-Attention needs 1 or more iterations, not ${parameters.iterations}.`);
  }
  const { variant, lambda } = parameters;
  const width = variant === 'code' ? parameters.embedDim : headDim;
  const mu = (tokens * width) / (4 * keyNorm1);
  const tau = variant === 'code' || variant === 'code-headdim' ? lambda * mu : lambda / mu;
  return { mu, tau, sigma: variant === 'admm' ? 1 : -1 };
}

/** Heads of keys [H, N, d] that are all zero, such as pruned ones: RPC-Attention has no value for them. */
export function headsWithoutKeys(keys: FloatArray, heads: number): ReadonlySet<number> {
  const size = keys.length / heads;
  const found = new Set<number>();
  for (let h = 0; h < heads; h++) {
    if (keys.subarray(h * size, (h + 1) * size).every((key) => key === 0)) found.add(h);
  }
  return found;
}

/** Whether the settings name this layer; null settings name none. */
export function rpcRunsIn(settings: RpcSettings | null, layer: number): settings is RpcSettings {
  if (settings === null || settings.layers === 'none') return false;
  return settings.layers === 'all' || settings.layers.includes(layer);
}

/** The part of the settings that the head kernels need. */
export function rpcParameters(settings: RpcSettings, embedDim: number): RpcParameters {
  return { variant: settings.variant, iterations: settings.iterations, lambda: settings.lambda, embedDim };
}
