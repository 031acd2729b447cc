// One attention block of a graph, as data: which values to look at and how to read them. Crosses to workers.

/**
 * How a tapped value becomes [heads, tokens, d] (a pattern: [heads, queryPos, keyPos]); every leading axis counts as
 * heads. 'rows': as it is. 'columns': its last two axes are exchanged. Otherwise the axes in the order given.
 */
export type TapLayout = 'rows' | 'columns' | readonly number[];

export interface Tap {
  /** Name of the value in the graph. */
  readonly name: string;
  readonly layout: TapLayout;
}

/** A linear map in front of q, k or v: value = x W + b, then rearranged. */
export interface SiteProjection {
  /** Value [.., C] that goes in. */
  readonly x: string;
  /** x without the reshapes in front of the product: equal for q, k and v of one block. */
  readonly source: string;
  /** Value [.., M] that comes out, bias included. */
  readonly result: string;
  /** Tensor of the file. */
  readonly weight: string;
  /** Whether the weight is [M, C], not [C, M]. */
  readonly turned: boolean;
  /** Tensor of the file, [M] or one number; null: none. */
  readonly bias: string | null;
  /** Factor behind the bias, before the product with keys or queries (Gemm's alpha and beta are 1). */
  readonly factor: number;
}

interface SiteBase {
  /** 'Softmax "/blocks.0/attn/Softmax"', for facts and messages. */
  readonly where: string;
  /** Index of the node in the graph. */
  readonly node: number;
  /** H, where the shapes say it. */
  readonly heads: number | null;
  readonly kvHeads: number | null;
  /** d */
  readonly headDim: number | null;
  /** N */
  readonly tokens: number | null;
}

/** Attention in single steps: product, scale, mask, softmax, product. */
export interface PlainSite extends SiteBase {
  readonly kind: 'plain';
  readonly q: Tap;
  readonly k: Tap;
  readonly v: Tap;
  readonly pattern: Tap;
  readonly out: Tap;
  /** The tapped q and k already hold these factors. */
  readonly queryFactor: number;
  readonly keyFactor: number;
  /** Factor on the product of the tapped q and k. */
  readonly scoreFactor: number;
  /** Something is added to the scores or chosen in their place. */
  readonly masked: boolean;
  /** q and k are one value of the graph. */
  readonly symmetric: boolean;
  readonly projections: { readonly q: SiteProjection; readonly k: SiteProjection; readonly v: SiteProjection } | null;
}

/** Attention in one node, whose inner values cannot be tapped. */
export interface FusedSite extends SiteBase {
  readonly kind: 'fused';
  readonly operator: FusedOperator;
  /** Names of the node's inputs; '' where one is left out. */
  readonly inputs: readonly string[];
  readonly output: string;
  /** The node's second output, the keys after rotation (GroupQueryAttention); null: not among its outputs. */
  readonly presentKey: string | null;
  readonly scale: number | null;
  readonly causal: boolean;
  /** Keys a query sees, its own included; null: all. */
  readonly window: number | null;
  readonly rotary: 'none' | 'half' | 'pairs';
  /** Widths of q, k and v in Attention's packed weight; null: equal. */
  readonly widths: readonly number[] | null;
}

export type FusedOperator = 'Attention' | 'MultiHeadAttention' | 'GroupQueryAttention' | 'ai.onnx.Attention';

export type AttentionSite = PlainSite | FusedSite;
