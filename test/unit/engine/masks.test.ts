// Masks and score scales of the head kernels: cpu against reference, and reference against the definition.

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { createCpuKernels } from '../../../src/engine/cpu/kernels';
import type { HeadKernels } from '../../../src/engine/headKernels';
import { createReferenceKernels } from '../../../src/engine/reference/kernels';
import type { ScoreRule } from '../../../src/model/blockShape';
import { normals, relativeError } from './portableNormals';

/** Round-off of sums in another order, float64. */
const tolerance = 1e-12;
/** RPC amplifies it. */
const rpcTolerance = 1e-10;

const rules: readonly ScoreRule[] = [
  { causal: true, window: null, scale: null },
  { causal: true, window: 3, scale: 1 },
  { causal: true, window: 1, scale: null },
  { causal: false, window: 4, scale: 0.3 },
  { causal: false, window: null, scale: 1 },
];

describe('engine: masked attention', () => {
  const reference = createReferenceKernels();
  let cpu: HeadKernels;
  before(async () => {
    cpu = await createCpuKernels();
  });

  for (const rule of rules) {
    for (const [n, d] of [
      [1, 3],
      [7, 5],
      [33, 8],
      [70, 58],
    ] as const) {
      it(`${JSON.stringify(rule)}, N ${n}, d ${d}: cpu as reference`, () => {
        const [q, k, v] = ['q', 'k', 'v'].map((name) => normals(`mask/${name}`, n * d)) as [
          Float64Array,
          Float64Array,
          Float64Array,
        ];
        const close = (what: string, a: Float64Array, b: Float64Array, allowed: number): void => {
          const error = relativeError(a, b);
          assert.ok(error <= allowed, `${what}: relative error ${error}, allowed ${allowed}`);
        };
        close('pattern', cpu.pattern(q, k, n, d, rule), reference.pattern(q, k, n, d, rule), tolerance);
        close('output', cpu.attention(null, k, v, n, d, rule), reference.attention(null, k, v, n, d, rule), tolerance);
        const settings = { variant: 'code', iterations: 3, lambda: 0.5, embedDim: d } as const;
        const mine = cpu.rpc(q, k, v, n, d, settings, rule);
        const wanted = reference.rpc(q, k, v, n, d, settings, rule);
        close('RPC', mine.out, wanted.out, rpcTolerance);
      });
    }
  }

  it('gives keys that are not visible no weight, and rows that sum to 1', () => {
    const n = 9;
    const k = normals('mask/k', n * 4);
    const pattern = reference.pattern(null, k, n, 4, { causal: true, window: 3, scale: null });
    for (let i = 0; i < n; i++) {
      const row = pattern.subarray(i * n, (i + 1) * n);
      assert.deepEqual(
        [...row.keys()].filter((j) => row[j]! > 0),
        [i - 2, i - 1, i].filter((j) => j >= 0),
      );
      assert.ok(Math.abs(row.reduce((sum, weight) => sum + weight, 0) - 1) < tolerance);
    }
  });

  it('is what softmax over the prefix alone gives', () => {
    const [n, d, t] = [12, 5, 8];
    const [k, v] = [normals('prefix/k', n * d), normals('prefix/v', n * d)];
    const causal = reference.attention(null, k, v, n, d, { causal: true, window: null, scale: null });
    const prefix = reference.attention(null, k.subarray(0, t * d), v.subarray(0, t * d), t, d);
    assert.ok(relativeError(causal.subarray((t - 1) * d, t * d), prefix.subarray((t - 1) * d)) < tolerance);
  });
});
