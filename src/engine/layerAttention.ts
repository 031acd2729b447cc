// Attention of one layer, head by head: what flows on, and softmax and RPC side by side on the same q, k, v.
// Shared by the float64 backends; the arithmetic is in their head kernels.

import type { FloatArray } from '../checkpoint/tensorIndex';
import { scoreRule } from '../model/blockShape';
import type { ModelSpec, RpcSettings } from '../model/modelSpec';
import { EngineError, type LayerOptions } from './backend';
import { headOf } from './headLayout';
import type { HeadKernels } from './headKernels';
import { requireFinite } from './finite';
import { rollOn } from './rollout';
import { headsWithoutKeys, rpcParameters, rpcRunsIn } from './rpcConstants';

export interface LayerHeads {
  /** [H, N, d] each, k and v once per query head; q is the same array as k in symmetric layers. */
  readonly q: Float64Array;
  readonly k: Float64Array;
  readonly v: Float64Array;
}

export interface LayerAttention {
  /** [H, N, d] */
  readonly out: Float64Array;
  readonly softmax: Float64Array;
  readonly rpc: Float64Array | null;
  /** [H, N, N] */
  readonly pattern: Float64Array | null;
  /** [N, N]; absent unless one in front of the layer was given. */
  readonly rollout?: Float64Array;
}

/** The RPC settings that decide what flows on from this layer; null where softmax flows on. */
export function forwardRpc(spec: ModelSpec, options: LayerOptions): RpcSettings | null {
  const settings =
    options.forward === 'rpc'
      ? options.rpc
      : options.forward === 'native' && spec.attention === 'rpc'
        ? spec.rpc
        : null;
  return rpcRunsIn(settings, options.layer) ? settings : null;
}

/**
 * Runs all heads. RPC always works on the values as projected: Scaled Attention's mixing (I - S)v belongs to the
 * model's softmax attention, and no published rule combines the two.
 * @param scale Scaled Attention's parameter, [H, N, N] or [1]; null elsewhere.
 */
export function layerAttention(
  kernels: HeadKernels,
  spec: ModelSpec,
  heads: LayerHeads,
  scale: FloatArray | null,
  tokens: number,
  options: LayerOptions,
): LayerAttention {
  const d = spec.headDim;
  const rule = scoreRule(spec, options.layer);
  const size = heads.v.length;
  const native = forwardRpc(spec, options);
  const beside = rpcRunsIn(options.rpc, options.layer) ? options.rpc : null;
  const softmax = new Float64Array(size);
  const rpc = beside === null ? null : new Float64Array(size);
  const nativeOut = native === null ? null : new Float64Array(size);
  const pattern = options.wantPattern ? new Float64Array(spec.heads * tokens * tokens) : null;
  const patternSum = options.rollout === undefined ? null : new Float64Array(tokens * tokens);
  const runRpc = (settings: RpcSettings, q: Float64Array | null, k: Float64Array, v: Float64Array, h: number) => {
    try {
      return kernels.rpc(q, k, v, tokens, d, rpcParameters(settings, spec.embedDim), rule);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw new EngineError(error.reason, `Layer ${options.layer}, head ${h}: ${error.message}`);
    }
  };

  const withoutKeys = beside === null ? new Set<number>() : headsWithoutKeys(heads.k, spec.heads);
  for (let h = 0; h < spec.heads; h++) {
    const k = headOf(heads.k, h, tokens, d);
    const v = headOf(heads.v, h, tokens, d);
    const q = heads.q === heads.k ? null : headOf(heads.q, h, tokens, d);
    const mixed = scale === null ? v : mixValues(kernels, scale, k, v, h, tokens, d);
    softmax.set(kernels.attention(q, k, mixed, tokens, d, rule), h * tokens * d);
    let patternKeys = k;
    if (native !== null && nativeOut !== null) {
      const result = runRpc(native, q, k, v, h);
      nativeOut.set(result.out, h * tokens * d);
      // The last iteration's pattern: scores K2 K2^T, or q K2^T with queries of their own.
      patternKeys = result.cleanedKeys;
    }
    if (pattern !== null || patternSum !== null) {
      const weights = kernels.pattern(q, patternKeys, tokens, d, rule);
      pattern?.set(weights, h * tokens * tokens);
      if (patternSum !== null) addTo(patternSum, weights);
    }
    if (rpc !== null && beside !== null) {
      if (withoutKeys.has(h)) {
        rpc.fill(Number.NaN, h * tokens * d, (h + 1) * tokens * d);
        continue;
      }
      const same = nativeOut !== null && native !== null && sameIteration(native, beside);
      const out = same ? headOf(nativeOut, h, tokens, d) : runRpc(beside, q, k, v, h).out;
      rpc.set(requireFinite(out, `RPC-Attention outputs of layer ${options.layer}, head ${h}`), h * tokens * d);
    }
  }
  const rolled =
    patternSum === null || options.rollout === undefined
      ? {}
      : { rollout: rollOn(kernels, patternSum, spec.heads, options.rollout) };
  return { out: nativeOut ?? softmax, softmax, rpc, pattern, ...rolled };
}

function addTo(sum: Float64Array, values: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
}

/** v' = (I - S) v with S [N, N] of this head, or (I - alpha softmax(k k^T/sqrt d)) v with one alpha a layer. */
function mixValues(
  kernels: HeadKernels,
  scale: FloatArray,
  k: Float64Array,
  v: Float64Array,
  head: number,
  tokens: number,
  headDim: number,
): Float64Array {
  const square = tokens * tokens;
  if (scale.length === 1) {
    const alpha = scale[0]!;
    const smooth = kernels.attention(null, k, v, tokens, headDim);
    return v.map((value, i) => value - alpha * smooth[i]!);
  }
  if (scale.length < (head + 1) * square) {
    throw new EngineError(
      'internal',
      `Scaled Attention's parameter has ${scale.length} entries; ${tokens} tokens need ${square} a head, or one in all.`,
    );
  }
  const s = Float64Array.from(scale.subarray(head * square, (head + 1) * square));
  const removed = kernels.matmul(s, v, tokens, tokens, headDim);
  return v.map((value, i) => value - removed[i]!);
}

function sameIteration(a: RpcSettings, b: RpcSettings): boolean {
  return a.variant === b.variant && a.iterations === b.iterations && a.lambda === b.lambda;
}
