// Whisper's encoder: what is told apart by names, what the configuration may say, how long an input is, and every
// refusal. Numbers against PyTorch are in test/unit/engine/imageFamilies.test.ts.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { describeSpec } from '../../../src/model/describeSpec';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { npyFeatures, randomFeatures } from '../../../src/model/audio/featureInput';
import { tokenInput } from '../../../src/model/text/tokenInput';
import { imageShape } from '../../../src/model/blockShape';
import type { ModelSpec, SpecOverrides } from '../../../src/model/modelSpec';
import { npy } from '../checkpoint/craftedNpy';
import { imageCases, imageFile } from '../engine/imageCases';

const caseOf = (name: string) => imageCases.find((model) => model.name === name)!;

function specOf(
  name: string,
  overrides: SpecOverrides = {},
  more: { config?: unknown; processor?: unknown } = {},
): ModelSpec {
  const model = caseOf(name);
  const { index } = imageFile(model);
  const config = more.config === undefined ? model.config : more.config;
  return inferModelSpec(index, config, { ...model.overrides, ...overrides }, more.processor ?? null);
}

const fact = (spec: ModelSpec, name: string): string | undefined =>
  spec.facts.find((entry) => entry.fact === name)?.value;

const npyFile = (shape: readonly number[], values: readonly number[]): Uint8Array =>
  npy({ descr: "'<f8'", shape }, new Uint8Array(Float64Array.from(values).buffer));

const sha256 = (bytes: Uint8Array): string => `sha of ${bytes.byteLength}`;

describe('model: Whisper encoder', () => {
  it('says frames and mel bins, and that the decoder is left out', () => {
    const spec = specOf('whisper');
    assert.equal(describeSpec(spec), 'Whisper encoder, 2 layers x 2 heads, d 6, N 7 (14 frames of 5 mel bins)');
    assert.deepEqual([spec.image, spec.text ?? null, spec.audio], [null, null, { mels: 5, frames: 14 }]);
    assert.deepEqual(spec.notes, [
      "The decoder beside the encoder (1 tensors) is ignored: the encoder's self-attention is inspected.",
    ]);
    assert.deepEqual(
      spec.blocks[0]!.qkv.then!.map(({ bias }) => bias !== null),
      [false, true],
      'keys have no bias',
    );
  });

  it("reads the heads from OpenAI's dims, else takes heads of 64", () => {
    const spec = specOf('whisper-openai');
    assert.deepEqual([spec.heads, fact(spec, 'state')], [3, 'model_state_dict.encoder']);
    const wide = imageFile(caseOf('whisper-openai')).index;
    const entries = new Map(
      [...wide.entries].map(([name, entry]) => [
        name,
        { ...entry, shape: entry.shape.map((n) => (n === 12 ? 1024 : n === 48 ? 4096 : n)) },
      ]),
    );
    assert.equal(inferModelSpec({ ...wide, tree: null, entries }, null, {}).heads, 16);
  });

  it('takes facts of the feature extractor, and nothing else from it', () => {
    const processor = { feature_size: 5, chunk_length: 30, sampling_rate: 16000, do_normalize: true };
    const spec = specOf('whisper', {}, { processor });
    assert.equal(fact(spec, 'feature extractor'), '5 mel bins of 30 s of sound at 16000 Hz');
    assert.deepEqual(spec.audio, specOf('whisper').audio);
  });

  it('runs on fewer frames only when it is asked to, and notes it', () => {
    const spec = specOf('whisper-fewer-frames');
    assert.deepEqual([spec.tokens, spec.audio?.frames], [3, 6]);
    assert.match(spec.notes.at(-1)!, /leading 3 positions.*trained on 14 frames/);
    for (const [frames, sentence] of [
      ['16', '--set frames=16: tiny.safetensors has positions for 14 frames. Give 14 or fewer.'],
      ['7', '--set frames=7: frames must be an even whole number of feature frames, 2 or more.'],
    ] as const) {
      assert.throws(() => specOf('whisper', { frames }), { name: 'ModelSpecError', message: sentence });
    }
  });

  it('refuses relatives and a configuration of another model', () => {
    assert.throws(() => specOf('whisper', {}, { config: { model_type: 'qwen2_audio' } }), {
      reason: 'unsupported',
      message:
        'tiny.safetensors has the tensor names of a Whisper encoder, but config.json says model_type "qwen2_audio". Gramlens does not run that family in this version: its numbers would be wrong.',
    });
    const config = { ...(caseOf('whisper').config as object), num_mel_bins: 128 };
    assert.throws(() => specOf('whisper', {}, { config }), {
      reason: 'shapeMismatch',
      message:
        'tiny.safetensors has 5 mel bins, but config.json num_mel_bins says 128. Check that the file is whole and that the configuration beside it belongs to it.',
    });
  });

  it('takes features as [mels, frames] or a batch of one, and says what is wrong with others', () => {
    const spec = specOf('whisper');
    const values = Array.from({ length: 70 }, (_, i) => i / 10);
    for (const shape of [
      [5, 14],
      [1, 5, 14],
    ]) {
      const input = npyFeatures(npyFile(shape, values), 'speech.npy', spec, sha256);
      assert.deepEqual([input.mels, input.frames, input.features[15]], [5, 14, 1.5]);
    }
    for (const [shape, next] of [
      [[5, 8], 'Pad the sound as the feature extractor does, or run on fewer frames with --set frames=8.'],
      [[14, 5], 'Save it transposed: mel bins first.'],
      [[70], "Write it with the model's own feature extractor (input_features)."],
    ] as const) {
      const count = shape.reduce((product, n) => product * n, 1);
      assert.throws(() => npyFeatures(npyFile(shape, values.slice(0, count)), 'a.npy', spec, sha256), {
        message: `a.npy has shape [${shape.join(', ')}], but the encoder takes [5, 14] or [1, 5, 14] (mel bins, frames). ${next}`,
      });
    }
    assert.throws(() => npyFeatures(npyFile([5, 14], values.with(3, NaN)), 'a.npy', spec, sha256), {
      message: 'a.npy holds NaN at position 3; an input must be finite numbers.',
    });
  });

  it('makes seeded features, and refuses pictures and token ids in its own words', () => {
    const spec = specOf('whisper');
    const input = randomFeatures(3, spec, (count) => new Float64Array(count).fill(0.5), sha256);
    assert.deepEqual([input.label, input.features.length, input.sha256], ['random:3', 70, 'sha of 560']);
    assert.throws(() => imageShape(spec), {
      message: 'This model takes log-mel features, not pictures. Give --input npy:FILE ([5, 14]) or random.',
    });
    assert.throws(() => tokenInput({ ids: [1], mask: null }, 'tokens:1', spec, sha256, null), {
      message: 'This model takes log-mel features, not token ids. Give npy:FILE or random.',
    });
  });
});
