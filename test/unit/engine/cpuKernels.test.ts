// WebAssembly kernels against `reference` on sizes around the tile edges, and exp and GELU to the last digits.

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { createCpuOps, createFloat32CpuOps } from '../../../src/engine/cpu/kernels';
import { instantiateKernels, type WasmModule } from '../../../src/engine/cpu/wasmModule';
import type { LayerOps } from '../../../src/engine/layerOps';
import { createReferenceOps } from '../../../src/engine/reference/kernels';
import type { RpcVariant } from '../../../src/model/modelSpec';
import { randomSymmetric } from './eigenMatrices';
import { normals, relativeError } from './portableNormals';

/** Sums run in another order than in `reference`; both are float64. */
const tolerance = 1e-12;
/**
 * Products in float32 against float64 ones of the same float32 numbers, relative to max |.|: 40 roundings of 2^-24. Sums go
 * by 256 terms, so that more of them cost little; 3e-7 is measured at 3072.
 */
const tolerance32 = 40 * 2 ** -24;
/** Activations in float32, absolute where |x| <= 1, else relative to |x|. */
const activation32 = 2e-7;
const variants: readonly RpcVariant[] = ['code', 'code-headdim', 'paper', 'admm'];

describe('engine: cpu kernels against reference', () => {
  let cpu: LayerOps;
  let narrow: LayerOps;
  let module: WasmModule;
  const reference = createReferenceOps();
  before(async () => {
    cpu = await createCpuOps();
    narrow = await createFloat32CpuOps();
    module = await instantiateKernels();
  });
  const within =
    (allowed: number) =>
    (what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void => {
      const error = relativeError(actual, expected);
      assert.ok(error <= allowed, `${what}: relative error ${error}, allowed ${allowed}`);
    };
  const close = within(tolerance);
  const close32 = within(tolerance32);

  it('multiplies matrices of every remainder of the 4 x 4 tile and across inner blocks', () => {
    for (const [m, k, n] of [
      [1, 1, 1],
      [3, 5, 7],
      [4, 4, 4],
      [5, 256, 65],
      [6, 257, 64],
      [7, 600, 66],
      [50, 116, 129],
      [197, 58, 197],
      [9, 1, 3],
    ] as const) {
      const a = normals(`a/${m}/${k}`, m * k);
      const b = normals(`b/${k}/${n}`, k * n);
      close(`A B ${m}x${k}x${n}`, cpu.kernels.matmul(a, b, m, k, n), reference.kernels.matmul(a, b, m, k, n));
      close(
        `A B^T ${m}x${k}x${n}`,
        cpu.kernels.matmulTransposed(a, b, m, k, n),
        reference.kernels.matmulTransposed(a, b, m, k, n),
      );
    }
  });

  it('treats an empty inner dimension as zero and an empty output as empty', () => {
    const none = new Float64Array(0);
    assert.deepEqual(cpu.kernels.matmul(none, none, 2, 0, 3), new Float64Array(6));
    assert.deepEqual(cpu.kernels.matmul(none, none, 0, 0, 3), new Float64Array(0));
  });

  it('sums q a q^T over rows, for sizes around the blocks of 64 columns and for none', () => {
    for (const [n, count] of [
      [1, 1],
      [7, 3],
      [63, 5],
      [64, 64],
      [65, 4],
      [131, 9],
      [197, 64],
      [20, 0],
    ] as const) {
      const a = randomSymmetric(n);
      const x = normals(`form/${n}/${count}`, count * n);
      const bound = a.reduce((sum, value) => sum + Math.abs(value), 0) + 1;
      const error = Math.abs(cpu.kernels.quadraticForm(a, n, x) - reference.kernels.quadraticForm(a, n, x));
      assert.ok(error <= tolerance * bound, `n ${n}, ${count} rows: ${error}`);
    }
    assert.equal(reference.kernels.quadraticForm(Float64Array.of(2, 3, 3, 5), 2, Float64Array.of(1, 2, -1, 0)), 36);
  });

  for (const tokens of [1, 2, 7, 50, 197]) {
    it(`attention, pattern and RPC of ${tokens} tokens, d = 3, 16, 58, 64, symmetric and asymmetric`, () => {
      for (const d of [3, 16, 58, 64]) {
        const [q, k, v] = ['q', 'k', 'v'].map((name) => normals(`${name}/${tokens}/${d}`, tokens * d)) as [
          Float64Array,
          Float64Array,
          Float64Array,
        ];
        for (const queries of [q, null]) {
          const what = `N ${tokens}, d ${d}, ${queries === null ? 'symmetric' : 'asymmetric'}`;
          close(
            `attention ${what}`,
            cpu.kernels.attention(queries, k, v, tokens, d),
            reference.kernels.attention(queries, k, v, tokens, d),
          );
          const pattern = cpu.kernels.pattern(queries, k, tokens, d);
          close(`pattern ${what}`, pattern, reference.kernels.pattern(queries, k, tokens, d));
          for (let i = 0; i < tokens; i++) {
            const sum = pattern.subarray(i * tokens, (i + 1) * tokens).reduce((a, b) => a + b, 0);
            assert.ok(Math.abs(sum - 1) <= 1e-13, `row ${i} of ${what} sums to ${sum}`);
          }
          for (const variant of variants) {
            const parameters = {
              variant,
              iterations: 4,
              lambda: variant.startsWith('code') ? 0.5 : 0.05,
              embedDim: 3 * d,
            };
            const actual = cpu.kernels.rpc(queries, k, v, tokens, d, parameters);
            const expected = reference.kernels.rpc(queries, k, v, tokens, d, parameters);
            close(`RPC ${variant} ${what}`, actual.out, expected.out);
            close(`cleaned keys ${variant} ${what}`, actual.cleanedKeys, expected.cleanedKeys);
            close(`residual ${variant} ${what}`, actual.numbers.residual, expected.numbers.residual);
            close(`density ${variant} ${what}`, actual.numbers.density, expected.numbers.density);
            close(`sparse norm ${variant} ${what}`, actual.numbers.sparseNorm, expected.numbers.sparseNorm);
            assert.equal(actual.numbers.mu, expected.numbers.mu);
            assert.equal(actual.numbers.tau, expected.numbers.tau);
          }
        }
      }
    });
  }

  it('takes values of another width than the keys', () => {
    const [tokens, d, dv] = [37, 16, 5];
    const k = normals('k', tokens * d);
    const v = normals('v', tokens * dv);
    close(
      'attention',
      cpu.kernels.attention(null, k, v, tokens, d),
      reference.kernels.attention(null, k, v, tokens, d),
    );
  });

  it('keeps scores of a thousand finite and one-hot, and equal rows equal', () => {
    const [tokens, d] = [7, 16];
    const k = normals('k', tokens * d).map((x) => x * 60);
    const v = normals('v', tokens * d);
    close('large', cpu.kernels.attention(null, k, v, tokens, d), reference.kernels.attention(null, k, v, tokens, d));
    const flat = cpu.kernels.pattern(null, new Float64Array(tokens * d).fill(3), tokens, d);
    assert.ok(relativeError(flat, new Float64Array(tokens * tokens).fill(1 / tokens)) <= 1e-15);
  });

  it('handles more than 1024 tokens', () => {
    const [tokens, d] = [1027, 8];
    const q = normals('q', tokens * d);
    const k = normals('k', tokens * d);
    const v = normals('v', tokens * d);
    close('attention', cpu.kernels.attention(q, k, v, tokens, d), reference.kernels.attention(q, k, v, tokens, d));
  });

  it('does not change its inputs', () => {
    const k = normals('k', 70);
    const before = k.slice();
    cpu.kernels.rpc(null, k, k, 7, 10, { variant: 'code', iterations: 2, lambda: 1, embedDim: 20 });
    assert.deepEqual(k, before);
  });

  it('exp is within 2 ulp over [-745, 0], and 0 below', () => {
    const count = 200001;
    const x = Float64Array.from({ length: count }, (_, i) => (-745.2 * i) / (count - 1));
    module.reset();
    const at = module.put(x);
    module.exports.expInto(at, at, count, 0, 1);
    const actual = module.take(at, count);
    let worst = 0;
    for (let i = 0; i < count; i++) {
      const expected = Math.exp(x[i]!);
      const ulp = Math.max(2 ** (Math.floor(Math.log2(expected || Number.MIN_VALUE)) - 52), Number.MIN_VALUE);
      worst = Math.max(worst, Math.abs(actual[i]! - expected) / ulp);
    }
    assert.ok(worst <= 2, `worst error against Math.exp ${worst} ulp`);
    module.reset();
    const low = module.put(Float64Array.of(-746, -1e300, -Infinity, 0, NaN));
    module.exports.expInto(low, low, 5, 0, 1);
    assert.deepEqual([...module.take(low, 5)], [0, 0, 0, 1, NaN]);
  });

  it('activations agree over [-12, 12]', () => {
    const x = Float64Array.from({ length: 4801 }, (_, i) => (i - 2400) / 200);
    for (const kind of ['gelu', 'gelu_tanh', 'relu'] as const) {
      const actual = cpu.activate(kind, x);
      const expected = reference.activate(kind, x);
      for (let i = 0; i < x.length; i++) {
        const error = Math.abs(actual[i]! - expected[i]!);
        // Absolute where GELU is of order 1, relative in its left tail, where tanh itself cancels in `reference`.
        assert.ok(error <= 2e-15 * Math.max(1, Math.abs(x[i]!)), `${kind}(${x[i]!}): error ${error}`);
      }
    }
  });

  it('linear takes matrices that do not fit into one panel', () => {
    // 2^22 numbers a panel: 3 panels of 1024 rows, the last with 5.
    const [rows, width, out] = [3, 4096, 2053];
    const x = normals('panel/x', rows * width);
    const weight = Float32Array.from({ length: width * out }, (_, i) => Math.fround(Math.sin(i)));
    const bias = Float32Array.from({ length: out }, (_, i) => i / out);
    const matrix = { weight, bias };
    const expected = reference.linear(x, rows, matrix, width, out);
    close('panels', cpu.linear(x, rows, matrix, width, out), expected);
    close32('panels in float32', narrow.linear(x, rows, matrix, width, out), expected);
  });

  it('linear in float32 agrees at every remainder of the 4 x 8 tile and across inner blocks', () => {
    for (const [m, k, n] of [
      [1, 1, 1],
      [3, 5, 7],
      [4, 4, 8],
      [5, 256, 65],
      [6, 257, 64],
      [7, 602, 71],
      [197, 58, 197],
      [9, 1, 3],
      [2, 3072, 12],
    ] as const) {
      const x = Float32Array.from(normals(`x/${m}/${k}`, m * k));
      const weight = Float32Array.from({ length: n * k }, (_, i) => Math.sin(i + (i % 7)));
      for (const bias of [null, Float32Array.from({ length: n }, (_, i) => i / n)]) {
        const actual = narrow.linear(x, m, { weight, bias }, k, n);
        assert.ok(actual instanceof Float32Array);
        close32(`${m}x${k}x${n}`, actual, reference.linear(x, m, { weight, bias }, k, n));
      }
    }
    assert.deepEqual(
      narrow.linear(new Float32Array(0), 2, { weight: new Float32Array(0), bias: null }, 0, 3).length,
      6,
    );
  });

  it('activations in float32 agree over [-12, 12] and far outside', () => {
    const near = Float32Array.from({ length: 4801 }, (_, i) => (i - 2400) / 200);
    const x = Float32Array.of(...near, -1e30, -1e4, -100, -88, 88, 100, 1e4, 1e30, -0, NaN);
    for (const kind of ['gelu', 'gelu_tanh', 'relu', 'silu', 'quick_gelu'] as const) {
      const actual = narrow.activate(kind, x);
      const expected = reference.activate(kind, x);
      x.forEach((value, i) => {
        const error = Math.abs(actual[i]! - expected[i]!) / Math.max(1, Math.abs(value));
        const same = Number.isNaN(value) ? Number.isNaN(actual[i]!) : error <= activation32;
        assert.ok(same, `${kind}(${value}) = ${actual[i]!}, expected ${expected[i]!}: ${error}`);
      });
    }
  });

  it('LayerNorm and linear agree, float32 weights included', () => {
    for (const width of [1, 3, 58, 192]) {
      const x = normals(`x/${width}`, 5 * width).map((value) => value * 3 + 1);
      const weight = Float32Array.from(normals('w', width));
      const bias = Float32Array.from(normals('b', width));
      for (const b of [bias, null]) {
        const weights = { weight, bias: b };
        close('LayerNorm', cpu.layerNorm(x, 5, width, weights, 1e-6), reference.layerNorm(x, 5, width, weights, 1e-6));
      }
      const matrix = { weight: Float32Array.from(normals('m', 7 * width)), bias: normals('c', 7) };
      close('linear', cpu.linear(x, 5, matrix, width, 7), reference.linear(x, 5, matrix, width, 7));
    }
  });
});
