// The one interface in front of every backend. Weights come in, a layer's trace goes out; nothing here knows
// files, names or pictures. Axis orders are written here once and nowhere changed.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { ModelInput, ModelSpec, RpcSettings } from '../model/modelSpec';
import type { BlockWeights, EmbedWeights, HeadWeights } from '../model/weights';

export type BackendKind = 'reference' | 'cpu' | 'webgpu';

/** Which attention flows on to the next layer in this layer. */
export type ForwardAttention = 'native' | 'softmax' | 'rpc';

export interface LayerOptions {
  readonly layer: number;
  /** 'native': what the checkpoint was trained with, RPC where `spec.rpc` says so for this layer. */
  readonly forward: ForwardAttention;
  /** RPC computed beside the model's own attention; null: not in this layer. */
  readonly rpc: RpcSettings | null;
  /** Store the attention pattern [H, N, N]. */
  readonly wantPattern: boolean;
  /** Attention rollout [N, N] in front of the layer (float64 backends), to be carried through it; absent: not wanted. */
  readonly rollout?: Float64Array;
  /** Head ablation (float64 backends): what flows on instead of this head's output [N, d]; absent: the output itself. */
  readonly replaceHead?: { readonly head: number; readonly by: (out: Float64Array) => Float64Array };
}

/** Residual stream [N, C]. */
export interface Residual {
  readonly tokens: number;
  readonly width: number;
  readonly data: FloatArray;
}

export interface LayerTrace {
  readonly layer: number;
  readonly tokens: number;
  readonly heads: number;
  readonly headDim: number;
  /** [N, C] input of the q, k, v projection (after norm1). */
  readonly x: FloatArray;
  /** [H, N, d]; in symmetric layers the same array as k. After query/key norm and standardisation. */
  readonly q: FloatArray;
  /** [H, N, d] */
  readonly k: FloatArray;
  /** [H, N, d], as projected (before the Scaled Attention mixing). */
  readonly v: FloatArray;
  /** [H, N, d] head outputs that the model itself computes and passes on. */
  readonly out: FloatArray;
  /** [H, N, d] attention without RPC (Scaled Attention's mixing included where the model has it). */
  readonly softmax: FloatArray;
  /** [H, N, d] RPC-Attention beside it; null where not asked for. NaN in a head whose keys are all zero. */
  readonly rpc: FloatArray | null;
  /** [H, queryPos, keyPos] of what the model itself computes; null unless asked for. */
  readonly pattern: FloatArray | null;
  /** [N, N] rollout behind the layer; absent unless one in front of it was given. */
  readonly rollout?: Float64Array;
  /** Residual stream after the layer. */
  readonly next: Residual;
}

export interface Backend {
  readonly kind: BackendKind;
  readonly precision: 'float64' | 'float32';
  /** Adapter description on webgpu; null elsewhere. */
  readonly adapter: string | null;
  embed(spec: ModelSpec, weights: EmbedWeights, input: ModelInput): Promise<Residual>;
  runLayer(spec: ModelSpec, weights: BlockWeights, x: Residual, options: LayerOptions): Promise<LayerTrace>;
  /** Logits [classes] from the last residual stream; null when the file has no classifier. */
  unembed(spec: ModelSpec, weights: HeadWeights, x: Residual): Promise<FloatArray | null>;
  dispose(): void;
}

export class EngineError extends Error {
  override readonly name = 'EngineError';
  constructor(
    readonly reason:
      'noWebGpu' | 'noAdapter' | 'deviceLost' | 'outOfMemory' | 'shader' | 'selfCheck' | 'internal' | 'nonFinite',
    message: string,
  ) {
    super(message);
  }
}
