// Segmenter: what tells it, both stages with their sizes, what the file cannot say, and what is refused. Its numbers are
// in the image cases (make_segmenter.py).

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { noTwins } from '../diagnostics/heads';
import { diagnoseHead } from '../../../src/diagnostics/diagnoseHead';
import { createReferenceBackend } from '../../../src/engine/reference/backend';
import { createReferenceKernels } from '../../../src/engine/reference/kernels';
import { engineLayers } from '../../../src/inspection/engineLayers';
import { makeRequest } from '../../../src/inspection/request';
import { runInspection, type InspectionOutcome } from '../../../src/inspection/runInspection';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { untrainedBlockWeights } from '../../../src/model/initialise';
import { createWeightLoader } from '../../../src/model/loadWeights';
import { ModelSpecError, type ModelSpec } from '../../../src/model/modelSpec';
import { resultFault } from '../../../src/inspection/resultSchema';
import { layerLabel, layerTitle } from '../../../src/report/layerLabel';
import { reportHtml } from '../../../src/report/reportHtml';
import { imageCaseInput, imageCases, imageFile, type ImageCase } from '../engine/imageCases';
import { indexOf, timmShapes } from './syntheticIndex';

const caseOf = (name: string): ImageCase => imageCases.find((model) => model.name === name)!;

/** Names and shapes of a Segmenter of one width; `classes` null: linear decoder with 9 classes. */
function shapes(width: number, classes: number | null, more: Readonly<Record<string, readonly number[] | null>> = {}) {
  const encoder = timmShapes({ prefix: 'encoder.', width, channels: 3, classes: 7 });
  const result = new Map(encoder);
  if (classes === null) result.set('decoder.head.weight', [9, width]).set('decoder.head.bias', [9]);
  else {
    for (const [name, shape] of timmShapes({ prefix: 'decoder.', width })) {
      if (name.includes('.blocks.')) result.set(name, shape);
    }
    result.set('decoder.cls_emb', [1, classes, width]);
    for (const name of ['proj_patch', 'proj_classes']) result.set(`decoder.${name}`, [width, width]);
    for (const [name, n] of [
      ['decoder_norm', width],
      ['mask_norm', classes],
    ] as const) {
      result.set(`decoder.${name}.weight`, [n]).set(`decoder.${name}.bias`, [n]);
    }
    result.set('decoder.proj_dec.weight', [width, width]).set('decoder.proj_dec.bias', [width]);
  }
  for (const [name, shape] of Object.entries(more)) {
    if (shape === null) result.delete(name);
    else result.set(name, shape);
  }
  return indexOf(result, { fileName: 'checkpoint.pth' });
}

const fact = (spec: ModelSpec, name: string): string | undefined =>
  spec.facts.find((entry) => entry.fact === name)?.value;

function failure(work: () => unknown): ModelSpecError {
  try {
    work();
  } catch (error) {
    if (error instanceof ModelSpecError) return error;
    throw error;
  }
  return assert.fail('nothing was refused');
}

describe('model: Segmenter', () => {
  it('has two stages with sizes of their own, and the mask transformer has C / 64 heads', () => {
    const spec = inferModelSpec(shapes(192, 150), null, {});
    assert.deepEqual(
      [spec.family, spec.layers, spec.classes, spec.layerNormEps, spec.head.output],
      ['segmenter', 4, 150, 1e-5, 'masks'],
    );
    const [encoder, decoder] = spec.stages!;
    assert.deepEqual([encoder!.name, encoder!.tokens, encoder!.prefixTokens, encoder!.heads], ['encoder', 17, 1, 3]);
    assert.deepEqual([decoder!.name, decoder!.tokens, decoder!.suffixTokens, decoder!.heads], ['decoder', 166, 150, 3]);
    assert.equal(spec.blocks[1]!.entry, undefined);
    assert.deepEqual([spec.blocks[2]!.entry?.drop, spec.blocks[2]!.entry?.append], [1, 'decoder.cls_emb']);
    assert.ok(spec.notes.some((note) => note.startsWith('encoder.head is the classifier of the pre-trained backbone')));
  });

  it('asks for the heads of a mask transformer of another width than 64 a head', () => {
    const question = failure(() => inferModelSpec(shapes(24, 5), null, { heads: '2' })).question!;
    assert.equal(question.option, 'decoder.heads');
    assert.deepEqual(
      question.choices.map(({ value }) => Number(value)).sort((a, b) => a - b),
      [1, 2, 3, 4, 6, 8, 12],
    );
    const wrong = failure(() => inferModelSpec(shapes(24, 5), null, { heads: '2', 'decoder.heads': '5' }));
    assert.equal(
      wrong.message,
      '--set decoder.heads=5: the mask transformer of checkpoint.pth has the width 24, which 5 does not divide. Use one of 1, 2, 3, 4, 6, 8, 12.',
    );
  });

  it('normalises as variant.yml says, else as the backbone is made', () => {
    const config = { net_kwargs: { normalization: 'deit', n_heads: 3, image_size: [16, 16] } };
    assert.deepEqual(inferModelSpec(shapes(192, 150), config, {}).preprocessing?.mean, [0.485, 0.456, 0.406]);
    const plain = inferModelSpec(shapes(192, null), null, {});
    assert.deepEqual([plain.preprocessing?.mean, plain.preprocessing?.resizeShortSide], [[0.5, 0.5, 0.5], 16]);
    assert.deepEqual([plain.stages, plain.layers, fact(plain, 'family')], [undefined, 2, 'Segmenter']);
  });

  it('takes a backbone without queries, and keeps its RPC out of the decoder', () => {
    const symmetric = shapes(192, 5, {
      'encoder.blocks.0.attn.qkv.weight': [384, 192],
      'encoder.blocks.0.attn.qkv.bias': [384],
      'encoder.blocks.1.attn.qkv.weight': [384, 192],
      'encoder.blocks.1.attn.qkv.bias': [384],
    });
    const rpc = { attention: 'rpc', 'rpc.iterations': '4', 'rpc.lambda': '4', 'rpc.layers': 'all' };
    const spec = inferModelSpec(symmetric, null, rpc);
    assert.deepEqual([spec.attention, spec.rpc?.layers], ['rpc', [0, 1]]);
    const wrong = failure(() => inferModelSpec(shapes(192, 5), null, rpc));
    assert.match(wrong.message, /has query, key and value projections .* attention can be softmax or reconstruction/);
  });

  for (const [what, more, sentence] of [
    [
      'a missing projection',
      { 'decoder.proj_dec.weight': null },
      /has no tensor "decoder.proj_dec.weight", which a Segmenter needs/,
    ],
    [
      'a mask norm of other classes',
      { 'decoder.mask_norm.weight': [4] },
      /"decoder.mask_norm.weight" has shape \[4\], expected \[5\]/,
    ],
    [
      'class embeddings in a row',
      { 'decoder.cls_emb': [192] },
      /"decoder.cls_emb" has shape \[192\], expected \[1, classes, C\]/,
    ],
    ['a tensor without a place', { 'decoder.blocks.0.attn.gate': [192] }, /"decoder.blocks.0.attn.gate" has no place/],
    [
      'a decoder without blocks',
      Object.fromEntries([...timmShapes({ prefix: 'decoder.', width: 192 }).keys()].map((name) => [name, null])),
      /has the class embeddings of a mask transformer .* and no "decoder.blocks.0."/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.match(failure(() => inferModelSpec(shapes(192, 5, more), null, {})).message, sentence);
    });
  }

  it('draws twins of both stages: projection and class embeddings N(0, 0.02), norms 1', async () => {
    const model = caseOf('segmenter-mask-narrow');
    const { index, source } = imageFile(model);
    const spec = inferModelSpec(index, model.config, model.overrides);
    const trained = await createWeightLoader(index, source, spec).block(2);
    const twin = untrainedBlockWeights(spec, trained, { uniform: () => 0.75, normal: () => 1 });
    const { norm, proj, append } = twin.entry!;
    assert.deepEqual(proj!.weight, new Float32Array(24 * 14).fill(0.02));
    assert.deepEqual(append, new Float32Array(6 * 14).fill(0.02));
    assert.deepEqual(norm!.weight, new Float32Array(24).fill(1));
    assert.deepEqual([twin.qkv.weight[0], proj!.bias![0]], [Math.fround(0.02), 0]);
  });
});

async function inspect(name: string): Promise<InspectionOutcome> {
  const model = caseOf(name);
  const { index, source } = imageFile(model);
  const spec = inferModelSpec(index, model.config, model.overrides);
  const request = makeRequest(
    index,
    spec,
    imageCaseInput(model),
    { kind: 'reference', reason: 'test' },
    {
      layers: null,
      heads: null,
      rpc: { variant: 'code', iterations: 2, lambda: 0.5, layers: 'all' },
      forward: 'native',
      noise: { kinds: ['token_gauss'], levels: {}, repeats: 2 },
      nulls: 2,
      twins: 2,
      seed: 0,
      keepTensors: true,
    },
    '0.0.0-test',
  );
  const backend = createReferenceBackend();
  const kernels = createReferenceKernels();
  const { signal } = new AbortController();
  return runInspection(request, {
    source: engineLayers(request, {
      weights: createWeightLoader(index, source, request.spec),
      backend,
      metrics: backend,
      companions: backend,
      signal,
    }),
    diagnoseHeads: (inputs, options, onHead) => {
      for (const input of inputs) onHead(diagnoseHead(input, options, kernels), noTwins, null);
      return Promise.resolve();
    },
    kernels,
    onProgress: () => undefined,
    onHead: () => undefined,
    signal,
    checkpointSha256: () => Promise.resolve(null),
    now: () => 0,
  });
}

describe('inspection: Segmenter', () => {
  it('inspects both stages with their own sizes, and answers with masks', async () => {
    const { result, tensors } = await inspect('segmenter-mask-narrow');
    const counts = result.layers.map(({ index, heads }) => [index, heads.length]);
    assert.deepEqual(counts, [
      [0, 2],
      [1, 2],
      [2, 2],
      [3, 2],
    ]);
    const shapeOf = (name: string): readonly number[] | undefined => tensors.find((one) => one.name === name)?.shape;
    assert.deepEqual(
      [shapeOf('layer1.q'), shapeOf('layer2.q')],
      [
        [2, 11, 12],
        [2, 15, 7],
      ],
    );
    assert.deepEqual(
      [shapeOf('layer1.x'), shapeOf('layer2.x'), shapeOf('logits')],
      [
        [11, 24],
        [15, 14],
        [6, 3, 3],
      ],
    );
    const { output, model } = result;
    assert.deepEqual([output.kind, output.masks?.classes, output.masks?.grid], ['masks', 6, [3, 3]]);
    assert.ok(Math.abs(output.masks!.top.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-12);
    assert.deepEqual([layerLabel(model, 1), layerLabel(model, 2)], ['encoder 1', 'decoder 0']);
    assert.equal(layerTitle(model, 3), 'Layer 3 (decoder 1)');
    assert.equal(resultFault(JSON.parse(JSON.stringify(result))), null);
    const html = reportHtml(result, () => null);
    for (const text of [
      '2 in the encoder (2 heads, N 11), 2 in the decoder (2 heads, N 15)',
      'Layer 2 (decoder 0), head 1',
      '6 classes at 3 x 3 patches',
    ]) {
      assert.ok(html.includes(text), text);
    }
  });

  it('takes the class with the largest logit at every patch', async () => {
    const model = caseOf('segmenter-linear');
    const { result } = await inspect('segmenter-linear');
    const [offset] = model.expected.logits!;
    const wins = Array.from({ length: 4 }, (_, patch) => {
      const column = Array.from({ length: 5 }, (_unused, c) => model.numbers[offset + c * 4 + patch]!);
      return column.indexOf(Math.max(...column));
    });
    for (const { index, share } of result.output.masks!.top) {
      assert.equal(share, wins.filter((win) => win === index).length / 4);
    }
  });
});
