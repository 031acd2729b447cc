// Blocks of a quantised GGUF tensor -> float32 values. Each product of scale and code is exact in float64 and the one
// sum is rounded once, so the values are those of ggml's own float32 code, bit for bit.

import { halfTable } from '../convert';
import type { FloatArray, Quantisation } from '../tensorIndex';
import type { BlockReader } from './blockReader';
import { blockSizes } from './ggmlTypes';
import { q2K, q3K, q4K, q5K, q6K, q8K } from './kBlocks';
import { q40, q41, q50, q51, q80 } from './smallBlocks';

const readers: Readonly<Record<Quantisation, BlockReader>> = {
  Q4_0: q40,
  Q4_1: q41,
  Q5_0: q50,
  Q5_1: q51,
  Q8_0: q80,
  Q2_K: q2K,
  Q3_K: q3K,
  Q4_K: q4K,
  Q5_K: q5K,
  Q6_K: q6K,
  Q8_K: q8K,
};

/** Dequantises all whole blocks of `bytes` into `target` from `at` on. */
export function dequantiseInto(target: FloatArray, at: number, bytes: Uint8Array, quantisation: Quantisation): void {
  const read = readers[quantisation];
  const size = blockSizes[quantisation];
  const half = halfTable();
  let o = at;
  for (let b = 0; b + size.bytes <= bytes.length; b += size.bytes) {
    read(bytes, b, target, o, half);
    o += size.values;
  }
}
