// A checkpoint of DeiT-Tiny's shapes in timm's names with Gaussian weights, so that every benchmark runs without a
// download. Speed does not depend on what the numbers are.

import { writeFileSync } from 'node:fs';
import { createRandom } from '../../src/diagnostics/random';

const [width, mlp, tokens, patch, classes] = [192, 768, 197, 16, 1000];
export const deitHeads = 3;

export function writeDeit(path: string, layers: number): void {
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  const random = createRandom('bench/deit');
  let at = 0;
  const add = (name: string, shape: readonly number[], scale: number, offset = 0): void => {
    const count = shape.reduce((product, n) => product * n, 1);
    const values = Float32Array.from(random.normals(count), (z) => offset + scale * z);
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + values.byteLength] };
    parts.push(new Uint8Array(values.buffer));
    at += values.byteLength;
  };
  const norm = (name: string): void => {
    add(`${name}.weight`, [width], 0.1, 1);
    add(`${name}.bias`, [width], 0.1);
  };
  const linear = (name: string, out: number, inner: number): void => {
    add(`${name}.weight`, [out, inner], inner ** -0.5);
    add(`${name}.bias`, [out], 0.1);
  };
  add('cls_token', [1, 1, width], 0.5);
  add('pos_embed', [1, tokens, width], 0.5);
  add('patch_embed.proj.weight', [width, 3, patch, patch], (3 * patch * patch) ** -0.5);
  add('patch_embed.proj.bias', [width], 0.1);
  for (let i = 0; i < layers; i++) {
    norm(`blocks.${i}.norm1`);
    linear(`blocks.${i}.attn.qkv`, 3 * width, width);
    linear(`blocks.${i}.attn.proj`, width, width);
    norm(`blocks.${i}.norm2`);
    linear(`blocks.${i}.mlp.fc1`, mlp, width);
    linear(`blocks.${i}.mlp.fc2`, width, mlp);
  }
  norm('norm');
  linear('head', classes, width);
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(new BigUint64Array([BigInt(json.length)]).buffer);
  writeFileSync(path, Buffer.concat([length, json, ...parts]));
}
