// Weights of one part of the network, loaded: what `loadWeights` hands to the engine and what an untrained twin
// consists of. Axis orders are those of `modelSpec` roles, leading axes of length 1 dropped.

import type { FloatArray } from '../checkpoint/tensorIndex';

export interface LinearWeights {
  /** [out, in] row-major (LayerNorm: [C]). */
  readonly weight: FloatArray;
  readonly bias: FloatArray | null;
}

export interface EmbedWeights {
  /** [C, channels, p, p] */
  readonly patch: LinearWeights | null;
  /** [channels p p] */
  readonly patchNorm?: LinearWeights | null;
  /** [C] */
  readonly tokenNorm?: LinearWeights | null;
  /** [C] */
  readonly classToken: FloatArray | null;
  /** [C] */
  readonly distToken: FloatArray | null;
  /** [R, C] */
  readonly registers?: FloatArray | null;
  /** [P, C] */
  readonly position: FloatArray | null;
  /** [N, C]: the rows of the input's tokens, in their order (the whole table may be gigabytes). */
  readonly words?: FloatArray | null;
  /** [types, C] */
  readonly types?: FloatArray | null;
  readonly norm?: LinearWeights | null;
  /** [C, mels, 3] and [C, C, 3] */
  readonly convolutions?: { readonly first: LinearWeights; readonly second: LinearWeights } | null;
}

/** Axis orders as in `EntryRoles`. */
export interface EntryWeights {
  readonly norm: LinearWeights | null;
  readonly proj: LinearWeights | null;
  /** [M, C'] */
  readonly append: FloatArray | null;
}

export interface BlockWeights {
  /** Where the block begins another stage. */
  readonly entry?: EntryWeights | null;
  readonly norm1: LinearWeights;
  /** [(H + 2 kvHeads) d, C], rows q, k, v each head by head; symmetric models [2 H d, C], rows k, v. */
  readonly qkv: LinearWeights;
  readonly queryNorm: LinearWeights | null;
  readonly keyNorm: LinearWeights | null;
  /** [H, N, N] or [1] */
  readonly scale: FloatArray | null;
  readonly proj: LinearWeights;
  readonly layerScale1: FloatArray | null;
  readonly norm2: LinearWeights;
  /** [mlpDim, C]; gated: [2 mlpDim, C], gate rows first. */
  readonly fc1: LinearWeights;
  readonly fc2: LinearWeights;
  readonly layerScale2: FloatArray | null;
  /** [dims/2] */
  readonly ropeDivisors?: FloatArray;
}

export interface HeadWeights {
  readonly norm: LinearWeights | null;
  /** [classes, C] ([classes, 2C] behind 'class-mean'), or some rows of it. */
  readonly classifier: LinearWeights | null;
  readonly distClassifier: LinearWeights | null;
  readonly poolNorm?: LinearWeights | null;
  readonly transform?: { readonly dense: LinearWeights; readonly norm: LinearWeights | null } | null;
  readonly masks?: {
    readonly patchProj: LinearWeights;
    readonly classProj: LinearWeights;
    readonly norm: LinearWeights;
  } | null;
}
