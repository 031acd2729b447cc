// Heads of language models as the diagnostics see them: rows of fused and grouped projections, norms and rotary
// positions in token noise, masks in attention, RPC and the projection loss.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { diagnoseHead } from '../../../src/diagnostics/diagnoseHead';
import {
  defaultGram,
  type DiagnosticsOptions,
  type GramChoice,
  type HeadInput,
} from '../../../src/diagnostics/headInput';
import type { HeadResult } from '../../../src/diagnostics/headResult';
import { createNoise } from '../../../src/diagnostics/noiseDraws';
import { logPhiNorms } from '../../../src/diagnostics/projectionLoss';
import type { LayerTrace } from '../../../src/engine/backend';
import { createReferenceBackend } from '../../../src/engine/reference/backend';
import { createReferenceKernels } from '../../../src/engine/reference/kernels';
import { noiseSettings, publishedRpc } from '../../../src/inspection/defaults';
import { headInputs } from '../../../src/inspection/headInputs';
import { ChoiceError } from '../../../src/inspection/choiceError';
import type { ModelSpec } from '../../../src/model/modelSpec';
import { makeRequest } from '../../../src/inspection/request';
import { relativeError } from '../engine/portableNormals';
import { loadCase, textCases } from '../engine/textCases';
import { numbersOf } from './sampleRun';

/** Float64 round-off. */
const tolerance = 1e-12;
const kernels = createReferenceKernels();

async function lastLayer(
  name: string,
): Promise<{ readonly trace: LayerTrace; readonly head: (h: number) => HeadInput }> {
  const { spec, loader, input } = loadCase(textCases.find((text) => text.name === name)!);
  const backend = createReferenceBackend();
  let x = await backend.embed(spec, await loader.embed(input.ids), input);
  const layer = spec.layers - 1;
  for (let i = 0; ; i++) {
    const weights = await loader.block(i);
    const trace = await backend.runLayer(spec, weights, x, {
      layer: i,
      forward: 'native',
      rpc: null,
      wantPattern: true,
    });
    if (i === layer) return { trace, head: (h) => headInputs(spec, () => weights, trace, [h], null, [])[0]! };
    x = trace.next;
  }
}

const rpc = { variant: 'code', iterations: 2, lambda: 0.5, embedDim: 12 } as const;
const options: DiagnosticsOptions = {
  seed: 0,
  nulls: 2,
  rpc,
  noise: { kinds: ['token_gauss', 'key_gauss', 'token_drop'], levels: {}, repeats: 2 },
};

describe('inspection: heads of language models', () => {
  for (const { name } of textCases) {
    it(`${name}: token noise of size 0 projects the queries, keys and values of the layer again`, async () => {
      const { head, trace } = await lastLayer(name);
      for (let h = 0; h < trace.heads; h++) {
        const input = head(h);
        const again = createNoise('token_gauss', input, 0, kernels)(0)(0)!;
        for (const part of ['q', 'k', 'v'] as const) {
          const error = relativeError(again[part]!, input[part]!);
          assert.ok(error <= tolerance, `head ${h}, ${part}: relative error ${error}`);
        }
        const size = input.tokens * input.headDim;
        const out = kernels.attention(input.q, input.k, input.v, input.tokens, input.headDim, input.rule);
        const error = relativeError(out, trace.out.subarray(h * size, (h + 1) * size));
        assert.ok(error <= tolerance, `head ${h}: output off by ${error}`);
      }
    });
  }

  it('groups query heads, and takes the values of each other group once', async () => {
    const { head } = await lastLayer('llama-gqa');
    const heads = [0, 1, 2, 3].map(head);
    assert.deepEqual(
      heads.map(({ kvHead }) => kvHead),
      [0, 0, 1, 1],
    );
    assert.deepEqual(heads[0]!.k, heads[1]!.k);
    assert.notDeepEqual(heads[1]!.k, heads[2]!.k);
    assert.deepEqual(heads[3]!.otherValues, [heads[0]!.v]);
  });

  it('labels masked heads, and says nothing new about others', async () => {
    const causal = diagnoseHead((await lastLayer('gpt2')).head(1), options, kernels);
    assert.deepEqual([causal.spectrum.gram, causal.rpc?.masked], ['full-Gram', true]);
    assert.ok(causal.noise.every(({ softmax }) => softmax.mean.every((value) => value > 0)));
    const open = diagnoseHead((await lastLayer('distilbert')).head(1), options, kernels);
    assert.deepEqual([open.spectrum.gram, open.rpc?.masked], [undefined, undefined]);
  });

  it('counts visible keys only in attention numbers', async () => {
    const { head, trace } = await lastLayer('gpt2');
    const { attention } = diagnoseHead(head(0), options, kernels);
    const n = trace.tokens;
    let diagonal = 0;
    for (let i = 0; i < n; i++) diagonal += trace.pattern![i * n + i]! / n;
    assert.ok(Math.abs(attention.diagonalMass - diagonal) < tolerance);
  });

  it('takes the projection loss of a token from its prefix alone', async () => {
    const { head } = await lastLayer('gpt2');
    const { q, k, tokens, headDim, rule } = head(0);
    const all = logPhiNorms(q!, k, tokens, headDim, kernels, rule);
    for (const t of [1, 4, tokens]) {
      const part = logPhiNorms(q!.subarray(0, t * headDim), k.subarray(0, t * headDim), t, headDim, kernels);
      assert.ok(Math.abs(part[t - 1]! - all[t - 1]!) < tolerance);
    }
    assert.ok(Math.abs(logPhiNorms(q!, k, tokens, headDim, kernels)[0]! - all[0]!) > 1e-3, 'the mask changes row 0');
  });

  it('takes the Gram matrix of a prefix from its tokens alone, and of all of them for T = N', async () => {
    const { head } = await lastLayer('llama-gqa');
    const input = head(3);
    const of = (prefix: number | null): HeadResult =>
      diagnoseHead(input, { ...options, gram: { keys: 'post-rope', prefix } }, kernels);
    const full = of(null);
    const whole = of(input.tokens);
    assert.deepEqual(whole.spectrum.gramKeys, { from: 0, to: input.tokens });
    assert.deepEqual([full.spectrum.gram, whole.spectrum.gram], ['full-Gram', `prefix-${input.tokens}`]);
    assert.deepEqual(whole.spectrum.eigenvalues, full.spectrum.eigenvalues);
    assert.deepEqual([whole.alignment, whole.noise], [full.alignment, full.noise]);
    const part = of(4);
    assert.equal(part.spectrum.eigenvalues.length, 4);
    assert.equal(part.spectrum.rank, Math.min(input.headDim, 3));
    assert.deepEqual([part.projection, part.attention, part.rpc], [full.projection, full.attention, full.rpc]);
  });

  it('finds a prefix of one or two tokens not measurable, with a reason', async () => {
    const { head } = await lastLayer('gpt2');
    for (const prefix of [1, 2]) {
      const result = diagnoseHead(head(0), { ...options, gram: { keys: 'post-rope', prefix } }, kernels);
      assert.equal(result.alignment.verdict, 'not measurable');
      assert.ok(result.alignment.reason !== undefined && result.gamma.learned.reason !== undefined);
      assert.ok(result.reproduction.asCoded.reason !== undefined);
      assert.ok([...numbersOf(result).values()].every(Number.isFinite));
    }
  });

  it('leaves queries and scores alone when keys enter the Gram matrix before their rotation', async () => {
    const { head } = await lastLayer('llama-gqa');
    const of = (keys: 'post-rope' | 'pre-rope'): HeadResult =>
      diagnoseHead(head(1), { ...options, gram: { keys, prefix: null } }, kernels);
    const [after, before] = [of('post-rope'), of('pre-rope')];
    assert.deepEqual([after.spectrum.keys, before.spectrum.keys], ['post-rope', 'pre-rope']);
    assert.notDeepEqual(before.spectrum.eigenvalues, after.spectrum.eigenvalues);
    assert.deepEqual([before.projection, before.rpc, before.noise], [after.projection, after.rpc, after.noise]);
  });

  it('standardises keys for the Gram matrix alone, and says so', async () => {
    const { head } = await lastLayer('gpt2');
    const input = head(1);
    const of = (standardise: boolean): HeadResult =>
      diagnoseHead(input, { ...options, gram: { ...defaultGram, standardise } }, kernels);
    const [plain, standard] = [of(false), of(true)];
    assert.deepEqual([plain.spectrum.standardised, standard.spectrum.standardised], [undefined, true]);
    // All keys have the norm sqrt(d - 1), so the largest score is that of a key with itself.
    const selfScore = (input.headDim - 1) / Math.sqrt(input.headDim);
    assert.ok(Math.abs(standard.spectrum.maxScore - selfScore) < 1e-6, String(standard.spectrum.maxScore));
    assert.deepEqual([standard.projection, standard.rpc, standard.noise], [plain.projection, plain.rpc, plain.noise]);
    // A key of equal entries has no deviation: the study's epsilon makes it the zero vector.
    const equal = { ...input, k: Float64Array.from(input.k, (value, i) => (i < input.headDim ? 0.5 : value)) };
    const result = diagnoseHead(equal, { ...options, gram: { ...defaultGram, standardise: true } }, kernels);
    assert.ok([...numbersOf(result).values()].every(Number.isFinite));
  });

  it('refuses Gram matrices that a model does not have', () => {
    const refused = (name: string, gram: GramChoice, facts: Partial<ModelSpec> = {}): string => {
      const { index, spec, input } = loadCase(textCases.find((text) => text.name === name)!);
      const base = {
        layers: null,
        heads: null,
        rpc: publishedRpc,
        forward: 'native',
        nulls: 0,
        twins: 0,
        seed: 0,
      } as const;
      const choices = { ...base, noise: noiseSettings([], null, 1), keepTensors: false, gram };
      try {
        makeRequest(index, { ...spec, ...facts }, input, { kind: 'cpu', reason: '' }, choices, '0');
        return 'taken';
      } catch (error) {
        return error instanceof ChoiceError ? `${error.choice}: ${error.message}` : String(error);
      }
    };
    const tokens = textCases.find(({ name }) => name === 'gpt2')!.ids.length;
    assert.equal(refused('gpt2', { keys: 'post-rope', prefix: tokens }), 'taken');
    assert.equal(
      refused('gpt2', { keys: 'post-rope', prefix: tokens + 1 }),
      `gram: The input has ${tokens} tokens, so there is no prefix of ${tokens + 1}. Choose a prefix from 1 to ${tokens}, or full.`,
    );
    assert.equal(
      refused('gpt2', { keys: 'pre-rope', prefix: null }),
      'keys: This model has no rotary positions, so its keys have no state before them. Choose post-rope.',
    );
    assert.equal(refused('gpt2', { keys: 'post-rope', prefix: null, standardise: true }), 'taken');
    assert.equal(
      refused('gpt2', { keys: 'post-rope', prefix: null, standardise: true }, { standardise: true }),
      'standardise: This model standardises its keys itself, so they are standardised already. Leave it out.',
    );
    assert.equal(
      refused('gpt2', { keys: 'post-rope', prefix: null, standardise: true }, { headDim: 1 }),
      'standardise: The heads have one dimension, and one number has no standard deviation. Leave it out.',
    );
    assert.equal(
      refused('distilbert', { keys: 'post-rope', prefix: 2 }),
      'gram: This model is not causal: every query sees all keys, so a prefix is the Gram matrix of no query. Choose full.',
    );
  });
});
