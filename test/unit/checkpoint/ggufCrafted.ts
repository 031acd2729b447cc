// Builder of small GGUF files in memory, right or wrong on purpose. Shared by the unit and the hostile tests.

import { type Bytes, concat, u32, u64 } from './crafted';

export interface CraftedTensor {
  readonly name: Bytes;
  /** As the file has it: fastest axis first. */
  readonly sizes: readonly (number | bigint)[];
  /** Number of the type; 0 is F32. */
  readonly type?: number;
  readonly offset: number | bigint;
  readonly rank?: number;
}

export interface CraftedGguf {
  readonly version?: number;
  /** Keys with everything behind them. */
  readonly metadata?: readonly Uint8Array[];
  readonly tensors?: readonly CraftedTensor[];
  /** Counts as the header claims them. */
  readonly tensorCount?: number | bigint;
  readonly keyCount?: number | bigint;
  readonly alignment?: number;
  readonly data?: Bytes;
}

export const ggufText = (text: Bytes, claimed?: number | bigint): Uint8Array => {
  const bytes = concat(text);
  return concat(u64(claimed ?? bytes.length), bytes);
};
export const pair = (key: Bytes, type: number, ...value: readonly Bytes[]): Uint8Array =>
  concat(ggufText(key), u32(type), ...value);
/** The value of an array: type of its items, their number, themselves. */
export const array = (type: number, count: number | bigint, ...items: readonly Bytes[]): Uint8Array =>
  concat(u32(type), u64(count), ...items);

export function describedTensor({ name, sizes, type = 0, offset, rank = sizes.length }: CraftedTensor): Uint8Array {
  return concat(ggufText(name), u32(rank), ...sizes.map((size) => u64(size)), u32(type), u64(offset));
}

export function gguf(file: CraftedGguf = {}): Uint8Array {
  const { version = 3, metadata = [], tensors = [], alignment = 32, data = [] } = file;
  const header = concat(
    'GGUF',
    u32(version),
    u64(file.tensorCount ?? tensors.length),
    u64(file.keyCount ?? metadata.length),
    ...metadata,
    ...tensors.map(describedTensor),
  );
  return concat(header, new Uint8Array((alignment - (header.length % alignment)) % alignment), data);
}
