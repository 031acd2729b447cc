// ONNX files in memory, field by field, so that tests can break any of them.

import { type Bytes, concat } from './crafted';

/** A protobuf varint; more than 64 bits only as raw bytes. */
export function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

export const tag = (field: number, wireType: number): Uint8Array => varint(field * 8 + wireType);
export const int = (field: number, value: number | bigint): Uint8Array => concat(tag(field, 0), varint(value));
/** A message, a text or packed values. */
export function len(field: number, ...parts: readonly Bytes[]): Uint8Array {
  const bytes = concat(...parts);
  return concat(tag(field, 2), varint(bytes.length), bytes);
}

export const zeros = (count: number): Uint8Array => new Uint8Array(count);

/** An initializer as the field of a graph; `data` are its fields with values. */
export const initializer = (
  name: string,
  dims: readonly number[],
  type: number,
  ...data: readonly Bytes[]
): Uint8Array => len(5, tensor(name, dims, type, ...data));

export const tensor = (name: string, dims: readonly number[], type: number, ...data: readonly Bytes[]): Uint8Array =>
  concat(...dims.map((size) => int(1, size)), int(2, type), len(8, name), ...data);

export const raw = (count: number): Uint8Array => len(9, zeros(count));

export const pair = (field: number, key: string, value: string): Uint8Array => len(field, len(1, key), len(2, value));

/** `external_data` of a tensor, and that it counts. */
export const external = (pairs: Readonly<Record<string, string>>): Uint8Array =>
  concat(...Object.entries(pairs).map(([key, value]) => pair(13, key, value)), int(14, 1));

/** A node as the field of a graph. */
export const node = (
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  ...rest: readonly Bytes[]
): Uint8Array =>
  len(1, ...inputs.map((name) => len(1, name)), ...outputs.map((name) => len(2, name)), len(4, opType), ...rest);

export const named = (name: string): Uint8Array => len(3, name);
export const attribute = (name: string, ...value: readonly Bytes[]): Uint8Array => len(5, len(1, name), ...value);

/** A float value as input (11), output (12) or value_info (13) of a graph. */
export const value = (field: number, name: string, dims: readonly (number | string)[] = [1]): Uint8Array =>
  len(
    field,
    len(1, name),
    len(
      2,
      len(1, int(1, 1), len(2, ...dims.map((size) => len(1, typeof size === 'number' ? int(1, size) : len(2, size))))),
    ),
  );

/** A model around the fields of its graph. */
export const onnx = (...graph: readonly Bytes[]): Uint8Array => model(len(7, ...graph));

/** A model of these fields, behind ir_version and producer. */
export const model = (...fields: readonly Bytes[]): Uint8Array =>
  concat(int(1, 8), len(2, 'test'), ...fields, len(8, int(2, 13)));
