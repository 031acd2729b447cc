// Tiny random models that cover what the engine tells apart, and the measure that every comparison uses.

import type { FloatArray } from '../../src/checkpoint/tensorIndex';
import type { BlockWeights, EmbedWeights, HeadWeights, LinearWeights } from '../../src/model/weights';
import type { ImageInput, ModelSpec, RpcSettings } from '../../src/model/modelSpec';

/** Spec section 10: q, k, v, attention, h, logits when the tool computes in float32, relative to max |.|. */
export const float32Tolerance = 2e-4;
/** Bar of RPC on float32 backends, relative to max |.|: the iteration amplifies round-off. */
export const rpcTolerance = 1e-3;

export interface Geometry {
  readonly name: string;
  readonly spec: ModelSpec;
  readonly embed: EmbedWeights;
  readonly blocks: readonly BlockWeights[];
  readonly head: HeadWeights;
  readonly input: ImageInput;
}

interface Wish {
  readonly name: string;
  readonly heads: number;
  readonly headDim: number;
  readonly grid: readonly [number, number];
  readonly attention?: ModelSpec['attention'];
  readonly scale?: 'matrix' | 'scalar';
  readonly distilled?: boolean;
  readonly layerScale?: boolean;
  readonly headNorms?: boolean;
  readonly standardise?: boolean;
  readonly coversPrefix?: boolean;
  readonly activation?: ModelSpec['activation'];
  readonly rpc?: RpcSettings;
}

const rpcAll: RpcSettings = { variant: 'code', iterations: 3, lambda: 0.5, layers: 'all' };

export const wishes: readonly Wish[] = [
  { name: 'timm, C 24', heads: 2, headDim: 12, grid: [4, 4] },
  { name: 'd 58, C 116', heads: 2, headDim: 58, grid: [3, 3] },
  { name: 'non-square grid', heads: 3, headDim: 8, grid: [2, 5] },
  { name: 'distilled', heads: 2, headDim: 10, grid: [3, 3], distilled: true },
  { name: 'positions without prefix', heads: 2, headDim: 12, grid: [3, 3], coversPrefix: false },
  { name: 'symmetric', heads: 2, headDim: 12, grid: [4, 4], attention: 'symmetric' },
  { name: 'scaled by a matrix', heads: 2, headDim: 12, grid: [3, 4], attention: 'scaled', scale: 'matrix' },
  { name: 'scaled by alpha', heads: 2, headDim: 11, grid: [3, 4], attention: 'scaled', scale: 'scalar' },
  { name: 'layer scale', heads: 2, headDim: 12, grid: [3, 3], layerScale: true },
  { name: 'query and key norm', heads: 2, headDim: 12, grid: [3, 3], headNorms: true },
  { name: 'standardised', heads: 2, headDim: 12, grid: [3, 3], standardise: true },
  { name: 'tanh GELU', heads: 2, headDim: 12, grid: [3, 3], activation: 'gelu_tanh' },
  { name: 'ReLU, one patch', heads: 1, headDim: 4, grid: [1, 1], activation: 'relu' },
  { name: 'RPC native', heads: 2, headDim: 12, grid: [4, 4], attention: 'rpc', rpc: rpcAll },
];

/** Model, weights and input of a wish; the same numbers every time. */
export function makeGeometry(wish: Wish, layers = 2): Geometry {
  const random = normals(wish.name);
  const { heads, headDim } = wish;
  const [gridHeight, gridWidth] = wish.grid;
  const c = heads * headDim;
  const patch = 4;
  const channels = 3;
  const prefixTokens = wish.distilled === true ? 2 : 1;
  const tokens = gridHeight * gridWidth + prefixTokens;
  const classes = 5;
  const mlpDim = 2 * c + 1;
  const attention = wish.attention ?? 'softmax';
  const symmetric = attention === 'symmetric' || attention === 'rpc';
  const coversPrefix = wish.coversPrefix ?? true;
  const vector = (length: number, sd: number, mean = 0): Float32Array =>
    Float32Array.from({ length }, () => mean + sd * random());
  const linear = (out: number, width: number): LinearWeights => ({
    weight: vector(out * width, 1.3 / Math.sqrt(width)),
    bias: vector(out, 0.2),
  });
  const norm = (width: number): LinearWeights => ({ weight: vector(width, 0.2, 1), bias: vector(width, 0.1) });
  const scale = (): FloatArray | null =>
    wish.scale === 'matrix' ? vector(heads * tokens * tokens, 0.1) : wish.scale === 'scalar' ? vector(1, 0, 0.7) : null;
  const pixels = Float64Array.from({ length: channels * gridHeight * gridWidth * patch * patch }, random);
  return {
    name: wish.name,
    spec: {
      family: 'timm-vit',
      attention,
      causal: false,
      layers,
      heads,
      kvHeads: heads,
      headDim,
      embedDim: c,
      mlpDim,
      tokens,
      prefixTokens,
      positionCoversPrefix: coversPrefix,
      image: { channels, height: gridHeight * patch, width: gridWidth * patch, patch, gridHeight, gridWidth },
      classes,
      layerNormEps: 1e-6,
      activation: wish.activation ?? 'gelu',
      standardise: wish.standardise ?? false,
      rpc: wish.rpc ?? null,
      embed: { patch: { weight: '', bias: '' }, classToken: '', distToken: null, position: '' },
      blocks: [],
      head: { norm: { weight: '', bias: '' }, classifier: null, distClassifier: null },
      preprocessing: { resizeShortSide: null, interpolation: 'bicubic', mean: [], std: [], source: 'test' },
      facts: [],
      notes: [],
    },
    embed: {
      patch: linear(c, channels * patch * patch),
      classToken: vector(c, 0.5),
      distToken: wish.distilled === true ? vector(c, 0.5) : null,
      position: vector((coversPrefix ? tokens : tokens - prefixTokens) * c, 0.5),
    },
    blocks: Array.from({ length: layers }, () => ({
      norm1: norm(c),
      qkv: linear((symmetric ? 2 : 3) * c, c),
      queryNorm: wish.headNorms === true ? norm(headDim) : null,
      keyNorm: wish.headNorms === true ? norm(headDim) : null,
      scale: scale(),
      proj: linear(c, c),
      layerScale1: wish.layerScale === true ? vector(c, 0.3, 0.1) : null,
      norm2: norm(c),
      fc1: linear(mlpDim, c),
      fc2: linear(c, mlpDim),
      layerScale2: wish.layerScale === true ? vector(c, 0.3, 0.1) : null,
    })),
    head: {
      norm: norm(c),
      classifier: linear(classes, c),
      distClassifier: wish.distilled === true ? linear(classes, c) : null,
    },
    input: {
      kind: 'random',
      label: 'test image',
      pixels,
      channels,
      height: gridHeight * patch,
      width: gridWidth * patch,
      sha256: '',
      picture: null,
    },
  };
}

/** Standard normal numbers from a word, by Box and Muller over a 32-bit generator. */
export function normals(seed: string): () => number {
  let state = Array.from(seed).reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16777619), 2166136261);
  const uniform = (): number => {
    state = Math.imul(state, 1664525) + 1013904223;
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    return (((mixed ^ (mixed >>> 12)) >>> 0) + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** max |a - b| / max |b|; NaN where lengths differ or anything is NaN. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return NaN;
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(difference)) return NaN;
    worst = Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return largest === 0 ? worst : worst / largest;
}
