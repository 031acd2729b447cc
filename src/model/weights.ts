// Weights of one part of the network, loaded: what `loadWeights` hands to the engine and what an untrained twin
// consists of. Axis orders are those of `modelSpec` roles, leading axes of length 1 dropped.

import type { FloatArray } from '../checkpoint/tensorIndex';

/** `Values`: the numbers, or what is left where only their count matters. */
export interface LinearWeights<Values = FloatArray> {
  /** [out, in] row-major (LayerNorm: [C]). */
  readonly weight: Values;
  readonly bias: Values | null;
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
export interface EntryWeights<Values = FloatArray> {
  readonly norm: LinearWeights<Values> | null;
  readonly proj: LinearWeights<Values> | null;
  /** [M, C'] */
  readonly append: Values | null;
}

export interface BlockWeights<Values = FloatArray> {
  /** Where the block begins another stage. */
  readonly entry?: EntryWeights<Values> | null;
  readonly norm1: LinearWeights<Values>;
  /** [(H + 2 kvHeads) d, C], rows q, k, v each head by head; symmetric models [2 H d, C], rows k, v. */
  readonly qkv: LinearWeights<Values>;
  readonly queryNorm: LinearWeights<Values> | null;
  readonly keyNorm: LinearWeights<Values> | null;
  /** [H, N, N] or [1] */
  readonly scale: Values | null;
  readonly proj: LinearWeights<Values>;
  readonly layerScale1: Values | null;
  readonly norm2: LinearWeights<Values>;
  /** [mlpDim, C]; gated: [2 mlpDim, C], gate rows first. */
  readonly fc1: LinearWeights<Values>;
  readonly fc2: LinearWeights<Values>;
  readonly layerScale2: Values | null;
  /** [dims/2] */
  readonly ropeDivisors?: FloatArray;
}

/** What is left of an array whose numbers may go. */
export interface Length {
  readonly length: number;
}

/** What heads are cut from once a block has run. */
export type ProjectionWeights = Pick<BlockWeights, 'qkv' | 'queryNorm' | 'keyNorm' | 'scale' | 'proj' | 'ropeDivisors'>;

export interface HeadWeights {
  readonly norm: LinearWeights | null;
  /** [classes, C] ([classes, 2C] behind 'class-mean'), or some rows of it. */
  readonly classifier: LinearWeights | null;
  readonly distClassifier: LinearWeights | null;
  readonly poolNorm?: LinearWeights | null;
  readonly transforms?: readonly { readonly dense: LinearWeights; readonly norm: LinearWeights | 'unit' | null }[];
  readonly masks?: {
    readonly patchProj: LinearWeights;
    readonly classProj: LinearWeights;
    readonly norm: LinearWeights;
  } | null;
}
