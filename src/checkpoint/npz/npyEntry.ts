// One .npy array -> its TensorEntry: NumPy's dtype string as ours, Fortran order as strides, and the size that
// dtype and shape need checked against the bytes there are.

import { CheckpointError } from '../checkpointError';
import { type DTypeInfo, dtypeBytes, elementCount, maxRank } from '../dtypes';
import { copyAgain, grouped, quoted } from '../nextSteps';
import type { DType, TensorEntry } from '../tensorIndex';
import type { NpyHeader } from './npyHeader';

/** NumPy's letter and byte count. V2 is how JAX code (big_vision) saves bfloat16, which NumPy itself does not have. */
const dtypes: Readonly<Record<string, DType>> = {
  f8: 'float64',
  f4: 'float32',
  f2: 'float16',
  V2: 'bfloat16',
  i8: 'int64',
  i4: 'int32',
  i2: 'int16',
  i1: 'int8',
  u8: 'uint64',
  u4: 'uint32',
  u2: 'uint16',
  u1: 'uint8',
  b1: 'bool',
};

/** An array: `what` names it in messages, `byteLength` counts header and numbers. */
export interface NpyPlace {
  readonly what: string;
  readonly byteLength: number;
}

/** What of an entry follows from the header; the caller adds where its bytes lie. */
export type NpyDescription = Pick<TensorEntry, 'dtype' | 'dtypeName' | 'shape' | 'byteLength' | 'bigEndian'> &
  Partial<Pick<TensorEntry, 'strides' | 'problem'>>;

/**
 * Describes the array behind `header`. Dtypes that are no plain numbers get a `problem`.
 * @throws CheckpointError when shape and dtype do not fit the bytes of the array.
 */
export function describeNpy({ what, byteLength }: NpyPlace, header: NpyHeader): NpyDescription {
  const { descr, shape, dataOffset } = header;
  const dataBytes = byteLength - dataOffset;
  if (shape.length > maxRank) {
    throw new CheckpointError(
      'corrupt',
      `${what} has ${grouped(shape.length)} dimensions, more than the ${maxRank} any library makes. ${copyAgain}`,
    );
  }
  const count = elementCount(shape);
  if (count === null) {
    throw new CheckpointError(
      'corrupt',
      `${what} has shape [${shape.join(', ')}], more elements than a file can hold. ${copyAgain}`,
    );
  }
  const { dtype, bytes } = descr === null ? { dtype: null, bytes: null } : numpyDType(descr);
  if (bytes !== null && count * bytes !== dataBytes) {
    throw new CheckpointError(
      count * bytes > dataBytes ? 'truncated' : 'corrupt',
      `${what} has shape [${shape.join(', ')}] and dtype ${quoted(descr ?? '')}, which need ${grouped(count * bytes)} bytes; it holds ${grouped(dataBytes)}. ${copyAgain}`,
    );
  }
  const strides = header.fortranOrder ? columnMajor(shape) : null;
  const problem = dtype === null ? problemOf(descr) : null;
  return {
    dtype,
    dtypeName: descr ?? 'structured',
    shape,
    byteLength: dataBytes,
    bigEndian: descr?.startsWith('>') === true && bytes !== 1,
    ...(strides === null ? {} : { strides }),
    ...(problem === null ? {} : { problem }),
  };
}

function numpyDType(descr: string): DTypeInfo {
  const match = /^[<>|=]?(?:(\?)|([a-zA-Z])(\d{1,9}))$/.exec(descr);
  if (match === null) return { dtype: null, bytes: null };
  const [, bool, letter = 'b', digits = '1'] = match;
  const kind = bool === undefined ? `${letter}${Number(digits)}` : 'b1';
  const dtype = Object.hasOwn(dtypes, kind) ? dtypes[kind]! : null;
  if (dtype !== null) return { dtype, bytes: dtypeBytes[dtype] };
  // Unicode strings count letters of four bytes; pickled objects have no size here.
  return { dtype, bytes: letter === 'O' ? null : Number(digits) * (letter === 'U' ? 4 : 1) };
}

function problemOf(descr: string | null): string {
  if (descr === null) return 'Gramlens cannot read structured arrays. Save each field as an array of its own.';
  if (/^\|?O/.test(descr))
    return 'It holds pickled Python objects, which Gramlens never loads. Save plain float arrays.';
  return `Gramlens cannot read dtype ${quoted(descr)}. Convert the array with .astype('float32').`;
}

/** Strides in elements, first axis fastest; null where that is C order too (at most one axis longer than 1). */
function columnMajor(shape: readonly number[]): readonly number[] | null {
  if (shape.includes(0) || shape.filter((size) => size > 1).length < 2) return null;
  let stride = 1;
  return shape.map((size) => {
    const here = stride;
    stride *= size;
    return here;
  });
}
