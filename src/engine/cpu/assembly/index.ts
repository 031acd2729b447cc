// What src/engine/cpu calls in WebAssembly (AssemblyScript, no managed memory): softmax attention and whole RPC
// iterations of one head; products, elementwise kernels and the eigensolver of the other files.

import { expInto, maximum, scaleBy, sum } from './elementwise';
import { gemmPacked, packAll, packedLength } from './gemm';

export { eigen, eigenScratch, eigenStride } from './eigen';
export { addBias, gemm, gemmScratch, quadraticForm, quadraticFormScratch } from './gemm';
export { expInto, gelu, geluTanh, layerNorm, relu, rmsNorm, sigmoidUnit } from './elementwise';
export { gelu32, geluTanh32, relu32, sigmoidUnit32 } from './elementwise32';
export { linear32, linear32Scratch } from './linear32';

/** Rows of the pattern held at a time: 32 rows of 1024 tokens are 256 KB. A multiple of the tile's 4 rows. */
const ROWS: i32 = 32;

/** First free byte; the host lays its arena from here. */
export function heapBase(): usize {
  return __heap_base;
}

/** Doubles of scratch that `attention`, `pattern` and `rpc` need. */
export function attentionScratch(tokens: i32, headDim: i32, valueDim: i32): i32 {
  return packedLength(headDim, tokens) + packedLength(tokens, valueDim) + ROWS * ((tokens + 3) & ~3);
}

/**
 * Scores of query rows first..first+rows (ROWS at most) against packed keys as exp((s - max) scale), not yet divided
 * by their sums; 0 where the query does not see the key (later keys if causal, keys `window` or more away; window 0:
 * all). `block` is [ROWS, stride]; columns past `tokens` are left without meaning.
 */
function expScores(
  q: usize,
  packedKeys: usize,
  block: usize,
  first: i32,
  rows: i32,
  tokens: i32,
  headDim: i32,
  scale: f64,
  causal: i32,
  window: i32,
): void {
  const stride = (tokens + 3) & ~3;
  gemmPacked(q, headDim, packedKeys, block, stride, rows, headDim, stride);
  for (let i = 0; i < rows; i++) {
    const row = block + ((<usize>i * <usize>stride) << 3);
    const query = first + i;
    const from = window > 0 ? max<i32>(0, query - window + 1) : 0;
    const to = causal != 0 ? query + 1 : window > 0 ? min<i32>(tokens, query + window) : tokens;
    const most = maximum(row + ((<usize>from) << 3), to - from);
    // Whole pairs from an even place on, so that no pair leaves the row; what is not visible is cleared afterwards.
    const even = from & ~1;
    const start = row + ((<usize>even) << 3);
    expInto(start, start, to - even, most, scale);
    memory.fill(row, 0, (<usize>from) << 3);
    memory.fill(row + ((<usize>to) << 3), 0, (<usize>(tokens - to)) << 3);
  }
}

/**
 * out [tokens, valueDim] = softmax(scale q k^T) v over the visible keys (see expScores) without ever holding more than ROWS rows of the pattern.
 * q, k [tokens, headDim]; pass k for q in symmetric attention.
 */
export function attention(
  q: usize,
  k: usize,
  v: usize,
  out: usize,
  tokens: i32,
  headDim: i32,
  valueDim: i32,
  scratch: usize,
  scale: f64,
  causal: i32,
  window: i32,
): void {
  const stride = (tokens + 3) & ~3;
  const packedValues = scratch + ((<usize>packedLength(headDim, tokens)) << 3);
  const block = packedValues + ((<usize>packedLength(tokens, valueDim)) << 3);
  packAll(true, k, headDim, tokens, scratch);
  packAll(false, v, tokens, valueDim, packedValues);
  for (let i = 0; i < tokens; i += ROWS) {
    const rows = min<i32>(ROWS, tokens - i);
    const to = out + ((<usize>i * <usize>valueDim) << 3);
    const queries = q + ((<usize>i * <usize>headDim) << 3);
    expScores(queries, scratch, block, i, rows, tokens, headDim, scale, causal, window);
    gemmPacked(block, stride, packedValues, to, valueDim, rows, tokens, valueDim);
    for (let r = 0; r < rows; r++) {
      const total = sum(block + ((<usize>r * <usize>stride) << 3), tokens);
      scaleBy(to + ((<usize>r * <usize>valueDim) << 3), valueDim, 1 / total);
    }
  }
}

/** out [tokens, tokens] = softmax(scale q k^T) over the visible keys. */
export function pattern(
  q: usize,
  k: usize,
  out: usize,
  tokens: i32,
  headDim: i32,
  scratch: usize,
  scale: f64,
  causal: i32,
  window: i32,
): void {
  const stride = (tokens + 3) & ~3;
  const block = scratch + ((<usize>packedLength(headDim, tokens)) << 3);
  packAll(true, k, headDim, tokens, scratch);
  for (let i = 0; i < tokens; i += ROWS) {
    const rows = min<i32>(ROWS, tokens - i);
    const queries = q + ((<usize>i * <usize>headDim) << 3);
    expScores(queries, scratch, block, i, rows, tokens, headDim, scale, causal, window);
    for (let r = 0; r < rows; r++) {
      const row = block + ((<usize>r * <usize>stride) << 3);
      scaleBy(row, tokens, 1 / sum(row, tokens));
      memory.copy(out + ((<usize>(i + r) * <usize>tokens) << 3), row, (<usize>tokens) << 3);
    }
  }
}

/**
 * RPC-Attention, spec section 2: n iterations on k, v [tokens, d], from L = Y = 0 where `begin` is 1, else from the L and Y
 * that the call before left in `low` and `dual`. q = 0: symmetric. All four arrays are [tokens, d]; `low`, `sparse` and
 * `cleaned` hold L, S and K2 of the last iteration. `numbers` receives ||K - L - S||^2, the count of S != 0 and ||S||^2 for each iteration.
 */
export function rpc(
  q: usize,
  k: usize,
  v: usize,
  low: usize,
  cleaned: usize,
  sparse: usize,
  dual: usize,
  tokens: i32,
  headDim: i32,
  begin: i32,
  iterations: i32,
  mu: f64,
  tau: f64,
  sigma: f64,
  numbers: usize,
  scratch: usize,
  scale: f64,
  causal: i32,
  window: i32,
): void {
  const end = (<usize>tokens * <usize>headDim) << 3;
  if (begin != 0) {
    memory.fill(low, 0, end);
    memory.fill(dual, 0, end);
  }
  for (let t = 0; t < iterations; t++) {
    let count: f64 = 0;
    let sparseSquares: f64 = 0;
    for (let at: usize = 0; at < end; at += 8) {
      const key = load<f64>(k + at);
      const pull = load<f64>(dual + at) / mu;
      const r = key - load<f64>(low + at) + pull;
      const s = copysign<f64>(max<f64>(abs<f64>(r) - tau, 0), r);
      store<f64>(sparse + at, s);
      store<f64>(cleaned + at, key - s + sigma * pull);
      if (s != 0) count += 1;
      sparseSquares += s * s;
    }
    const queries = q != 0 ? q : cleaned;
    attention(queries, cleaned, v, low, tokens, headDim, headDim, scratch, scale, causal, window);
    let restSquares: f64 = 0;
    for (let at: usize = 0; at < end; at += 8) {
      const rest = load<f64>(k + at) - load<f64>(low + at) - load<f64>(sparse + at);
      store<f64>(dual + at, load<f64>(dual + at) + mu * rest);
      restSquares += rest * rest;
    }
    store<f64>(numbers, restSquares);
    store<f64>(numbers, count, 8);
    store<f64>(numbers, sparseSquares, 16);
    numbers += 24;
  }
}
