// The .npy format (NumPy format versions 1 to 3): a Python literal as header, then the numbers. The header is read
// by pattern, never evaluated; the size it promises is checked against the bytes before anything is allocated.

import { ModelSpecError } from '../modelSpec';

export interface NpyArray {
  readonly shape: readonly number[];
  /** Row-major (C order) whatever the file's order. */
  readonly values: Float64Array;
}

/** Real headers have about 100 bytes; structured dtypes, which we refuse, some thousand. */
const maxHeaderBytes = 64 * 1024;
const maxAxes = 8;

type ReadNumber = (view: DataView, offset: number, littleEndian: boolean) => number;

const readers: Readonly<Record<string, { bytes: number; read: ReadNumber }>> = {
  f8: { bytes: 8, read: (view, offset, little) => view.getFloat64(offset, little) },
  f4: { bytes: 4, read: (view, offset, little) => view.getFloat32(offset, little) },
  f2: { bytes: 2, read: (view, offset, little) => halfToNumber(view.getUint16(offset, little)) },
  i8: { bytes: 8, read: (view, offset, little) => Number(view.getBigInt64(offset, little)) },
  i4: { bytes: 4, read: (view, offset, little) => view.getInt32(offset, little) },
  u1: { bytes: 1, read: (view, offset) => view.getUint8(offset) },
};

export interface NpyHeader {
  readonly shape: readonly number[];
  /** 'f4' and the like, of `readers`. */
  readonly kind: string;
  readonly little: boolean;
  readonly fortran: boolean;
  /** Where the numbers begin. */
  readonly dataStart: number;
  readonly count: number;
  /** Bytes of a number. */
  readonly size: number;
}

/** Bytes that hold every header which is read. */
export const npyHeadBytes = 12 + maxHeaderBytes;

/**
 * `bytes`: the beginning of a file of `byteLength` bytes, `npyHeadBytes` of it or all. Throws ModelSpecError 'badInput'
 * with a sentence that names the file.
 */
export function parseNpyHeader(bytes: Uint8Array, byteLength: number, name: string): NpyHeader {
  const fail = (what: string): ModelSpecError => new ModelSpecError('badInput', `${name} ${what}`);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.byteLength < 10 || !magic.every((byte, i) => bytes[i] === byte)) {
    throw fail('is not a NumPy .npy file. Write it with numpy.save.');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6]!;
  if (version < 1 || version > 3 || (version > 1 && bytes.byteLength < 12)) {
    throw fail(`has version ${version} of the .npy format; 1 to 3 are known. Write it again with numpy.save.`);
  }
  const headerStart = version === 1 ? 10 : 12;
  const headerLength = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerLength > maxHeaderBytes)
    throw fail(
      `has a header of ${headerLength} bytes; at most ${maxHeaderBytes} are read. The file is crafted or damaged.`,
    );
  const dataStart = headerStart + headerLength;
  if (dataStart > byteLength) throw fail('is cut off inside its header. Copy or save it again.');
  const header = new TextDecoder().decode(bytes.subarray(headerStart, dataStart));
  const dtype = /'descr'\s*:\s*'([<>|=]?)([a-zA-Z])(\d*)'/.exec(header);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header);
  const shapeText = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(header);
  if (order === null || shapeText === null) throw fail('has a damaged .npy header. Write it again with numpy.save.');
  if (dtype === null) throw fail('holds a structured or unknown dtype. Save a plain float array instead.');
  if (dtype[2] === 'O')
    throw fail('holds pickled Python objects, which are never loaded. Save a plain float array instead.');
  const kind = `${dtype[2]!}${dtype[3]!}`;
  if (!Object.hasOwn(readers, kind)) {
    throw fail(
      `has the dtype ${kind}; known are ${Object.keys(readers).join(', ')}. Convert it with .astype('float32').`,
    );
  }
  const shape = (shapeText[1]!.match(/\d+/g) ?? []).map(Number);
  const count = shape.reduce((product, n) => product * n, 1);
  const { bytes: size } = readers[kind]!;
  if (shape.length > maxAxes) throw fail(`has ${shape.length} axes; at most ${maxAxes} are read.`);
  if (dataStart + count * size !== byteLength) {
    throw fail(
      `should hold ${count} numbers of ${size} bytes after byte ${dataStart}, but has ${byteLength - dataStart} bytes there. It is cut off or damaged; save it again.`,
    );
  }
  return { shape, kind, little: dtype[1] !== '>', fortran: order[1] === 'True', dataStart, count, size };
}

/** Throws ModelSpecError 'badInput' with a sentence that names the file. */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const { shape, kind, little, fortran, dataStart, count, size } = parseNpyHeader(bytes, bytes.byteLength, name);
  const { read } = readers[kind]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = read(view, dataStart + i * size, little);
  return { shape, values: fortran ? fromFortran(values, shape) : values };
}

/** A whole .npy file of one item along the first axis; `bytes`: the item's own. */
export function npyItem({ shape, kind, little }: NpyHeader, bytes: Uint8Array): Uint8Array {
  const inner = shape.slice(1);
  const literal = `{'descr': '${little ? '<' : '>'}${kind}', 'fortran_order': False, 'shape': (${inner.join(', ')},), }`;
  // The format wants the numbers to begin at a multiple of 64.
  const start = 64 * Math.ceil((10 + literal.length + 1) / 64);
  const file = new Uint8Array(start + bytes.length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(file.buffer).setUint16(8, start - 10, true);
  file.set(new TextEncoder().encode(`${literal.padEnd(start - 11)}\n`), 10);
  file.set(bytes, start);
  return file;
}

/** First axis fastest to last axis fastest. */
function fromFortran(values: Float64Array, shape: readonly number[]): Float64Array {
  const out = new Float64Array(values.length);
  const index = new Array<number>(shape.length).fill(0);
  for (const value of values) {
    let at = 0;
    for (let axis = 0; axis < shape.length; axis++) at = at * shape[axis]! + index[axis]!;
    out[at] = value;
    for (let axis = 0; axis < shape.length; axis++) {
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return out;
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
