// The tensor types of a GGUF file by their number: name, values and bytes of a block, and what we make of them. Sizes
// are known for types we cannot read too, so that their bytes can still be checked and shown.

import { dtypeBytes } from '../dtypes';
import type { DType, Quantisation } from '../tensorIndex';

export interface GgmlType {
  /** As ggml spells it, e.g. 'Q4_K'. */
  readonly name: string;
  /** Values a block holds; 1 for plain types. Rows are whole blocks. */
  readonly blockValues: number;
  /** Bytes of a block; null for a type nobody has told us about. */
  readonly blockBytes: number | null;
  /** Logical dtype of the values; null where we cannot read them. */
  readonly dtype: DType | null;
  readonly quantisation?: Quantisation;
}

export const blockSizes: Readonly<Record<Quantisation, { readonly values: number; readonly bytes: number }>> = {
  Q4_0: { values: 32, bytes: 18 },
  Q4_1: { values: 32, bytes: 20 },
  Q5_0: { values: 32, bytes: 22 },
  Q5_1: { values: 32, bytes: 24 },
  Q8_0: { values: 32, bytes: 34 },
  Q2_K: { values: 256, bytes: 84 },
  Q3_K: { values: 256, bytes: 110 },
  Q4_K: { values: 256, bytes: 144 },
  Q5_K: { values: 256, bytes: 176 },
  Q6_K: { values: 256, bytes: 210 },
  Q8_K: { values: 256, bytes: 292 },
};

const plain = (name: string, dtype: DType): GgmlType => ({
  name,
  blockValues: 1,
  blockBytes: dtypeBytes[dtype],
  dtype,
});
const blocks = (quantisation: Quantisation): GgmlType => ({
  name: quantisation,
  blockValues: blockSizes[quantisation].values,
  blockBytes: blockSizes[quantisation].bytes,
  dtype: 'float32',
  quantisation,
});
const unread = (name: string, blockValues: number, blockBytes: number): GgmlType => ({
  name,
  blockValues,
  blockBytes,
  dtype: null,
});

/** Numbers of enum ggml_type. 4, 5, 31 to 33 and 36 to 38 were withdrawn; 9 (Q8_1) is never stored and its size changed. */
const types: ReadonlyMap<number, GgmlType> = new Map([
  [0, plain('F32', 'float32')],
  [1, plain('F16', 'float16')],
  [2, blocks('Q4_0')],
  [3, blocks('Q4_1')],
  [6, blocks('Q5_0')],
  [7, blocks('Q5_1')],
  [8, blocks('Q8_0')],
  [10, blocks('Q2_K')],
  [11, blocks('Q3_K')],
  [12, blocks('Q4_K')],
  [13, blocks('Q5_K')],
  [14, blocks('Q6_K')],
  [15, blocks('Q8_K')],
  [16, unread('IQ2_XXS', 256, 66)],
  [17, unread('IQ2_XS', 256, 74)],
  [18, unread('IQ3_XXS', 256, 98)],
  [19, unread('IQ1_S', 256, 50)],
  [20, unread('IQ4_NL', 32, 18)],
  [21, unread('IQ3_S', 256, 110)],
  [22, unread('IQ2_S', 256, 82)],
  [23, unread('IQ4_XS', 256, 136)],
  [24, plain('I8', 'int8')],
  [25, plain('I16', 'int16')],
  [26, plain('I32', 'int32')],
  [27, plain('I64', 'int64')],
  [28, plain('F64', 'float64')],
  [29, unread('IQ1_M', 256, 56)],
  [30, plain('BF16', 'bfloat16')],
  [34, unread('TQ1_0', 256, 54)],
  [35, unread('TQ2_0', 256, 66)],
  [39, unread('MXFP4', 32, 17)],
  [40, unread('NVFP4', 64, 36)],
]);

/** By its number in the file; a type we have never heard of has a name that says so and no size. */
export function ggmlType(id: number): GgmlType {
  return types.get(id) ?? { name: `type ${id}`, blockValues: 1, blockBytes: null, dtype: null };
}
