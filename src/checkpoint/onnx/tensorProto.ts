// A TensorProto -> where its values lie, and the TensorEntry that says so. Tensor bytes are hopped over; the values of
// small tensors inside attributes are read by attributes.ts.

import { elementCount, maxRank } from '../dtypes';
import { grouped } from '../nextSteps';
import type { TensorEntry } from '../tensorIndex';
import { onnxElemType, typedFields } from './elemTypes';
import { maxNameBytes } from './limits';
import type { ByteRange, OnnxTensor } from './onnxGraph';
import { damaged, wire, type WireCursor } from './wireCursor';

/** Key-value pairs of `external_data` we keep: location, offset, length, checksum and basepath exist. */
const maxExternalPairs = 16;

export interface ProtoTensor {
  readonly name: string;
  readonly nameRange: ByteRange | null;
  readonly range: ByteRange;
  readonly shape: readonly number[];
  readonly elemType: number;
  readonly raw: ByteRange | null;
  /** Repeated fields with values by their number: the bytes of the first piece, and how many pieces there are. */
  readonly typed: ReadonlyMap<number, { readonly range: ByteRange; pieces: number }>;
  readonly strings: number;
  readonly segmented: boolean;
  /** `external_data`; null where the values are in this file. */
  readonly external: ReadonlyMap<string, string> | null;
  /** Bytes of the one field with values, where they are few enough; null otherwise. */
  readonly bytes: Uint8Array | null;
}

const typedNumbers: readonly number[] = Object.values(typedFields);

/**
 * The TensorProto in the field at the cursor; values of up to `keptBytes` bytes are read with it.
 * @throws CheckpointError for every break of the format.
 */
export async function readTensorProto(cursor: WireCursor, keptBytes = 0): Promise<ProtoTensor> {
  const start = cursor.fieldStart;
  const end = cursor.enter();
  const shape: number[] = [];
  const typed = new Map<number, { range: ByteRange; pieces: number }>();
  const pairs = new Map<string, string>();
  let name = '';
  let nameRange: ByteRange | null = null;
  let elemType = 0;
  let raw: ByteRange | null = null;
  let strings = 0;
  let segmented = false;
  let isExternal = false;
  let bytes: Uint8Array | null = null;
  const keep = async (): Promise<void> => {
    if (cursor.wireType === wire.bytes && cursor.valueLength <= keptBytes)
      bytes = (await cursor.bytes(keptBytes)).slice();
  };
  while (await cursor.next(end)) {
    const field = cursor.fieldNumber;
    const value = { offset: cursor.valueStart, length: cursor.valueLength };
    if (field === 1) await readDims(cursor, shape);
    else if (field === 2) elemType = cursor.int();
    else if (field === 3) segmented = true;
    else if (field === 6) strings++;
    else if (field === 8) {
      nameRange = { offset: cursor.fieldStart, length: cursor.valueEnd - cursor.fieldStart };
      name = await cursor.text(maxNameBytes);
    } else if (field === 9) {
      cursor.expect(wire.bytes);
      raw = value;
      await keep();
    } else if (field === 13) {
      if (pairs.size >= maxExternalPairs)
        cursor.fail('tooLarge', `${cursor.place}: external_data has more than ${maxExternalPairs} keys. ${damaged}`);
      await readPair(cursor, pairs);
    } else if (field === 14) isExternal = cursor.int() === 1;
    else if (typedNumbers.includes(field)) {
      const known = typed.get(field);
      if (known === undefined) typed.set(field, { range: value, pieces: cursor.wireType === wire.bytes ? 1 : 2 });
      else known.pieces++;
      await keep();
    }
  }
  return {
    name,
    nameRange,
    range: { offset: start, length: end - start },
    shape,
    elemType,
    raw,
    typed,
    strings,
    segmented,
    external: isExternal ? pairs : null,
    bytes,
  };
}

async function readDims(cursor: WireCursor, shape: number[]): Promise<void> {
  if (cursor.wireType !== wire.bytes) shape.push(cursor.int());
  else {
    const end = cursor.valueEnd;
    const bytes = await cursor.bytes(maxNameBytes);
    shape.push(...packedInts(cursor, bytes, end));
  }
  if (shape.length > maxRank)
    cursor.fail('corrupt', `${cursor.place} has more than the ${maxRank} dimensions any library makes. ${damaged}`);
}

/** int64 values packed in `bytes`, which end at byte `end`; beyond 2^53 they round. */
export function packedInts(cursor: WireCursor, bytes: Uint8Array, end: number): number[] {
  const values: number[] = [];
  for (let i = 0; i < bytes.length;) {
    let value = 0n;
    let plain = 0;
    let length = 0;
    for (; ; length++) {
      const byte = bytes[i + length];
      if (byte === undefined || length === 10)
        return cursor.fail(
          'corrupt',
          `${cursor.place}: the numbers that end at byte ${grouped(end)} are cut or longer than 64 bits. ${damaged}`,
        );
      if (length < 4) plain |= (byte & 0x7f) << (7 * length);
      value |= BigInt(byte & 0x7f) << BigInt(7 * length);
      if (byte < 0x80) break;
    }
    values.push(length < 4 ? plain : Number(BigInt.asIntN(64, value)));
    i += length + 1;
  }
  return values;
}

/** A StringStringEntryProto in the field at the cursor. */
export async function readPair(cursor: WireCursor, pairs: Map<string, string>): Promise<void> {
  const end = cursor.enter();
  let key = '';
  let value = '';
  while (await cursor.next(end)) {
    if (cursor.fieldNumber === 1) key = await cursor.text(maxNameBytes);
    else if (cursor.fieldNumber === 2) value = await cursor.text(maxNameBytes);
  }
  pairs.set(key, value);
}

export const describeTensor = (
  tensor: ProtoTensor,
  entry: string | null,
  values: readonly number[] | null,
): OnnxTensor => ({
  name: tensor.name,
  elemType: tensor.elemType,
  shape: tensor.shape,
  range: tensor.range,
  nameRange: tensor.nameRange,
  entry,
  values,
});

/**
 * The entry of a tensor under `name`. Types we cannot read, and values in pieces, get a `problem`; the range of external
 * values is filled in by ExternalData.
 * @throws CheckpointError when the shape is no shape or the bytes do not fit it.
 */
export function tensorProtoEntry(cursor: WireCursor, name: string, tensor: ProtoTensor): TensorEntry {
  const { shape, elemType, raw, typed } = tensor;
  const bad = (what: string): never => cursor.fail('corrupt', `${cursor.place}: ${what}. ${writeAgain}`);
  const count = elementCount(shape);
  if (count === null)
    return bad(`its shape [${shape.join(', ')}] has a negative size or more elements than a file can hold`);
  const type = onnxElemType(elemType);
  const common = { name, dtype: type.dtype, dtypeName: type.name, shape, bigEndian: false };
  const problem = (text: string): TensorEntry => ({
    ...common,
    byteOffset: tensor.range.offset,
    byteLength: 0,
    problem: text,
  });
  if (elemType === 8) return problem('It holds texts, which have no numbers.');
  if (tensor.segmented)
    return problem('It is one segment of a tensor, a form that ONNX never finished. Save the model again.');
  const typedField = type.field === null ? undefined : typed.get(type.field);
  if (tensor.external !== null && type.dtype !== null) return { ...common, byteOffset: 0, byteLength: 0 };
  const range = raw ?? typedField?.range ?? { offset: tensor.range.offset, length: 0 };
  if (type.dtype === null)
    return {
      ...problem(`Gramlens cannot read ${type.name}. Convert the tensor to FLOAT in Python.`),
      byteOffset: range.offset,
      byteLength: range.length,
    };
  const place = { byteOffset: range.offset, byteLength: range.length };
  if (raw === null && typedField !== undefined && !type.plain) {
    if (typedField.pieces > 1) return problem(inPieces);
    if (count > range.length) return bad(tooFew(type.name, shape, count, 'values', range.length));
    return { ...common, ...place, varints: true };
  }
  if (raw === null && typedField !== undefined && typedField.pieces > 1) return problem(inPieces);
  const needed = count * (type.bytes ?? 0);
  if (needed !== range.length) return bad(tooFew(type.name, shape, needed, 'bytes', range.length));
  return { ...common, ...place };
}

const inPieces =
  'Its values stand in several pieces, which no library writes. Save the model again with the onnx package.';
export const writeAgain = 'Save the model again with the onnx package, or export it again.';

const tooFew = (type: string, shape: readonly number[], needed: number, unit: string, held: number): string =>
  `${type} with shape [${shape.join(', ')}] needs ${grouped(needed)} ${unit}, the file holds ${grouped(held)} bytes`;
