// Heads for the tests of this folder: random ones from the portable generator, and the worked example.

import type { DiagnosticsOptions, HeadInput, HeadProjection, TwinNumbers } from '../../../src/diagnostics/headInput';
import { normals } from '../../../src/diagnostics/random';
import { createReferenceKernels } from '../../../src/engine/reference/kernels';

export const kernels = createReferenceKernels();

export const noTwins: TwinNumbers = { theory: [], plain: [] };

export const noNoise: DiagnosticsOptions['noise'] = { kinds: [], levels: {}, repeats: 0 };

export function options(changes: Partial<DiagnosticsOptions> = {}): DiagnosticsOptions {
  return { seed: 0, nulls: 0, rpc: null, noise: noNoise, ...changes };
}

export function projection(weight: Float64Array, bias: Float64Array | null = null): HeadProjection {
  return { weight, bias, norm: null };
}

/** A head whose q, k, v are given; its x and projections are consistent only where a test says so. */
export function headInput(
  tokens: number,
  headDim: number,
  parts: Partial<HeadInput> & Pick<HeadInput, 'k' | 'v'>,
): HeadInput {
  const embedDim = parts.embedDim ?? headDim;
  const zero = projection(new Float64Array(headDim * embedDim));
  return {
    layer: 0,
    head: 0,
    kvHead: 0,
    tokens,
    headDim,
    embedDim,
    prefixTokens: 1,
    q: null,
    otherValues: [],
    x: new Float64Array(tokens * embedDim),
    query: null,
    key: zero,
    value: zero,
    standardise: false,
    scaled: null,
    nativeRpc: null,
    untrained: [],
    ...parts,
  };
}

/** Random symmetric head; `sd` is that of the keys. */
export function randomHead(name: string, tokens: number, headDim: number, sd = 1): HeadInput {
  return headInput(tokens, headDim, {
    k: normals(`${name}/k`, tokens * headDim).map((value) => value * sd),
    v: normals(`${name}/v`, tokens * headDim),
  });
}

/** How a golden head is made; `make_goldens.py` has the same recipe. */
export interface HeadRecipe {
  readonly name: string;
  readonly tokens: number;
  readonly headDim: number;
  readonly embedDim: number;
  readonly symmetric: boolean;
  /** Factor on weight and bias of the key projection. */
  readonly keyScale: number;
  /** Patch grid behind token 0; null: a sequence. */
  readonly grid?: readonly [rows: number, columns: number] | null;
  readonly special?: readonly number[];
}

/** A head with an x [N, C] and the projections that make q, k, v of it, biases and all. */
export function projectedHead(recipe: HeadRecipe, parts: Partial<HeadInput> = {}): HeadInput {
  const { name, tokens, headDim, embedDim } = recipe;
  const x = normals(`${name}/x`, tokens * embedDim);
  const make = (part: string, scale: number): HeadProjection =>
    projection(
      normals(`${name}/W${part}`, headDim * embedDim).map((value) => (scale * value) / Math.sqrt(embedDim)),
      normals(`${name}/b${part}`, headDim).map((value) => (scale * value) / 10),
    );
  const apply = (by: HeadProjection): Float64Array =>
    kernels.matmulTransposed(x, by.weight, tokens, embedDim, headDim).map((value, i) => value + by.bias![i % headDim]!);
  const key = make('k', recipe.keyScale);
  const value = make('v', 1);
  const query = recipe.symmetric ? null : make('q', 1);
  return headInput(tokens, headDim, {
    embedDim,
    x,
    query,
    key,
    value,
    q: query === null ? null : apply(query),
    k: apply(key),
    v: apply(value),
    output: normals(`${name}/Wo`, embedDim * headDim).map((entry) => entry / Math.sqrt(headDim)),
    ...parts,
  });
}

export const demo = {
  tokens: 6,
  headDim: 3,
  q: normals('demo/q', 18),
  k: normals('demo/k', 18),
  v: normals('demo/v', 18),
};
