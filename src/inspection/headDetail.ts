// Pictures of one head that are too big for the result: patterns, scores and output, computed again on demand from the
// kept q, k, v, and these themselves.

import type { ValueDirections } from '../diagnostics/valueDirections';
import type { ScoreRule } from '../model/blockShape';

export interface HeadDetail {
  readonly layer: number;
  readonly head: number;
  readonly tokens: number;
  /** Which keys a query sees; absent: all. Weights of the others are 0 in both patterns. */
  readonly rule?: ScoreRule;
  /** [queryPos, keyPos] without RPC. */
  readonly softmaxPattern: Float32Array;
  /** [queryPos, keyPos] of RPC's last iteration; null where RPC was not asked for. */
  readonly rpcPattern: Float32Array | null;
  /** Absent or null: not known. */
  readonly directions?: ValueDirections | null;
  /** Absent: nobody asked for more than patterns. */
  readonly tensors?: HeadImages;
}

/** What the head computes with and puts out, float32 of float64. */
export interface HeadImages {
  readonly headDim: number;
  /** [N, d]; null in symmetric heads, where k is both. */
  readonly q: Float32Array | null;
  /** [N, d] */
  readonly k: Float32Array;
  /** [N, d] */
  readonly v: Float32Array;
  /** z = a v' [N, d] of softmax attention, before the output projection; null where how it mixes v is not known. */
  readonly out: Float32Array | null;
  /** q.k with its factor [queryPos, keyPos], masked ones included; null where the model's pattern is not made of them. */
  readonly scores: Float32Array | null;
}
