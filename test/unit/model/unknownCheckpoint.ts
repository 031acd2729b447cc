// A small language model in safetensors under names of nobody: two layers, causal, learned positions.

import type { WireCheckpoint } from '../../../src/protocol/mappingMessages';
import { safetensors } from '../checkpoint/crafted';
import { normals } from '../engine/portableNormals';

const width = 12;

export const unknownShapes: Readonly<Record<string, readonly number[]>> = {
  'lexicon.embedding': [31, width],
  'lexicon.positions': [9, width],
  ...block(0),
  ...block(1),
  'closing_norm.weight': [width],
  'closing_norm.bias': [width],
};

/** What the mapping page is told of a checkpoint of such tensors. */
export function unknownFile(shapes: Readonly<Record<string, readonly number[]>> = unknownShapes): WireCheckpoint {
  return {
    uri: 'file:///models/ours.safetensors',
    fileName: 'ours.safetensors',
    refusal: 'ours.safetensors has no transformer blocks under a name Gramlens knows.',
    tensorsJson: JSON.stringify(Object.entries(shapes)),
    existing: null,
  };
}

function block(i: number): Record<string, readonly number[]> {
  return {
    [`stack.${i}.norm_a.weight`]: [width],
    [`stack.${i}.norm_a.bias`]: [width],
    [`stack.${i}.mixer.qkv.weight`]: [3 * width, width],
    [`stack.${i}.mixer.qkv.bias`]: [3 * width],
    [`stack.${i}.mixer.out.weight`]: [width, width],
    [`stack.${i}.norm_b.weight`]: [width],
    [`stack.${i}.norm_b.bias`]: [width],
    [`stack.${i}.ffn.0.weight`]: [2 * width, width],
    [`stack.${i}.ffn.2.weight`]: [width, 2 * width],
  };
}

/** The file's bytes; `names` renames tensors. */
export function unknownCheckpoint(names: (name: string) => string = (name) => name): Uint8Array {
  const header: Record<string, unknown> = {};
  const parts: Float32Array[] = [];
  let at = 0;
  for (const [name, shape] of Object.entries(unknownShapes)) {
    const count = shape.reduce((product, n) => product * n, 1);
    const shift = /norm.*weight/.test(name) ? 1 : 0;
    parts.push(Float32Array.from(normals(name, count), (z) => 0.2 * z + shift));
    header[names(name)] = { dtype: 'F32', shape, data_offsets: [at, at + 4 * count] };
    at += 4 * count;
  }
  const data = new Uint8Array(at);
  let to = 0;
  for (const part of parts) {
    data.set(new Uint8Array(part.buffer), to);
    to += part.byteLength;
  }
  return safetensors(header, data);
}
