// CLIP's text tower: which tower of a file is meant, where the text ends, and every refusal. Numbers against PyTorch
// are in test/unit/engine/textFamilies.test.ts.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { TensorIndex } from '../../../src/checkpoint/tensorIndex';
import { towerOf } from '../../../src/cli/options';
import { networkOutput } from '../../../src/inspection/networkOutput';
import { specForInput } from '../../../src/model/blockShape';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { ModelSpecError, type ModelSpec } from '../../../src/model/modelSpec';
import { randomTokenInput, tokenInput } from '../../../src/model/text/tokenInput';
import { imageCases, imageFile } from '../engine/imageCases';
import { fileOf, textCases } from '../engine/textCases';

const sha256 = (): string => '';

const textOf = (name: string): TensorIndex => fileOf(textCases.find((text) => text.name === name)!).index;
const configOf = (name: string): Readonly<Record<string, unknown>> =>
  textCases.find((text) => text.name === name)!.config;

/** A file with an image tower and a text tower, as CLIPModel saves it. */
function bothTowers(vision: string, text: string): TensorIndex {
  const image = imageFile(imageCases.find(({ name }) => name === vision)!).index;
  const ignored = new Set([
    'text_model.encoder.layers.0.self_attn.q_proj.weight',
    'transformer.resblocks.0.attn.in_proj_weight',
    'positional_embedding',
  ]);
  const kept = [...image.entries].filter(([name]) => !ignored.has(name));
  return { ...image, fileName: 'clip.safetensors', entries: new Map([...kept, ...textOf(text).entries]) };
}

const ended = (spec: ModelSpec, ids: readonly number[]): ModelSpec =>
  specForInput(spec, tokenInput({ ids, mask: null }, 'tokens', spec, sha256, null));

describe('model: CLIP text tower', () => {
  it('asks which tower a file with both is meant for, and takes either', () => {
    for (const [vision, text] of [
      ['hf-clip-quick_gelu', 'clip-text-end'],
      ['openai-clip', 'openai-clip-text'],
    ] as const) {
      const index = bothTowers(vision, text);
      const visionConfig = imageCases.find(({ name }) => name === vision)!.config as object;
      const config = { ...configOf(text), ...visionConfig, n_head: 2 };
      assert.throws(
        () => inferModelSpec(index, config, {}),
        (error) => {
          assert.ok(error instanceof ModelSpecError && error.question !== null);
          assert.equal(
            error.message,
            'clip.safetensors holds an image tower and a text tower. Choose one with --set tower=vision or --set tower=text.',
          );
          assert.deepEqual(
            error.question.choices.map(({ value }) => value),
            ['vision', 'text'],
          );
          return true;
        },
      );
      assert.equal(inferModelSpec(index, config, { tower: 'vision' }).family, 'clip-vision');
      const spec = inferModelSpec(index, config, { tower: 'text' });
      assert.deepEqual([spec.family, spec.causal, spec.head.output], ['clip-text', true, 'embedding']);
      assert.ok(spec.facts.some(({ fact, source }) => fact === 'tower' && source === '--set tower'));
    }
  });

  it('is told by the kind of input where that says it', () => {
    assert.deepEqual(['tokens:1,2', 'text:a dog', 'ids.json', 'a.txt'].map(towerOf), ['text', 'text', 'text', 'text']);
    assert.deepEqual(['dog.png', 'dog.JPEG'].map(towerOf), ['vision', 'vision']);
    assert.deepEqual(['npy:x.npy', 'random'].map(towerOf), [null, null]);
  });

  it('refuses a tower that is not there', () => {
    assert.throws(() => inferModelSpec(textOf('openai-clip-text'), { n_head: 2 }, { tower: 'vision' }), {
      message: '--set tower=vision: openai-clip-text.safetensors has only a text tower. Leave it out.',
    });
    assert.throws(() => inferModelSpec(textOf('gpt2'), null, { tower: 'text' }), {
      message:
        '--set tower=text: gpt2.safetensors has no towers; this is for models of pictures and text. Leave it out.',
    });
  });

  it('reads the text at the first end token, or at the highest id where the configuration is old', () => {
    const spec = inferModelSpec(textOf('clip-text-end'), configOf('clip-text-end'), {});
    assert.deepEqual([spec.text!.endToken, ended(spec, [1, 11, 18, 11]).text!.endsAt], [11, 1]);
    const without = ended(spec, [1, 18]);
    assert.equal(without.text!.endsAt, null);
    assert.equal(
      networkOutput(without, Float64Array.of(3, 4)).reason,
      'the output of a CLIP text tower is an embedding, read from token 0 because the input has no end of text',
    );
    const old = inferModelSpec(textOf('clip-text-old-config'), configOf('clip-text-old-config'), {});
    assert.deepEqual([old.text!.endToken, ended(old, [1, 18, 2, 18]).text!.endsAt], ['highest', 1]);
    const output = networkOutput(ended(old, [1, 18, 2, 18]), Float64Array.of(3, 4));
    assert.deepEqual([output.kind, output.shape, output.norm, output.logitsTop], ['embedding', [2], 5, []]);
  });

  it('ends a random text where the head looks for the end', () => {
    const spec = inferModelSpec(textOf('clip-text-end'), configOf('clip-text-end'), {});
    const input = randomTokenInput(0, spec, (count) => new Float64Array(count).fill(0.1), sha256);
    assert.deepEqual([...input.ids], [1, 1, 1, 1, 1, 1, 1, 1, 11]);
  });

  it('gives its states away where the file has no projection', () => {
    const spec = inferModelSpec(textOf('clip-text-states'), configOf('clip-text-states'), {});
    assert.deepEqual([spec.head.output, spec.head.classifier], ['states', null]);
  });

  it('refuses the text tower of SigLIP and other kinds of pooling by name', () => {
    const base = textOf('clip-text-end');
    const head = { ...base.entries.get('text_projection.weight')!, name: 'text_model.head.weight' };
    for (const [index, config] of [
      [{ ...base, entries: new Map([...base.entries, [head.name, head]]) }, null],
      [base, { model_type: 'siglip_text_model' }],
    ] as const) {
      assert.throws(() => inferModelSpec(index, config, {}), {
        reason: 'unsupported',
        message: /looks like a SigLIP model/,
      });
    }
    const config = { model_cfg: { text_cfg: { heads: 2, pool_type: 'last' } } };
    assert.throws(() => inferModelSpec(textOf('openai-clip-text'), config, {}), {
      message: /reads its text at "last" \(config\.json model_cfg text_cfg pool_type\)/,
    });
  });
});
