// What a reader of one quantised block is, and the 16-bit float all of them need.

import type { FloatArray } from '../tensorIndex';

/** Writes the values of the block that begins at `bytes[b]` to `out` from `o` on. `half` decodes 16-bit floats. */
export type BlockReader = (bytes: Uint8Array, b: number, out: FloatArray, o: number, half: Float32Array) => void;

/** The half-precision number at `bytes[b]`. */
export const halfAt = (bytes: Uint8Array, b: number, half: Float32Array): number =>
  half[bytes[b]! | (bytes[b + 1]! << 8)]!;
