// Keeps q, k, v of the inspected layers while an inspection is open, so that patterns of any head can be drawn again
// and RPC tried with other settings without running the network. Patterns themselves ([H, N, N]) are never kept.

import type { HeadKernels, RpcParameters } from '../engine/headKernels';
import { plainScores, type ScoreRule } from '../model/blockShape';
import { mixedValues } from '../diagnostics/headAttention';
import type { HeadInput } from '../diagnostics/headInput';
import type { ValueDirections } from '../diagnostics/valueDirections';
import type { HeadDetail, HeadImages } from './headDetail';

/** What the patterns of one head are drawn from. Plain data: it is posted and saved. */
export interface KeptHead {
  readonly layer: number;
  readonly head: number;
  readonly tokens: number;
  readonly headDim: number;
  /** q, k, v: [N, d]; q is null in symmetric heads. */
  readonly q: Float64Array | null;
  readonly k: Float64Array;
  readonly v: Float64Array;
  readonly rpc: RpcParameters | null;
  readonly rule: ScoreRule;
  /** The model's own pattern [N, N], where q, k and `rule` do not give it. */
  readonly pattern: Float64Array | null;
  /** Of its key/value head as the inspection's Gram matrix was chosen; null: it has none, or an earlier build kept the head. */
  readonly directions: ValueDirections | null;
  /** What RPC with other settings needs besides; a sentence: why this head has none. */
  readonly rpcContext: RpcContext | string;
}

export interface RpcContext {
  /** C, which mu of the variant `code` has in it. */
  readonly embedDim: number;
  /** Tokens at the front that noise never touches. */
  readonly prefixTokens: number;
  /** Scaled Attention's mixing of the values. */
  readonly scaled: HeadInput['scaled'];
}

/** What a run keeps of its heads while it is open. */
export interface TraceStore {
  keep(head: KeptHead): Promise<void>;
  /** Rejects when the head was not inspected. */
  head(layer: number, head: number): Promise<KeptHead>;
}

/** What is kept of a head; nothing is copied. */
export function keptHeadOf(input: HeadInput, rpc: RpcParameters | null, directions: ValueDirections | null): KeptHead {
  const { layer, head, tokens, headDim, q, k, v, rule = plainScores, embedDim, prefixTokens, scaled } = input;
  const own = input.foreign?.own ?? null;
  return {
    ...{ layer, head, tokens, headDim, q, k, v, rule, directions },
    rpc: own === null ? rpc : null,
    pattern: own?.pattern ?? null,
    rpcContext: own?.reason ?? { embedDim, prefixTokens, scaled },
  };
}

/** In memory: grows by q, k and v of every layer. */
export class MemoryTraces implements TraceStore {
  private readonly heads = new Map<string, KeptHead>();

  keep(kept: KeptHead): Promise<void> {
    this.heads.set(`${kept.layer}/${kept.head}`, kept);
    return Promise.resolve();
  }

  head(layer: number, head: number): Promise<KeptHead> {
    const kept = this.heads.get(`${layer}/${head}`);
    return kept === undefined
      ? Promise.reject(new Error(`layer ${layer}, head ${head} was not inspected in this run`))
      : Promise.resolve(kept);
  }
}

/** Both patterns of one head, and the tensors around them. */
export function headDetail(kept: KeptHead, kernels: HeadKernels): HeadDetail {
  const { layer, head, tokens, headDim, q, k, v, rule } = kept;
  let rpcPattern: Float32Array | null = null;
  // RPC has no value in a head whose keys are all zero.
  if (kept.rpc !== null && k.some((key) => key !== 0)) {
    const cleaned = kernels.rpc(q, k, v, tokens, headDim, kept.rpc, rule).cleanedKeys;
    rpcPattern = Float32Array.from(kernels.pattern(q, cleaned, tokens, headDim, rule));
  }
  const pattern = kept.pattern ?? kernels.pattern(q, k, tokens, headDim, rule);
  const masked = rule.causal || rule.window !== null;
  return {
    layer,
    head,
    tokens,
    ...(masked ? { rule } : {}),
    softmaxPattern: Float32Array.from(pattern),
    rpcPattern,
    directions: kept.directions,
    tensors: headImages(kept, pattern, kernels),
  };
}

function headImages(kept: KeptHead, pattern: Float64Array, kernels: HeadKernels): HeadImages {
  const { tokens, headDim, q, k, v, rule, rpcContext } = kept;
  let out: Float64Array | null = null;
  if (kept.pattern !== null) out = kernels.matmul(pattern, v, tokens, tokens, headDim);
  else if (typeof rpcContext !== 'string') {
    const mixed = mixedValues(kept, headDim, rpcContext.scaled, kernels) ?? v;
    out = kernels.matmul(pattern, mixed, tokens, tokens, headDim);
  }
  let scores: Float32Array | null = null;
  if (kept.pattern === null) {
    const factor = rule.scale ?? 1 / Math.sqrt(headDim);
    scores = Float32Array.from(kernels.matmulTransposed(q ?? k, k, tokens, headDim, tokens));
    for (let cell = 0; cell < scores.length; cell++) scores[cell]! *= factor;
  }
  return {
    headDim,
    q: q === null ? null : Float32Array.from(q),
    k: Float32Array.from(k),
    v: Float32Array.from(v),
    out: out === null ? null : Float32Array.from(out),
    scores,
  };
}
