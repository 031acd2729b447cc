// The tiny language models as GGUF files (test/fixtures/text/make_gguf_models.py), from disk to output, against
// PyTorch's numbers; a model in several parts; and what is refused.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { checkpointCandidates } from '../../../src/checkpoint/shards/chooseFile';
import { readCheckpointIn } from '../../../src/checkpoint/shards/openFolder';
import { createReferenceBackend } from '../../../src/engine/reference/backend';
import { openBytes } from '../../../src/inspection/node/checkpointFile';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { specForInput } from '../../../src/model/blockShape';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { createWeightLoader } from '../../../src/model/loadWeights';
import type { ModelSpec } from '../../../src/model/modelSpec';
import { tokenInput } from '../../../src/model/text/tokenInput';
import { memoryFolder } from '../checkpoint/memoryFolder';
import { checkCase, textCases } from '../engine/textCases';

const folder = 'test/fixtures/text';
/** Spec section 10, float64. */
const tolerance = 1e-9;
/** The factors of the rotary frequencies are float32 in the file; their rounding (6e-8) turns angles of some radians. */
const factorTolerance = 2e-6;

const part = (number: number): string => `qwen3-0000${number}-of-00003.gguf`;

async function check(fileName: string, caseName: string, allowed: number): Promise<ModelSpec> {
  const { index, file } = await openCheckpoint(`${folder}/${fileName}`);
  const text = textCases.find(({ name }) => name === caseName)!;
  const known = inferModelSpec(index, null, {});
  const input = tokenInput({ ids: text.ids, mask: text.mask }, text.name, known, () => '', null);
  const spec = specForInput(known, input);
  const bytes = openBytes(file);
  try {
    const loader = createWeightLoader(index, bytes, spec);
    await checkCase(createReferenceBackend(), text, allowed, { index, file: new Uint8Array(0), spec, loader, input });
  } finally {
    await bytes.close();
  }
  return spec;
}

const factOf = (spec: ModelSpec, fact: string): string | undefined =>
  spec.facts.find((entry) => entry.fact === fact)?.value;

describe('model: GGUF files against PyTorch', () => {
  it('gpt2: matrices turned against Conv1D, tied output', async () => {
    const spec = await check('gpt2.gguf', 'gpt2', tolerance);
    assert.deepEqual([spec.family, spec.activation, spec.text!.context], ['gpt2', 'gelu_tanh', 17]);
  });

  it('gptneox: heads sorted, partly rotary, parallel residual', async () => {
    const spec = await check('gptneox.gguf', 'gpt-neox', tolerance);
    assert.deepEqual([spec.family, spec.block?.placement, spec.block?.rope?.dims], ['gpt-neox', 'parallel', 4]);
  });

  it('bert: post-LN without heads; padded tokens left out', async () => {
    const spec = await check('bert.gguf', 'bert-left-padded', tolerance);
    assert.deepEqual([spec.family, spec.head.classifier, spec.activation], ['bert', null, 'gelu']);
  });

  it('llama: permuted q and k, grouped queries, rope factors as a tensor (LLaMA 3.1)', async () => {
    const spec = await check('llama.gguf', 'llama-gqa', factorTolerance);
    assert.equal(factOf(spec, 'rope scaling'), 'divisor of each frequency');
    await assert.rejects(check('llama.gguf', 'llama-linear', 1), 'another model is told apart');
  });

  it('qwen2 and qwen3: not permuted; biases, norms of q and k', async () => {
    assert.equal((await check('qwen2.gguf', 'qwen2-full', tolerance)).blocks[0]!.qkv.bias, 'blk.0.attn_q.bias');
    assert.equal((await check(part(1), 'qwen3', tolerance)).blocks[0]!.queryNorm?.weight, 'blk.0.attn_q_norm.weight');
  });

  it('refuses factors and pairs that do not fit the heads', async () => {
    const { index } = await openCheckpoint(`${folder}/llama.gguf`);
    const factors = { ...index.entries.get('rope_freqs.weight')!, shape: [2] };
    const entries = new Map([...index.entries, [factors.name, factors]]);
    assert.throws(() => inferModelSpec({ ...index, entries }, null, {}), {
      message:
        'llama.gguf: tensor "rope_freqs.weight" has shape [2], expected [3] (rope dims / 2). Check that the file holds one whole model.',
    });
    const tree = { ...index.tree, 'llama.rope.dimension_count': 7 };
    assert.throws(() => inferModelSpec({ ...index, tree, metadata: {} }, null, {}), {
      message:
        'llama.gguf: llama.rope.dimension_count is 7, but a head has 6 entries and they turn in pairs. Convert the model again.',
    });
  });
});

describe('checkpoint: split GGUF', () => {
  const files = (): Record<string, Uint8Array> =>
    Object.fromEntries([1, 2, 3].map((number) => [part(number), readFileSync(`${folder}/${part(number)}`)]));
  const read = (given: Record<string, Uint8Array>, name: string | null = part(1)) =>
    readCheckpointIn(memoryFolder(given), name);

  it('is read through any part, and through its folder', async () => {
    for (const name of [part(1), part(3), null]) {
      const { index, fileName } = await read(files(), name);
      assert.deepEqual([fileName, index.fileName, index.entries.size], [part(1), part(1), 24]);
      assert.deepEqual(
        index.shards?.map((shard) => shard.name),
        [part(1), part(2), part(3)],
      );
      assert.equal(index.tree?.['general.architecture'], 'qwen3');
      assert.deepEqual(index.notes, []);
    }
    assert.deepEqual(checkpointCandidates([part(2), 'b.gguf', part(1), part(3)]), ['b.gguf', part(1)]);
  });

  it('names what is missing, what is doubled and what belongs to another model', async () => {
    const all = files();
    const { [part(2)]: second, ...rest } = all;
    await assert.rejects(read(rest), {
      name: 'CheckpointError',
      message: `${part(1)}: the shard "${part(2)}" is missing. Download it into the same folder.`,
    });
    await assert.rejects(read({ ...all, [part(3)]: second! }), {
      message: `${part(1)}: "${part(3)}" is part 3 of 3 by its name, but says that it is part 2 of 3 (split.no and split.count). Keep the parts of one model together, under the names llama-gguf-split gave them.`,
    });
    await assert.rejects(read({ ...all, [part(2)]: readFileSync(`${folder}/gpt2.gguf`) }), {
      message: `${part(1)}: "${part(2)}" is part 2 of 3 by its name, but says nothing of being one (split.no and split.count). Keep the parts of one model together, under the names llama-gguf-split gave them.`,
    });
    const renamed = Buffer.from(second!);
    const first = Buffer.from(all[part(1)]!);
    const name = [...(await read(all)).index.entries.values()].find(({ shard }) => shard === part(2))!.name;
    const same = [...(await read(all)).index.entries.values()].find(
      (entry) => entry.shard === part(1) && entry.name.length === name.length,
    )!.name;
    renamed.write(same, renamed.indexOf(name));
    await assert.rejects(read({ ...all, [part(2)]: renamed }), {
      message: `${part(1)}: tensor "${same}" is in two parts, "${part(1)}" and "${part(2)}". Keep the parts of one model together, under the names llama-gguf-split gave them.`,
    });
    const at = first.indexOf('split.tensors.count') + 'split.tensors.count'.length + 4;
    first.writeInt32LE(26, at);
    await assert.rejects(read({ ...all, [part(1)]: first }), {
      message: `${part(1)}: the model has 26 tensors by split.tensors.count, but the parts hold 24. Keep the parts of one model together, under the names llama-gguf-split gave them.`,
    });
  });

  it('does not look for more parts than any model has', async () => {
    const many = 'x-00001-of-99999.gguf';
    await assert.rejects(read({ [many]: readFileSync(`${folder}/gpt2.gguf`) }, many), {
      message: `${many}: the name speaks of 99,999 parts, more than the 1,000 Gramlens opens. Keep the parts of one model together, under the names llama-gguf-split gave them.`,
    });
  });
});
