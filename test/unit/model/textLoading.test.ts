// Language models in other files: GGUF's names and permuted rows, vocabularies read by rows, and what is asked or
// refused.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { PlainValue, TensorEntry, TensorIndex } from '../../../src/checkpoint/tensorIndex';
import { createReferenceBackend } from '../../../src/engine/reference/backend';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { ModelSpecError } from '../../../src/model/modelSpec';
import { parseTokenJson, tokenInput } from '../../../src/model/text/tokenInput';
import { checkCase, fileOf, loadCase, textCases, type TextCase } from '../engine/textCases';

/** Spec section 10, float64. */
const tolerance = 1e-9;
const caseOf = (name: string): TextCase => textCases.find((text) => text.name === name)!;

const ggufNames: readonly (readonly [RegExp, string])[] = [
  [/^model\.embed_tokens/, 'token_embd'],
  [/^model\.norm/, 'output_norm'],
  [/^lm_head/, 'output'],
  [/^model\.layers\./, 'blk.'],
  [/\.input_layernorm/, '.attn_norm'],
  [/\.post_attention_layernorm/, '.ffn_norm'],
  [/\.self_attn\.([qkv])_proj/, '.attn_$1'],
  [/\.self_attn\.o_proj/, '.attn_output'],
  [/\.mlp\.(gate|up|down)_proj/, '.ffn_$1'],
];

/** The case as llama.cpp writes it: q and k of each head reshaped to (2, d/2) and transposed. */
function ggufOf(text: TextCase, heads: number, kvHeads: number): { index: TensorIndex; file: Uint8Array } {
  const { index, file } = fileOf(text);
  const values = new Float32Array(file.buffer);
  const entries = new Map<string, TensorEntry>();
  for (const entry of index.entries.values()) {
    const name = ggufNames.reduce((from, [pattern, to]) => from.replace(pattern, to), entry.name);
    entries.set(name, { ...entry, name });
    const count = name.includes('attn_q.') ? heads : name.includes('attn_k.') ? kvHeads : 0;
    if (count === 0) continue;
    const [rows, width] = entry.shape as [number, number];
    const [at, d] = [entry.byteOffset / 4, rows / count];
    const before = values.slice(at, at + rows * width);
    for (let row = 0; row < rows; row++) {
      const [head, within] = [Math.floor(row / d), row % d];
      const from = head * d + (within % 2) * (d / 2) + Math.floor(within / 2);
      values.set(before.subarray(from * width, (from + 1) * width), at + row * width);
    }
  }
  const tree: Record<string, PlainValue> = {
    'general.architecture': 'llama',
    'llama.attention.head_count': heads,
    'llama.attention.layer_norm_rms_epsilon': 1e-5,
    'llama.attention.sliding_window': 4,
    'llama.rope.freq_base': 10000,
  };
  return { index: { ...index, format: 'gguf', entries, tree }, file };
}

function refusal(text: TextCase, config: unknown, names: (name: string) => string = (name) => name): ModelSpecError {
  const { index } = fileOf(text);
  const entries = new Map(
    [...index.entries.values()].map((entry) => [names(entry.name), { ...entry, name: names(entry.name) }]),
  );
  try {
    inferModelSpec({ ...index, entries }, config, {});
  } catch (error) {
    assert.ok(error instanceof ModelSpecError, String(error));
    return error;
  }
  assert.fail('nothing was refused');
}

describe('model: language models in other files', () => {
  it('undoes the permutation of q and k in a GGUF file of architecture llama', async () => {
    const text = caseOf('mistral-window');
    const loaded = loadCase(text, ggufOf(text, 4, 2), null);
    assert.deepEqual([loaded.spec.kvHeads, loaded.spec.block?.windows], [2, [4, 4]]);
    await checkCase(createReferenceBackend(), text, tolerance, loaded);
  });

  it('reads some rows of a vocabulary, also where rows have no bytes of their own', async () => {
    const text = caseOf('llama-gqa');
    const { loader, spec } = loadCase(text);
    const all = (await loader.head()).classifier!.weight;
    const part = (await loader.head({ from: 3, to: 7 })).classifier!.weight;
    assert.deepEqual(part, all.slice(3 * spec.embedDim, 7 * spec.embedDim));
    const stored = fileOf(text);
    const name = 'model.embed_tokens.weight';
    const strided = new Map(stored.index.entries);
    strided.set(name, { ...strided.get(name)!, strides: [20, 1] });
    const again = loadCase(text, { ...stored, index: { ...stored.index, entries: strided } });
    const ids = Int32Array.of(5, 2, 5);
    assert.deepEqual((await again.loader.embed(ids)).words, (await loader.embed(ids)).words);
    await assert.rejects(loader.embed(Int32Array.of(29)), /has 29 rows; there is no row 29/);
  });

  it('refuses rotary positions of a type it does not run, by name', () => {
    const text = caseOf('llama-gqa');
    const config = { ...text.config, rope_scaling: { rope_type: 'yarn', factor: 2 } };
    assert.match(refusal(text, config).message, /rotary positions of type "yarn"/);
    const partial = { ...text.config, rope_scaling: { rope_type: 'llama3', factor: 8 } };
    assert.match(refusal(text, partial).message, /does not say low_freq_factor/);
  });

  it('refuses families that only borrow the names, and tensors without a place', () => {
    const text = caseOf('llama-gqa');
    assert.match(refusal(text, { ...text.config, model_type: 'gemma' }).message, /model_type "gemma"/);
    const renamed = refusal(text, text.config, (name) => name.replace('1.mlp.down_proj', '1.mlp.down_proj.lora_A'));
    assert.match(renamed.message, /has no tensor "model\.layers\.1\.mlp\.down_proj\.weight", which a LLaMA/);
    const extra = refusal(caseOf('qwen2'), { ...caseOf('qwen2').config, model_type: 'qwen2' }, (name) =>
      name.replace('0.self_attn.q_proj.bias', '0.self_attn.q_proj.shift'),
    );
    assert.match(extra.message, /tensor "model\.layers\.0\.self_attn\.q_proj\.shift" has no place/);
  });

  it('asks for the heads that a file without config does not say', () => {
    const error = refusal(caseOf('gpt2'), null);
    assert.deepEqual([error.reason, error.question?.option], ['question', 'heads']);
    assert.deepEqual(
      error.question?.choices.map(({ value }) => value),
      ['1', '2', '4', '5', '10'],
    );
  });

  it('takes ids with a mask, and refuses masks that do not fit', () => {
    const { spec } = loadCase(caseOf('bert-padded'));
    const list = parseTokenJson('{"input_ids": [[4, 5, 6, 0]], "attention_mask": [[0, 1, 1, 0]]}', 'ids.json');
    const input = tokenInput(list, 'ids.json', spec, () => '', null);
    assert.deepEqual(
      [[...input.ids], [...input.positions!]],
      [
        [5, 6],
        [1, 2],
      ],
    );
    assert.throws(
      () => parseTokenJson('{"input_ids": [1, 2], "attention_mask": [1]}', 'x.json'),
      /one 0 or 1 for each of the 2/,
    );
    assert.throws(() => parseTokenJson('{"ids": [1]}', 'x.json'), /x\.json is no list of token ids/);
    assert.throws(() => parseTokenJson('[1,', 'x.json'), /x\.json is not JSON/);
  });
});
