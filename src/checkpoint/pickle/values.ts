// What a pickle becomes here: plain nodes, never objects of the classes it names. Tuples and lists share memory with
// the interpreter's stack values, so a node may be reachable by many paths or from itself.

import { type DTypeInfo, maxRank } from '../dtypes';

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleList
  | PickleDict
  | PickleGlobal
  | PickleObject
  | PickleDType
  | PickleArray
  | PickleStorage
  | PickleTensor;

export interface PickleList {
  readonly kind: 'list' | 'tuple' | 'set';
  readonly items: PickleValue[];
}

export interface PickleDict {
  readonly kind: 'dict';
  readonly entries: Map<PickleValue, PickleValue>;
  /** Namespaces keep their values as attributes: BUILD fills the entries. For real dicts BUILD sets oddments we drop. */
  readonly namespace: boolean;
}

/** A class or function by name, e.g. `torch.float32`. */
export interface PickleGlobal {
  readonly kind: 'global';
  readonly module: string;
  readonly name: string;
}

/** An object of a class that is not on the closed list: its name and what the pickle hands to it. */
export interface PickleObject {
  readonly kind: 'object';
  readonly className: string;
  readonly args: PickleValue;
  state: PickleValue;
  /** Items of list and dict subclasses. */
  items: PickleValue[] | null;
  entries: Map<PickleValue, PickleValue> | null;
}

/** A numpy dtype; `code` as numpy spells it without byte order, e.g. 'f4'. */
export interface PickleDType {
  readonly kind: 'dtype';
  readonly code: string;
  bigEndian: boolean;
}

/** A numpy array; without bytes until its BUILD. */
export interface PickleArray {
  readonly kind: 'array';
  dtype: PickleDType | null;
  shape: readonly number[];
  fortran: boolean;
  bytes: Uint8Array | null;
}

/** Where a tensor's elements lie: a record of a zip archive or a block of a legacy file, by key. */
export interface PickleStorage {
  readonly kind: 'storage';
  readonly key: string;
  /** As the pickle spells it, e.g. 'torch.FloatStorage'. */
  readonly typeName: string;
  readonly info: DTypeInfo;
  /** Elements of the whole storage, as the pickle claims. */
  readonly count: number;
  /** First element of a storage view (legacy format), in elements. */
  readonly viewOffset: number;
  /** Elements of the view; the whole storage where there is none. */
  readonly viewCount: number;
}

export interface PickleTensor {
  readonly kind: 'tensor';
  readonly storage: PickleStorage | null;
  /** In elements of the tensor's dtype. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** Where the tensor does not take its storage's dtype (`_rebuild_tensor_v3`). */
  readonly dtype: { readonly name: string; readonly info: DTypeInfo } | null;
  readonly problem?: string;
}

/** Anything but a primitive or bytes. */
export type PickleNode = Exclude<PickleValue, null | boolean | number | bigint | string | Uint8Array>;

export function isNode(value: PickleValue | undefined): value is PickleNode {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

export function isDict(value: PickleValue | undefined): value is PickleDict {
  return isNode(value) && value.kind === 'dict';
}

/** Items of a list, tuple or set; null for everything else. */
export function itemsOf(value: PickleValue | undefined): PickleValue[] | null {
  return isNode(value) && (value.kind === 'list' || value.kind === 'tuple' || value.kind === 'set')
    ? value.items
    : null;
}

export function isTuple(value: PickleValue | undefined): boolean {
  return isNode(value) && value.kind === 'tuple';
}

/** Safe whole numbers from 0 (2^53 and more cannot be an offset or a size of a real file); null otherwise. */
export function asCount(value: PickleValue | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** A tuple or list of at most 64 counts (a shape, strides); null otherwise. */
export function asCounts(value: PickleValue | undefined): number[] | null {
  const items = itemsOf(value);
  if (items === null || items.length > maxRank) return null;
  const counts = items.map(asCount);
  return counts.every((count) => count !== null) ? counts : null;
}
