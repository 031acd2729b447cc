// The instance behind the `cpu` backend: exports of assembly/index.ts with their types, and an arena over its
// memory. One instance serves one thread; calls do not nest, so the arena starts afresh with each call.

import wasm from 'gramlens-kernels.wasm';
import type { FloatArray } from '../../checkpoint/tensorIndex';
import { EngineError } from '../backend';

/** Byte address in WebAssembly memory. */
export type Pointer = number;

/** Exports of assembly/index.ts; argument meanings are documented there. */
export interface KernelExports {
  heapBase(): Pointer;
  gemmScratch(): number;
  attentionScratch(tokens: number, headDim: number, valueDim: number): number;
  gemm(transposed: number, a: Pointer, b: Pointer, c: Pointer, m: number, k: number, n: number, pack: Pointer): void;
  quadraticFormScratch(count: number): number;
  quadraticForm(a: Pointer, n: number, x: Pointer, count: number, work: Pointer, pack: Pointer): number;
  addBias(c: Pointer, bias: Pointer, m: number, n: number): void;
  eigenStride(n: number): number;
  eigenScratch(n: number, count: number): number;
  eigen(a: Pointer, n: number, count: number, values: Pointer, vectors: Pointer, scratch: Pointer): number;
  linear32Scratch(): number;
  linear32(x: Pointer, w: Pointer, bias: Pointer, y: Pointer, m: number, k: number, n: number, scratch: Pointer): void;
  gelu32(x: Pointer, n: number): void;
  geluTanh32(x: Pointer, n: number): void;
  relu32(x: Pointer, n: number): void;
  sigmoidUnit32(x: Pointer, n: number, slope: number): void;
  expInto(from: Pointer, to: Pointer, n: number, shift: number, scale: number): void;
  gelu(x: Pointer, n: number): void;
  geluTanh(x: Pointer, n: number): void;
  relu(x: Pointer, n: number): void;
  sigmoidUnit(x: Pointer, n: number, slope: number): void;
  rmsNorm(x: Pointer, y: Pointer, rows: number, width: number, gain: Pointer, eps: number): void;
  layerNorm(x: Pointer, y: Pointer, rows: number, width: number, gain: Pointer, bias: Pointer, eps: number): void;
  attention(
    q: Pointer,
    k: Pointer,
    v: Pointer,
    out: Pointer,
    tokens: number,
    headDim: number,
    valueDim: number,
    scratch: Pointer,
    scale: number,
    causal: number,
    window: number,
  ): void;
  pattern(
    q: Pointer,
    k: Pointer,
    out: Pointer,
    tokens: number,
    headDim: number,
    scratch: Pointer,
    scale: number,
    causal: number,
    window: number,
  ): void;
  rpc(
    q: Pointer,
    k: Pointer,
    v: Pointer,
    low: Pointer,
    cleaned: Pointer,
    sparse: Pointer,
    dual: Pointer,
    tokens: number,
    headDim: number,
    begin: 0 | 1,
    iterations: number,
    mu: number,
    tau: number,
    sigma: number,
    numbers: Pointer,
    scratch: Pointer,
    scale: number,
    causal: number,
    window: number,
  ): void;
}

const pageBytes = 65536;
/** 32-bit WebAssembly addresses end here. */
const maxBytes = 65536 * pageBytes;
/** Memory is grown in steps of at least this, so that a model of many sizes does not grow it at each call. */
const growthBytes = 4 * 1024 * 1024;

export interface WasmModule {
  readonly exports: KernelExports;
  /** Forgets everything allocated; every call of a kernel begins with it. */
  reset(): void;
  /** Room for `length` doubles, not cleared. Any later allocation may detach views made before it. */
  alloc(length: number): Pointer;
  /** Copies values in, as float64. */
  put(values: FloatArray): Pointer;
  /** Copies a matrix [rows, width] in with room for `stride` doubles a row; what is beyond `width` is not cleared. */
  putRows(values: Float64Array, width: number, stride: number): Pointer;
  /** A fresh copy of `length` doubles. */
  take(pointer: Pointer, length: number): Float64Array;
  /** `alloc`, `put` and `take` of float32. */
  alloc32(length: number): Pointer;
  put32(values: FloatArray): Pointer;
  take32(pointer: Pointer, length: number): Float32Array;
  /** A fresh copy [rows, width] of rows that lie `stride` doubles apart. */
  takeRows(pointer: Pointer, rows: number, width: number, stride: number): Float64Array;
}

/**
 * Compiles and instantiates the kernels. In a webview this needs 'wasm-unsafe-eval' in the page's policy.
 * @throws EngineError internal when WebAssembly SIMD is missing or forbidden, outOfMemory when memory is.
 */
export async function instantiateKernels(): Promise<WasmModule> {
  let memory: WebAssembly.Memory;
  try {
    memory = new WebAssembly.Memory({ initial: 16, maximum: maxBytes / pageBytes });
  } catch (cause) {
    throw new EngineError('outOfMemory', `The cpu backend could not reserve WebAssembly memory (${String(cause)}).`);
  }
  let exports: KernelExports;
  try {
    const { instance } = await WebAssembly.instantiate(wasm, { env: { memory } });
    exports = instance.exports as unknown as KernelExports;
  } catch (cause) {
    throw new EngineError(
      'internal',
      `The cpu backend's WebAssembly kernels did not start (${String(cause)}). They need WebAssembly SIMD; --backend reference does without.`,
    );
  }
  return arena(memory, exports);
}

function arena(memory: WebAssembly.Memory, exports: KernelExports): WasmModule {
  const base = Math.ceil((exports.heapBase() >>> 0) / 16) * 16;
  let top = base;
  const alloc = (length: number): Pointer => {
    const pointer = top;
    // Whole pairs: vector loops may touch the second half of the last one.
    const end = pointer + Math.ceil(length / 2) * 16;
    const have = memory.buffer.byteLength;
    if (end > have) grow(memory, end, have);
    top = end;
    return pointer;
  };
  const alloc32 = (length: number): Pointer => alloc(Math.ceil(length / 4) * 2);
  return {
    exports,
    alloc,
    reset: () => {
      top = base;
    },
    put: (values) => {
      const pointer = alloc(values.length);
      new Float64Array(memory.buffer, pointer, values.length).set(values);
      return pointer;
    },
    putRows: (values, width, stride) => {
      const rows = values.length / width;
      const pointer = alloc(rows * stride);
      const all = new Float64Array(memory.buffer, pointer, rows * stride);
      for (let i = 0; i < rows; i++) all.set(values.subarray(i * width, (i + 1) * width), i * stride);
      return pointer;
    },
    takeRows: (pointer, rows, width, stride) => {
      const all = new Float64Array(memory.buffer, pointer, rows * stride);
      const out = new Float64Array(rows * width);
      for (let i = 0; i < rows; i++) out.set(all.subarray(i * stride, i * stride + width), i * width);
      return out;
    },
    take: (pointer, length) => new Float64Array(memory.buffer, pointer, length).slice(),
    alloc32,
    put32: (values) => {
      const pointer = alloc32(values.length);
      new Float32Array(memory.buffer, pointer, values.length).set(values);
      return pointer;
    },
    take32: (pointer, length) => new Float32Array(memory.buffer, pointer, length).slice(),
  };
}

function grow(memory: WebAssembly.Memory, end: number, have: number): void {
  const wanted = Math.min(Math.max(end, have + growthBytes), Math.max(end, maxBytes));
  const pages = Math.ceil((wanted - have) / pageBytes);
  try {
    if (end > maxBytes) throw new RangeError('4 GB is the most that WebAssembly addresses');
    memory.grow(pages);
  } catch (cause) {
    const megabytes = Math.ceil(end / 2 ** 20);
    throw new EngineError(
      'outOfMemory',
      `The cpu backend needs ${megabytes} MB of WebAssembly memory for this step and could not get it (${String(cause)}). Close other programs, or inspect fewer tokens.`,
    );
  }
}
