// Moving between rows of all heads side by side [N, H*d], as the projections write them, and one block a head
// [H, N, d], as traces and kernels want them.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { ModelSpec } from '../model/modelSpec';
import { EngineError } from './backend';

/** Where q, k and v stand among the rows of a fused projection; q at k in symmetric layers. */
export interface ProjectionLayout {
  readonly symmetric: boolean;
  /** Rows in all. */
  readonly width: number;
  readonly offsets: { readonly q: number; readonly k: number; readonly v: number };
}

/**
 * Layout of a projection with `entries` weights. Without grouped queries the number of rows tells a symmetric layer
 * (2 H d). @throws EngineError internal when the size fits neither.
 */
export function projectionLayout(spec: ModelSpec, entries: number, layer: number): ProjectionLayout {
  const { heads, kvHeads, headDim, embedDim } = spec;
  const inner = heads * headDim;
  const narrow = kvHeads * headDim;
  const width = entries / embedDim;
  if (kvHeads === heads && width === 2 * inner) {
    return { symmetric: true, width, offsets: { q: 0, k: 0, v: inner } };
  }
  if (width !== inner + 2 * narrow) {
    throw new EngineError(
      'internal',
      `The q, k, v weight of layer ${layer} has ${entries} entries; ${heads} heads of ${headDim} at width ${embedDim} need ${(inner + 2 * narrow) * embedDim}, or ${2 * inner * embedDim} without queries.`,
    );
  }
  return { symmetric: false, width, offsets: { q: 0, k: inner, v: inner + narrow } };
}

/** Columns offset..offset+H*d of x [N, width] as [H, N, d]. */
export function splitHeads(
  x: FloatArray,
  tokens: number,
  width: number,
  offset: number,
  heads: number,
  headDim: number,
): Float64Array {
  const out = new Float64Array(heads * tokens * headDim);
  for (let h = 0; h < heads; h++) {
    for (let i = 0; i < tokens; i++) {
      const from = i * width + offset + h * headDim;
      out.set(x.subarray(from, from + headDim), (h * tokens + i) * headDim);
    }
  }
  return out;
}

/** [kvHeads, N, d] once per query head: [H, N, d]; the array itself where both counts agree. */
export function repeatHeads(x: Float64Array, kvHeads: number, heads: number): Float64Array {
  if (kvHeads === heads) return x;
  const size = x.length / kvHeads;
  const out = new Float64Array(heads * size);
  for (let h = 0; h < heads; h++) {
    const kv = Math.floor(h / (heads / kvHeads));
    out.set(x.subarray(kv * size, (kv + 1) * size), h * size);
  }
  return out;
}

/** [H, N, d] as [N, H*d]: heads concatenated, as the output projection reads them. */
export function mergeHeads(x: FloatArray, tokens: number, heads: number, headDim: number): Float64Array {
  const out = new Float64Array(heads * tokens * headDim);
  for (let h = 0; h < heads; h++) {
    for (let i = 0; i < tokens; i++) {
      const from = (h * tokens + i) * headDim;
      out.set(x.subarray(from, from + headDim), (i * heads + h) * headDim);
    }
  }
  return out;
}

/** Head h of x [H, N, d], a view [N, d]. */
export function headOf(x: Float64Array, head: number, tokens: number, headDim: number): Float64Array {
  return x.subarray(head * tokens * headDim, (head + 1) * tokens * headDim);
}

/**
 * Each row of `width` entries to mean 0 and unbiased standard deviation 1, spec section 3 `std`: without an epsilon part
 * of the forward pass of the Reconstruction model; the reproduction study's scripts add `eps` to the deviation.
 */
export function standardiseRows(x: Float64Array, width: number, eps = 0): Float64Array {
  const out = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += width) {
    const row = x.subarray(start, start + width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (width - 1);
    const sd = Math.sqrt(variance) + eps;
    for (let j = 0; j < width; j++) out[start + j] = (row[j]! - mean) / sd;
  }
  return out;
}
