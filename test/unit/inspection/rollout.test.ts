// Attention rollout: carried along with the forward pass, against the product of the patterns that the run gives away.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { effectiveTokens, uniformRollout } from '../../../src/diagnostics/rollout';
import { readTokens, RolloutRun } from '../../../src/inspection/rolloutRun';
import { visibleKeys, type ScoreRule } from '../../../src/model/blockShape';
import type { ModelSpec } from '../../../src/model/modelSpec';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { loadCase, textCases } from '../engine/textCases';
import { runHere, samplePath, sampleRequest, samples } from './sampleRun';

/** Round-off of a dozen products in another order. */
const tolerance = 1e-12;

type Matrix = readonly (readonly number[])[];

function halfway(pattern: Matrix): Matrix {
  return pattern.map((row, i) => row.map((weight, j) => (weight + (i === j ? 1 : 0)) / 2));
}

function times(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
}

function meanOfRows(matrix: Matrix, rows: readonly number[]): number[] {
  return matrix[0]!.map((_, j) => rows.reduce((sum, i) => sum + matrix[i]![j]!, 0) / rows.length);
}

function near(got: readonly number[] | Float64Array, want: readonly number[], what: string): void {
  assert.equal(got.length, want.length, what);
  want.forEach((value, i) => {
    assert.ok(Math.abs(got[i]! - value) < tolerance, `${what}, entry ${i}: ${got[i]} instead of ${value}`);
  });
}

const base = { nulls: 0, twins: 0, noise: { kinds: [], levels: {}, repeats: 1 }, heads: [0] };

describe('attention rollout', () => {
  for (const sample of samples) {
    it(`of ${sample} is the product of its layers' patterns, whichever heads are inspected`, async () => {
      const { result, tensors } = await runHere(sample, await sampleRequest(sample, 'cpu', base));
      const { rollout } = result;
      assert.ok(rollout !== undefined);
      assert.deepEqual([rollout.firstLayer, rollout.from], [0, 'the token that the output is read from (token 0)']);
      assert.deepEqual(
        rollout.layers.map(({ index }) => index),
        [...Array(result.model.layers).keys()],
      );
      let product: Matrix | null = null;
      for (const { index, weights, effectiveTokens: spread, uniformEffectiveTokens } of rollout.layers) {
        const { data, shape } = tensors.find(({ name }) => name === `layer${index}.pattern`)!;
        const [heads, n] = shape as [number, number];
        const mean = Array.from({ length: n }, (_, i) =>
          Array.from({ length: n }, (__, j) => {
            let sum = 0;
            for (let h = 0; h < heads; h++) sum += data[(h * n + i) * n + j]!;
            return sum / heads;
          }),
        );
        product = product === null ? halfway(mean) : times(halfway(mean), product);
        near(weights!, product[0]!, `layer ${index}`);
        near([spread], [Math.exp(-product[0]!.reduce((sum, w) => sum + (w > 0 ? w * Math.log(w) : 0), 0))], 'spread');
        // Uniform attention over all keys has a closed form: 2^-L of a token stays, the rest is spread evenly.
        const stays = 2 ** -(index + 1);
        const uniform = product[0]!.map((_, j) => (1 - stays) / n + (j === 0 ? stays : 0));
        near([uniformEffectiveTokens], [effectiveTokens(Float64Array.from(uniform))], 'uniform');
      }
    });
  }

  it('of uniform attention needs no matrix, under masks and windows that differ from layer to layer', () => {
    const tokens = 7;
    const rules: readonly ScoreRule[] = [
      { causal: true, window: null, scale: null },
      { causal: true, window: 3, scale: null },
      { causal: false, window: 2, scale: null },
      { causal: false, window: null, scale: null },
      { causal: true, window: 2, scale: null },
    ];
    const patterns = rules.map((rule) =>
      Array.from({ length: tokens }, (_, i) => {
        const { from, to } = visibleKeys(rule, i, tokens);
        return Array.from({ length: tokens }, (__, j) => (j >= from && j < to ? 1 / (to - from) : 0));
      }),
    );
    const product = patterns.map(halfway).reduce((before, layer) => times(layer, before));
    for (const read of [[6], [0], [2, 3, 5]])
      near(uniformRollout(tokens, read, rules), meanOfRows(product, read), `read ${read.join()}`);
    near([effectiveTokens(Float64Array.of(0, 1, 0))], [1], 'one token');
    near([effectiveTokens(Float64Array.of(0.25, 0.25, 0.25, 0.25))], [4], 'four tokens');
  });

  it('reads the tokens that the output is read from', async () => {
    const { index, config } = await openCheckpoint(samplePath('digits-softmax.safetensors'));
    const vit = inferModelSpec(index, config, {});
    const of = (spec: ModelSpec, head: Partial<ModelSpec['head']>, facts: Partial<ModelSpec> = {}): string => {
      const { from, tokens } = readTokens({ ...spec, ...facts, head: { ...spec.head, ...head } });
      return `${from}: ${tokens.length > 1 ? `${tokens[0]} to ${tokens.at(-1)}` : tokens[0]}`;
    };
    const last = vit.tokens - 1;
    assert.equal(of(vit, {}), 'the token that the output is read from (token 0): 0');
    assert.equal(
      of(vit, { pooling: 'mean' }),
      `the mean of the tokens behind the prefix: ${vit.prefixTokens} to ${last}`,
    );
    assert.equal(of(vit, { pooling: 'last' }), `the last token: ${last}`);
    assert.equal(of(vit, { output: 'states' }), `the mean of all tokens: 0 to ${last}`);
    assert.equal(of(vit, { output: 'states' }, { causal: true }), `the last token: ${last}`);
    const clip = loadCase(textCases.find(({ name }) => name.startsWith('clip-text'))!);
    const text = { ...clip.spec.text!, endsAt: 3 };
    assert.equal(of(clip.spec, {}, { text }), 'the token that ends the text: 3');
  });

  it('keeps the weights of the last layer alone where they would be megabytes', () => {
    const tokens = 300;
    const { spec } = loadCase(textCases.find(({ name }) => name === 'gpt2')!);
    const layers = 219;
    const long = { ...spec, tokens, layers, blocks: Array.from({ length: layers }, () => spec.blocks[0]!) };
    const run = new RolloutRun(long);
    for (let layer = 0; layer < layers; layer++) run.after(layer, run.before(layer)!);
    const kept = run.result()!.layers;
    assert.deepEqual(
      kept.flatMap(({ weights }, i) => (weights === undefined ? [] : [i])),
      [layers - 1],
    );
    assert.equal(kept.at(-1)!.weights!.at(-1), 1);
    assert.equal(new RolloutRun(long).result(), null);
  });
});
