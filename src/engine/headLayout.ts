// Moving between rows of all heads side by side [N, H*d], as the projections write them, and one block a head
// [H, N, d], as traces and kernels want them.

import type { FloatArray } from '../checkpoint/tensorIndex';

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
 * Each row of `width` entries to mean 0 and unbiased standard deviation 1, without an epsilon: spec section 3
 * `std`, part of the forward pass of the Reconstruction model.
 */
export function standardiseRows(x: Float64Array, width: number): Float64Array {
  const out = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += width) {
    const row = x.subarray(start, start + width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (width - 1);
    const sd = Math.sqrt(variance);
    for (let j = 0; j < width; j++) out[start + j] = (row[j]! - mean) / sd;
  }
  return out;
}
