// What the diagnostics of one head need: its float64 tensors and the piece of the layer that made them (token
// noise is applied before the projections). Plain data only, so that it can be posted to a worker.

import type { RpcParameters } from '../engine/headKernels';
import type { RopeTables } from '../engine/rope';
import type { ScoreRule } from '../model/blockShape';
import type { TokenPlaces } from './attentionNumbers';
import type { AlignmentStatistic, NoiseKind, SpectrumNumbers } from './headResult';
import type { RpcSweepSettings } from './rpcSweep';

export interface HeadProjection {
  /** [d, C], rows of this head. */
  readonly weight: Float64Array;
  /** [d] */
  readonly bias: Float64Array | null;
  /** Norm over d after the projection (qk_norm models): LayerNorm, or RMSNorm where `kind` says so; null elsewhere. */
  readonly norm: {
    readonly kind?: 'layer' | 'rms';
    readonly weight: Float64Array;
    readonly bias: Float64Array | null;
    readonly eps: number;
  } | null;
}

export interface HeadInput {
  readonly layer: number;
  readonly head: number;
  readonly kvHead: number;
  /** First query head of the kv head, which names its random streams; absent: `head`, as without grouped queries. */
  readonly firstHead?: number;
  /** N, d, C */
  readonly tokens: number;
  readonly headDim: number;
  readonly embedDim: number;
  /** Class and distillation tokens at the front, which token noise never touches. */
  readonly prefixTokens: number;
  /** [N, d], with rotary positions where the model has them; null in symmetric heads, where q = k. */
  readonly q: Float64Array | null;
  readonly k: Float64Array;
  readonly v: Float64Array;
  /** V [N, d] of the other heads of the layer, each kv head once, for the null `other-heads`. */
  readonly otherValues: readonly Float64Array[];
  /** [N, C] input of the projections. */
  readonly x: Float64Array;
  readonly query: HeadProjection | null;
  readonly key: HeadProjection;
  readonly value: HeadProjection;
  /** [C, d], columns of this head in the output projection; absent: not at hand. */
  readonly output?: Float64Array;
  /** q and k standardised over d after the projection (Reconstruction model). */
  readonly standardise: boolean;
  /** Mask and scale of the scores; absent: every key, 1/sqrt(d). The Gram kernel stays exp(x.y/sqrt(d)) over all keys. */
  readonly rule?: ScoreRule;
  /** Rotary positions, applied to q and k after norm and standardisation; absent or null: none. */
  readonly rope?: RopeTables | null;
  /** Scaled Attention: [N, N] matrix S of this head, or alpha; null elsewhere. */
  readonly scaled: { readonly matrix: Float64Array } | { readonly alpha: number } | null;
  /** What the model itself runs in this layer; decides `attention` numbers and h of the projection loss. */
  readonly nativeRpc: RpcParameters | null;
  /** Absent where our own engine ran the model. */
  readonly foreign?: ForeignHead;
  /** (k, v) of this head in untrained twins on the same input, for the null `untrained`; empty: not run. */
  readonly untrained: readonly { readonly k: Float64Array; readonly v: Float64Array }[];
  /** What an earlier run found of the twins; `untrained` is not read then. Absent: it is computed. */
  readonly twinNumbers?: TwinNumbers;
}

/** What each untrained twin gives for one kv head, in the order of the twins; null: its values span nothing. */
export type TwinNumbers = Readonly<
  Record<'theory' | 'plain', readonly (Readonly<Record<AlignmentStatistic, number>> | null)[]>
>;

/** What depends on queries needs of a head. */
export type QueryInput = Omit<HeadInput, 'otherValues' | 'untrained'>;

/** Keys and values of one kv head as they enter its Gram matrix, shared by the query heads that read it. */
export interface KeyValueInput extends Pick<
  HeadInput,
  'layer' | 'tokens' | 'headDim' | 'k' | 'v' | 'otherValues' | 'untrained' | 'twinNumbers' | 'foreign'
> {
  /**
   * First query head that reads this kv head, whichever heads were chosen: spec section 8 names random streams by
   * query head. Without grouped queries it is the head itself.
   */
  readonly head: number;
  /** What the spectrum says of the Gram matrix. */
  readonly labels: Pick<SpectrumNumbers, 'gram' | 'gramKeys' | 'keys' | 'standardised'>;
}

/** How keys enter the Gram matrix, and with it spectrum, alignment, gamma and reproduction metrics. */
export interface GramChoice {
  /** With their rotary positions, or as they are before these (after norms). */
  readonly keys: 'post-rope' | 'pre-rope';
  /** T, in causal models: the keys that query T-1 sees, 1 <= T <= N; null: all N of them. */
  readonly prefix: number | null;
  /** Each key to mean 0 and standard deviation 1 over d, which the model itself does not do; absent: no. */
  readonly standardise?: boolean;
}

export const defaultGram: GramChoice = { keys: 'post-rope', prefix: null };

/** What another runtime computed (an ONNX graph), where that is all there is. */
export interface ForeignHead {
  /** Why there are no untrained twins. */
  readonly noTwins: string;
  /** Why noise cannot be put in front of the projections; `x` and the projections are empty then. null: it can. */
  readonly noProjections: string | null;
  /** The model's own pattern [N, N] and output [N, d] where no ScoreRule gives them; null: `rule` does. */
  readonly own: { readonly pattern: Float64Array; readonly out: Float64Array; readonly reason: string } | null;
}

export interface NoiseSettings {
  readonly kinds: readonly NoiseKind[];
  /** Levels per kind, ascending; kinds without an entry use the defaults of spec section 6. */
  readonly levels: Partial<Record<NoiseKind, readonly number[]>>;
  readonly repeats: number;
}

export interface DiagnosticsOptions {
  readonly seed: number;
  /** B, draws of the nulls `random` and `permuted`; 0 leaves them out. */
  readonly nulls: number;
  /** Where tokens are; absent: a sequence without special tokens. */
  readonly places?: TokenPlaces;
  /** Draws of the nulls of the reproduction study's metrics; absent: 20, or `nulls` where that is less. */
  readonly studyNulls?: number;
  /** RPC beside the model's attention; null: not in this layer. In asymmetric heads it is the `+asym` what-if. */
  readonly rpc: RpcParameters | null;
  readonly noise: NoiseSettings;
  /** RPC over a grid of settings, where `rpc` is computed; absent: no. */
  readonly rpcSweep?: RpcSweepSettings;
  /** Absent: all keys, as the scores have them. */
  readonly gram?: GramChoice;
}
