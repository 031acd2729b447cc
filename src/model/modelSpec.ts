// What a checkpoint is, said in the field's terms and independent of the file's naming: sizes, attention kind,
// and which tensor plays which role. One file a family fills this in; the engine reads nothing else.

export type ModelFamily =
  'timm-vit' | 'deit-distilled' | 'symvit' | 'rpc-symvit' | 'scaled-attention' | 'reconstruction-vit';

/** As in `result.json`: what the checkpoint was trained with. */
export type AttentionKind = 'softmax' | 'symmetric' | 'scaled' | 'rpc';

/** Named variants of RPC-Attention, spec section 2. */
export type RpcVariant = 'code' | 'code-headdim' | 'paper' | 'admm';

export interface RpcSettings {
  readonly variant: RpcVariant;
  /** n, 1 or more. */
  readonly iterations: number;
  readonly lambda: number;
  /** Layer indexes in which RPC runs. */
  readonly layers: 'all' | 'none' | readonly number[];
}

/** Names of tensors in the `TensorIndex`. */
export interface LinearRole {
  readonly weight: string;
  readonly bias: string | null;
}

export interface BlockRoles {
  readonly norm1: LinearRole;
  /** [3C, C] order q, k, v; [2C, C] order k, v in symmetric models. Rows out, columns in. */
  readonly qkv: LinearRole;
  readonly queryNorm: LinearRole | null;
  readonly keyNorm: LinearRole | null;
  /** Scaled Attention parameter: [H, N, N] or [1]; null elsewhere. */
  readonly scale: string | null;
  readonly proj: LinearRole;
  readonly layerScale1: string | null;
  readonly norm2: LinearRole;
  readonly fc1: LinearRole;
  readonly fc2: LinearRole;
  readonly layerScale2: string | null;
}

export interface EmbedRoles {
  readonly patch: LinearRole;
  readonly classToken: string;
  readonly distToken: string | null;
  /** [1, P, C] */
  readonly position: string;
}

export interface HeadRoles {
  readonly norm: LinearRole;
  /** null: the file has no classifier, there are no logits. */
  readonly classifier: LinearRole | null;
  /** DeiT's second classifier on the distillation token; logits are the mean of both. */
  readonly distClassifier: LinearRole | null;
}

/** One fact of the spec and where it came from, for the overview and for `--set`. */
export interface SpecFact {
  readonly fact: string;
  readonly value: string;
  /** E.g. 'shape of blocks.0.attn.qkv.weight', 'args.model', 'width 192 in the table of known widths', '--set'. */
  readonly source: string;
}

export interface ModelSpec {
  readonly family: ModelFamily;
  readonly attention: AttentionKind;
  readonly causal: false;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** d */
  readonly headDim: number;
  /** C */
  readonly embedDim: number;
  readonly mlpDim: number;
  /** N, prefix tokens included. */
  readonly tokens: number;
  /** Class token, and the distillation token where there is one. */
  readonly prefixTokens: number;
  /** false: position embedding covers patches only (no_embed_class). */
  readonly positionCoversPrefix: boolean;
  readonly image: {
    readonly channels: number;
    readonly height: number;
    readonly width: number;
    readonly patch: number;
    readonly gridHeight: number;
    readonly gridWidth: number;
  };
  readonly classes: number | null;
  readonly layerNormEps: number;
  readonly activation: 'gelu' | 'gelu_tanh' | 'relu';
  /** q and k standardised over d before the product (Reconstruction model). */
  readonly standardise: boolean;
  /** Settings the checkpoint was trained with; null unless attention is 'rpc'. */
  readonly rpc: RpcSettings | null;
  readonly embed: EmbedRoles;
  readonly blocks: readonly BlockRoles[];
  readonly head: HeadRoles;
  readonly preprocessing: ImagePreprocessing;
  readonly facts: readonly SpecFact[];
  /** Sentences for the person: what was guessed, what was ignored. */
  readonly notes: readonly string[];
}

export interface ImagePreprocessing {
  /** Resize the short side to this many pixels, then crop the centre; null: resize straight to height x width. */
  readonly resizeShortSide: number | null;
  readonly interpolation: 'bicubic' | 'bilinear';
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly source: string;
}

/** A question the file cannot answer; the editor asks it as a quick pick, the CLI fails naming `--set option=`. */
export interface SpecQuestion {
  /** Name in `--set`: 'heads', 'attention', 'state', 'rpc.iterations', ... */
  readonly option: string;
  readonly question: string;
  readonly choices: readonly { readonly value: string; readonly label: string; readonly detail?: string }[];
}

export class ModelSpecError extends Error {
  override readonly name = 'ModelSpecError';
  constructor(
    readonly reason:
      'unknownFamily' | 'unsupported' | 'shapeMismatch' | 'missingTensor' | 'badOverride' | 'badInput' | 'question',
    message: string,
    readonly question: SpecQuestion | null = null,
  ) {
    super(message);
  }
}

/** Facts a person sets by hand: `--set heads=4,eps=1e-6,attention=symmetric` or answers to questions. */
export type SpecOverrides = Readonly<Record<string, string>>;

/** What goes into the network: a normalised image [channels, height, width], row-major. */
export interface ModelInput {
  readonly kind: 'image' | 'npy' | 'random' | 'sample';
  /** What the person asked for: file name, 'random:0'. */
  readonly label: string;
  readonly pixels: Float64Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Hash of the input file, or of the pixels where there is no file. */
  readonly sha256: string;
  /** 8-bit RGBA of what the network sees, for the overview picture. */
  readonly picture: { readonly width: number; readonly height: number; readonly rgba: Uint8ClampedArray } | null;
}
