// Tensor indexes of small networks, made of names and shapes only: no files, no bytes.

import type { PlainValue, TensorEntry, TensorIndex } from '../../../src/checkpoint/tensorIndex';

export interface Synthetic {
  readonly prefix?: string;
  readonly width?: number;
  readonly layers?: number;
  /** Rows of pos_embed. */
  readonly positions?: number;
  readonly channels?: number;
  readonly patch?: number;
  readonly mlp?: number;
  readonly classes?: number | null;
  /** 3: q, k, v; 2: k, v. */
  readonly projections?: 2 | 3;
  readonly distilled?: boolean;
  readonly qkvBias?: boolean;
  /** Further tensors, or other shapes for tensors above; null removes one. Names without prefix. */
  readonly extra?: Readonly<Record<string, readonly number[] | null>>;
}

/** Names and shapes of one network in timm's layout. */
export function timmShapes(options: Synthetic = {}): Map<string, readonly number[]> {
  const { width = 16, layers = 2, positions = 17, channels = 1, patch = 4, mlp = 32, classes = 10 } = options;
  const { projections = 3, distilled = false, qkvBias = true } = options;
  const shapes = new Map<string, readonly number[]>([
    ['cls_token', [1, 1, width]],
    ['pos_embed', [1, positions, width]],
    ['patch_embed.proj.weight', [width, channels, patch, patch]],
    ['patch_embed.proj.bias', [width]],
  ]);
  if (distilled) shapes.set('dist_token', [1, 1, width]);
  for (let i = 0; i < layers; i++) {
    const at = (name: string): string => `blocks.${i}.${name}`;
    for (const norm of ['norm1', 'norm2']) shapes.set(at(`${norm}.weight`), [width]).set(at(`${norm}.bias`), [width]);
    shapes.set(at('attn.qkv.weight'), [projections * width, width]);
    if (qkvBias) shapes.set(at('attn.qkv.bias'), [projections * width]);
    shapes.set(at('attn.proj.weight'), [width, width]).set(at('attn.proj.bias'), [width]);
    shapes.set(at('mlp.fc1.weight'), [mlp, width]).set(at('mlp.fc1.bias'), [mlp]);
    shapes.set(at('mlp.fc2.weight'), [width, mlp]).set(at('mlp.fc2.bias'), [width]);
  }
  shapes.set('norm.weight', [width]).set('norm.bias', [width]);
  if (classes !== null) {
    shapes.set('head.weight', [classes, width]).set('head.bias', [classes]);
    if (distilled) shapes.set('head_dist.weight', [classes, width]).set('head_dist.bias', [classes]);
  }
  for (const [name, shape] of Object.entries(options.extra ?? {})) {
    if (shape === null) shapes.delete(name);
    else shapes.set(name, shape);
  }
  return new Map([...shapes].map(([name, shape]) => [(options.prefix ?? '') + name, shape] as const));
}

/** An index over these shapes, float32, one tensor after the other. */
export function indexOf(
  shapes: ReadonlyMap<string, readonly number[]>,
  beside: { metadata?: Record<string, string>; tree?: { [key: string]: PlainValue }; fileName?: string } = {},
): TensorIndex {
  const entries = new Map<string, TensorEntry>();
  let byteOffset = 0;
  for (const [name, shape] of shapes) {
    const byteLength = 4 * shape.reduce((product, n) => product * n, 1);
    entries.set(name, { name, dtype: 'float32', dtypeName: 'F32', shape, byteOffset, byteLength, bigEndian: false });
    byteOffset += byteLength;
  }
  return {
    format: beside.tree === undefined ? 'safetensors' : 'torch-zip',
    fileName: beside.fileName ?? 'tiny.safetensors',
    byteLength: byteOffset,
    entries,
    metadata: beside.metadata ?? {},
    tree: beside.tree ?? null,
    notes: [],
  };
}

/** An index of one network in timm's layout. */
export function timmIndex(options: Synthetic = {}, beside: Parameters<typeof indexOf>[1] = {}): TensorIndex {
  return indexOf(timmShapes(options), beside);
}
