// The bytes of a model that computes one segment: slices of the file behind each other, and a few fields of our own.
// Repeated fields of a protobuf message may stand in any order, so slices of nodes and tensors are valid as they are.

import type { CheckpointBytes } from '../../checkpoint/byteSource';
import type { ByteRange, OnnxGraph } from '../../checkpoint/onnx/onnxGraph';
import type { TensorEntry, TensorIndex } from '../../checkpoint/tensorIndex';
import { EngineError } from '../backend';
import type { GraphTensor } from './graphTensor';
import type { Segment } from './segments';

/** A protobuf message has 2 GiB at most; ONNX Runtime refuses larger models. */
const maxModelBytes = 2 ** 31 - 1;
/** Slices closer than this are read together: nodes lie side by side. */
const joinedGap = 4096;
/** Bytes read at once. */
const maxReadBytes = 64 * 1024 * 1024;

/** Fields of a ModelProto that a segment keeps: ir_version, opset_import, functions. */
const keptFields: ReadonlySet<number> = new Set([1, 8, 25]);

/** The ModelProto of `segment`. `feeds`: the values that will be fed, whose types and sizes become those of the inputs. */
export async function segmentModel(
  index: TensorIndex,
  graph: OnnxGraph,
  bytes: CheckpointBytes,
  segment: Segment,
  feeds: ReadonlyMap<string, GraphTensor>,
): Promise<Uint8Array> {
  // With external data the graph's own file is one of several, under its name.
  const own = index.shards === undefined ? undefined : index.fileName;
  const main = await bytes.source(own);
  const slices = [
    ...segment.nodes.map((node) => graph.nodes[node]!.range),
    ...segment.initializers.flatMap((name) => {
      const sparse = graph.sparseInitializers.get(name);
      const entry = index.entries.get(name);
      const external = entry !== undefined && entry.shard !== own;
      const dense = external ? undefined : graph.initializers.get(name);
      return sparse !== undefined ? [sparse] : dense === undefined ? [] : [dense.range];
    }),
  ];
  const outside = segment.initializers.flatMap((name) => {
    const entry = index.entries.get(name);
    return entry === undefined || entry.shard === own
      ? []
      : [{ entry, elemType: graph.initializers.get(name)?.elemType ?? 0 }];
  });
  const read = (range: ByteRange): Promise<Uint8Array> => main.read(range.offset, range.length);
  const head: Uint8Array[] = [];
  for (const range of graph.header) {
    const field = await read(range);
    if (keptFields.has(fieldNumber(field))) head.push(field);
  }
  const inner: Uint8Array[] = [message(2, text('segment'))];
  inner.push(...(await readSlices(slices, main.byteLength, read)));
  for (const { entry, elemType } of outside) inner.push(await externalTensor(bytes, entry, elemType));
  for (const name of segment.feeds) inner.push(valueInfo(11, name, feeds.get(name) ?? null));
  // The name of an output is enough: its type follows from the nodes.
  for (const name of segment.fetches) inner.push(valueInfo(12, name, null));
  const length = inner.reduce((sum, part) => sum + part.byteLength, 0);
  if (length > maxModelBytes) {
    throw new EngineError(
      'outOfMemory',
      `The part of ${index.fileName} up to the next attention block has ${length} bytes, more than the ${maxModelBytes} that ONNX Runtime takes at once.`,
    );
  }
  return joined([...head, tag(7), varint(length), ...inner]);
}

/** The slices in the order given; neighbours are read together. */
async function readSlices(
  slices: readonly ByteRange[],
  fileBytes: number,
  read: (range: ByteRange) => Promise<Uint8Array>,
): Promise<Uint8Array[]> {
  const sorted = [...slices].sort((a, b) => a.offset - b.offset);
  const parts: Uint8Array[] = [];
  for (let i = 0; i < sorted.length;) {
    const group = [sorted[i]!];
    let end = sorted[i]!.offset + sorted[i]!.length;
    for (i += 1; i < sorted.length; i += 1) {
      const next = sorted[i]!;
      if (next.offset - end > joinedGap || next.offset + next.length - group[0]!.offset > maxReadBytes) break;
      end = next.offset + next.length;
      group.push(next);
    }
    const { offset } = group[0]!;
    const together = await read({ offset, length: Math.min(end, fileBytes) - offset });
    for (const slice of group)
      parts.push(together.subarray(slice.offset - offset, slice.offset - offset + slice.length));
  }
  return parts;
}

/** An initializer whose values lie in another file, as one that holds them. */
async function externalTensor(bytes: CheckpointBytes, entry: TensorEntry, elemType: number): Promise<Uint8Array> {
  const source = await bytes.source(entry.shard);
  const head = joined([
    ...entry.shape.map((size) => joined([tag(1, 0), varint(size)])),
    tag(2, 0),
    varint(elemType),
    message(8, text(entry.name)),
    tag(9),
    varint(entry.byteLength),
  ]);
  const raw = new Uint8Array(entry.byteLength);
  for (let at = 0; at < entry.byteLength; at += maxReadBytes) {
    raw.set(await source.read(entry.byteOffset + at, Math.min(maxReadBytes, entry.byteLength - at)), at);
  }
  return joined([tag(5), varint(head.byteLength + raw.byteLength), head, raw]);
}

/** A ValueInfoProto; without a tensor its name alone. */
function valueInfo(field: number, name: string, tensor: GraphTensor | null): Uint8Array {
  const parts = [message(1, text(name))];
  if (tensor !== null) {
    const dims = tensor.shape.map((size) => message(1, joined([tag(1, 0), varint(size)])));
    const type = joined([tag(1, 0), varint(tensor.elemType), message(2, joined(dims))]);
    parts.push(message(2, message(1, type)));
  }
  return message(field, joined(parts));
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Wire type 2: a length and its bytes; 0: a varint. */
const tag = (field: number, wireType = 2): Uint8Array => varint(field * 8 + wireType);

const message = (field: number, content: Uint8Array): Uint8Array =>
  joined([tag(field), varint(content.byteLength), content]);

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function fieldNumber(bytes: Uint8Array): number {
  let value = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    value += (bytes[i]! & 0x7f) * 128 ** i;
    if (bytes[i]! < 128) break;
  }
  return Math.floor(value / 8);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}
