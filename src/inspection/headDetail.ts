// Pictures of one head that are too big for the result: patterns, computed again on demand from the kept q, k, v.

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
}
