// numpy scalars and arrays in a pickle (epochs, losses, label lists). Arrays stay views of the pickle's bytes;
// `arrayValues` turns the numeric ones into numbers.

import type { PickleMachine } from './pickleMachine';
import { type PickleArray, type PickleDType, type PickleValue, asCount, asCounts, isNode, itemsOf } from './values';

const modules = /^numpy\.(core|_core)\.(multiarray|numeric|_internal)\./;
const bufferName = 'frombuffer';

/** Names of numpy; undefined where the name is not on the list. */
export function callNumpy(machine: PickleMachine, name: string, args: readonly PickleValue[]): PickleValue | undefined {
  if (name === 'numpy.dtype') return dtypeOf(machine, args[0]);
  if (/^numpy\.dtypes\.\w+DType$/.test(name))
    return dtypeOf(machine, dtypeClasses[name.slice('numpy.dtypes.'.length, -'DType'.length)]);
  if (!modules.test(name)) return undefined;
  switch (name.replace(modules, '')) {
    case 'scalar':
      return scalar(args[0], args[1]);
    case '_reconstruct':
      machine.chargeContainer();
      return { kind: 'array', dtype: null, shape: [], fortran: false, bytes: null };
    case `_${bufferName}`: {
      const [bytes, dtype, shape, order] = args;
      if (!(bytes instanceof Uint8Array) || !isDType(dtype)) return undefined;
      machine.chargeContainer();
      return { kind: 'array', dtype, shape: asCounts(shape) ?? [], fortran: order === 'F', bytes };
    }
    default:
      return undefined;
  }
}

const dtypeClasses: Readonly<Record<string, string>> = {
  Float64: 'f8',
  Float32: 'f4',
  Float16: 'f2',
  Int64: 'i8',
  Int32: 'i4',
  Int16: 'i2',
  Int8: 'i1',
  UInt64: 'u8',
  UInt32: 'u4',
  UInt16: 'u2',
  UInt8: 'u1',
  Bool: 'b1',
};

function isDType(value: PickleValue | undefined): value is PickleDType {
  return isNode(value) && value.kind === 'dtype';
}

function dtypeOf(machine: PickleMachine, spelling: PickleValue | undefined): PickleValue | undefined {
  if (typeof spelling !== 'string') return undefined;
  machine.chargeContainer();
  return { kind: 'dtype', code: spelling.replace(/^[<>|=]/, ''), bigEndian: spelling.startsWith('>') };
}

function scalar(dtype: PickleValue | undefined, bytes: PickleValue | undefined): PickleValue | undefined {
  if (!isDType(dtype) || !(bytes instanceof Uint8Array)) return undefined;
  return element(dtype, bytes, 0);
}

/** BUILD of an array: (version, shape, dtype, fortran, bytes); of a dtype: (version, byte order, ...). */
export function buildArray(machine: PickleMachine, target: PickleArray | PickleDType, state: PickleValue): void {
  const items = itemsOf(state) ?? [];
  if (target.kind === 'dtype') {
    target.bigEndian = items[1] === '>';
    return;
  }
  const [, shape, dtype, fortran, bytes] = items;
  const sizes = asCounts(shape);
  if (sizes === null) return machine.fault('a numpy array without a shape');
  target.shape = sizes;
  target.dtype = isDType(dtype) ? dtype : null;
  target.fortran = fortran === true || asCount(fortran) === 1;
  target.bytes = bytes instanceof Uint8Array ? bytes : null;
}

/** One element, or undefined where the dtype is none of numpy's plain numbers. */
function element(dtype: PickleDType, bytes: Uint8Array, index: number): number | bigint | boolean | undefined {
  const size = Number(dtype.code.slice(1));
  if (![1, 2, 4, 8].includes(size) || (index + 1) * size > bytes.byteLength) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + index * size, size);
  const little = !dtype.bigEndian;
  switch (dtype.code) {
    case 'f8':
      return view.getFloat64(0, little);
    case 'f4':
      return view.getFloat32(0, little);
    case 'i8':
      return narrowed(view.getBigInt64(0, little));
    case 'u8':
      return narrowed(view.getBigUint64(0, little));
    case 'i4':
      return view.getInt32(0, little);
    case 'u4':
      return view.getUint32(0, little);
    case 'i2':
      return view.getInt16(0, little);
    case 'u2':
      return view.getUint16(0, little);
    case 'i1':
      return view.getInt8(0);
    case 'u1':
      return view.getUint8(0);
    case 'b1':
      return view.getUint8(0) !== 0;
    default:
      return undefined;
  }
}

function narrowed(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Elements in the order they are stored; null when there are more than `limit` or they are no plain numbers. */
export function arrayElements(array: PickleArray, limit: number): (number | bigint | boolean)[] | null {
  const count = array.shape.reduce((product, size) => product * size, 1);
  if (array.dtype === null || array.bytes === null || count > limit) return null;
  const values: (number | bigint | boolean)[] = [];
  for (let i = 0; i < count; i++) {
    const value = element(array.dtype, array.bytes, i);
    if (value === undefined) return null;
    values.push(value);
  }
  return values;
}
