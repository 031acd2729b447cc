// Builders of small checkpoint files in memory, right or wrong on purpose. Shared by the unit and the hostile tests.

import { type ByteSource, bytesSource } from '../../../src/checkpoint/byteSource';

const encoder = new TextEncoder();

export type Bytes = string | readonly number[] | Uint8Array;

/** Text as latin-1 bytes, lists as they are, one after the other. */
export function concat(...parts: readonly Bytes[]): Uint8Array {
  const arrays = parts.map((part) =>
    typeof part === 'string' ? Uint8Array.from(part, (c) => c.charCodeAt(0)) : Uint8Array.from(part),
  );
  const whole = new Uint8Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
}

export function u16(value: number): Uint8Array {
  return new Uint8Array(new Uint16Array([value]).buffer);
}
export function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}
export function u64(value: number | bigint): Uint8Array {
  return new Uint8Array(new BigUint64Array([BigInt(value)]).buffer);
}

/** A safetensors file: `header` as JSON or as the text to write. */
export function safetensors(header: object | string, data: Bytes = [], headerBytes?: number | bigint): Uint8Array {
  const text = encoder.encode(typeof header === 'string' ? header : JSON.stringify(header));
  return concat(u64(headerBytes ?? text.length), text, data);
}

export interface CraftedMember {
  readonly name: string;
  readonly data: Bytes;
  readonly method?: number;
  readonly flags?: number;
  /** Sizes as the directory claims them. */
  readonly bytes?: number;
  readonly compressedBytes?: number;
  readonly headerOffset?: number;
}

export interface CraftedZip {
  readonly bytes: Uint8Array;
  readonly directoryOffset: number;
  /** Offset of the local header of each member. */
  readonly offsets: readonly number[];
}

export interface EndClaims {
  readonly count?: number;
  readonly byteLength?: number;
  readonly offset?: number;
}

/** A zip archive of stored members; the directory may claim other things. */
export function zip(members: readonly CraftedMember[], claims: EndClaims = {}): CraftedZip {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  const offsets: number[] = [];
  let at = 0;
  for (const member of members) {
    const { name, method = 0, flags = 0 } = member;
    const data = concat(member.data);
    const bytes = member.bytes ?? data.length;
    const compressedBytes = member.compressedBytes ?? data.length;
    const local = concat(
      'PK\x03\x04',
      u16(20),
      u16(flags),
      u16(method),
      u32(0),
      u32(0),
      u32(data.length),
      u32(data.length),
      u16(name.length),
      u16(0),
      name,
    );
    directory.push(
      concat(
        'PK\x01\x02',
        u16(20),
        u16(20),
        u16(flags),
        u16(method),
        u32(0),
        u32(0),
        u32(compressedBytes),
        u32(bytes),
        u16(name.length),
        u16(0),
        u16(0),
        u16(0),
        u16(0),
        u32(0),
        u32(member.headerOffset ?? at),
        name,
      ),
    );
    offsets.push(at);
    parts.push(local, data);
    at += local.length + data.length;
  }
  const listing = concat(...directory);
  const end = concat(
    'PK\x05\x06',
    u16(0),
    u16(0),
    u16(members.length),
    u16(claims.count ?? members.length),
    u32(claims.byteLength ?? listing.length),
    u32(claims.offset ?? at),
    u16(0),
  );
  return { bytes: concat(...parts, listing, end), directoryOffset: at, offsets };
}

/** A torch zip around one pickle and its storages. */
export function torchZip(pickle: Bytes, storages: Readonly<Record<string, Bytes>> = {}): Uint8Array {
  const data = Object.entries(storages).map(([key, bytes]) => ({ name: `a/data/${key}`, data: bytes }));
  return zip([{ name: 'a/data.pkl', data: pickle }, ...data]).bytes;
}

// Pickle fragments, protocol 2.
export const text = (value: string): Uint8Array => {
  const bytes = encoder.encode(value);
  return concat('X', u32(bytes.length), bytes);
};
export const int = (value: number): Uint8Array => concat('J', u32(value));
export const long = (bytes: readonly number[]): Uint8Array => concat([0x8a, bytes.length], bytes);
export const global = (module: string, name: string): Uint8Array => concat('c', module, '\n', name, '\n');
export const tuple = (...items: readonly Bytes[]): Uint8Array => concat('(', ...items, 't');
export const dict = (...items: readonly Bytes[]): Uint8Array => concat('}(', ...items, 'u');
export const pickle = (...items: readonly Bytes[]): Uint8Array => concat([0x80, 2], ...items, '.');

export function storage(key: string, count: Bytes, type = 'FloatStorage'): Uint8Array {
  return concat(tuple(text('storage'), global('torch', type), text(key), text('cpu'), count), 'Q');
}

/** `_rebuild_tensor_v2` over storage `key`. */
export function tensor(
  key: string,
  count: number,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
  type?: string,
): Uint8Array {
  return concat(
    global('torch._utils', '_rebuild_tensor_v2'),
    tuple(
      storage(key, int(count), type),
      int(offset),
      tuple(...shape.map(int)),
      tuple(...strides.map(int)),
      [0x89],
      global('collections', 'OrderedDict'),
      ')R',
    ),
    'R',
  );
}

/** The first three pickles of the legacy format. */
export const legacyHead = concat(
  [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e],
  [0x80, 2, 0x4d, 0xe9, 0x03, 0x2e],
  pickle('}'),
);

export function fileOf(bytes: Uint8Array, name = 'x.pt'): ByteSource {
  return bytesSource(name, bytes);
}
