// Walks through protobuf messages of a file by range: fields are hopped over by their length, and a window of the file
// grows while reading goes on in order and shrinks after a hop. Knows the wire format and nothing of ONNX's messages.

import type { ByteSource } from '../byteSource';
import { CheckpointError, type CheckpointErrorReason } from '../checkpointError';
import { copyAgain, grouped } from '../nextSteps';
import { maxFields, maxTextBytes } from './limits';

/** After a hop over tensor bytes little is wanted; each further read in order is twice as large. */
const firstWindowBytes = 4096;
const lastWindowBytes = 1024 * 1024;
/** Bytes of a tag and a length. */
const fieldHeadBytes = 20;
/** Bytes of a varint of 64 bits. */
const maxVarintBytes = 10;
const shortTextBytes = 48;

export const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Ends of the messages one is in, for sentences. */
export const damaged = 'The file is damaged or crafted; copy or download it again.';

export class WireCursor {
  /** The message that is read, for messages: "node 3". */
  place = 'the ONNX model';
  /** Of the field that `next` found. */
  fieldNumber = 0;
  wireType = 0;
  /** First byte of its tag. */
  fieldStart = 0;
  valueStart = 0;
  valueEnd = 0;

  private chunk: Uint8Array = new Uint8Array(0);
  private chunkStart = 0;
  private at = 0;
  private windowBytes = firstWindowBytes;
  private low = 0;
  private high = 0;
  private fields = 0;
  private textBytes = 0;
  private readonly strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private readonly loose = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(readonly source: ByteSource) {}

  fail(reason: CheckpointErrorReason, text: string): never {
    throw new CheckpointError(reason, `${this.source.name}: ${text}`);
  }

  /** Byte of the file that is read next. */
  get offset(): number {
    return this.at;
  }

  seek(offset: number): void {
    this.at = offset;
  }

  /**
   * The next field of a message that ends at byte `end`; false at its end. The cursor then stands behind the field: a
   * value is read with the methods below, a message inside by seeking `valueStart`. A promise only where the file must
   * be read: most fields are in the window, and a graph has a million.
   * @throws CheckpointError for broken tags, groups, and lengths past the file or the message.
   */
  next(end: number): boolean | Promise<boolean> {
    const start = this.at;
    if (start >= end) return false;
    if (++this.fields > maxFields)
      this.fail(
        'tooLarge',
        `the file has more than the ${grouped(maxFields)} fields Gramlens walks through. ${damaged}`,
      );
    const head = Math.min(fieldHeadBytes, this.source.byteLength - start);
    if (this.holds(start, head)) return this.fieldHead(start, end);
    return this.load(start, head).then(() => this.fieldHead(start, end));
  }

  private fieldHead(start: number, end: number): true {
    this.fieldStart = start;
    this.varint(end, 'a tag');
    const tag = this.low;
    if (this.high !== 0 || tag >>> 3 === 0)
      this.fail('corrupt', `${this.place}: the tag at byte ${start} is none. ${damaged}`);
    this.fieldNumber = tag >>> 3;
    this.wireType = tag & 7;
    this.valueStart = this.at;
    switch (this.wireType) {
      case wire.varint:
        this.varint(end, `field ${this.fieldNumber}`);
        break;
      case wire.fixed64:
        this.at += 8;
        break;
      case wire.fixed32:
        this.at += 4;
        break;
      case wire.bytes: {
        this.varint(end, `the length of field ${this.fieldNumber}`);
        this.valueStart = this.at;
        this.at += this.unsigned();
        break;
      }
      case 3:
      case 4:
        this.fail(
          'corrupt',
          `${this.place}: field ${this.fieldNumber} at byte ${start} is a group, which ONNX does not have. ${damaged}`,
        );
        break;
      default:
        this.fail(
          'corrupt',
          `${this.place}: field ${this.fieldNumber} at byte ${start} has wire type ${this.wireType}, which does not exist. ${damaged}`,
        );
    }
    if (this.at > end) this.tooLong(end);
    this.valueEnd = this.at;
    return true;
  }

  private tooLong(end: number): never {
    const size = this.wireType === wire.bytes ? this.exact() : BigInt(this.at - this.valueStart);
    const field = `${this.place}: field ${this.fieldNumber} at byte ${grouped(this.fieldStart)} has ${grouped(size)} bytes`;
    const left = Math.max(0, end - this.valueStart);
    if (end === this.source.byteLength)
      this.fail('truncated', `${field}, the file ${grouped(left)} more. ${copyAgain}`);
    this.fail('corrupt', `${field}, the message around it ${grouped(left)} more. ${damaged}`);
  }

  /** A varint at the cursor into `low` and `high`; its bytes are in the window or behind the end of the file. */
  private varint(end: number, what: string): void {
    let low = 0;
    let high = 0;
    const first = this.at - this.chunkStart;
    for (let i = 0; ; i++) {
      if (this.at >= end) {
        const where = end === this.source.byteLength ? 'the file' : 'the message around it';
        this.fail(
          end === this.source.byteLength ? 'truncated' : 'corrupt',
          `${this.place}: ${where} ends inside ${what} at byte ${grouped(this.at)}. ${end === this.source.byteLength ? copyAgain : damaged}`,
        );
      }
      const byte = this.chunk[first + i]!;
      this.at++;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (7 * i - 32);
      if (byte < 0x80) {
        if (i === maxVarintBytes - 1 && byte > 1) break;
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
      if (i === maxVarintBytes - 1) break;
    }
    this.fail(
      'corrupt',
      `${this.place}: ${what} at byte ${grouped(this.chunkStart + first)} is a number of more than 64 bits. ${damaged}`,
    );
  }

  private unsigned(): number {
    return this.high * 2 ** 32 + this.low;
  }

  private exact(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  /** The value of a varint field as int64; beyond 2^53 it rounds. */
  int(): number {
    this.expect(wire.varint);
    return (this.high | 0) * 2 ** 32 + this.low;
  }

  /** @throws CheckpointError when the field is of another wire type than its message says. */
  expect(wireType: number): void {
    if (this.wireType === wireType) return;
    this.fail(
      'corrupt',
      `${this.place}: field ${this.fieldNumber} at byte ${grouped(this.fieldStart)} has wire type ${this.wireType} instead of ${wireType}. ${damaged}`,
    );
  }

  get valueLength(): number {
    return this.valueEnd - this.valueStart;
  }

  /** Enters the message that the field holds: the cursor stands at its first byte. Returns its end. */
  enter(): number {
    this.expect(wire.bytes);
    this.at = this.valueStart;
    return this.valueEnd;
  }

  /** The value's bytes, no copy: good until the next read. @throws CheckpointError beyond `maxBytes`. */
  bytes(maxBytes: number): Uint8Array | Promise<Uint8Array> {
    const { valueStart, valueLength } = this;
    if (valueLength > maxBytes) {
      this.fail(
        'tooLarge',
        `${this.place}: field ${this.fieldNumber} at byte ${grouped(this.fieldStart)} has ${grouped(valueLength)} bytes, more than the ${grouped(maxBytes)} Gramlens accepts there. ${damaged}`,
      );
    }
    if (this.holds(valueStart, valueLength)) return this.held(valueStart, valueLength);
    return this.load(valueStart, valueLength).then(() => this.held(valueStart, valueLength));
  }

  private held(offset: number, length: number): Uint8Array {
    return this.chunk.subarray(offset - this.chunkStart, offset - this.chunkStart + length);
  }

  /** A name. @throws CheckpointError when it is longer than `maxBytes` or not UTF-8. */
  text(maxBytes: number): string | Promise<string> {
    return this.decode(maxBytes, this.strict);
  }

  /** A text that may be any bytes: what is no UTF-8 becomes U+FFFD. */
  looseText(maxBytes: number): string | Promise<string> {
    return this.decode(maxBytes, this.loose);
  }

  private decode(maxBytes: number, decoder: TextDecoder): string | Promise<string> {
    this.expect(wire.bytes);
    if (this.valueStart === this.valueEnd) return '';
    const bytes = this.bytes(maxBytes);
    return bytes instanceof Uint8Array
      ? this.decodeBytes(bytes, decoder)
      : bytes.then((loaded) => this.decodeBytes(loaded, decoder));
  }

  private decodeBytes(bytes: Uint8Array, decoder: TextDecoder): string {
    this.textBytes += bytes.length;
    if (this.textBytes > maxTextBytes) {
      this.fail(
        'tooLarge',
        `the names and texts of the file have more than the ${grouped(maxTextBytes)} bytes Gramlens keeps. ${damaged}`,
      );
    }
    if (bytes.length <= shortTextBytes) {
      let i = 0;
      while (i < bytes.length && bytes[i]! < 0x80) i++;
      if (i === bytes.length) return Reflect.apply(String.fromCharCode, null, bytes) as string;
    }
    try {
      return decoder.decode(bytes);
    } catch {
      return this.fail(
        'corrupt',
        `${this.place}: the text of field ${this.fieldNumber} at byte ${grouped(this.fieldStart)} is not UTF-8. ${damaged}`,
      );
    }
  }

  private holds(offset: number, length: number): boolean {
    return offset >= this.chunkStart && offset + length <= this.chunkStart + this.chunk.length;
  }

  private async load(offset: number, length: number): Promise<void> {
    const next = this.chunkStart + this.chunk.length;
    const inOrder = offset >= this.chunkStart && offset <= next;
    this.windowBytes = inOrder ? Math.min(2 * this.windowBytes, lastWindowBytes) : firstWindowBytes;
    const wanted = Math.min(Math.max(length, this.windowBytes), this.source.byteLength - offset);
    const chunk = await this.source.read(offset, wanted);
    if (chunk.length < length)
      this.fail('truncated', `${chunk.length} of ${wanted} bytes came back at byte ${offset}. ${copyAgain}`);
    this.chunk = chunk;
    this.chunkStart = offset;
  }
}
