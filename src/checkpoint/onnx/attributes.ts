// An AttributeProto -> its value, as far as a person or the graph analysis reads it: numbers and texts up to a bound,
// small tensors with their values, of subgraphs what they read from outside.

import { CheckpointError } from '../checkpointError';
import { bytesSource } from '../byteSource';
import { elementCount } from '../dtypes';
import { grouped } from '../nextSteps';
import { readTensor } from '../readTensor';
import type { TensorEntry } from '../tensorIndex';
import { maxAttributeTextBytes, maxAttributeValues, maxKeptValues, maxNameBytes } from './limits';
import type { OnnxAttribute } from './onnxGraph';
import { describeTensor, packedInts, type ProtoTensor, readTensorProto, tensorProtoEntry } from './tensorProto';
import { damaged, wire, type WireCursor } from './wireCursor';

/** Bytes of a small tensor's values: as many varints of full length as values are kept. */
const smallTensorBytes = 10 * maxAttributeValues;

/** What the attributes of a file have in common: bounds over all of them, and the way into subgraphs. */
export interface AttributeContext {
  keptValues: number;
  /** Walks through the GraphProto in the field at the cursor. */
  readonly subgraph: (depth: number) => Promise<{ outerNames: readonly string[]; nodeCount: number }>;
}

export interface ReadAttribute {
  readonly name: string;
  readonly attribute: OnnxAttribute;
  /** The tensor behind an attribute of kind 'tensor'. */
  readonly tensor: ProtoTensor | null;
}

const unread = (what: string): OnnxAttribute => ({ kind: 'unread', what });

/** The AttributeProto in the field at the cursor. `depth`: of the graph that its node stands in. */
export async function readAttribute(
  cursor: WireCursor,
  context: AttributeContext,
  depth: number,
): Promise<ReadAttribute> {
  const end = cursor.enter();
  const lists = new ValueLists(cursor, context);
  let name = '';
  let attribute: OnnxAttribute | null = null;
  let tensor: ProtoTensor | null = null;
  /** AttributeProto.type; 0 in files before IR version 3. */
  let type = 0;
  while (await cursor.next(end)) {
    switch (cursor.fieldNumber) {
      case 1:
        name = await cursor.text(maxNameBytes);
        break;
      case 2:
        attribute = { kind: 'float', value: await float(cursor) };
        break;
      case 3:
        attribute = { kind: 'int', value: cursor.int() };
        break;
      case 4:
        attribute = await text(cursor);
        break;
      case 5:
        tensor = await readTensorProto(cursor, smallTensorBytes);
        attribute = { kind: 'tensor', tensor: describeTensor(tensor, null, await smallValues(cursor, tensor)) };
        break;
      case 6:
        attribute = { kind: 'graph', ...(await context.subgraph(depth + 1)) };
        break;
      case 7:
      case 8:
      case 9:
        await lists.add();
        break;
      case 20:
        type = cursor.int();
        break;
      case 21:
        attribute = { kind: 'reference', name: await cursor.text(maxNameBytes) };
        break;
      case 10:
        attribute = unread('a list of tensors');
        break;
      case 11:
        // What they read from outside counts for the order of the nodes.
        attribute = joinGraphs(attribute, await context.subgraph(depth + 1));
        break;
      case 14:
      case 15:
        attribute = unread('types');
        break;
      case 22:
      case 23:
        attribute = unread('sparse tensors');
        break;
      default:
    }
  }
  return { name, attribute: attribute ?? lists.value() ?? emptyOf(type), tensor };
}

/** Lists without items leave no field; the type alone says of what they are empty. */
function emptyOf(type: number): OnnxAttribute {
  if (type === 6) return { kind: 'floats', values: [] };
  if (type === 7) return { kind: 'ints', values: [] };
  if (type === 8) return { kind: 'strings', values: [] };
  return unread('nothing');
}

function joinGraphs(
  before: OnnxAttribute | null,
  next: { outerNames: readonly string[]; nodeCount: number },
): OnnxAttribute {
  if (before?.kind !== 'graph') return { kind: 'graph', ...next };
  const outerNames = [...new Set([...before.outerNames, ...next.outerNames])];
  return { kind: 'graph', outerNames, nodeCount: before.nodeCount + next.nodeCount };
}

async function float(cursor: WireCursor): Promise<number> {
  cursor.expect(wire.fixed32);
  const bytes = await cursor.bytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
}

/** Texts of attributes are bytes that may be anything; what is no UTF-8 shows as U+FFFD. */
async function text(cursor: WireCursor): Promise<OnnxAttribute> {
  cursor.expect(wire.bytes);
  if (cursor.valueLength > maxAttributeTextBytes) return unread(`a text of ${grouped(cursor.valueLength)} bytes`);
  return { kind: 'string', value: await cursor.looseText(maxAttributeTextBytes) };
}

/** The values of a tensor whose bytes were kept; null where they are not, or cannot be read: whoever reads it is told. */
export async function smallValues(cursor: WireCursor, tensor: ProtoTensor): Promise<readonly number[] | null> {
  if (tensor.bytes === null || tensor.external !== null) return null;
  const count = elementCount(tensor.shape);
  if (count === null || count > maxAttributeValues) return null;
  const entry = tensorProtoEntry(cursor, tensor.name, tensor);
  if (entry.problem !== undefined || entry.byteLength !== tensor.bytes.length) return null;
  const own: TensorEntry = { ...entry, byteOffset: 0 };
  try {
    return Array.from(await readTensor(bytesSource(cursor.source.name, tensor.bytes), own));
  } catch (error) {
    if (error instanceof CheckpointError) return null;
    throw error;
  }
}

/** `floats`, `ints` and `strings`: one field an item, or packed. */
class ValueLists {
  private readonly floats: number[] = [];
  private readonly ints: number[] = [];
  private readonly strings: string[] = [];
  private passedOver = false;

  constructor(
    private readonly cursor: WireCursor,
    private readonly context: AttributeContext,
  ) {}

  async add(): Promise<void> {
    const { cursor, context } = this;
    const before = this.floats.length + this.ints.length + this.strings.length;
    const isText = cursor.fieldNumber === 9;
    const packed = cursor.wireType === wire.bytes && !isText;
    if (this.passedOver || before >= maxAttributeValues || cursor.valueLength > maxAttributeTextBytes) {
      this.passedOver = true;
      return;
    }
    if (isText) this.strings.push(await cursor.looseText(maxAttributeTextBytes));
    else if (cursor.fieldNumber === 7)
      this.floats.push(...(packed ? await this.packedFloats() : [await float(cursor)]));
    else if (packed) {
      const end = cursor.valueEnd;
      this.ints.push(...packedInts(cursor, await cursor.bytes(maxAttributeTextBytes), end));
    } else this.ints.push(cursor.int());
    const now = this.floats.length + this.ints.length + this.strings.length;
    this.passedOver = now > maxAttributeValues;
    context.keptValues += now - before;
    if (context.keptValues > maxKeptValues)
      cursor.fail(
        'tooLarge',
        `the attributes of the nodes have more than the ${grouped(maxKeptValues)} numbers Gramlens keeps. ${damaged}`,
      );
  }

  private async packedFloats(): Promise<number[]> {
    const bytes = await this.cursor.bytes(maxAttributeTextBytes);
    if (bytes.length % 4 !== 0)
      this.cursor.fail(
        'corrupt',
        `${this.cursor.place}: floats of ${grouped(bytes.length)} bytes are no whole number of values. ${damaged}`,
      );
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
  }

  value(): OnnxAttribute | null {
    if (this.passedOver) return unread(`a list of more than ${grouped(maxAttributeValues)} values`);
    if (this.ints.length > 0) return { kind: 'ints', values: this.ints };
    if (this.floats.length > 0) return { kind: 'floats', values: this.floats };
    return this.strings.length > 0 ? { kind: 'strings', values: this.strings } : null;
  }
}
