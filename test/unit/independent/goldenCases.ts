// golden.json of test/fixtures/independent, and the random checkpoints it was computed from, made here from the same keys.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PortableRandom } from './portableRandom';

/** Numbers in the shape of result.json; arrays may be cut to their first entries. */
export type GoldenValue =
  number | string | boolean | null | readonly GoldenValue[] | { readonly [name: string]: GoldenValue };

/** Name, shape, factor, offset, and rows [from, to, factor] of a tensor that are multiplied once more. */
type TensorRecipe = readonly [string, readonly number[], number, number, readonly [number, number, number] | null];

export interface GoldenCase {
  /** Absent: a file of media/samples. */
  readonly file?: {
    readonly sha256: string;
    readonly image: readonly number[];
    readonly tensors: readonly TensorRecipe[];
  };
  /** The value of --set. */
  readonly set?: string;
  readonly rpc: { readonly variant: string; readonly iterations: number; readonly lambda: number };
  readonly logits: readonly number[];
  /** By layer index; one entry a head. */
  readonly layers: Readonly<Record<string, readonly { readonly [name: string]: GoldenValue }[]>>;
}

export function readGolden(): Readonly<Record<string, GoldenCase>> {
  return JSON.parse(readFileSync('test/fixtures/independent/golden.json', 'utf8')) as Record<string, GoldenCase>;
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The safetensors file of a case, and the SHA-256 of its bytes. */
export function buildCheckpoint(name: string, recipes: readonly TensorRecipe[]): { bytes: Uint8Array; sha256: string } {
  const header: Record<string, unknown> = {};
  const blobs: Uint8Array[] = [];
  let at = 0;
  for (const [tensor, shape, factor, offset, rows] of recipes) {
    const values = new PortableRandom(`independent/${name}/${tensor}`).normal(size(shape));
    const stride = size(shape.slice(1));
    const scaled = Float32Array.from(values, (value, i) => {
      const row = Math.floor(i / stride);
      const inside = rows !== null && row >= rows[0] && row < rows[1];
      return (value * factor + offset) * (inside ? rows[2] : 1);
    });
    header[tensor] = { dtype: 'F32', shape, data_offsets: [at, at + scaled.byteLength] };
    blobs.push(new Uint8Array(scaled.buffer));
    at += scaled.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  const bytes = concat([length, text, ...blobs]);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The .npy file of a case's image, float32 [channels, height, width]. */
export function buildImage(name: string, shape: readonly number[]): Uint8Array {
  const values = Float32Array.from(new PortableRandom(`independent/${name}/image`).normal(size(shape)));
  const said = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const text = new TextEncoder().encode(`${said.padEnd(117)}\n`);
  return concat([
    new Uint8Array([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0]),
    text,
    new Uint8Array(values.buffer),
  ]);
}
