// The result contract `gramlens.inspection/1` (result.schema.json beside this file says the same as JSON Schema).

import type { BackendKind } from '../engine/backend';
import type { HeadResult } from '../diagnostics/headResult';
import type { NoiseSettings } from '../diagnostics/headInput';
import type { AttentionRollout } from '../diagnostics/rollout';
import type { NetworkNoise } from '../diagnostics/networkNoise';
import type { TwinRule } from '../model/twinRule';
import type { AttentionKind, ModelFamily, RpcSettings, SpecFact, StageShape } from '../model/modelSpec';

export const resultSchemaName = 'gramlens.inspection/1';

export interface Parity {
  /** Largest error of any compared tensor, relative to max |.| of the float64 tensor; null: backend is float64. */
  readonly maxRelError: number | null;
  /** Per tensor kind (q, k, v, out, next, logits); 'q against reference' are of `sampledHeads`. */
  readonly perTensor: Readonly<Record<string, number>>;
  /** How many heads the plain float64 kernels computed again; absent: none. */
  readonly sampledHeads?: number;
  readonly reason?: string;
}

/** Forward passes that are compared with the network's own: untrained twins, ablated and noisy runs. */
export interface CompanionPrecision {
  readonly precision: 'float32' | 'float64';
  /** Of the network itself, which runs in this precision, too. */
  readonly parity: Parity;
  /** The layer from which on float32 could not hold it and ablated and noisy runs were float64; null: none. */
  readonly float64From: number | null;
}

export interface Provenance {
  readonly gramlensVersion: string;
  readonly checkpoint: {
    readonly name: string;
    readonly bytes: number;
    /** Of the file; of a sharded checkpoint, of its shards' hexadecimal SHA-256s one after the other in name order. */
    readonly sha256: string | null;
    readonly format: string;
    readonly dtypes: readonly string[];
  };
  readonly inputs: readonly {
    readonly kind: string;
    readonly label: string;
    readonly sha256: string;
    readonly tokens: number;
    /** Ids of the tokens, [tokens]; null for pictures and arrays. */
    readonly tokenIds?: readonly number[] | null;
    /** What they stand for, as a person reads it ('·cat', '[CLS]'); null: see `tokenLabelsReason`. */
    readonly tokenLabels?: readonly string[] | null;
    readonly tokenLabelsReason?: string;
    /** Places in `tokenIds` of special tokens that the tokenizer added around the text. */
    readonly addedTokens?: readonly number[];
    /** Which tokenizer, as a sentence; null: none. */
    readonly tokenizer?: string | null;
  }[];
  readonly seed: number;
  readonly backend: BackendKind;
  /** Why this backend (auto's reason, or 'chosen by the user'). */
  readonly backendReason: string;
  readonly adapter: string | null;
  readonly adapterReason?: string;
  /** Precision of the backend's forward pass. */
  readonly precision: 'float32' | 'float64';
  /** Precision of the tensors and arithmetic behind every metric. */
  readonly metricsPrecision: 'float64' | 'float64 of float32 tensors';
  readonly parity: Parity;
  /** Absent without such passes, in graphs and in results of earlier builds. */
  readonly companions?: CompanionPrecision;
  readonly rpc: {
    readonly variant: string;
    readonly iterations: number;
    readonly lambda: number;
    readonly layers: 'all' | 'none' | readonly number[];
  };
  readonly forward: 'native' | 'softmax' | 'rpc';
  /** RPC that the checkpoint was trained with; null in models without it. */
  readonly nativeRpc: RpcSettings | null;
  readonly nulls: number;
  /** Draws of the nulls of the reproduction study's metrics; absent in results of earlier builds. */
  readonly studyNulls?: number;
  readonly twins: number;
  /** How the twins' weights are drawn; absent without twins and in results of earlier builds. */
  readonly twinInitialisation?: TwinRule;
  readonly noise: NoiseSettings;
  /** Causal models: the Gram matrix of all keys, or of those that query T-1 sees. */
  readonly gram?: 'full-Gram' | `prefix-${number}`;
  /** Models with rotary positions: whether the keys of the Gram matrix have them. */
  readonly keys?: 'post-rope' | 'pre-rope';
  /** The keys were standardised for the Gram matrix, which the model does not do. */
  readonly standardised?: true;
  /** Facts of the model that a person set or answered. */
  readonly overrides: Readonly<Record<string, string>>;
  readonly elapsedMs?: number;
}

export interface LayerResult {
  readonly index: number;
  readonly heads: readonly HeadResult[];
}

export interface ModelSummary {
  readonly family: ModelFamily;
  readonly attention: AttentionKind;
  readonly causal: boolean;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly embedDim: number;
  readonly tokens: number;
  readonly prefixTokens: number;
  /** What each of them is: 'CLS', 'distillation', 'register 0'. */
  readonly prefixNames?: readonly string[];
  readonly grid: readonly [number, number];
  readonly facts: readonly SpecFact[];
  readonly notes: readonly string[];
  /** Encoder and decoder of a network that has both, in the order of the layers. */
  readonly stages?: readonly StageShape[];
}

/** An output of one mask a class, at patch resolution: which classes win where. */
export interface MaskSummary {
  readonly classes: number;
  /** Rows and columns of patches. */
  readonly grid: readonly [number, number];
  /** Classes by the share of patches in which theirs is the largest logit, the largest first; at most 10, none of 0. */
  readonly top: readonly { readonly index: number; readonly label: string; readonly share: number }[];
}

export interface InspectionResult {
  readonly schema: typeof resultSchemaName;
  readonly provenance: Provenance;
  readonly model: ModelSummary;
  readonly layers: readonly LayerResult[];
  readonly output: NetworkOutput;
  /** Absent unless it was asked for; of a run over several inputs it stands with each. */
  readonly networkNoise?: NetworkNoise;
  /** Absent in graphs of unknown structure and in results of earlier builds; of a run over several inputs it stands with each. */
  readonly rollout?: AttentionRollout;
  /** Of a run over several inputs: the result of each as if it were the only one; `layers` above then holds means. */
  readonly inputs?: readonly InspectionResult[];
}

/** What the network gives away at its end, as far as the file has the weights for it. */
export interface NetworkOutput {
  /**
   * 'none': the forward pass ends with the blocks. The numbers are in tensors.npz under this name; masks, logits
   * [classes, gridHeight, gridWidth], under `logits`.
   */
  readonly kind: 'logits' | 'embedding' | 'states' | 'masks' | 'none';
  /** The ten largest logits; empty for every other kind. `label`: the text of the token where a tokenizer has it. */
  readonly logitsTop: readonly { readonly index: number; readonly label: string; readonly logit: number }[];
  /** What the logits are of, where it is no class: one for each id of the vocabulary. */
  readonly logitsOf?: 'tokens';
  /** Of an embedding [E], of the states [N, C], of masks. */
  readonly shape?: readonly number[];
  /** Euclidean length of the embedding; of states, the mean over their tokens. */
  readonly norm?: number;
  readonly masks?: MaskSummary;
  /** Why there are no logits. */
  readonly reason?: string;
}
