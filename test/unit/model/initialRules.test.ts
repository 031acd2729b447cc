// Untrained twins by the rule of each family: every drawn array against the distribution that the family's own code
// gives it, written out here for the sizes of the test.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createRandom } from '../../../src/diagnostics/random';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { keptByTwins, untrainedBlockWeights, untrainedEmbedWeights } from '../../../src/model/initialise';
import type { RandomNumbers } from '../../../src/model/initialRules';
import type { ModelFamily, ModelSpec } from '../../../src/model/modelSpec';
import { twinRule } from '../../../src/model/twinRule';
import type { BlockWeights, EmbedWeights, LinearWeights } from '../../../src/model/weights';
import { timmIndex } from './syntheticIndex';

/** Standard errors that mean and standard deviation of a sample may be off: one in two million goes beyond by chance. */
const largestZ = 5;

/** C, the MLP's width, pixels of a patch; the network has two blocks. */
const width = 64;
const mlp = 256;
const pixels = 16;
const mels = 20;

type Expected = readonly ['normal' | 'uniform' | 'cut', number] | number;

interface Case {
  readonly qkv: Expected;
  readonly proj: Expected;
  readonly fc1: Expected;
  readonly fc2: Expected;
  /** Of qkv, proj, fc1, fc2 where they are not 0. */
  readonly biases?: Partial<Record<'qkv' | 'proj' | 'fc1' | 'fc2', Expected>>;
  readonly layerScale?: number;
  readonly patch?: Expected;
  readonly patchBias?: Expected;
  readonly classToken?: Expected;
  readonly registers?: Expected;
  readonly words?: Expected;
  readonly position?: Expected | 'kept';
}

const normal = (sd: number): Expected => ['normal', sd];
const uniform = (bound: number): Expected => ['uniform', bound];

const small = { qkv: normal(0.02), proj: normal(0.02), fc1: normal(0.02), fc2: normal(0.02) };

const cases: Readonly<Partial<Record<ModelFamily, Case>>> = {
  'timm-vit': small,
  'clip-vision': {
    qkv: uniform(Math.sqrt(6 / (width + 3 * width))),
    proj: uniform(1 / 8),
    fc1: uniform(1 / 8),
    fc2: uniform(1 / 16),
    biases: { fc1: uniform(1 / 8), fc2: uniform(1 / 16) },
    classToken: normal(1 / 8),
    position: normal(1 / 8),
  },
  'clip-text': {
    qkv: normal(1 / 8),
    proj: normal(1 / 16),
    fc1: normal(1 / Math.sqrt(128)),
    fc2: normal(1 / 16),
    position: normal(0.01),
  },
  'flax-vit': {
    qkv: uniform(Math.sqrt(6 / 128)),
    proj: uniform(Math.sqrt(6 / 128)),
    fc1: uniform(Math.sqrt(6 / 320)),
    fc2: uniform(Math.sqrt(6 / 320)),
    biases: { fc1: normal(1e-6), fc2: normal(1e-6) },
    patch: ['cut', 1 / 4],
    patchBias: 0,
    classToken: 0,
  },
  mae: {
    qkv: uniform(Math.sqrt(6 / 256)),
    proj: uniform(Math.sqrt(6 / 128)),
    fc1: uniform(Math.sqrt(6 / 320)),
    fc2: uniform(Math.sqrt(6 / 320)),
    patch: uniform(Math.sqrt(6 / (width + pixels))),
    position: 'kept',
  },
  gpt2: { ...small, proj: normal(0.01), fc2: normal(0.01), position: normal(0.01) },
  'gpt-neox': {
    qkv: normal(Math.sqrt(2 / 320)),
    proj: normal(1 / 8),
    fc1: normal(Math.sqrt(2 / 320)),
    fc2: normal(1 / 8),
    words: normal(Math.sqrt(2 / 320)),
  },
  deit3: { ...small, layerScale: 1e-4 },
  dinov2: { ...small, classToken: normal(1e-6), registers: normal(1e-6) },
  'whisper-encoder': {
    qkv: uniform(1 / 8),
    proj: uniform(1 / 8),
    fc1: uniform(1 / 8),
    fc2: uniform(1 / 16),
    biases: { qkv: uniform(1 / 8), proj: uniform(1 / 8), fc1: uniform(1 / 8), fc2: uniform(1 / 16) },
    position: 'kept',
  },
};

function randomOf(key: string): RandomNumbers {
  const stream = createRandom(key);
  return { uniform: () => stream.uniform(), normal: () => stream.normals(2)[0]! };
}

const zeros = (length: number): Float32Array => new Float32Array(length);
const linear = (outputs: number, inputs: number): LinearWeights => ({
  weight: zeros(outputs * inputs),
  bias: zeros(outputs),
});

const norm: LinearWeights = { weight: zeros(width), bias: zeros(width) };
const block: BlockWeights = {
  norm1: norm,
  qkv: linear(3 * width, width),
  queryNorm: null,
  keyNorm: null,
  scale: null,
  proj: linear(width, width),
  layerScale1: zeros(width),
  norm2: norm,
  fc1: linear(mlp, width),
  fc2: linear(width, mlp),
  layerScale2: zeros(width),
};
const ids = Int32Array.of(4, 9, 4, 7);
const embed: EmbedWeights = {
  patch: linear(width, pixels),
  classToken: zeros(width),
  distToken: null,
  registers: zeros(4 * width),
  position: Float32Array.from({ length: 17 * width }, () => 7),
  words: zeros(ids.length * width),
  norm,
  convolutions: { first: linear(width, 3 * mels), second: linear(width, 3 * width) },
};

function specOf(family: ModelFamily): ModelSpec {
  const spec = inferModelSpec(timmIndex({ width, mlp }), null, { heads: '4' });
  return { ...spec, family };
}

/** Whether `values` may be a sample of the distribution; a number means this value everywhere. */
function check(what: string, values: ArrayLike<number>, expected: Expected): void {
  const all = Array.from(values);
  if (typeof expected === 'number') {
    assert.ok(
      all.every((value) => value === Math.fround(expected)),
      `${what} is ${expected} everywhere`,
    );
    return;
  }
  const [kind, size] = expected;
  const sd = kind === 'uniform' ? size / Math.sqrt(3) : size;
  // E x^4 / sd^4: of a uniform, and of a normal at most.
  const kurtosis = kind === 'uniform' ? 1.8 : 3;
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  const square = all.reduce((sum, value) => sum + value * value, 0) / all.length;
  const z = {
    mean: (Math.sqrt(all.length) * mean) / sd,
    square: (Math.sqrt(all.length) * (square / sd ** 2 - 1)) / Math.sqrt(kurtosis - 1),
  };
  const message = `${what}: ${kind} ${size}, z of mean ${z.mean}, of mean square ${z.square}`;
  assert.ok(Math.abs(z.mean) < largestZ && Math.abs(z.square) < largestZ, message);
  const most = all.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  if (kind === 'uniform') assert.ok(most <= size * (1 + 1e-6), `${what} stays within ${size}`);
  if (kind === 'cut')
    assert.ok(most <= (2 * size) / 0.87962566 + 1e-6, `${what} is cut off at two standard deviations`);
  if (kind === 'normal' && all.length > 1000) assert.ok(most > 2.5 * size, `${what} has the tails of a normal`);
}

describe('model: how each family begins', () => {
  for (const [family, wanted] of Object.entries(cases) as [ModelFamily, Case][]) {
    it(`draws a block of ${family}`, () => {
      const drawn = untrainedBlockWeights(specOf(family), block, randomOf(`${family}/block`));
      for (const part of ['qkv', 'proj', 'fc1', 'fc2'] as const) {
        const { weight, bias } = drawn[part];
        check(`${part} weight`, weight, wanted[part]);
        const expected = wanted.biases?.[part] ?? 0;
        const keyless = part === 'qkv' && family === 'whisper-encoder';
        if (keyless) check('key biases', bias!.subarray(width, 2 * width), 0);
        check(`${part} bias`, keyless ? [...bias!].filter((_, i) => i < width || i >= 2 * width) : bias!, expected);
      }
      check('layer scale', [...drawn.layerScale1!, ...drawn.layerScale2!], wanted.layerScale ?? 1e-5);
      check('norms', [...drawn.norm1.weight, ...drawn.norm2.weight], 1);
    });

    it(`draws the embedding of ${family}`, () => {
      const drawn = untrainedEmbedWeights(specOf(family), embed, randomOf(`${family}/embed`), ids);
      check('patch', drawn.patch!.weight, wanted.patch ?? uniform(1 / 4));
      check('patch bias', drawn.patch!.bias!, wanted.patchBias ?? uniform(1 / 4));
      check('class token', drawn.classToken!, wanted.classToken ?? normal(0.02));
      check('registers', drawn.registers!, wanted.registers ?? normal(0.02));
      check('words', drawn.words!.subarray(width), wanted.words ?? normal(0.02));
      assert.deepEqual(drawn.words!.subarray(0, width), drawn.words!.subarray(2 * width, 3 * width));
      assert.deepEqual(keptByTwins(specOf(family)), wanted.position === 'kept' ? ['pos_embed'] : []);
      if (wanted.position === 'kept') assert.equal(drawn.position, embed.position);
      else check('positions', drawn.position!, wanted.position ?? normal(0.02));
    });

    it(`says that ${family} is drawn as its own code does it`, () => {
      const { own, drawn, departs } = twinRule(family);
      assert.deepEqual([own, departs], [true, undefined]);
      assert.match(drawn, /norms 1 and 0/);
    });
  }

  it("draws Whisper's convolutions at PyTorch's default", () => {
    const { first, second } = untrainedEmbedWeights(
      specOf('whisper-encoder'),
      embed,
      randomOf('convolutions'),
    ).convolutions!;
    for (const [part, inputs] of [
      [first, 3 * mels],
      [second, 3 * width],
    ] as const) {
      check('convolution', part.weight, uniform(1 / Math.sqrt(inputs)));
      check('bias of a convolution', part.bias!, uniform(1 / Math.sqrt(inputs)));
    }
  });

  it('takes the numbers of the stream in order, 0.02 of each, where a family begins as timm does', () => {
    const { qkv } = untrainedBlockWeights(specOf('bert'), block, randomOf('stream'));
    const random = randomOf('stream');
    assert.deepEqual(
      [...qkv.weight.subarray(0, 9)],
      Array.from({ length: 9 }, () => Math.fround(0.02 * random.normal())),
    );
  });

  it('knows of no network of unknown names how it began', () => {
    const { own, departs } = twinRule('mapped');
    assert.equal(own, false);
    assert.match(departs!, /nobody knows/);
  });
});
