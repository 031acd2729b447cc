// Walks through the header of a GGUF file: little-endian numbers and counted texts, read by range in growing chunks, so
// that a header of 20 KB costs one small read and one of 20 MB a few large ones. Knows nothing of their meaning.

import type { ByteSource } from '../byteSource';
import { CheckpointError, type CheckpointErrorReason } from '../checkpointError';
import { copyAgain, grouped, quoted } from '../nextSteps';

/** Header bytes we accept. Vocabularies of 260,000 tokens with their merges take 20 MB; more is a crafted file. */
export const maxHeaderBytes = 64 * 1024 * 1024;
/** Bytes of a key or a tensor name: what the format allows for keys (64 for tensors, which some writers pass). */
export const maxNameBytes = 65_535;

/** A header without a vocabulary fits the first read; each further one doubles, up to the last size. */
const firstChunkBytes = 64 * 1024;
const lastChunkBytes = 2 * 1024 * 1024;
/** Texts up to this length are tried as ASCII first: most tokens are, and TextDecoder costs more than they do. */
const shortTextBytes = 24;

export class HeaderBytes {
  /** What is being read, for messages: "metadata key 3 of 20". */
  place = 'the GGUF header';
  private chunk: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(new ArrayBuffer(0));
  private chunkStart = 0;
  private at = 0;
  private nextChunkBytes = firstChunkBytes;
  private readonly strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private readonly lenient = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(private readonly source: ByteSource) {}

  /** Byte of the file that is read next. */
  get offset(): number {
    return this.chunkStart + this.at;
  }

  /** Bytes of the file from here on. */
  get remaining(): number {
    return this.source.byteLength - this.offset;
  }

  fail(reason: CheckpointErrorReason, text: string): never {
    throw new CheckpointError(reason, `${this.source.name}: ${text}`);
  }

  /** Whether the next `length` bytes are in memory; otherwise `fill` must be awaited before they are taken. */
  has(length: number): boolean {
    return this.at + length <= this.chunk.length;
  }

  /** @throws CheckpointError when the file or the header we accept ends before. */
  async fill(length: number): Promise<void> {
    this.check(length);
    const { offset } = this;
    const wanted = Math.min(
      Math.max(length, this.nextChunkBytes),
      this.remaining,
      Math.max(maxHeaderBytes - offset, length),
    );
    this.chunk = await this.source.read(offset, wanted);
    if (this.chunk.length < length) {
      this.fail('truncated', `${this.chunk.length} of ${wanted} bytes came back at byte ${offset}. ${copyAgain}`);
    }
    this.view = new DataView(this.chunk.buffer, this.chunk.byteOffset, this.chunk.byteLength);
    this.chunkStart = offset;
    this.at = 0;
    this.nextChunkBytes = Math.min(2 * this.nextChunkBytes, lastChunkBytes);
  }

  private check(length: number): void {
    if (length > this.remaining) this.fail('truncated', `the file ends inside ${this.place}. ${copyAgain}`);
    if (this.offset + length > maxHeaderBytes) {
      this.fail(
        'tooLarge',
        `the GGUF header is longer than the ${grouped(maxHeaderBytes)} bytes Gramlens accepts; it passes them inside ${this.place}. The file is damaged or crafted.`,
      );
    }
  }

  /** Position of the next `length` bytes in the view, and on past them. Only after `has` or `fill`. */
  private take(length: number): number {
    const from = this.at;
    this.at += length;
    return from;
  }

  u8 = (): number => this.view.getUint8(this.take(1));
  i8 = (): number => this.view.getInt8(this.take(1));
  u16 = (): number => this.view.getUint16(this.take(2), true);
  i16 = (): number => this.view.getInt16(this.take(2), true);
  u32 = (): number => this.view.getUint32(this.take(4), true);
  i32 = (): number => this.view.getInt32(this.take(4), true);
  f32 = (): number => this.view.getFloat32(this.take(4), true);
  f64 = (): number => this.view.getFloat64(this.take(8), true);
  u64 = (): bigint => this.view.getBigUint64(this.take(8), true);
  i64 = (): bigint => this.view.getBigInt64(this.take(8), true);

  /** A 32-bit number, filled as needed. */
  async readU32(): Promise<number> {
    if (!this.has(4)) await this.fill(4);
    return this.u32();
  }

  async readU64(): Promise<bigint> {
    if (!this.has(8)) await this.fill(8);
    return this.u64();
  }

  /** Length of the text that follows; its 8 bytes are in memory. @throws CheckpointError beyond `maxBytes`. */
  textLength(maxBytes: number): number {
    const from = this.take(8);
    const length = this.view.getUint32(from, true) + this.view.getUint32(from + 4, true) * 2 ** 32;
    if (length > maxBytes) {
      const exact = this.view.getBigUint64(from, true);
      this.fail(
        'tooLarge',
        `${this.place} claims a text of ${grouped(exact)} bytes, more than the ${grouped(maxBytes)} Gramlens accepts. The file is damaged or crafted.`,
      );
    }
    return length;
  }

  /** Passes over bytes without reading them. @throws CheckpointError when the file or the header we accept ends before. */
  skip(length: number): void {
    this.check(length);
    this.take(length);
  }

  /** A key or name. @throws CheckpointError `corrupt` when it is not UTF-8. */
  async readName(): Promise<string> {
    if (!this.has(8)) await this.fill(8);
    const length = this.textLength(maxNameBytes);
    if (!this.has(length)) await this.fill(length);
    const from = this.take(length);
    try {
      return this.strict.decode(this.chunk.subarray(from, from + length));
    } catch {
      return this.fail('corrupt', `the name of ${this.place} is not UTF-8 text. ${copyAgain}`);
    }
  }

  /** A text value of `length` bytes that are in memory. Bytes that are no UTF-8 become U+FFFD and are counted. */
  text(length: number, malformed: { count: number }): string {
    const from = this.take(length);
    if (length === 0) return '';
    if (length <= shortTextBytes) {
      let i = from;
      while (i < from + length && this.chunk[i]! < 0x80) i++;
      if (i === from + length) return String.fromCharCode(...this.chunk.subarray(from, i));
    }
    const bytes = this.chunk.subarray(from, from + length);
    const text = this.lenient.decode(bytes);
    if (text.includes('\ufffd') && !this.isUtf8(bytes)) malformed.count++;
    return text;
  }

  private isUtf8(bytes: Uint8Array): boolean {
    try {
      this.strict.decode(bytes);
      return true;
    } catch {
      return false;
    }
  }
}

/** How messages name a metadata entry. */
export const metadataPlace = (key: string): string => `metadata ${quoted(key)}`;
