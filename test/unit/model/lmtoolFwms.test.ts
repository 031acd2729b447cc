// lmtool-fwms: a module pickled whole, read without running it, against PyTorch; what tells the standard Transformer
// from its namesakes, and what is refused. Hidden states of every layer are in the text cases (make_fwms.py).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { openFileSource } from '../../../src/checkpoint/node/fileSource';
import { createReferenceBackend } from '../../../src/engine/reference/backend';
import { adaptiveLogProbabilities } from '../../../src/engine/adaptiveSoftmax';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { specForInput } from '../../../src/model/blockShape';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { untrainedBlockWeights, untrainedEmbedWeights } from '../../../src/model/initialise';
import { createWeightLoader } from '../../../src/model/loadWeights';
import { ModelSpecError, type ModelSpec } from '../../../src/model/modelSpec';
import { tokenInput } from '../../../src/model/text/tokenInput';
import { relativeError } from '../engine/portableNormals';
import { goldenNumbers, loadCase, textCases } from '../engine/textCases';
import { indexOf } from './syntheticIndex';

/** Spec section 10, float64: relative to max |.|. */
const tolerance = 1e-9;

type Place = readonly [number, number];
const { module } = JSON.parse(readFileSync('test/fixtures/text/fwms.json', 'utf8')) as {
  module: {
    ids: number[];
    expected: { layers: { next: Place }[]; logProbabilities: Place };
  };
};

function shapesOf(more: Readonly<Record<string, readonly number[] | null>> = {}): Map<string, readonly number[]> {
  const tensors = textCases.find(({ name }) => name === 'fwms')!.tensors;
  const result = new Map(Object.entries(tensors).map(([name, [shape]]) => [name, shape] as const));
  for (const [name, shape] of Object.entries(more)) {
    if (shape === null) result.delete(name);
    else result.set(name, shape);
  }
  return result;
}

function failure(work: () => unknown): ModelSpecError {
  try {
    work();
  } catch (error) {
    if (error instanceof ModelSpecError) return error;
    throw error;
  }
  return assert.fail('nothing was refused');
}

const infer = (
  config: unknown,
  more: Parameters<typeof shapesOf>[0] = {},
  overrides: Record<string, string> = {},
): ModelSpec => inferModelSpec(indexOf(shapesOf(more), { fileName: 'model.pt' }), config, overrides);

describe('model: lmtool-fwms', () => {
  it('reads a module that was pickled whole: heads, clusters and kind of attention are among its facts', async () => {
    const path = 'test/fixtures/text/fwms-module.pt';
    const { index } = await openCheckpoint(path);
    const known = inferModelSpec(index, null, {});
    assert.deepEqual([known.family, known.heads, known.headDim, known.layers], ['lmtool-fwms', 2, 6, 2]);
    const input = tokenInput({ ids: module.ids, mask: null }, 'ids', known, () => '', null);
    const spec = specForInput(known, input);
    const source = await openFileSource(path);
    try {
      const loader = createWeightLoader(index, source, spec);
      const backend = createReferenceBackend();
      const numbers = goldenNumbers('fwms');
      const close = (what: string, actual: ArrayLike<number>, [offset, length]: Place): void => {
        const error = relativeError(actual, numbers.subarray(offset, offset + length));
        assert.ok(error <= tolerance, `${what}: relative error ${error}, allowed ${tolerance}`);
      };
      let x = await backend.embed(spec, await loader.embed(input.ids), input);
      for (const [layer, { next }] of module.expected.layers.entries()) {
        const options = { layer, forward: 'native', rpc: null, wantPattern: false } as const;
        x = (await backend.runLayer(spec, await loader.block(layer), x, options)).next;
        close(`layer ${layer}`, x.data, next);
      }
      const words = (await backend.unembed(spec, await loader.head(), x))!;
      const clusters = (await backend.unembed(spec, await loader.head('clusters'), x))!;
      const all = adaptiveLogProbabilities(words, clusters, spec.head.clusters!.cutoffs);
      close('log-probabilities', all, module.expected.logProbabilities);
      const sum = all.reduce((total, value) => total + Math.exp(value), 0);
      assert.ok(Math.abs(sum - 1) < 1e-12, `probabilities sum to ${sum}`);
    } finally {
      await source.close();
    }
  });

  it('asks whether a state dict is the standard Transformer, which has the names of its linear relatives', () => {
    const { message, question } = failure(() => infer({ n_head: 3 }));
    assert.match(message, /does not say its attn_type.*--set attention=softmax/);
    assert.deepEqual([question?.option, question?.choices.map(({ value }) => value)], ['attention', ['softmax']]);
    assert.equal(infer({ n_head: 3 }, {}, { attention: 'softmax' }).heads, 3);
    assert.equal(failure(() => infer({ attn_type: 2 })).question?.option, 'heads');
  });

  const standard = { attn_type: 2, n_head: 3 };
  for (const [what, config, more, sentence] of [
    ['linear attention', { ...standard, attn_type: 4 }, {}, /with linear attention \(attn_type 4\)/],
    ['a Performer', { ...standard, attn_type: 5 }, {}, /with Performer attention \(attn_type 5\)/],
    [
      'pre_lnorm',
      { ...standard, pre_lnorm: true },
      {},
      /with pre_lnorm: that code takes queries from the stream before/,
    ],
    ['same_length', { ...standard, same_length: true }, {}, /with same_length masks/],
    ['words of another width', standard, { 'word_emb.emb_projs.0': [12, 6] }, /word embeddings of another width/],
    [
      'Transformer-XL',
      null,
      {
        'layers.0.dec_attn.kv_net.weight': null,
        'layers.0.dec_attn.qkv_net.weight': [45, 12],
        'layers.0.dec_attn.r_net.weight': [15, 12],
      },
      /looks like a Transformer-XL, with relative positions/,
    ],
    [
      'fast weights',
      null,
      { 'layers.0.dec_attn.kv_net.weight': null, 'layers.0.dec_attn.qkvb_net.weight': [48, 12] },
      /looks like a fast weight programmer or linear Transformer/,
    ],
    ['no frequencies', standard, { 'pos_emb.inv_freq': null }, /has no tensor "pos_emb.inv_freq"/],
    [
      'clusters that do not ascend',
      { ...standard, cutoffs: [9, 9] },
      { 'crit.cluster_weight': [2, 12], 'crit.cluster_bias': [2] },
      /begin at 9, 9; 2 ascending places below 23 are needed/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.match(failure(() => infer(config, more)).message, sentence);
    });
  }

  it('has no logits where nothing says the clusters of the softmax, and takes them from --set', () => {
    const clusters = { 'crit.cluster_weight': [2, 12], 'crit.cluster_bias': [2] };
    const without = infer(standard, clusters);
    assert.equal(without.head.classifier, null);
    assert.ok(without.notes.some((note) => note.includes('--set cutoffs=20000/40000/200000')));
    assert.deepEqual(infer(standard, clusters, { cutoffs: '5/9' }).head.clusters?.cutoffs, [5, 9]);
  });

  it('draws twins as train.py does: matrices N(0, 0.02), norms N(1, 0.02); frequencies stay', async () => {
    const { spec, loader, input } = loadCase(textCases.find(({ name }) => name === 'fwms')!);
    const random = { uniform: () => 0.5, normal: () => 1 };
    const twin = untrainedBlockWeights(spec, await loader.block(0), random);
    assert.deepEqual([twin.norm1.weight[0], twin.norm1.bias![0]], [Math.fround(1.02), 0]);
    assert.deepEqual([twin.qkv.weight[0], twin.fc2.bias![0]], [Math.fround(0.02), 0]);
    const trained = await loader.embed(input.ids);
    assert.deepEqual(untrainedEmbedWeights(spec, trained, random, input.ids).position, trained.position);
  });
});
