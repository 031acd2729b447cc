// Our attention and RPC kernels, both families, against the float64 reference head by head.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { createReferenceKernels } from '../../src/engine/reference/kernels';
import { rpcConstants } from '../../src/engine/rpcConstants';
import { BufferPool, BufferScope } from '../../src/engine/webgpu/bufferPool';
import {
  chunksOf,
  familyFor,
  HeadAttention,
  type HeadLimits,
  paddedDim,
  type HeadSizes,
  type KernelFamily,
  type RpcPlan,
} from '../../src/engine/webgpu/headAttention';
import { foldDispatch, Pipelines } from '../../src/engine/webgpu/pipelines';
import type { RpcVariant } from '../../src/model/modelSpec';
import { openDawn, type Dawn } from './dawn';
import { float32Tolerance, normals, relativeError, rpcTolerance } from './geometries';

const reference = createReferenceKernels();

interface Heads {
  readonly sizes: HeadSizes;
  readonly q: Float64Array;
  readonly k: Float64Array;
  readonly v: Float64Array;
}

function makeHeads(heads: number, tokens: number, headDim: number, keyScale = 1): Heads {
  const random = normals(`${heads}/${tokens}/${headDim}`);
  const make = (scale: number): Float64Array =>
    Float64Array.from({ length: heads * tokens * headDim }, () => Math.fround(scale * random()));
  return { sizes: { heads, tokens, headDim }, q: make(keyScale), k: make(keyScale), v: make(1) };
}

/** Of each head, concatenated. */
function perHead({ sizes }: Heads, run: (of: (x: Float64Array) => Float64Array) => Float64Array): Float64Array {
  const size = sizes.tokens * sizes.headDim;
  const parts = Array.from({ length: sizes.heads }, (_, h) => run((x) => x.subarray(h * size, (h + 1) * size)));
  const all = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => {
    all.set(part, at);
    return at + part.length;
  }, 0);
  return all;
}

describe('webgpu: attention and RPC kernels', () => {
  let dawn: Dawn;
  let pool: BufferPool;
  let pipelines: Pipelines;
  const worst = { attention: 0, rpc: 0 };

  before(async () => {
    dawn = await openDawn();
    console.log(`    adapter: ${dawn.description}${dawn.isFallback ? ' (software)' : ''}`);
    pool = new BufferPool(dawn.device);
    pipelines = new Pipelines(dawn.device);
  });
  after(() => {
    console.log(
      `    worst error: attention ${worst.attention.toExponential(1)}, RPC ${worst.rpc.toExponential(1)} of max`,
    );
    assert.equal(pool.bytes.live, 0, 'every buffer went back to the pool');
    pool.dispose();
    dawn.device.destroy();
  });

  /** Runs on the device and reads back [H, N, d] and the pattern. */
  async function onDevice(
    family: KernelFamily,
    { sizes, q, k, v }: Heads,
    symmetric: boolean,
    plan: RpcPlan | null,
    limits: HeadLimits = {},
  ): Promise<{ out: Float32Array; pattern: Float32Array }> {
    const { heads, tokens, headDim } = sizes;
    const d4 = paddedDim(headDim);
    const attention = new HeadAttention(dawn.device, pipelines, family, limits);
    const scope = new BufferScope(dawn.device, pool);
    const upload = (x: Float64Array, label: string): GPUBuffer => {
      const padded = new Float32Array(heads * tokens * d4);
      for (let i = 0; i < heads * tokens; i++) padded.set(x.subarray(i * headDim, (i + 1) * headDim), i * d4);
      return scope.upload(padded, label);
    };
    dawn.device.pushErrorScope('validation');
    try {
      const keys = upload(k, 'k');
      const queries = symmetric ? null : upload(q, 'q');
      const values = upload(v, 'v');
      const run =
        plan === null
          ? await attention.attend(scope, sizes, queries ?? keys, keys, values, true)
          : await attention.rpc(scope, sizes, queries, keys, values, plan, true);
      const padded = await scope.read(run.out, heads * tokens * d4, 'out');
      const out = new Float32Array(heads * tokens * headDim);
      for (let i = 0; i < heads * tokens; i++) out.set(padded.subarray(i * d4, i * d4 + headDim), i * headDim);
      assert.ok(run.pattern !== null);
      return { out, pattern: run.pattern };
    } finally {
      scope.end();
      const error = await dawn.device.popErrorScope();
      assert.equal(error?.message, undefined);
    }
  }

  function checkAttention(
    heads: Heads,
    symmetric: boolean,
    actual: { out: Float32Array; pattern: Float32Array },
  ): void {
    const { tokens, headDim } = heads.sizes;
    const pattern = perHead(heads, (of) =>
      reference.pattern(symmetric ? null : of(heads.q), of(heads.k), tokens, headDim),
    );
    const out = perHead(heads, (of) =>
      reference.attention(symmetric ? null : of(heads.q), of(heads.k), of(heads.v), tokens, headDim),
    );
    const errors = { pattern: relativeError(actual.pattern, pattern), out: relativeError(actual.out, out) };
    worst.attention = Math.max(worst.attention, errors.pattern, errors.out);
    assert.ok(errors.pattern <= float32Tolerance && errors.out <= float32Tolerance, JSON.stringify(errors));
  }

  for (const family of ['quads', 'registers', 'tiles'] as const) {
    describe(family, () => {
      for (const [count, tokens, headDim] of [
        [1, 1, 1],
        [2, 2, 3],
        [3, 4, 4],
        [2, 5, 8],
        [2, 33, 5],
        [2, 53, 58],
        [1, 65, 65],
        [3, 197, 64],
        [1, 131, 130],
      ] as const) {
        for (const symmetric of [false, true]) {
          it(`attends ${count} heads of ${tokens} x ${headDim}${symmetric ? ', symmetric' : ''}`, async () => {
            const heads = makeHeads(count, tokens, headDim);
            checkAttention(heads, symmetric, await onDevice(family, heads, symmetric, null));
          });
        }
      }

      it('keeps rows that sum to 1 and stays finite at logits of +-1000', async () => {
        const heads = makeHeads(2, 37, 6, 1);
        heads.q.forEach((value, i) => (heads.q[i] = Math.fround(value * 40)));
        heads.k.forEach((value, i) => (heads.k[i] = Math.fround(value * 40)));
        const scores = reference.matmulTransposed(heads.q.subarray(0, 37 * 6), heads.k.subarray(0, 37 * 6), 37, 6, 37);
        assert.ok(Math.max(...scores) / Math.sqrt(6) > 1000 && Math.min(...scores) / Math.sqrt(6) < -1000);
        const actual = await onDevice(family, heads, false, null);
        checkAttention(heads, false, actual);
        for (let row = 0; row < 2 * 37; row++) {
          const sum = actual.pattern.subarray(row * 37, (row + 1) * 37).reduce((total, weight) => total + weight, 0);
          assert.ok(Math.abs(sum - 1) < 1e-5, `row ${row} sums to ${sum}`);
        }
      });

      it('gives equal keys equal weight', async () => {
        const heads = makeHeads(1, 11, 4);
        heads.k.fill(0.5);
        const { pattern } = await onDevice(family, heads, false, null);
        assert.ok(relativeError(pattern, new Float64Array(121).fill(1 / 11)) < 1e-6);
      });

      it('folds more workgroups than one dimension takes', async () => {
        // 17 stands in for the 65535 of a device: 265 rows of softmax, 40 tiles of scores or fewer.
        const heads = makeHeads(5, 53, 10);
        const limits = { workgroupsPerDimension: 17 };
        checkAttention(heads, false, await onDevice(family, heads, false, null, limits));
        const plan = { tau: [1, 1, 1, 1, 1], sigma: -1 as const, iterations: 2 };
        const [folded, plain] = [
          await onDevice(family, heads, true, plan, limits),
          await onDevice(family, heads, true, plan),
        ];
        assert.deepEqual(folded, plain);
      });

      for (const [what, bytes] of [
        ['heads', 2 * 53 * 56 * 4],
        ['query rows', 20 * 56 * 4],
      ] as const) {
        it(`gives the same in chunks of ${what}`, async () => {
          const heads = makeHeads(3, 53, 10);
          for (const symmetric of [false, true]) {
            checkAttention(heads, symmetric, await onDevice(family, heads, symmetric, null, { scoreBytes: bytes }));
          }
        });
      }

      for (const variant of ['code', 'code-headdim', 'paper', 'admm'] as const satisfies readonly RpcVariant[]) {
        for (const symmetric of [true, false]) {
          it(`iterates RPC ${variant}${symmetric ? '' : '+asym'} 1 to 4 times`, async () => {
            const heads = makeHeads(2, 29, 6, 0.8);
            const { tokens, headDim } = heads.sizes;
            const errors: Record<string, number> = {};
            for (const lambda of [0.5, 4]) {
              for (const iterations of [1, 2, 3, 4]) {
                const parameters = { variant, iterations, lambda, embedDim: 12 };
                const constants = [0, 1].map((h) => {
                  const k = heads.k.subarray(h * tokens * headDim, (h + 1) * tokens * headDim);
                  return rpcConstants(
                    parameters,
                    k.reduce((sum, x) => sum + Math.abs(x), 0),
                    tokens,
                    headDim,
                  );
                });
                const plan = { tau: constants.map(({ tau }) => tau), sigma: constants[0]!.sigma, iterations };
                const actual = await onDevice(family, heads, symmetric, plan);
                const run = (of: (x: Float64Array) => Float64Array): ReturnType<typeof reference.rpc> =>
                  reference.rpc(symmetric ? null : of(heads.q), of(heads.k), of(heads.v), tokens, headDim, parameters);
                const key = `lambda ${lambda}, n ${iterations}`;
                errors[key] = relativeError(
                  actual.out,
                  perHead(heads, (of) => run(of).out),
                );
                errors[`${key}, pattern`] = relativeError(
                  actual.pattern,
                  perHead(heads, (of) =>
                    reference.pattern(symmetric ? null : of(heads.q), run(of).cleanedKeys, tokens, headDim),
                  ),
                );
              }
            }
            worst.rpc = Math.max(worst.rpc, ...Object.values(errors));
            assert.ok(
              Object.values(errors).every((error) => error <= rpcTolerance),
              JSON.stringify(errors),
            );
          });
        }
      }
    });
  }

  it('stores [H, N, N] only where somebody looks at it', async () => {
    const { sizes, q, k, v } = makeHeads(4, 64, 4);
    const bytesHeld = async (wantPattern: boolean): Promise<number> => {
      const fresh = new BufferPool(dawn.device);
      const scope = new BufferScope(dawn.device, fresh);
      const [queries, keys, values] = [q, k, v].map((x) => scope.upload(Float32Array.from(x), 'heads'));
      await new HeadAttention(dawn.device, pipelines, 'tiles').attend(
        scope,
        sizes,
        queries!,
        keys!,
        values!,
        wantPattern,
      );
      scope.end();
      const { free } = fresh.bytes;
      fresh.dispose();
      return free;
    };
    const whole = 4 * 64 * 64 * 4;
    assert.ok((await bytesHeld(false)) < whole);
    assert.ok((await bytesHeld(true)) > whole);
  });

  it('takes quads on software adapters that have them, and workgroup memory on hardware', () => {
    const families = [true, false].map((isFallback) =>
      [['subgroups'], []].map((features) => familyFor(new Set(features), isFallback)),
    );
    assert.deepEqual(families, [
      ['quads', 'registers'],
      ['tiles', 'tiles'],
    ]);
  });

  it('plans dispatches and chunks within the limits', () => {
    assert.deepEqual(foldDispatch(65535, 65535), [65535, 1]);
    const [x, y] = foldDispatch(65536 * 3 + 1, 65535);
    assert.ok(x <= 65535 && y <= 65535 && x * y >= 65536 * 3 + 1);
    assert.throws(() => foldDispatch(17, 4), /passes the limits/);
    assert.deepEqual(chunksOf(12, 197, 800, 800 * 197 * 5), { heads: 5, rows: 197 });
    assert.deepEqual(chunksOf(12, 197, 800, 800 * 50), { heads: 1, rows: 50 });
    assert.deepEqual(chunksOf(2, 197, 800, 1e9), { heads: 2, rows: 197 });
  });
});
