// The element types of ONNX tensors (enum TensorProto.DataType): ours, their size, and the field of a TensorProto that
// holds their values where they are not in raw_data.

import { type DTypeInfo, dtypeBytes } from '../dtypes';
import type { DType } from '../tensorIndex';

/** Number of the repeated field of a TensorProto that a type's values may stand in. */
export const typedFields = { floats: 4, int32s: 5, int64s: 7, doubles: 10, uint64s: 11 } as const;

export interface ElemType extends DTypeInfo {
  readonly name: string;
  /** null for texts and for types that only raw_data holds. */
  readonly field: number | null;
  /** Whether that field holds the values as they lie in memory (packed floats), not as varints. */
  readonly plain: boolean;
}

const readable = (name: string, dtype: DType, field: number, plain = false): ElemType => ({
  name,
  dtype,
  bytes: dtypeBytes[dtype],
  field,
  plain,
});
const unread = (name: string, bytes: number | null): ElemType => ({
  name,
  dtype: null,
  bytes,
  field: null,
  plain: false,
});

const { floats, int32s, int64s, doubles, uint64s } = typedFields;

const elemTypes: ReadonlyMap<number, ElemType> = new Map([
  [1, readable('FLOAT', 'float32', floats, true)],
  [2, readable('UINT8', 'uint8', int32s)],
  [3, readable('INT8', 'int8', int32s)],
  [4, readable('UINT16', 'uint16', int32s)],
  [5, readable('INT16', 'int16', int32s)],
  [6, readable('INT32', 'int32', int32s)],
  [7, readable('INT64', 'int64', int64s)],
  [8, unread('STRING', null)],
  [9, readable('BOOL', 'bool', int32s)],
  [10, readable('FLOAT16', 'float16', int32s)],
  [11, readable('DOUBLE', 'float64', doubles, true)],
  [12, readable('UINT32', 'uint32', uint64s)],
  [13, readable('UINT64', 'uint64', uint64s)],
  [14, unread('COMPLEX64', 8)],
  [15, unread('COMPLEX128', 16)],
  [16, readable('BFLOAT16', 'bfloat16', int32s)],
  [17, readable('FLOAT8E4M3FN', 'float8_e4m3fn', int32s)],
  [18, unread('FLOAT8E4M3FNUZ', 1)],
  [19, readable('FLOAT8E5M2', 'float8_e5m2', int32s)],
  [20, unread('FLOAT8E5M2FNUZ', 1)],
  [21, unread('UINT4', null)],
  [22, unread('INT4', null)],
  [23, unread('FLOAT4E2M1', null)],
  [24, unread('FLOAT8E8M0', 1)],
]);

/** By number; types we have never heard of have neither size nor field. */
export const onnxElemType = (number: number): ElemType => elemTypes.get(number) ?? unread(`type ${number}`, null);

/** 'float32', or the file's own name of a type that we cannot read. */
export const elemTypeName = (number: number): string => onnxElemType(number).dtype ?? onnxElemType(number).name;
