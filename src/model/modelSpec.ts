// What a checkpoint is, said in the field's terms and independent of the file's naming: sizes, attention kind,
// and which tensor plays which role. One file a family fills this in; the engine reads nothing else.

import type { OnnxModel } from './onnx/onnxModel';
import type { PositionResize } from './positionResize';
import type { SampleText } from './sample/sampleText';

export type ModelFamily =
  | 'timm-vit'
  | 'deit-distilled'
  | 'symvit'
  | 'rpc-symvit'
  | 'scaled-attention'
  | 'reconstruction-vit'
  | 'vit'
  | 'deit'
  | 'vit-mae'
  | 'vit-msn'
  | 'dinov2'
  | 'dino'
  | 'mae'
  | 'deit3'
  | 'clip-vision'
  | 'clip-text'
  | 'flax-vit'
  | 'whisper-encoder'
  | 'segmenter'
  | 'bert'
  | 'nomic-bert'
  | 'roberta'
  | 'distilbert'
  | 'gpt2'
  | 'gpt-neo'
  | 'gpt-neox'
  | 'llama'
  | 'mistral'
  | 'qwen2'
  | 'qwen3'
  | 'lmtool-fwms'
  | 'mapped'
  | 'onnx';

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

/**
 * How a file lays out a matrix that the engine wants as [out, in]; loading turns it (canonicalise.ts).
 * 'in-out': stored [in, out] or [in, H, d] (Conv1D of GPT-2, Flax kernels).
 * 'heads-out': stored [H, d, out] (Flax output projection).
 * 'by-head': rows of q, k, v interleaved head by head, [H, 3, d, in] (GPT-NeoX).
 * 'query-pairs', 'key-pairs': rows of q or k of each head permuted for rotation in neighbouring pairs (GGUF llama).
 * 'hwio': convolution kernel [p, p, channels, C] (Flax).
 * 'pixels-last': columns of flat patches with the channels last (p, p, channels); 'pixel-norm': a norm over them.
 */
export type WeightLayout =
  'in-out' | 'heads-out' | 'by-head' | 'query-pairs' | 'key-pairs' | 'hwio' | 'pixels-last' | 'pixel-norm';

/** Names of tensors in the `TensorIndex`. */
export interface LinearRole {
  readonly weight: string;
  readonly bias: string | null;
  /** Absent: [out, in] as it is. Several are undone one after the other. */
  readonly layout?: WeightLayout | readonly WeightLayout[];
  /** Only these rows [from, to) of the matrix as the engine wants it, and of the bias (q, k, v in another order). */
  readonly rows?: { readonly from: number; readonly to: number };
  /** The file stacks the layers along a first axis of length `of`: row `index` of weight and bias (Flax, scanned). */
  readonly slice?: { readonly index: number; readonly of: number };
  /** [out, 1]: Euclidean length that each row of the matrix gets (weight norm); absent: the rows are as stored. */
  readonly gain?: string;
  /** Further matrices whose rows follow (separate k and v behind q, up behind gate); a missing bias becomes zeros. */
  readonly then?: readonly LinearRole[];
}

/**
 * What becomes of the residual stream before a block with which another stage of the network begins (a decoder behind
 * its encoder), in this order.
 */
export interface EntryRoles {
  /** Final norm of the stage before; null: none. */
  readonly norm: LinearRole | null;
  /** Leading tokens that do not go on: class and distillation token. */
  readonly drop: number;
  /** [C', C], to the width of this stage; null: the width stays. */
  readonly proj: LinearRole | null;
  /** [M, C'] tokens behind the others (class embeddings of a mask transformer); null: none. */
  readonly append: string | null;
}

export interface BlockRoles {
  /** Absent or null: the block works on what the block before it left. */
  readonly entry?: EntryRoles | null;
  readonly norm1: LinearRole;
  /**
   * Rows q, k, v: [3C, C], or [(H + 2 kvHeads) d, C] with grouped queries; [2C, C] order k, v in symmetric models.
   * Rows out, columns in.
   */
  readonly qkv: LinearRole;
  readonly queryNorm: LinearRole | null;
  readonly keyNorm: LinearRole | null;
  /** Scaled Attention parameter: [H, N, N] or [1]; null elsewhere. */
  readonly scale: string | null;
  readonly proj: LinearRole;
  readonly layerScale1: string | null;
  readonly norm2: LinearRole;
  /** [mlpDim, C]; gated: [2 mlpDim, C], gate rows first. */
  readonly fc1: LinearRole;
  readonly fc2: LinearRole;
  readonly layerScale2: string | null;
  /** [dims/2] by which the rotary frequencies are divided (LLaMA 3.1 in GGUF); the same tensor in every layer. */
  readonly ropeDivisors?: string;
}

export interface EmbedRoles {
  /** null: tokens are looked up (`words`), not projected from patches. */
  readonly patch: LinearRole | null;
  /** Norm of each patch's pixels before the projection, and of the projected patches before any token joins them. */
  readonly patchNorm?: LinearRole | null;
  readonly tokenNorm?: LinearRole | null;
  /** null: no class token. */
  readonly classToken: string | null;
  readonly distToken: string | null;
  /** [1, R, C], behind class and distillation token. */
  readonly registers?: string | null;
  /** [1, P, C]; null: no learned positions (rotary ones are in the blocks). */
  readonly position: string | null;
  /** Set where the picture is of another size than the trained one: loading resizes the positions. */
  readonly positionResize?: PositionResize;
  /** [vocabulary, C] */
  readonly words?: string | null;
  /** [types, C]; row 0 is added to every token. */
  readonly types?: string | null;
  /** Norm after everything is added: BERT's embedding LayerNorm, CLIP's pre-norm. */
  readonly norm?: LinearRole | null;
  /** Of spectral features: weights [C, mels, 3] (stride 1) and [C, C, 3] (stride 2), padding 1, GELU behind each. */
  readonly convolutions?: { readonly first: LinearRole; readonly second: LinearRole } | null;
}

/**
 * Which tokens the head reads: the class token, the mean of all tokens behind the prefix, both side by side (2C),
 * the last token, the one that ends the text (`TextShape.endToken`), or every patch token by itself (an output
 * [classes, gridHeight, gridWidth]). `norm` comes before pooling, `poolNorm` after.
 */
export type Pooling = 'class' | 'mean' | 'class-mean' | 'last' | 'end' | 'patches';

/**
 * The head of a mask transformer: the last `classes` tokens are classes, those before are patches. Mask of class c at
 * patch p: cosine of the projected tokens, then a norm over the classes. Output [classes, gridHeight, gridWidth].
 */
export interface MaskRoles {
  readonly classes: number;
  /** [C, C] each, no bias. */
  readonly patchProj: LinearRole;
  readonly classProj: LinearRole;
  /** [classes] */
  readonly norm: LinearRole;
}

/** A dense layer before the classifier: BERT's masked-language head (GELU, LayerNorm) and pooler (tanh), DINO's MLP. */
export interface HeadTransformRoles {
  readonly dense: LinearRole;
  readonly activation: Activation | 'tanh' | 'none';
  /** 'unit': to Euclidean length 1. */
  readonly norm: LinearRole | 'unit' | null;
}

export interface HeadRoles {
  /** Final norm over all tokens; null: none. */
  readonly norm: LinearRole | null;
  /** null: the file has no classifier, there are no logits. Language models: [vocabulary, C], often the embedding. */
  readonly classifier: LinearRole | null;
  /** DeiT's second classifier on the distillation token; logits are the mean of both. */
  readonly distClassifier: LinearRole | null;
  /** Default 'class'. */
  readonly pooling?: Pooling;
  /** Norm of the pooled tokens (fc_norm). */
  readonly poolNorm?: LinearRole | null;
  /** Between pooling and classifier, one after the other. */
  readonly transforms?: readonly HeadTransformRoles[];
  /**
   * What the network gives away in the end: 'logits' (default) or an 'embedding' where there is a classifier or a
   * projection; 'states', the normed residual stream [N, C], in encoders that end with it; 'masks', logits [classes,
   * gridHeight, gridWidth].
   */
  readonly output?: 'logits' | 'embedding' | 'states' | 'masks';
  /** An adaptive softmax: the classifier's logits and those of the clusters make log-probabilities. */
  readonly clusters?: { readonly cutoffs: readonly number[]; readonly role: LinearRole };
  /** Where masks do not come from a classifier at every patch. */
  readonly masks?: MaskRoles | null;
}

export type Activation = 'gelu' | 'gelu_tanh' | 'quick_gelu' | 'relu' | 'silu';

export interface ImageShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly patch: number;
  readonly gridHeight: number;
  readonly gridWidth: number;
  /** Sides that follow the picture that is given; those above hold until there is one. */
  readonly open?: { readonly height: boolean; readonly width: boolean };
}

/** Input of speech encoders: log-mel features. */
export interface AudioShape {
  readonly mels: number;
  /** Of the input; the second convolution halves them to N tokens. */
  readonly frames: number;
}

/** Input of language models: token ids. */
export interface TextShape {
  readonly vocabulary: number;
  /** Most tokens of one input; null: no limit is known. */
  readonly context: number | null;
  /** Row of the position embedding that token 0 takes (RoBERTa 2). */
  readonly positionOffset: number;
  /** Factor on the word embeddings; 1 nearly everywhere. */
  readonly scale: number;
  /**
   * Positions are sines, then cosines, of the distance to the last token, `clamp` at most (lmtool-fwms); the file's
   * `position` are their frequencies [C / 2]. Or of the position itself, with no tensor: 'interleaved' sin and cos of
   * p 10000^(-2j/C) in turns (Attention Is All You Need), 'halves' sines, then cosines of p 10000^(-j/(C/2-1))
   * (tensor2tensor, fairseq).
   */
  readonly sinusoid?: { readonly clamp: number | null } | { readonly order: 'interleaved' | 'halves' };
  /** Where the head reads behind pooling 'end': the first token with this id, or with the highest id of the input. */
  readonly endToken?: number | 'highest';
  /** Index of that token once there is an input (`specForInput`); null: the input has none. */
  readonly endsAt?: number | null;
  /** Tokens that every input must have; absent: as many as the context allows. */
  readonly exact?: number;
  /** The family's sample text; absent: a passage of any length; null: nothing can be put into its ids (`sampleInput`). */
  readonly sample?: SampleText | null;
}

/** Rotary positions on q and k (after their norms). */
export interface RopeShape {
  readonly theta: number;
  /** Leading entries of each head that are rotated; even, at most d. */
  readonly dims: number;
  /** 'half': entry j turns with j + dims/2 (rotate_half); 'pairs': 2j with 2j + 1. */
  readonly style: 'half' | 'pairs';
  /** null: none. 'linear' divides every frequency by factor; 'llama3' by wavelength (model-families.md section 3). */
  readonly scaling:
    | null
    | { readonly kind: 'linear'; readonly factor: number }
    | {
        readonly kind: 'llama3';
        readonly factor: number;
        readonly lowFrequency: number;
        readonly highFrequency: number;
        readonly originalContext: number;
      };
}

/** What a transformer block does, where it differs from a pre-LN ViT block. Defaults: `plainBlock`. */
export interface BlockShape {
  /** LayerNorm, or RMSNorm (no mean, no bias). All norms of the network, the final one included. */
  readonly norm: 'layer' | 'rms';
  /**
   * 'pre': x + f(norm x), twice. 'post': norm(x + f x), twice (BERT). 'parallel': x + attn(norm1 x) + mlp(norm2 x)
   * (GPT-NeoX).
   */
  readonly placement: 'pre' | 'post' | 'parallel';
  /** 'gated': fc2(act(gate x) * up x), gate and up packed in fc1. */
  readonly mlp: 'plain' | 'gated';
  /** Norm of q and k over d, where the block has one. */
  readonly headNorm: 'layer' | 'rms';
  readonly rope: RopeShape | null;
  /** A layer each: query i sees keys with |i - j| < window (and j <= i where causal); null: all. Empty: null everywhere. */
  readonly windows: readonly (number | null)[];
  /** A layer each: factor of q.k; null: 1/sqrt(d). Empty: null everywhere. */
  readonly scoreScales: readonly (number | null)[];
}

/** Consecutive blocks of one shape: the encoder of a network, its decoder. */
export interface StageShape {
  readonly name: string;
  readonly layers: number;
  readonly heads: number;
  /** d */
  readonly headDim: number;
  /** C */
  readonly embedDim: number;
  readonly mlpDim: number;
  /** N */
  readonly tokens: number;
  readonly prefixTokens: number;
  /** Class embeddings behind the patches. */
  readonly suffixTokens: number;
}

/** timm's block. */
export const plainBlock: BlockShape = {
  norm: 'layer',
  placement: 'pre',
  mlp: 'plain',
  headNorm: 'layer',
  rope: null,
  windows: [],
  scoreScales: [],
};

/** One fact of the spec and where it came from, for the overview and for `--set`. */
export interface SpecFact {
  readonly fact: string;
  readonly value: string;
  /** E.g. 'shape of blocks.0.attn.qkv.weight', 'args.model', 'width 192 in the table of known widths', '--set'. */
  readonly source: string;
}

/** Sizes of a network with several stages are those of the first, heads apart: the most that a stage has. */
export interface ModelSpec {
  readonly family: ModelFamily;
  readonly attention: AttentionKind;
  /** Token i sees tokens 0..i only. */
  readonly causal: boolean;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** d */
  readonly headDim: number;
  /** C */
  readonly embedDim: number;
  readonly mlpDim: number;
  /** N, prefix tokens included. Language models: the tokens of the input once there is one (`specForInput`). */
  readonly tokens: number;
  /** Class token, and distillation and register tokens where there are some. */
  readonly prefixTokens: number;
  /** false: position embedding covers patches only (no_embed_class). */
  readonly positionCoversPrefix: boolean;
  /** Whether the covered prefix includes the register tokens; default false (they are inserted after positions). */
  readonly positionCoversRegisters?: boolean;
  /** null: the input is token ids (`text`) or spectral features (`audio`). */
  readonly image: ImageShape | null;
  /** null or absent: the input is no token ids. */
  readonly text?: TextShape | null;
  /** null or absent: the input is no spectral features. */
  readonly audio?: AudioShape | null;
  /** In the order of the blocks; absent: all blocks are of one shape. Their layers add up to `layers`. */
  readonly stages?: readonly StageShape[];
  /** What differs from `plainBlock`. */
  readonly block?: Partial<BlockShape>;
  readonly classes: number | null;
  /** Epsilon of all norms. */
  readonly layerNormEps: number;
  readonly activation: Activation;
  /** q and k standardised over d before the product (Reconstruction model). */
  readonly standardise: boolean;
  /** Settings the checkpoint was trained with; null unless attention is 'rpc'. */
  readonly rpc: RpcSettings | null;
  readonly embed: EmbedRoles;
  readonly blocks: readonly BlockRoles[];
  readonly head: HeadRoles;
  /** The graph that computes the model (ONNX), where there is one; `embed`, `blocks` and `head` are empty then. */
  readonly onnx?: OnnxModel;
  /** null: the input is not an image. */
  readonly preprocessing: ImagePreprocessing | null;
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
  /** What part of the picture the network sees in one pass, where its code slides a window over larger ones. */
  readonly window?: string;
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

/** A normalised image [channels, height, width], row-major. */
export interface ImageInput {
  readonly kind: 'image' | 'npy' | 'random' | 'sample';
  /** What the person asked for: file name, 'random:0', 'sample picture, seed 0'. */
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

/** Token ids [N], padding left out. */
export interface TokenInput {
  readonly kind: 'tokens' | 'text' | 'random-tokens' | 'sample';
  /** What the person asked for: 'tokens:1,2,3', file name, 'random:0'. */
  readonly label: string;
  readonly ids: Int32Array;
  /** Place of each token in the padded sequence, where padding was left out; null: 0..N-1. */
  readonly positions: Int32Array | null;
  /** Hash of the input file, or of the ids where there is no file. */
  readonly sha256: string;
  readonly picture: null;
  /** Absent: no tokenizer is known that could say what the ids stand for. */
  readonly words?: TokenWords;
  /** Why not. */
  readonly wordsReason?: string;
}

/** What the ids of an input stand for. */
export interface TokenWords {
  /** One a token, as a person reads it: '·cat', '[CLS]'. */
  readonly labels: readonly string[];
  /** 1: a special token that the tokenizer put there; 0: text, or an id that was given. */
  readonly added: readonly number[];
  /** Which tokenizer, as a sentence. */
  readonly tokenizer: string;
}

/** Log-mel features [mels, frames], row-major, as the family's feature extractor makes them. */
export interface FeatureInput {
  readonly kind: 'npy' | 'random' | 'sample';
  /** What the person asked for: file name, 'random:0', 'sample picture, seed 0'. */
  readonly label: string;
  readonly features: Float64Array;
  readonly mels: number;
  readonly frames: number;
  /** Hash of the input file, or of the features where there is no file. */
  readonly sha256: string;
  readonly picture: null;
}

/** What goes into the network. */
export type ModelInput = ImageInput | TokenInput | FeatureInput;
