// Every image family end to end: names and shapes to a spec, weights through the loader, a forward pass on the float64
// backends, against PyTorch modules (test/fixtures/model/make_image_families.py).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'mocha';
import type { ByteSource } from '../../src/checkpoint/byteSource';
import type { TensorEntry, TensorIndex } from '../../src/checkpoint/tensorIndex';
import type { Backend } from '../../src/engine/backend';
import { createCpuBackend } from '../../src/engine/cpu/backend';
import { createReferenceBackend } from '../../src/engine/reference/backend';
import { inferModelSpec } from '../../src/model/inferModelSpec';
import { createWeightLoader } from '../../src/model/loadWeights';
import type { ModelInput } from '../../src/model/modelSpec';
import { normals, relativeError } from './engine/portableNormals';

/** Spec section 10, float64: hidden states, pattern and logits relative to max |.|. */
const tolerance = 1e-9;

/** [offset, length] in image-families.bin, in elements. */
type Place = readonly [number, number];

interface FamilyCase {
  readonly name: string;
  readonly config: unknown;
  readonly overrides: Readonly<Record<string, string>>;
  /** Channels, height, width. */
  readonly image: readonly [number, number, number];
  /** Shape, scale, shift. */
  readonly tensors: Readonly<Record<string, readonly [number[], number, number]>>;
  readonly expected: {
    readonly embedded: Place;
    readonly layers: readonly Place[];
    /** Of the last layer. */
    readonly pattern: Place;
    readonly logits: Place | null;
  };
}

const { cases } = JSON.parse(readFileSync('test/fixtures/model/image-families.json', 'utf8')) as {
  cases: FamilyCase[];
};
const bytes = readFileSync('test/fixtures/model/image-families.bin');
const expected = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

/** Family that each case must be recognised as. */
const families: readonly (readonly [pattern: RegExp, family: string])[] = [
  [/^timm-distilled/, 'deit-distilled'],
  [/^timm-/, 'timm-vit'],
  [/^deit3/, 'deit3'],
  [/^mae-encoder/, 'mae'],
  [/^dino-teacher/, 'dino'],
  [/dinov2/, 'dinov2'],
  [/^hf-vit/, 'vit'],
  [/^hf-deit/, 'deit'],
  [/^hf-mae/, 'vit-mae'],
  [/clip/, 'clip-vision'],
  [/^flax-/, 'flax-vit'],
];

/** The case as a file of float32 tensors in memory. */
function fileOf(model: FamilyCase): { index: TensorIndex; source: ByteSource } {
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
    tree: null,
    notes: [],
  };
  const source: ByteSource = {
    name: fileName,
    byteLength: byteOffset,
    read: (offset, length) => Promise.resolve(all.slice(offset, offset + length)),
  };
  return { index, source };
}

function inputOf({ name, image: [channels, height, width] }: FamilyCase): ModelInput {
  const pixels = Float64Array.from(normals(`${name}/pixels`, channels * height * width), (z) => Math.fround(z));
  return { kind: 'random', label: 'pixels', pixels, channels, height, width, sha256: '', picture: null };
}

for (const [backendName, make] of [
  ['reference', () => Promise.resolve(createReferenceBackend())],
  ['cpu', createCpuBackend],
] as const) {
  describe(`engine: image families against PyTorch, ${backendName}`, () => {
    let backend: Backend;
    before(async () => {
      backend = await make();
    });

    const close = (what: string, actual: ArrayLike<number> | null, place: Place): void => {
      assert.ok(actual !== null, `${what} is missing`);
      const error = relativeError(actual, expected.subarray(place[0], place[0] + place[1]));
      assert.ok(error <= tolerance, `${what}: relative error ${error}, allowed ${tolerance}`);
    };

    for (const model of cases) {
      it(`${model.name}: embedding, hidden states, pattern, output`, async () => {
        const { index, source } = fileOf(model);
        const spec = inferModelSpec(index, model.config, model.overrides);
        const family = families.find(([pattern]) => pattern.test(model.name))![1];
        assert.equal(spec.family, family);
        const weights = createWeightLoader(index, source, spec);
        let x = await backend.embed(spec, await weights.embed(), inputOf(model));
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
        const logits = await backend.unembed(spec, await weights.head(), x);
        if (model.expected.logits === null) assert.equal(logits, null);
        else close('output', logits, model.expected.logits);
      });
    }
  });
}
