// `tensors.npz` of the contract: a zip of .npy files (format version 1.0), little-endian float32 or float64 as given.
// Times in the zip are fixed, so equal tensors are equal bytes.

import { zipSync, type Zippable } from 'fflate';
import type { FloatArray } from '../checkpoint/tensorIndex';

export interface NamedArray {
  /** Contract names: `layer{i}.q`, `layer{i}.pattern`, `layer{i}.x`, `logits`. */
  readonly name: string;
  /** Row-major; [] for a scalar. */
  readonly shape: readonly number[];
  readonly data: FloatArray;
}

/** numpy aligns the data behind the header to this many bytes. */
const headerAlignment = 64;

/** One .npy file, version 1.0. Throws when shape and length disagree. */
export function npy(array: NamedArray): Uint8Array<ArrayBuffer> {
  const { shape, data, name } = array;
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== data.length)
    throw new RangeError(
      `The array ${name} has ${data.length} values, its shape [${shape.join(', ')}] asks for ${count}.`,
    );
  const wide = data instanceof Float64Array;
  const tuple = shape.length === 1 ? `(${shape[0] ?? 0},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${wide ? '<f8' : '<f4'}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const preamble = 10;
  const total = Math.ceil((preamble + text.length + 1) / headerAlignment) * headerAlignment;
  const width = wide ? 8 : 4;
  const bytes = new Uint8Array(total + count * width);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  const view = new DataView(bytes.buffer);
  view.setUint16(8, total - preamble, true);
  const header = `${text.padEnd(total - preamble - 1)}\n`;
  for (let index = 0; index < header.length; index++) bytes[preamble + index] = header.charCodeAt(index);
  for (let index = 0; index < count; index++) {
    const value = data[index] ?? 0;
    if (wide) view.setFloat64(total + index * 8, value, true);
    else view.setFloat32(total + index * 4, value, true);
  }
  return bytes;
}

/** Bytes of a .npz (`numpy.load` reads it): stored, not compressed; float noise does not compress. */
export function npz(arrays: readonly NamedArray[]): Uint8Array {
  const files: Zippable = {};
  for (const array of arrays) {
    const file = `${array.name}.npy`;
    if (file in files) throw new RangeError(`The array ${array.name} is there twice.`);
    // fflate reads the local calendar fields of a Date, so this is the same zip time in every time zone.
    files[file] = [npy(array), { level: 0, mtime: new Date(1980, 0, 1, 0, 0, 0) }];
  }
  return zipSync(files);
}
