// The key-value part of a GGUF header -> plain values by their full key. Arrays (the vocabulary among them) become
// JavaScript arrays, within a bound on their number.

import { copyAgain, grouped, quoted } from '../nextSteps';
import type { PlainValue } from '../tensorIndex';
import { type HeaderBytes, maxHeaderBytes, metadataPlace } from './headerBytes';

/** Keys we accept. Real files have 20 to 100. */
export const maxMetadataKeys = 65_536;
/** Values in all arrays together. A vocabulary of 260,000 with scores, types and merges has 1.3 million. */
export const maxArrayValues = 2 * 1024 * 1024;
/** Depth and number of arrays in arrays. Real files have none; the format sets no limit. */
export const maxArrayDepth = 4;
export const maxNestedArrays = 65_536;
/** Bytes of a text we keep. Chat templates have 20 KB; longer ones (a whole tokenizer.json) are passed over and named. */
export const maxKeptTextBytes = 1024 * 1024;

export interface GgufMetadata {
  /** Full key -> value. Integers beyond 2^53 are bigint. */
  readonly tree: { readonly [key: string]: PlainValue };
  /** The scalars as text. */
  readonly texts: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

const stringType = 8;
const arrayType = 9;
const boolType = 7;
const float32Type = 6;

interface Scalar {
  readonly bytes: number;
  readonly read: (header: HeaderBytes) => number | bigint;
}

/** By number of enum gguf_metadata_value_type; texts, truth values and arrays apart. */
const scalars: ReadonlyMap<number, Scalar> = new Map<number, Scalar>([
  [0, { bytes: 1, read: (header) => header.u8() }],
  [1, { bytes: 1, read: (header) => header.i8() }],
  [2, { bytes: 2, read: (header) => header.u16() }],
  [3, { bytes: 2, read: (header) => header.i16() }],
  [4, { bytes: 4, read: (header) => header.u32() }],
  [5, { bytes: 4, read: (header) => header.i32() }],
  [float32Type, { bytes: 4, read: (header) => header.f32() }],
  [10, { bytes: 8, read: (header) => safe(header.u64()) }],
  [11, { bytes: 8, read: (header) => safe(header.i64()) }],
  [12, { bytes: 8, read: (header) => header.f64() }],
]);

const safe = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

/** Smallest number of bytes a value of a type takes: what a claimed count is held against before anything is read. */
const leastBytes = (type: number): number =>
  type === stringType ? 8 : type === arrayType ? 12 : (scalars.get(type)?.bytes ?? 1);

/**
 * Reads `count` keys and values.
 * @throws CheckpointError naming the key: truncated, of unknown type, twice, too long or too deep.
 */
export async function readMetadata(header: HeaderBytes, count: number): Promise<GgufMetadata> {
  const reader = new ValueReader(header);
  const tree = new Map<string, PlainValue>();
  const texts = new Map<string, string>();
  const notes: string[] = [];
  for (let i = 0; i < count; i++) {
    header.place = `metadata key ${i + 1} of ${count}`;
    const key = await header.readName();
    header.place = metadataPlace(key);
    if (tree.has(key)) header.fail('corrupt', `the metadata names ${quoted(key)} twice. ${convertAgain}`);
    const type = await header.readU32();
    reader.malformed.count = 0;
    const value = await reader.value(type);
    if (reader.malformed.count > 0) {
      notes.push(
        `Metadata ${quoted(key)} has texts that are not UTF-8 (${grouped(reader.malformed.count)} of them); the bytes that are not show as U+FFFD.`,
      );
    }
    tree.set(key, value);
    if (typeof value !== 'object') texts.set(key, type === float32Type ? shortest(Number(value)) : String(value));
  }
  return { tree: Object.fromEntries(tree), texts: Object.fromEntries(texts), notes };
}

export const convertAgain = 'Convert the model to GGUF again.';

class ValueReader {
  readonly malformed = { count: 0 };
  private arrayValues = 0;
  private nestedArrays = 0;

  constructor(private readonly header: HeaderBytes) {}

  async value(type: number, depth = 0): Promise<PlainValue> {
    const { header } = this;
    if (type === stringType) return this.string();
    if (type === arrayType) return this.array(depth);
    if (type === boolType) {
      if (!header.has(1)) await header.fill(1);
      return this.bool();
    }
    const scalar = scalars.get(type);
    if (scalar === undefined) {
      return header.fail('corrupt', `${header.place} has a value of unknown type ${type}. ${convertAgain}`);
    }
    if (!header.has(scalar.bytes)) await header.fill(scalar.bytes);
    return scalar.read(header);
  }

  private async string(): Promise<PlainValue> {
    const { header } = this;
    if (!header.has(8)) await header.fill(8);
    const length = header.textLength(maxHeaderBytes);
    if (length > maxKeptTextBytes) {
      header.skip(length);
      return { kind: 'opaque', className: `a text of ${grouped(length)} bytes` };
    }
    if (!header.has(length)) await header.fill(length);
    return header.text(length, this.malformed);
  }

  private bool(): boolean {
    const code = this.header.u8();
    if (code > 1) {
      this.header.fail('corrupt', `${this.header.place} has the truth value ${code}, not 0 or 1. ${convertAgain}`);
    }
    return code === 1;
  }

  private async array(depth: number): Promise<readonly PlainValue[]> {
    const { header } = this;
    if (depth === maxArrayDepth) {
      header.fail(
        'tooLarge',
        `${header.place} nests arrays deeper than ${maxArrayDepth} levels. The file is damaged or crafted.`,
      );
    }
    if (depth > 0 && ++this.nestedArrays > maxNestedArrays) {
      header.fail(
        'tooLarge',
        `${header.place} has more than ${grouped(maxNestedArrays)} arrays in arrays. The file is damaged or crafted.`,
      );
    }
    const type = await header.readU32();
    const scalar = scalars.get(type);
    if (scalar === undefined && type !== stringType && type !== arrayType && type !== boolType) {
      header.fail('corrupt', `${header.place} is an array of unknown type ${type}. ${convertAgain}`);
    }
    const claimed = await header.readU64();
    if (claimed > BigInt(maxArrayValues - this.arrayValues)) {
      const more = this.arrayValues === 0 ? '' : ` after the ${grouped(this.arrayValues)} before them`;
      header.fail(
        'tooLarge',
        `${header.place} claims ${grouped(claimed)} values${more}, more than the ${grouped(maxArrayValues)} Gramlens accepts in all. The file is damaged or crafted.`,
      );
    }
    const count = Number(claimed);
    this.arrayValues += count;
    if (count * leastBytes(type) > Math.min(header.remaining, maxHeaderBytes)) {
      header.fail(
        'truncated',
        `${header.place} claims ${grouped(count)} values, more than the ${grouped(header.remaining)} bytes behind it hold. ${copyAgain}`,
      );
    }
    const values: PlainValue[] = [];
    for (let i = 0; i < count; i++) {
      if (type === stringType) {
        // Spelt out: an await for each of 500,000 texts costs more than reading them.
        if (!header.has(8)) await header.fill(8);
        const length = header.textLength(maxKeptTextBytes);
        if (!header.has(length)) await header.fill(length);
        values.push(header.text(length, this.malformed));
      } else if (type === arrayType) {
        values.push(await this.array(depth + 1));
      } else if (type === boolType) {
        if (!header.has(1)) await header.fill(1);
        values.push(this.bool());
      } else if (scalar !== undefined) {
        if (!header.has(scalar.bytes)) await header.fill(scalar.bytes);
        values.push(scalar.read(header));
      }
    }
    return values;
  }
}

/** The shortest decimal that is this float32: 1e-5 instead of 0.000009999999747378752. */
function shortest(value: number): string {
  for (let digits = 1; digits <= 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(value);
}
