// Where a storage's bytes lie in the file: what the zip and the legacy reader find out and the tree walk needs.

/** By storage key. */
export interface StorageRange {
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly bigEndian: boolean;
  /** Why its bytes cannot be read by range (a compressed member); the tensors on it carry the sentence on. */
  readonly problem?: string;
}

export type StorageRanges = ReadonlyMap<string, StorageRange>;
