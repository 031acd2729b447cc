// A ValueInfoProto -> name, element type and shape of a value. Sequences, maps and optionals have no tensor type here.

import { maxRank } from '../dtypes';
import { maxNameBytes } from './limits';
import type { OnnxValueInfo } from './onnxGraph';
import { damaged, type WireCursor } from './wireCursor';

/** The ValueInfoProto in the field at the cursor. */
export async function readValueInfo(cursor: WireCursor): Promise<OnnxValueInfo> {
  const start = cursor.fieldStart;
  const end = cursor.enter();
  let name = '';
  let elemType: OnnxValueInfo['elemType'] = null;
  let shape: OnnxValueInfo['shape'] = null;
  while (await cursor.next(end)) {
    if (cursor.fieldNumber === 1) name = await cursor.text(maxNameBytes);
    else if (cursor.fieldNumber === 2) ({ elemType, shape } = await readType(cursor));
  }
  return { name, elemType, shape, range: { offset: start, length: end - start } };
}

type TensorType = Pick<OnnxValueInfo, 'elemType' | 'shape'>;

/** The TypeProto in the field at the cursor. */
async function readType(cursor: WireCursor): Promise<TensorType> {
  let type: TensorType = { elemType: null, shape: null };
  const end = cursor.enter();
  while (await cursor.next(end)) if (cursor.fieldNumber === 1) type = await readTensorType(cursor);
  return type;
}

async function readTensorType(cursor: WireCursor): Promise<TensorType> {
  let elemType: OnnxValueInfo['elemType'] = null;
  let shape: OnnxValueInfo['shape'] = null;
  const end = cursor.enter();
  while (await cursor.next(end)) {
    if (cursor.fieldNumber === 1) elemType = cursor.int();
    else if (cursor.fieldNumber === 2) shape = await readShape(cursor);
  }
  return { elemType, shape };
}

async function readShape(cursor: WireCursor): Promise<(number | string | null)[]> {
  const shape: (number | string | null)[] = [];
  const end = cursor.enter();
  while (await cursor.next(end)) {
    if (cursor.fieldNumber === 1) shape.push(await readSize(cursor));
    if (shape.length > maxRank)
      cursor.fail('corrupt', `${cursor.place} has more than the ${maxRank} dimensions any library makes. ${damaged}`);
  }
  return shape;
}

/** A size, its name, or null where it is unknown. */
async function readSize(cursor: WireCursor): Promise<number | string | null> {
  let size: number | string | null = null;
  const end = cursor.enter();
  while (await cursor.next(end)) {
    // Some exporters write -1 for a size they do not know.
    if (cursor.fieldNumber === 1) size = cursor.int() < 0 ? null : cursor.int();
    else if (cursor.fieldNumber === 2) size = (await cursor.text(maxNameBytes)) || null;
  }
  return size;
}
