import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { diagnoseHead } from '../../../src/diagnostics/diagnoseHead';
import { softmaxOutput } from '../../../src/diagnostics/headAttention';
import type { HeadInput } from '../../../src/diagnostics/headInput';
import { createNoise } from '../../../src/diagnostics/noiseDraws';
import { defaultLevels } from '../../../src/diagnostics/noiseLevels';
import { createRandom, normals } from '../../../src/diagnostics/random';
import { distance, norm, rms } from '../../../src/diagnostics/vector';
import { standardiseRows } from '../../../src/engine/headLayout';
import { kernels, options, projectedHead } from './heads';

const recipe = { name: 'noise', tokens: 20, headDim: 6, embedDim: 12, symmetric: false, keyScale: 1 };
const { tokens, headDim, embedDim } = recipe;
const exact = 1e-12;

function same(a: Float64Array, b: Float64Array, what: string): void {
  const error = distance(a, b) / norm(b);
  assert.ok(error < exact, `${what}: relative error ${error}`);
}

describe('diagnostics noise (spec section 6)', () => {
  it('token_gauss projects noisy tokens as the layer does, norm and standardisation included', () => {
    const plain = projectedHead(recipe);
    const qkNorm = { weight: normals('gain', headDim), bias: normals('offset', headDim), eps: 1e-6 };
    const input: HeadInput = {
      ...plain,
      query: { ...plain.query!, norm: qkNorm },
      key: { ...plain.key, norm: qkNorm },
      standardise: true,
    };
    const noisy = createNoise('token_gauss', input, 3, kernels)(1)(0.4)!;
    const z = createRandom('3/token_gauss/0/-/1').normals(tokens * embedDim);
    const x = input.x.map((value, i) => value + 0.4 * rms(input.x) * z[i]!);
    const projected = (by: HeadInput['key']): Float64Array =>
      kernels
        .matmulTransposed(x, by.weight, tokens, embedDim, headDim)
        .map((value, i) => value + by.bias![i % headDim]!);
    const normed = (y: Float64Array): Float64Array =>
      y.map((value, i) => {
        const row = [...y.subarray(i - (i % headDim), i - (i % headDim) + headDim)];
        const mean = row.reduce((a, b) => a + b) / headDim;
        const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / headDim;
        return ((value - mean) / Math.sqrt(variance + 1e-6)) * qkNorm.weight[i % headDim]! + qkNorm.bias[i % headDim]!;
      });
    same(noisy.v, projected(input.value), 'v');
    same(noisy.k, standardiseRows(normed(projected(input.key)), headDim), 'k');
    same(noisy.q!, standardiseRows(normed(projected(input.query!)), headDim), 'q');
  });

  it('levels are nested, values stay clean under key noise, and the class token is never touched', () => {
    const input = projectedHead(recipe);
    const sparse = createNoise('key_sparse', input, 0, kernels)(0);
    const few = sparse(0.05)!;
    const many = sparse(0.2)!;
    assert.equal(few.v, input.v);
    assert.equal(few.q, input.q);
    let hit = 0;
    input.k.forEach((value, i) => {
      if (few.k[i] === value) return;
      hit++;
      assert.equal(many.k[i], few.k[i]);
      assert.ok(Math.abs(Math.abs(few.k[i]! - value) - 10 * rms(input.k)) < exact);
    });
    assert.equal(hit, Math.floor(0.05 * tokens * headDim + 0.5));

    const replaced = createNoise('token_replace', input, 0, kernels)(0)(1)!;
    same(replaced.k.subarray(0, headDim), input.k.subarray(0, headDim), 'class token');
    for (let i = 1; i < tokens; i++) {
      const row = replaced.v.subarray(i * headDim, (i + 1) * headDim);
      const from = Array.from({ length: tokens }, (_, j) => j).filter((j) => row[0] === input.v[j * headDim]);
      assert.ok(from.length === 1 && from[0] !== i && from[0] !== 0, `token ${i} copies ${from.join()}`);
    }
  });

  it('token_drop takes rows and columns out of S', () => {
    const matrix = normals('S', tokens * tokens);
    const dropped = createNoise('token_drop', { ...projectedHead(recipe), scaled: { matrix } }, 0, kernels)(0)(0.5)!;
    const kept = [...dropped.kept!];
    assert.equal(dropped.tokens, tokens - Math.floor(0.5 * 19 + 0.5));
    assert.equal(kept[0], 0);
    assert.ok(dropped.scaled !== null && 'matrix' in dropped.scaled);
    const { matrix: smaller } = dropped.scaled;
    kept.forEach((i, row) => {
      kept.forEach((j, column) => assert.equal(smaller[row * kept.length + column], matrix[i * tokens + j]));
    });
  });

  it('Scaled Attention mixes values with the noisy keys', () => {
    const input = projectedHead(recipe);
    const alpha = 0.3;
    const noisy = createNoise('key_gauss', { ...input, scaled: { alpha } }, 0, kernels)(0)(0.4)!;
    const smooth = kernels.attention(null, noisy.k, noisy.v, tokens, headDim);
    const mixed = noisy.v.map((value, i) => value - alpha * smooth[i]!);
    const expected = kernels.attention(noisy.q, noisy.k, mixed, tokens, headDim);
    same(softmaxOutput(noisy, headDim, noisy.scaled, kernels), expected, 'alpha x asymmetric');
    const zero = softmaxOutput(noisy, headDim, { matrix: new Float64Array(tokens * tokens) }, kernels);
    same(zero, softmaxOutput(noisy, headDim, null, kernels), 'S = 0');
  });

  it('a method that ignores its keys is collapsed, not robust (F2)', () => {
    const input = projectedHead({ ...recipe, symmetric: true });
    const rpc = { variant: 'code' as const, iterations: 1, lambda: 0, embedDim };
    const noise = { kinds: ['key_gauss' as const], levels: {}, repeats: 4 };
    const result = diagnoseHead(input, options({ rpc, noise }), kernels);
    const [entry] = result.noise;
    assert.equal(entry?.verdict, 'collapsed');
    assert.ok(entry.auc.rpc! < 1e-12);
    assert.ok(result.rpc!.dispersion.rpc! < 1e-12);
    assert.deepEqual(entry.levels, defaultLevels('key_gauss'));
  });

  it('RPC against itself and against clean softmax start from the clean gap', () => {
    const input = projectedHead(recipe);
    const rpc = { variant: 'admm' as const, iterations: 3, lambda: 0.2, embedDim };
    const noise = { kinds: ['key_gauss' as const], levels: { key_gauss: [1e-9] }, repeats: 2 };
    const { rpc: numbers, noise: entries } = diagnoseHead(input, options({ rpc, noise }), kernels);
    const [entry] = entries;
    assert.ok(entry!.rpc!.mean[0]! < 1e-6);
    assert.ok(Math.abs(entry!.rpcVsCleanSoftmax!.mean[0]! - numbers!.cleanGap!) < 1e-6);
  });

  it('native RPC decides pattern and projection loss, softmax elsewhere', () => {
    const input = projectedHead(recipe);
    const nativeRpc = { variant: 'code' as const, iterations: 2, lambda: 0.5, embedDim };
    const native = diagnoseHead({ ...input, nativeRpc }, options(), kernels);
    const beside = diagnoseHead({ ...input, nativeRpc }, options({ rpc: nativeRpc }), kernels);
    const softmax = diagnoseHead(input, options({ rpc: nativeRpc }), kernels);
    assert.deepEqual(native.projection, beside.projection);
    assert.deepEqual(native.attention, beside.attention);
    assert.notDeepEqual(native.projection, softmax.projection);
    assert.notDeepEqual(native.attention, softmax.attention);
    const out = kernels.rpc(input.q, input.k, input.v, tokens, headDim, nativeRpc).out;
    assert.ok(Math.abs(native.projection.hNorm! - norm(out) ** 2 / tokens) < exact);
  });
});
