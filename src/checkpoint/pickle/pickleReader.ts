// Bytes of a pickle with a cursor. Every length is checked against what is left before anything is cut out, so a
// crafted count costs nothing.

/** The window ended before the value did. `needed` bytes from the window's start would do for this read. */
export class PickleEnd extends Error {
  constructor(readonly needed: number) {
    super('the pickle goes on past the bytes at hand');
  }
}

/** A break of the pickle format at `offset`. */
export class PickleFault extends Error {
  constructor(
    readonly offset: number,
    readonly what: string,
  ) {
    super(what);
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const latin1 = new TextDecoder('latin1');

/** Digits of a text integer we convert: 2^4096 has 1234. Longer ones cost quadratic time and mean nothing here. */
const maxIntegerChars = 1300;

export class PickleReader {
  private readonly view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    public offset = 0,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private claim(length: number): number {
    const at = this.offset;
    if (length > this.bytes.byteLength - at) throw new PickleEnd(at + length);
    this.offset = at + length;
    return at;
  }

  uint8(): number {
    return this.view.getUint8(this.claim(1));
  }

  uint16(): number {
    return this.view.getUint16(this.claim(2), true);
  }

  uint32(): number {
    return this.view.getUint32(this.claim(4), true);
  }

  int32(): number {
    return this.view.getInt32(this.claim(4), true);
  }

  float64(): number {
    return this.view.getFloat64(this.claim(8), false);
  }

  /** An 8-byte length; one past 2^53 cannot be the length of anything. */
  length8(): number {
    const at = this.claim(8);
    const length = this.view.getBigUint64(at, true);
    if (length > BigInt(Number.MAX_SAFE_INTEGER)) throw new PickleFault(at, `a length of ${length.toString()} bytes`);
    return Number(length);
  }

  /** A view, not a copy: strings and arrays of a large pickle would double it. */
  take(length: number): Uint8Array {
    const at = this.claim(length);
    return this.bytes.subarray(at, at + length);
  }

  text(length: number): string {
    return utf8.decode(this.take(length));
  }

  latin1(length: number): string {
    return latin1.decode(this.take(length));
  }

  /** Up to the next newline, which is eaten. */
  line(): Uint8Array {
    const end = this.bytes.indexOf(10, this.offset);
    if (end < 0) throw new PickleEnd(this.bytes.byteLength + 1);
    const line = this.bytes.subarray(this.offset, end);
    this.offset = end + 1;
    return line;
  }

  textLine(): string {
    return utf8.decode(this.line());
  }

  /** `I`, `L` and `G`ET arguments: decimal digits, `L` at the end allowed. */
  integerLine(): number | bigint {
    const at = this.offset;
    const line = this.line();
    const text = line.length > maxIntegerChars ? '' : latin1.decode(line).replace(/L$/, '').trim();
    if (!/^[+-]?\d+$/.test(text)) throw new PickleFault(at, 'a line that should be a whole number');
    return narrowed(BigInt(text.replace(/^\+/, '')));
  }

  /** Two's complement, little-endian, of `length` bytes. */
  long(length: number): number | bigint {
    if (length > 512) throw new PickleFault(this.offset, `a whole number of ${length} bytes`);
    const bytes = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    if (length > 0 && bytes[length - 1]! >= 0x80) value -= 1n << BigInt(8 * length);
    return narrowed(value);
  }
}

function narrowed(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
