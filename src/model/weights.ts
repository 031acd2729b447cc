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
  readonly patch: LinearWeights;
  /** [C] */
  readonly classToken: FloatArray;
  /** [C] */
  readonly distToken: FloatArray | null;
  /** [P, C] */
  readonly position: FloatArray;
}

export interface BlockWeights {
  readonly norm1: LinearWeights;
  readonly qkv: LinearWeights;
  readonly queryNorm: LinearWeights | null;
  readonly keyNorm: LinearWeights | null;
  /** [H, N, N] or [1] */
  readonly scale: FloatArray | null;
  readonly proj: LinearWeights;
  readonly layerScale1: FloatArray | null;
  readonly norm2: LinearWeights;
  readonly fc1: LinearWeights;
  readonly fc2: LinearWeights;
  readonly layerScale2: FloatArray | null;
}

export interface HeadWeights {
  readonly norm: LinearWeights;
  readonly classifier: LinearWeights | null;
  readonly distClassifier: LinearWeights | null;
}
