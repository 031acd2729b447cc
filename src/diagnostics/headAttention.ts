// Attention of one head as its model runs it: softmax with Scaled Attention's mixing where there is one, and RPC
// beside it. The same functions serve clean and noisy q, k, v.

import type { HeadKernels, RpcOutput, RpcParameters } from '../engine/headKernels';
import type { ScoreRule } from '../model/blockShape';
import type { HeadInput } from './headInput';

export interface HeadTensors {
  /** [N, d]; null in symmetric heads. */
  readonly q: Float64Array | null;
  readonly k: Float64Array;
  readonly v: Float64Array;
  readonly tokens: number;
  /** Mask and scale of the scores; absent: every key, 1/sqrt(d). */
  readonly rule?: ScoreRule;
}

/** h = a v', v' = (I - S) v or (I - alpha softmax(k k^T / sqrt d)) v or v itself; spec section 1. */
export function softmaxOutput(
  head: HeadTensors,
  headDim: number,
  scaled: HeadInput['scaled'],
  kernels: HeadKernels,
): Float64Array {
  const { q, k, v, tokens, rule } = head;
  return kernels.attention(q, k, mixedValues(head, headDim, scaled, kernels) ?? v, tokens, headDim, rule);
}

function mixedValues(
  head: HeadTensors,
  headDim: number,
  scaled: HeadInput['scaled'],
  kernels: HeadKernels,
): Float64Array | null {
  if (scaled === null) return null;
  const { k, v, tokens } = head;
  if ('matrix' in scaled) {
    const removed = kernels.matmul(scaled.matrix, v, tokens, tokens, headDim);
    return v.map((value, i) => value - removed[i]!);
  }
  const smooth = kernels.attention(null, k, v, tokens, headDim);
  return v.map((value, i) => value - scaled.alpha * smooth[i]!);
}

/** RPC-Attention; null where it has no value, because mu divides by the 1-norm of the keys and that is 0. */
export function rpcOutput(
  head: HeadTensors,
  headDim: number,
  parameters: RpcParameters,
  kernels: HeadKernels,
): RpcOutput | null {
  if (head.k.every((value) => value === 0)) return null;
  return kernels.rpc(head.q, head.k, head.v, head.tokens, headDim, parameters, head.rule);
}
