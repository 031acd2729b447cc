// The dtypes we can read, their sizes, and how safetensors and PyTorch spell them. Spellings we know but cannot
// read keep their size, so that the rest of the file can still be checked and shown.

import type { DType } from './tensorIndex';

/** Bytes per element of every dtype we read. */
export const dtypeBytes: Readonly<Record<DType, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float8_e4m3fn: 1,
  float8_e5m2: 1,
  int64: 8,
  int32: 4,
  int16: 2,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

export interface DTypeInfo {
  /** Ours, or null where we cannot read it. */
  readonly dtype: DType | null;
  /** Bytes per element; null where even that is unknown or not a whole number. */
  readonly bytes: number | null;
}

const readable = (dtype: DType): DTypeInfo => ({ dtype, bytes: dtypeBytes[dtype] });
const sizeOnly = (bytes: number | null): DTypeInfo => ({ dtype: null, bytes });
const unknown = sizeOnly(null);

const safetensorsDTypes: ReadonlyMap<string, DTypeInfo> = new Map([
  ['F64', readable('float64')],
  ['F32', readable('float32')],
  ['F16', readable('float16')],
  ['BF16', readable('bfloat16')],
  ['F8_E4M3', readable('float8_e4m3fn')],
  ['F8_E5M2', readable('float8_e5m2')],
  ['I64', readable('int64')],
  ['I32', readable('int32')],
  ['I16', readable('int16')],
  ['I8', readable('int8')],
  ['U8', readable('uint8')],
  ['BOOL', readable('bool')],
  ['U16', readable('uint16')],
  ['U32', readable('uint32')],
  ['U64', readable('uint64')],
  ['C64', sizeOnly(8)],
  ['F8_E8M0', sizeOnly(1)],
]);

/** By the spelling of a safetensors header. */
export function safetensorsDType(name: string): DTypeInfo {
  return safetensorsDTypes.get(name) ?? unknown;
}

const torchDTypes: ReadonlyMap<string, DTypeInfo> = new Map([
  ['float64', readable('float64')],
  ['double', readable('float64')],
  ['float32', readable('float32')],
  ['float', readable('float32')],
  ['float16', readable('float16')],
  ['half', readable('float16')],
  ['bfloat16', readable('bfloat16')],
  ['float8_e4m3fn', readable('float8_e4m3fn')],
  ['float8_e5m2', readable('float8_e5m2')],
  ['int64', readable('int64')],
  ['long', readable('int64')],
  ['int32', readable('int32')],
  ['int', readable('int32')],
  ['int16', readable('int16')],
  ['short', readable('int16')],
  ['int8', readable('int8')],
  ['uint8', readable('uint8')],
  ['bool', readable('bool')],
  ['uint16', readable('uint16')],
  ['uint32', readable('uint32')],
  ['uint64', readable('uint64')],
  ['complex32', sizeOnly(4)],
  ['complex64', sizeOnly(8)],
  ['cfloat', sizeOnly(8)],
  ['complex128', sizeOnly(16)],
  ['cdouble', sizeOnly(16)],
  ['qint8', sizeOnly(1)],
  ['quint8', sizeOnly(1)],
  ['qint32', sizeOnly(4)],
  ['quint4x2', sizeOnly(1)],
  ['quint2x4', sizeOnly(1)],
  ['float8_e4m3fnuz', sizeOnly(1)],
  ['float8_e5m2fnuz', sizeOnly(1)],
  ['float8_e8m0fnu', sizeOnly(1)],
]);

/** By the name after `torch.`; null when that name is no dtype at all. */
export function torchDType(name: string): DTypeInfo | null {
  return torchDTypes.get(name) ?? null;
}

const storageDTypes: ReadonlyMap<string, string> = new Map([
  ['DoubleStorage', 'float64'],
  ['FloatStorage', 'float32'],
  ['HalfStorage', 'float16'],
  ['BFloat16Storage', 'bfloat16'],
  ['LongStorage', 'int64'],
  ['IntStorage', 'int32'],
  ['ShortStorage', 'int16'],
  ['CharStorage', 'int8'],
  ['ByteStorage', 'uint8'],
  ['BoolStorage', 'bool'],
  ['ComplexFloatStorage', 'complex64'],
  ['ComplexDoubleStorage', 'complex128'],
  ['QInt8Storage', 'qint8'],
  ['QUInt8Storage', 'quint8'],
  ['QInt32Storage', 'qint32'],
  ['QUInt4x2Storage', 'quint4x2'],
  ['QUInt2x4Storage', 'quint2x4'],
  ['UntypedStorage', 'uint8'],
  ['_UntypedStorage', 'uint8'],
]);

/** By the class name of a PyTorch storage (`FloatStorage`); unknown classes have neither dtype nor size. */
export function storageDType(className: string): DTypeInfo {
  const name = storageDTypes.get(className);
  return (name === undefined ? null : torchDType(name)) ?? unknown;
}

/** Dimensions we accept: PyTorch stops at 64. More would only flood messages. */
export const maxRank = 64;

/**
 * Number of elements of a shape, or null when a size is no count or the product passes 2^53 (no file holds that,
 * so the header is crafted).
 */
export function elementCount(shape: readonly number[]): number | null {
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) return null;
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return null;
  }
  return count;
}
