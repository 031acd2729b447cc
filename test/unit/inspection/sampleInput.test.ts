// The sample input: the same on every machine, and one that every family runs on.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { bytesSource, type ByteSource } from '../../../src/checkpoint/byteSource';
import { createRandom } from '../../../src/diagnostics/random';
import { createReferenceBackend } from '../../../src/engine/reference/backend';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { readInput } from '../../../src/inspection/node/readInput';
import { TokenizerSource } from '../../../src/inspection/node/tokenizerSource';
import { specForInput } from '../../../src/model/blockShape';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { createWeightLoader } from '../../../src/model/loadWeights';
import type { ModelInput, ModelSpec } from '../../../src/model/modelSpec';
import { drawFeatures } from '../../../src/model/sample/sampleFeatures';
import { drawSample } from '../../../src/model/sample/samplePicture';
import { chooseSentences, sampleCaption, sampleSentences, sampleStory } from '../../../src/model/sample/sampleText';
import type { TensorIndex } from '../../../src/checkpoint/tensorIndex';
import { fixture, modelFolder, smallBytePairs } from '../cli/textFolders';
import { imageCases, imageFile } from '../engine/imageCases';
import { fileOf, textCases } from '../engine/textCases';

const sha256 = (bytes: ArrayBufferView): string =>
  createHash('sha256')
    .update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    .digest('hex');
const stream = (key: string): (() => number) => {
  const random = createRandom(key);
  return () => random.uniform();
};

/** Runs the whole network; nothing on the way may be NaN or infinite. */
async function run(known: ModelSpec, index: TensorIndex, source: ByteSource, input: ModelInput): Promise<void> {
  const backend = createReferenceBackend();
  const spec = specForInput(known, input);
  const weights = createWeightLoader(index, source, spec);
  let x = await backend.embed(spec, await weights.embed('ids' in input ? input.ids : undefined), input);
  for (let layer = 0; layer < spec.layers; layer++) {
    const options = { layer, forward: 'native', rpc: null, wantPattern: false } as const;
    x = (await backend.runLayer(spec, await weights.block(layer), x, options)).next;
  }
  const output = await backend.unembed(spec, await weights.head(), x);
  assert.ok([...x.data, ...(output ?? [])].every(Number.isFinite));
}

describe('sample input', () => {
  it('is drawn to the same bytes everywhere, and is no noise', () => {
    const plane = drawSample(64, 48, 3, stream('0/sample'));
    assert.equal(sha256(plane.data), 'cb6d0f688b9a5fa9f7948557c1c9d4c4d02cf22b51b9107cde36aaffeca246dc');
    const other = drawSample(64, 48, 3, stream('1/sample'));
    assert.notEqual(sha256(other.data), sha256(plane.data));
    // Neighbours are alike; in uniform noise they would differ by 85 on average.
    let difference = 0;
    for (let i = 3; i < plane.data.length; i++) difference += Math.abs(plane.data[i]! - plane.data[i - 3]!);
    assert.ok(difference / plane.data.length < 20, `neighbours differ by ${difference / plane.data.length}`);
    const features = drawFeatures(80, 300, stream('0/sample'));
    assert.equal(sha256(features), '9de9a1c42dccbe456e2c79683792f7a39e966f012ff079ffd10571fdc3e793c8');
    const [least, most] = [Math.min(...features), Math.max(...features)];
    assert.ok(most > 1 && most <= 1.4 && most - least <= 2, `${least} to ${most}: two units are eight decades`);
  });

  it('draws strips and single pixels', () => {
    for (const [width, height, channels] of [
      [1, 1, 3],
      [500, 1, 1],
      [4, 4, 12],
    ] as const) {
      assert.equal(drawSample(width, height, channels, stream('a')).data.length, width * height * channels);
    }
  });

  it('takes as many sentences as are wanted and fit', async () => {
    const words = (text: string): Promise<number> => Promise.resolve(text.split(' ').length);
    const lengths = sampleStory.sentences.map((text) => text.split(' ').length);
    const first = lengths[0]!;
    assert.equal(await chooseSentences(sampleStory, 5, Infinity, words), sampleStory.sentences[0]);
    assert.equal(
      await chooseSentences(sampleStory, first + 1, Infinity, words),
      sampleStory.sentences.slice(0, 2).join(' '),
    );
    assert.equal(await chooseSentences(sampleStory, 999, first + 1, words), sampleStory.sentences[0]);
    assert.equal(await chooseSentences(sampleStory, 5, first - 1, words), null);
    assert.equal(await chooseSentences(sampleStory, 9999, Infinity, words), sampleStory.sentences.join(' '));
    assert.equal(
      await chooseSentences(sampleSentences, 5, Infinity, words),
      sampleStory.sentences.slice(0, 2).join(' '),
    );
    assert.equal(await chooseSentences(sampleCaption, 999, 77, words), sampleCaption.sentences[0]);
  });

  // One of each family.
  const families = new Set<string>();
  const first = ({ family }: ModelSpec): boolean => families.size < families.add(family).size;
  for (const model of imageCases) {
    const { index, source } = imageFile(model);
    const spec = inferModelSpec(index, model.config, model.overrides);
    if (!first(spec)) continue;
    it(`${model.name} runs on it`, async () => {
      const input = await readInput(null, spec);
      assert.equal(input.kind, 'sample');
      assert.equal(input.label, `default input: sample ${spec.audio ? 'features' : 'picture'}, seed 0`);
      await run(spec, index, source, input);
    });
  }

  for (const text of textCases) {
    const { index, file } = fileOf(text);
    const spec = inferModelSpec(index, text.config, {});
    if (!first(spec)) continue;
    it(`${text.name} runs on it`, async () => {
      const input = await readInput(null, spec);
      const why = text.family === 'lmtool-fwms' ? 'its vocabulary is not in the file' : 'no tokenizer was looked for';
      assert.equal(input.label, `default input: sample token ids, seed 0 (${why})`);
      await run(spec, index, bytesSource(index.fileName, file), input);
    });
  }

  const bytePairs = {
    'vocab.json': smallBytePairs.vocab,
    'merges.txt': `#version: 0.2\n${smallBytePairs.merges.join('\n')}\n`,
  };
  for (const [what, folder, label] of [
    ['GPT-2', () => modelFolder('gpt2', 352, 200, bytePairs), 'sample text, 1 sentence'],
    [
      'BERT',
      () => modelFolder('bert-padded', 139, 200, { 'vocab.txt': fixture('wordpiece.txt') }),
      'sample text, 2 sentences',
    ],
    [
      'a short context',
      () => modelFolder('gpt2', 352, 12, bytePairs),
      'sample token ids, seed 3 (the sample text is longer than the 12 tokens of the model)',
    ],
    ['no tokenizer', () => modelFolder('gpt2', 352, 200), 'sample token ids, seed 3 (no tokenizer beside the file)'],
    [
      'a broken tokenizer',
      () => modelFolder('gpt2', 352, 200, { 'tokenizer.json': '{' }),
      /^sample token ids, seed 3 \(the tokenizer beside the file cannot be used: tokenizer\.json: this is not JSON .*\)$/,
    ],
  ] as const) {
    it(`${what}: ${String(label)}`, async () => {
      const opened = await openCheckpoint(join(folder(), 'model.safetensors'));
      const spec = inferModelSpec(opened.index, opened.config, {});
      const tokenizer = new TokenizerSource(join(process.cwd(), 'dist', 'tokenizer.js'), opened, spec, null);
      const input = await readInput('sample:3', spec, tokenizer).finally(() => tokenizer.close());
      assert.equal(input.kind, 'sample');
      if (typeof label === 'string') assert.equal(input.label, label);
      else assert.match(input.label, label);
    });
  }
});
