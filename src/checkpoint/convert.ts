// Little- or big-endian bytes of a dtype -> numbers. Every conversion is exact, but for 64-bit integers beyond 2^53,
// which round as Number() does.

import { dtypeBytes } from './dtypes';
import type { DType, FloatArray } from './tensorIndex';

/** Types whose values need more than float32's 24 bits. */
const wide: ReadonlySet<DType> = new Set<DType>(['float64', 'int64', 'int32', 'uint64', 'uint32']);

/** Whether values of this kind need float64. */
export const isWide = (dtype: DType): boolean => wide.has(dtype);

/** The array a tensor of `count` elements is converted into. */
export function makeFloatArray(dtype: DType, count: number): FloatArray {
  return isWide(dtype) ? new Float64Array(count) : new Float32Array(count);
}

/** Converts all whole elements of `bytes` into `target` from `at` on. `bytes` may be swapped in place. */
export function convertInto(target: FloatArray, at: number, bytes: Uint8Array, dtype: DType, bigEndian: boolean): void {
  const size = dtypeBytes[dtype];
  const count = Math.floor(bytes.byteLength / size);
  // Typed views need alignment and the machine's byte order (little-endian on every platform VS Code runs on).
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  if (bigEndian && size > 1) swapBytes(aligned, size);
  const { buffer, byteOffset } = aligned;
  switch (dtype) {
    case 'float64':
      target.set(new Float64Array(buffer, byteOffset, count), at);
      return;
    case 'float32':
      target.set(new Float32Array(buffer, byteOffset, count), at);
      return;
    case 'float16':
      lookUp(target, at, new Uint16Array(buffer, byteOffset, count), halfTable());
      return;
    case 'bfloat16':
      widenBfloat16(target, at, new Uint16Array(buffer, byteOffset, count));
      return;
    case 'float8_e4m3fn':
      lookUp(target, at, aligned, e4m3Table());
      return;
    case 'float8_e5m2':
      lookUp(target, at, aligned, e5m2Table());
      return;
    case 'int64': {
      const values = new BigInt64Array(buffer, byteOffset, count);
      for (let i = 0; i < count; i++) target[at + i] = Number(values[i]!);
      return;
    }
    case 'int32':
      target.set(new Int32Array(buffer, byteOffset, count), at);
      return;
    case 'int16':
      target.set(new Int16Array(buffer, byteOffset, count), at);
      return;
    case 'uint64': {
      const values = new BigUint64Array(buffer, byteOffset, count);
      for (let i = 0; i < count; i++) target[at + i] = Number(values[i]!);
      return;
    }
    case 'uint32':
      target.set(new Uint32Array(buffer, byteOffset, count), at);
      return;
    case 'uint16':
      target.set(new Uint16Array(buffer, byteOffset, count), at);
      return;
    case 'int8':
      target.set(new Int8Array(buffer, byteOffset, count), at);
      return;
    case 'uint8':
      target.set(aligned.subarray(0, count), at);
      return;
    case 'bool':
      for (let i = 0; i < count; i++) target[at + i] = aligned[i] === 0 ? 0 : 1;
  }
}

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let i = 0; i + size <= bytes.length; i += size) bytes.subarray(i, i + size).reverse();
}

function lookUp(target: FloatArray, at: number, codes: Uint8Array | Uint16Array, table: Float32Array): void {
  for (let i = 0; i < codes.length; i++) target[at + i] = table[codes[i]!]!;
}

/** bfloat16 is the upper half of a float32. */
function widenBfloat16(target: FloatArray, at: number, codes: Uint16Array): void {
  const block = 4096;
  const bits = new Uint32Array(block);
  const values = new Float32Array(bits.buffer);
  for (let from = 0; from < codes.length; from += block) {
    const count = Math.min(block, codes.length - from);
    for (let i = 0; i < count; i++) bits[i] = codes[from + i]! << 16;
    target.set(values.subarray(0, count), at + from);
  }
}

/** Value of a sign-exponent-mantissa code with the given bias; `special` decides the all-ones exponent. */
function small(code: number, exponentBits: number, mantissaBits: number, special: 'ieee' | 'e4m3fn'): number {
  const mantissa = code & ((1 << mantissaBits) - 1);
  const top = (1 << exponentBits) - 1;
  const exponent = (code >> mantissaBits) & top;
  const sign = (code >> (exponentBits + mantissaBits)) & 1 ? -1 : 1;
  const bias = (1 << (exponentBits - 1)) - 1;
  if (special === 'ieee' && exponent === top) return mantissa === 0 ? sign * Infinity : NaN;
  // E4M3FN has no infinities; only S.1111.111 is NaN.
  if (special === 'e4m3fn' && exponent === top && mantissa === (1 << mantissaBits) - 1) return NaN;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (1 + mantissa / (1 << mantissaBits)) * 2 ** (exponent - bias);
}

function lazyTable(codes: number, value: (code: number) => number): () => Float32Array {
  let table: Float32Array | null = null;
  return () => (table ??= Float32Array.from({ length: codes }, (_, code) => value(code)));
}

/** Values of all 65,536 half-precision codes; made on first use. */
export const halfTable = lazyTable(65536, (code) => small(code, 5, 10, 'ieee'));
const e4m3Table = lazyTable(256, (code) => small(code, 4, 3, 'e4m3fn'));
const e5m2Table = lazyTable(256, (code) => small(code, 5, 2, 'ieee'));
