// The tiny networks of test/fixtures/model (vision families, Segmenter, Whisper's encoder): drawn from the
// portable generator into a file in memory with the names of the family, and what PyTorch computed for them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ByteSource } from '../../../src/checkpoint/byteSource';
import type { TensorEntry, TensorIndex } from '../../../src/checkpoint/tensorIndex';
import type { Backend } from '../../../src/engine/backend';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { createWeightLoader } from '../../../src/model/loadWeights';
import type { ModelInput, ModelSpec } from '../../../src/model/modelSpec';
import { normals, relativeError } from './portableNormals';

/** [offset, length] in the .bin, in elements. */
type Place = readonly [number, number];

export interface ImageCase {
  readonly name: string;
  readonly config: unknown;
  readonly overrides: Readonly<Record<string, string>>;
  /** Channels, height, width; of spectral features mel bins, frames. */
  readonly image: readonly number[];
  /** What a pickle holds beside the tensors. */
  readonly tree?: TensorIndex['tree'];
  /** Shape, scale, shift. */
  readonly tensors: Readonly<Record<string, readonly [number[], number, number]>>;
  readonly expected: {
    readonly embedded: Place;
    readonly layers: readonly Place[];
    /** Of the last layer. */
    readonly pattern: Place;
    /** Logits, embedding or states. */
    readonly logits: Place | null;
  };
  /** What the places point into. */
  readonly numbers: Float64Array;
}

/** Cases of `make_*.py`, each with the numbers of its own .bin. */
function readCases(name: string): readonly ImageCase[] {
  const { cases } = JSON.parse(readFileSync(`test/fixtures/model/${name}.json`, 'utf8')) as {
    cases: readonly Omit<ImageCase, 'numbers'>[];
  };
  const bytes = readFileSync(`test/fixtures/model/${name}.bin`);
  const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return cases.map((model) => ({ ...model, numbers }));
}

export const imageCases: readonly ImageCase[] = ['image-families', 'segmenter', 'dino-head'].flatMap(readCases);

/** Family that each case must be recognised as. */
const families: readonly (readonly [pattern: RegExp, family: string])[] = [
  [/^timm-distilled/, 'deit-distilled'],
  [/^timm-/, 'timm-vit'],
  [/^deit3/, 'deit3'],
  [/^mae-encoder/, 'mae'],
  [/^dino-/, 'dino'],
  [/dinov2/, 'dinov2'],
  [/^hf-vit/, 'vit'],
  [/^hf-deit/, 'deit'],
  [/^hf-mae/, 'vit-mae'],
  [/^hf-msn/, 'vit-msn'],
  [/clip/, 'clip-vision'],
  [/^flax-/, 'flax-vit'],
  [/^whisper/, 'whisper-encoder'],
  [/^segmenter/, 'segmenter'],
];

/** The case as a file of float32 tensors in memory. */
export function imageFile(model: ImageCase): { readonly index: TensorIndex; readonly source: ByteSource } {
  const entries = new Map<string, TensorEntry>();
  const parts: Float32Array[] = [];
  let byteOffset = 0;
  for (const [name, [shape, scale, shift]] of Object.entries(model.tensors)) {
    const count = shape.reduce((product, n) => product * n, 1);
    const values = Float32Array.from(normals(`${model.name}/${name}`, count), (z) => z * scale + shift);
    const byteLength = values.byteLength;
    entries.set(name, { name, dtype: 'float32', dtypeName: 'F32', shape, byteOffset, byteLength, bigEndian: false });
    parts.push(values);
    byteOffset += byteLength;
  }
  const all = new Uint8Array(byteOffset);
  let at = 0;
  for (const part of parts) {
    all.set(new Uint8Array(part.buffer), at);
    at += part.byteLength;
  }
  const fileName = 'tiny.safetensors';
  const index: TensorIndex = {
    format: 'safetensors',
    fileName,
    byteLength: byteOffset,
    entries,
    metadata: {},
    tree: model.tree ?? null,
    notes: [],
  };
  const source: ByteSource = {
    name: fileName,
    byteLength: byteOffset,
    read: (offset, length) => Promise.resolve(all.slice(offset, offset + length)),
  };
  return { index, source };
}

export function imageCaseInput({ name, image }: ImageCase): ModelInput {
  const count = image.reduce((product, n) => product * n, 1);
  const pixels = Float64Array.from(normals(`${name}/pixels`, count), (z) => Math.fround(z));
  const common = { kind: 'random', label: 'pixels', sha256: '', picture: null } as const;
  const [channels = 0, height = 0, width] = image;
  return width === undefined
    ? { ...common, features: pixels, mels: channels, frames: height }
    : { ...common, pixels, channels, height, width };
}

/** Infers, loads and runs the network; every hidden state, the last pattern and the output against PyTorch's. */
export async function checkImageCase(
  backend: Backend,
  model: ImageCase,
  tolerance: number,
): Promise<{ readonly spec: ModelSpec; readonly worst: number }> {
  const { index, source } = imageFile(model);
  const spec = inferModelSpec(index, model.config, model.overrides);
  assert.equal(spec.family, families.find(([pattern]) => pattern.test(model.name))![1]);
  let worst = 0;
  const close = (what: string, actual: ArrayLike<number> | null, place: Place): void => {
    assert.ok(actual !== null, `${what} is missing`);
    const error = relativeError(actual, model.numbers.subarray(place[0], place[0] + place[1]));
    worst = Math.max(worst, error);
    assert.ok(error <= tolerance, `${what}: relative error ${error}, allowed ${tolerance}`);
  };
  const weights = createWeightLoader(index, source, spec);
  let x = await backend.embed(spec, await weights.embed(), imageCaseInput(model));
  close('embedded tokens', x.data, model.expected.embedded);
  assert.equal(spec.layers, model.expected.layers.length);
  for (const [layer, golden] of model.expected.layers.entries()) {
    const last = layer === spec.layers - 1;
    const options = { layer, forward: 'native', rpc: null, wantPattern: last } as const;
    const trace = await backend.runLayer(spec, await weights.block(layer), x, options);
    close(`hidden states after layer ${layer}`, trace.next.data, golden);
    if (last) close('pattern', trace.pattern, model.expected.pattern);
    x = trace.next;
  }
  const output = await backend.unembed(spec, await weights.head(), x);
  if (model.expected.logits === null) assert.equal(output, null);
  else close('output', output, model.expected.logits);
  return { spec, worst };
}
