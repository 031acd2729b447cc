// Attention of one head as its model runs it: softmax with Scaled Attention's mixing where there is one, and RPC
// beside it. The same functions serve clean and noisy q, k, v.

import type { HeadKernels, RpcOutput, RpcParameters, RpcStep } from '../engine/headKernels';
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

/** v' of Scaled Attention [N, d]; null: v itself. */
export function mixedValues(
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
  return rpcOutputs(head, headDim, [parameters], kernels)[0] ?? null;
}

/**
 * The same for several settings, in their order. Those that differ in their iterations alone are one run: mu and tau do
 * not depend on n, so what n passes give is where a longer run stands after n. `onStep` hears of every pass.
 */
export function rpcOutputs(
  head: HeadTensors,
  headDim: number,
  settings: readonly RpcParameters[],
  kernels: HeadKernels,
  onStep?: (step: RpcStep) => void,
): (RpcOutput | null)[] {
  const outputs = settings.map((): RpcOutput | null => null);
  if (head.k.every((value) => value === 0)) return outputs;
  const runs = new Map<string, number[]>();
  settings.forEach(({ variant, lambda, embedDim }, i) => {
    const key = `${variant}/${lambda}/${embedDim}`;
    runs.set(key, [...(runs.get(key) ?? []), i]);
  });
  for (const members of runs.values()) {
    const iterations = Math.max(...members.map((i) => settings[i]!.iterations));
    const passed = new Map<number, Pick<RpcOutput, 'out' | 'cleanedKeys'>>();
    const parameters = { ...settings[members[0]!]!, iterations };
    const { numbers } = kernels.rpc(head.q, head.k, head.v, head.tokens, headDim, parameters, head.rule, (step) => {
      onStep?.(step);
      if (!members.some((i) => settings[i]!.iterations === step.iteration)) return;
      passed.set(step.iteration, { out: step.low(), cleanedKeys: step.cleanedKeys() });
    });
    for (const i of members) {
      const n = settings[i]!.iterations;
      const { residual, density, sparseNorm } = numbers;
      const upTo = { residual: residual.slice(0, n), density: density.slice(0, n), sparseNorm: sparseNorm.slice(0, n) };
      outputs[i] = { ...passed.get(n)!, numbers: { ...numbers, ...upTo } };
    }
  }
  return outputs;
}
