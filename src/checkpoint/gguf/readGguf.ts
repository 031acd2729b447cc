// GGUF (versions 2 and 3, little-endian) -> TensorIndex: counts, metadata, tensor descriptions, then aligned tensors.
// Only the header is read. Layout: docs/gguf.md of ggml. dequantise.ts opens the blocks.

import type { ByteSource } from '../byteSource';
import { elementCount } from '../dtypes';
import { copyAgain, grouped, quoted } from '../nextSteps';
import type { PlainValue, TensorEntry, TensorIndex } from '../tensorIndex';
import { type GgmlType, ggmlType } from './ggmlTypes';
import { HeaderBytes } from './headerBytes';
import { convertAgain, maxMetadataKeys, readMetadata } from './metadata';

/** Tensors we accept. The largest models have 2,000: the experts of a layer are one tensor. */
export const maxTensors = 65_536;
/** Dimensions we accept. ggml has 4 and leaves room for more. */
export const maxDimensions = 8;

const headBytes = 24;
/** Offsets of tensors are multiples of this where the metadata does not say otherwise. */
const defaultAlignment = 32;
/** A key and its smallest value; a name, no dimensions, type and offset. */
const leastKeyBytes = 13;
const leastTensorBytes = 24;

/** "GGUF" at the start of a file. */
export const isGguf = (head: Uint8Array): boolean =>
  head[0] === 0x47 && head[1] === 0x47 && head[2] === 0x55 && head[3] === 0x46;

/**
 * Reads the header of a GGUF file. `tree` has the metadata by full key ('llama.attention.head_count',
 * 'tokenizer.ggml.tokens'), shapes are slowest axis first ([out, in] for a linear layer).
 * @throws CheckpointError naming the file, the place and the bytes for every break of the format.
 */
export async function readGguf(source: ByteSource): Promise<TensorIndex> {
  const header = new HeaderBytes(source);
  await header.fill(Math.min(headBytes, source.byteLength));
  const { tensors, keys } = readHead(header, source.byteLength);
  const { tree, texts, notes } = await readMetadata(header, keys);
  const alignment = alignmentOf(tree['general.alignment'], header);
  const described = await readDescriptions(header, tensors);
  const dataStart = Math.ceil(header.offset / alignment) * alignment;
  const entries = new Map<string, TensorEntry>();
  for (const tensor of described) entries.set(tensor.name, toEntry(tensor, dataStart, alignment, header));
  const unused = checkRanges(described, source.byteLength - dataStart, alignment, header);
  const unusedNote = `${grouped(unused)} bytes between or behind the tensors belong to none of them.`;
  return {
    format: 'gguf',
    fileName: source.name,
    byteLength: source.byteLength,
    entries,
    metadata: texts,
    tree,
    notes: [...notes, ...splitNotes(tree), ...(unused > 0 ? [unusedNote] : [])],
  };
}

function readHead(header: HeaderBytes, byteLength: number): { tensors: number; keys: number } {
  if (byteLength < 8) header.fail('truncated', `the file ends inside the version of the GGUF header. ${copyAgain}`);
  header.u32();
  const version = header.u32();
  if (version === 1) {
    header.fail(
      'unsupported',
      'this is a GGUF file of version 1, which was replaced in October 2023. Convert the original model with a current llama.cpp.',
    );
  }
  if (version !== 0 && (version & 0xffff) === 0) {
    header.fail(
      'unsupported',
      `this GGUF file is big-endian (version ${version >>> 24}). Turn it with gguf_convert_endian.py of llama.cpp: gguf-convert-endian FILE little.`,
    );
  }
  if (version !== 2 && version !== 3) {
    header.fail('unsupported', `this is a GGUF file of version ${version}; Gramlens reads versions 2 and 3.`);
  }
  if (byteLength < headBytes) {
    header.fail('truncated', `the file ends inside the ${headBytes} bytes that begin a GGUF header. ${copyAgain}`);
  }
  const tensors = countOf(header, 'tensors', maxTensors, leastTensorBytes, byteLength);
  return { tensors, keys: countOf(header, 'metadata keys', maxMetadataKeys, leastKeyBytes, byteLength) };
}

function countOf(header: HeaderBytes, what: string, most: number, leastBytes: number, byteLength: number): number {
  const claimed = header.u64();
  if (claimed > BigInt(most)) {
    header.fail(
      'tooLarge',
      `the GGUF header claims ${grouped(claimed)} ${what}, more than the ${grouped(most)} Gramlens accepts. The file is damaged or crafted.`,
    );
  }
  const count = Number(claimed);
  if (count * leastBytes > byteLength - headBytes) {
    header.fail(
      'truncated',
      `the GGUF header claims ${grouped(count)} ${what}, which do not fit the ${grouped(byteLength)} bytes of the file. ${copyAgain}`,
    );
  }
  return count;
}

function alignmentOf(value: PlainValue | undefined, header: HeaderBytes): number {
  if (value === undefined) return defaultAlignment;
  // The format asks for a multiple of 8, ggml for a power of 2.
  if (typeof value === 'number' && value >= 8 && value < 2 ** 32 && Number.isInteger(Math.log2(value))) return value;
  const shown = typeof value === 'object' ? 'no number' : typeof value === 'string' ? quoted(value) : String(value);
  return header.fail(
    'corrupt',
    `general.alignment is ${shown}; it must be a power of 2 from 8 to 2,147,483,648. ${convertAgain}`,
  );
}

interface Description {
  readonly name: string;
  readonly type: GgmlType;
  /** Slowest axis first: the reverse of the file's order. */
  readonly shape: readonly number[];
  /** From the start of the tensor data. */
  readonly offset: number;
  /** Null where the type's size is unknown. */
  readonly byteLength: number | null;
}

async function readDescriptions(header: HeaderBytes, count: number): Promise<readonly Description[]> {
  const tensors: Description[] = [];
  const names = new Set<string>();
  for (let i = 0; i < count; i++) {
    header.place = `tensor ${i + 1} of ${count}`;
    const name = await header.readName();
    header.place = `the description of tensor ${quoted(name)}`;
    if (names.has(name)) header.fail('corrupt', `the GGUF header names tensor ${quoted(name)} twice. ${convertAgain}`);
    names.add(name);
    tensors.push(await readDescription(header, name));
  }
  return tensors;
}

async function readDescription(header: HeaderBytes, name: string): Promise<Description> {
  const bad = (what: string): never => header.fail('corrupt', `tensor ${quoted(name)}: ${what}. ${convertAgain}`);
  const rank = await header.readU32();
  if (rank > maxDimensions) bad(`it has ${grouped(rank)} dimensions, more than the ${maxDimensions} Gramlens accepts`);
  const needed = rank * 8 + 12;
  if (!header.has(needed)) await header.fill(needed);
  const sizes = Array.from({ length: rank }, () => header.u64());
  const type = ggmlType(header.u32());
  const offset = header.u64();
  const shape = sizes.map(Number).reverse();
  const written = sizes.reverse().join(', ');
  const count = elementCount(shape);
  if (count === null) return bad(`shape [${written}] has more elements than a file can hold`);
  const fastest = shape.at(-1) ?? 1;
  if (fastest % type.blockValues !== 0) {
    bad(`rows of ${grouped(fastest)} values are no whole number of ${type.name} blocks of ${type.blockValues}`);
  }
  const byteLength = type.blockBytes === null ? null : (count / type.blockValues) * type.blockBytes;
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) bad(`its data begins at byte ${grouped(offset)}, which no file has`);
  return { name, type, shape, offset: Number(offset), byteLength };
}

function toEntry(tensor: Description, dataStart: number, alignment: number, header: HeaderBytes): TensorEntry {
  const { name, type, shape, offset, byteLength } = tensor;
  if (offset % alignment !== 0) {
    header.fail(
      'corrupt',
      `tensor ${quoted(name)} begins at byte ${grouped(offset)} of the data, which is no multiple of the alignment ${alignment}. ${convertAgain}`,
    );
  }
  const { dtype, quantisation } = type;
  return {
    name,
    dtype,
    dtypeName: type.name,
    ...(quantisation === undefined ? {} : { quantisation }),
    shape,
    byteOffset: dataStart + offset,
    byteLength: byteLength ?? 0,
    bigEndian: false,
    ...(dtype === null ? { problem: problemOf(type) } : {}),
  };
}

function problemOf({ name, blockBytes }: GgmlType): string {
  if (blockBytes === null) return `Gramlens does not know GGUF tensor ${name}. Use a file with F16 or Q8_0 weights.`;
  return `Gramlens cannot read ${name} blocks. Use a file with F16, Q8_0 or Q2_K to Q6_K weights.`;
}

/**
 * Tensors must lie in the file and share no byte.
 * @returns bytes that belong to no tensor, padding to the alignment aside.
 */
function checkRanges(
  tensors: readonly Description[],
  dataBytes: number,
  alignment: number,
  header: HeaderBytes,
): number {
  const padded = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;
  const sorted = tensors
    .map(({ name, offset, byteLength }) => ({
      name,
      offset,
      end: offset + (byteLength ?? 0),
      known: byteLength !== null,
    }))
    .sort((a, b) => a.offset - b.offset || a.end - b.end);
  let covered = 0;
  let before = '';
  let unused = 0;
  let sure = true;
  for (const { name, offset, end, known } of sorted) {
    if (end > Math.max(dataBytes, 0)) {
      header.fail(
        'truncated',
        `tensor ${quoted(name)} ends at byte ${grouped(end)} of the data, the file holds ${grouped(Math.max(dataBytes, 0))}. ${copyAgain}`,
      );
    }
    if (offset < covered && end > offset) {
      header.fail(
        'corrupt',
        `tensors ${quoted(before)} and ${quoted(name)} overlap at byte ${grouped(offset)} of the data. ${convertAgain}`,
      );
    }
    if (sure && offset > padded(covered)) unused += offset - padded(covered);
    if (end > covered || !known) before = name;
    covered = Math.max(covered, end);
    sure = known;
  }
  if (sure && sorted.length > 0 && dataBytes > padded(covered)) unused += dataBytes - padded(covered);
  return unused;
}

/** A model cut into several files by llama-gguf-split says so; each part is an index of its own. */
function splitNotes(tree: { readonly [key: string]: PlainValue }): readonly string[] {
  const parts = tree['split.count'];
  const part = tree['split.no'];
  if (typeof parts !== 'number' || parts <= 1 || typeof part !== 'number') return [];
  return [
    `This is part ${part + 1} of ${parts} of a split GGUF model; only the tensors of this part are listed. Join the parts with llama-gguf-split --merge to inspect the whole model.`,
  ];
}
