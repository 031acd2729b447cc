// Spec section 9 (worked example) and the facts F1 to F3 of section 2, as statements about any float64 head kernels.

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import type { HeadKernels, RpcParameters } from '../../../src/engine/headKernels';
import type { RpcVariant } from '../../../src/model/modelSpec';
import { normals, relativeError } from './portableNormals';

const tokens = 6;
const headDim = 3;
const q = normals('demo/q', tokens * headDim);
const k = normals('demo/k', tokens * headDim);
const v = normals('demo/v', tokens * headDim);

/** Spec section 9 as printed: twelve digits for norms, tau and mu, nine for rows; n = 4 unless said. */
const rows: {
  name: string;
  variant: RpcVariant;
  n: number;
  lambda: number;
  asym?: true;
  tau: string;
  row0: string;
  norm: string;
  density: number[] | null;
}[] = [
  {
    name: 'code 1 .5',
    variant: 'code',
    n: 1,
    lambda: 0.5,
    tau: '0.237851609611',
    row0: '0.625171457 -0.425696846 0.358860902',
    norm: '2.025089675531',
    density: [16],
  },
  {
    name: 'code 4 .5',
    variant: 'code',
    n: 4,
    lambda: 0.5,
    tau: '0.237851609611',
    row0: '0.598603724 -0.397907747 0.411330480',
    norm: '2.007389486378',
    density: [16, 14, 17, 18],
  },
  {
    name: 'code 4 4',
    variant: 'code',
    n: 4,
    lambda: 4,
    tau: '1.902812876888',
    row0: '0.132312479 -0.459833988 0.955080972',
    norm: '2.676480727531',
    density: [3, 9, 15, 15],
  },
  {
    name: 'code-headdim 4 .5',
    variant: 'code-headdim',
    n: 4,
    lambda: 0.5,
    tau: '0.118925804805',
    row0: '0.611093414 -0.412286116 0.363822916',
    norm: '2.012332933055',
    density: [16, 16, 17, 17],
  },
  {
    name: 'paper 4 .5',
    variant: 'paper',
    n: 4,
    lambda: 0.5,
    tau: '2.102151004224',
    row0: '-0.294851807 -0.629610600 0.944576888',
    norm: '2.754920165757',
    density: [1, 9, 12, 15],
  },
  {
    name: 'paper 4 4',
    variant: 'paper',
    n: 4,
    lambda: 4,
    tau: '16.817208033793',
    row0: '1.989032478 0.328345179 1.012237118',
    norm: '4.417044374562',
    density: [0, 0, 0, 0],
  },
  {
    name: 'admm 4 .5',
    variant: 'admm',
    n: 4,
    lambda: 0.5,
    tau: '2.102151004224',
    row0: '0.430777061 -0.373117370 0.941033717',
    norm: '3.212756379913',
    density: [1, 9, 12, 12],
  },
  {
    name: 'code+asym 4 .5',
    variant: 'code',
    n: 4,
    lambda: 0.5,
    asym: true,
    tau: '0.237851609611',
    row0: '0.637666056 -0.459486747 0.242905410',
    norm: '2.740026947481',
    density: null,
  },
];

const printed = (values: ArrayLike<number>, digits: number): string =>
  Array.from(values, (value) => value.toFixed(digits)).join(' ');
const norm = (x: Float64Array): number => Math.hypot(...x);
const settings = (variant: RpcVariant, iterations: number, lambda: number): RpcParameters => ({
  variant,
  iterations,
  lambda,
  embedDim: 6,
});

/** Each implementation's test file calls this. */
export function describeWorkedExample(name: string, make: () => Promise<HeadKernels>): void {
  describe(`engine: worked example of the spec, ${name}`, () => {
    let kernels: HeadKernels;
    before(async () => {
      kernels = await make();
    });

    it('draws the printed q, k, v', () => {
      assert.equal(printed(q.subarray(0, 3), 9), '-0.796281645 -0.010280610 -0.659173799');
      assert.equal(printed(k.subarray(0, 3), 9), '-0.083206710 -0.629213807 -1.515083169');
      assert.equal(printed(v.subarray(15), 9), '2.064940981 -1.143593921 0.670199350');
    });

    it('has the printed norms of asymmetric and symmetric attention', () => {
      // The spec prints ...570576; NumPy and a 50-digit computation (2.450820570775577) both say ...570776.
      assert.equal(norm(kernels.attention(q, k, v, tokens, headDim)).toFixed(12), '2.450820570776');
      assert.equal(norm(kernels.attention(null, k, v, tokens, headDim)).toFixed(12), '2.844730671502');
    });

    for (const row of rows) {
      it(`RPC ${row.name}: row 0, norm, tau, mu and density as printed`, () => {
        const { out, numbers } = kernels.rpc(
          row.asym === true ? q : null,
          k,
          v,
          tokens,
          headDim,
          settings(row.variant, row.n, row.lambda),
        );
        assert.equal(printed(out.subarray(0, 3), 9), row.row0);
        assert.equal(norm(out).toFixed(12), row.norm);
        assert.equal(numbers.tau.toFixed(12), row.tau);
        if (row.variant === 'code') assert.equal(numbers.mu.toFixed(12), '0.475703219222');
        if (row.density !== null)
          assert.deepEqual(
            numbers.density.map((share) => Math.round(share * 18)),
            row.density,
          );
        assert.equal(numbers.residual.length, row.n);
        assert.equal(numbers.sparseNorm.length, row.n);
      });
    }

    it('F1: one iteration is softmax attention of keys clipped to [-tau, tau]', () => {
      const { out, numbers } = kernels.rpc(null, k, v, tokens, headDim, settings('code', 1, 0.5));
      const clipped = k.map((value) => Math.max(-numbers.tau, Math.min(numbers.tau, value)));
      const error = relativeError(out, kernels.attention(null, clipped, v, tokens, headDim));
      assert.ok(error <= 1e-14, `relative error ${error}`);
    });

    it('F2: lambda 0 and one iteration give the mean of v in every row', () => {
      const { out } = kernels.rpc(null, k, v, tokens, headDim, settings('code', 1, 0));
      const mean = [0, 1, 2].map((j) => v.filter((_, i) => i % 3 === j).reduce((a, b) => a + b, 0) / tokens);
      const error = relativeError(
        out,
        Array.from(out, (_, i) => mean[i % 3]!),
      );
      assert.ok(error <= 1e-14, `relative error ${error}`);
    });

    it('F3: with a threshold too large to act, the keys are K, L1, L1+L2-K, L1+L2+L3-2K; admm: tK - (L1+..)', () => {
      const low = [1, 2, 3].map((n) => kernels.rpc(null, k, v, tokens, headDim, settings('paper', n, 1e6)).out);
      const keys = (t: number): Float64Array =>
        k.map((key, i) => low.slice(0, t - 1).reduce((sum, l) => sum + l[i]!, 0) - (t - 2) * key);
      const admmLow = [1, 2, 3].map((n) => kernels.rpc(null, k, v, tokens, headDim, settings('admm', n, 1e6)).out);
      const admmKeys = (t: number): Float64Array =>
        k.map((key, i) => t * key - admmLow.slice(0, t - 1).reduce((sum, l) => sum + l[i]!, 0));
      for (let t = 1; t <= 4; t++) {
        const paper = kernels.rpc(null, k, v, tokens, headDim, settings('paper', t, 1e6)).cleanedKeys;
        const admm = kernels.rpc(null, k, v, tokens, headDim, settings('admm', t, 1e6)).cleanedKeys;
        const errors = [relativeError(paper, keys(t)), relativeError(admm, admmKeys(t))];
        assert.ok(Math.max(...errors) <= 1e-13, `t = ${t}: relative errors ${errors.join(', ')}`);
      }
    });

    it('refuses keys that are all zero with a sentence', () => {
      assert.throws(
        () => kernels.rpc(null, new Float64Array(18), v, tokens, headDim, settings('code', 1, 4)),
        /keys are all zero/,
      );
    });
  });
}
