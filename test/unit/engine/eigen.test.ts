// The eigensolver: exact residual and orthogonality on matrices of all kinds, against numpy, and what happens when a
// solver fails.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'mocha';
import { wasmEigen } from '../../../src/engine/cpu/eigen';
import { createCpuKernels } from '../../../src/engine/cpu/kernels';
import { instantiateKernels, type WasmModule } from '../../../src/engine/cpu/wasmModule';
import type { HeadKernels } from '../../../src/engine/headKernels';
import { plainEigen } from '../../../src/engine/reference/eigen';
import { createReferenceKernels } from '../../../src/engine/reference/kernels';
import { checkedEigen, eigenErrors, type EigenPairs } from '../../../src/engine/symmetricEigen';
import { centredGram, lowRank, randomSymmetric, symmetric, withEigenvalues } from './eigenMatrices';

/** Spec section 7. */
const residualBound = 1e-13;
const orthogonalityBound = 1e-12;
/** Against numpy, relative to w_1: both solvers, and both ways to the Gram matrix, are good to a few 1e-15. */
const valueTolerance = 1e-13;
/** Vectors turn by the error of the matrix over the gap of the eigenvalue, 1e-3 w_1 or more in the goldens. */
const vectorTolerance = 1e-11;

interface Goldens {
  readonly cases: readonly {
    readonly tokens: number;
    readonly headDim: number;
    readonly sd: number;
    readonly values: readonly number[];
    readonly vectors: readonly (readonly number[] | null)[];
  }[];
}

let cpu: HeadKernels;
let module: WasmModule;

/** ||A U - U W|| / ||A|| and ||U^T U - I|| by the full products, [count] vectors. */
function exactErrors(a: Float64Array, { size: n, values, vectors }: EigenPairs): [number, number] {
  const count = vectors.length / n;
  const images = cpu.matmulTransposed(vectors, a, count, n, n);
  const inner = cpu.matmulTransposed(vectors, vectors, count, n, count);
  let residual = 0;
  let orthogonality = 0;
  images.forEach((x, at) => {
    residual += (x - values[Math.floor(at / n)]! * vectors[at]!) ** 2;
  });
  inner.forEach((x, at) => {
    orthogonality += (x - (at % (count + 1) === 0 ? 1 : 0)) ** 2;
  });
  const norm = Math.sqrt(a.reduce((sum, x) => sum + x * x, 0));
  return [norm === 0 ? 0 : Math.sqrt(residual) / norm, Math.sqrt(orthogonality)];
}

/** The pairs of the WASM solver alone, without the check and the way out behind it. */
function solve(a: Float64Array, n: number, count: number): EigenPairs {
  const pairs = wasmEigen(module, a, n, count);
  assert.ok(pairs !== null, 'the solver gave up');
  const [residual, orthogonality] = exactErrors(a, pairs);
  assert.ok(residual < residualBound, `n ${n}, ${count} vectors: residual ${residual}`);
  assert.ok(orthogonality < orthogonalityBound, `n ${n}, ${count} vectors: orthogonality ${orthogonality}`);
  const { values } = eigenErrors(a, pairs);
  assert.ok(values < residualBound, `n ${n}: trace and norm of the eigenvalues are off by ${values}`);
  for (let i = 1; i < n; i++) assert.ok(pairs.values[i]! <= pairs.values[i - 1]!, `order at ${i}`);
  return pairs;
}

describe('engine: symmetric eigendecomposition', () => {
  before(async () => {
    cpu = await createCpuKernels();
    module = await instantiateKernels();
  });

  const kinds: Record<string, (n: number) => Float64Array> = {
    'Gram, sd 1': (n) => centredGram(n, 16, 1),
    'Gram, sd 2': (n) => centredGram(n, 16, 2),
    'Gram, sd 3': (n) => centredGram(n, 64, 3),
    'Gram, sd 6': (n) => centredGram(n, 16, 6),
    'Gram, sd 30': (n) => centredGram(n, 16, 30),
    'random entries': randomSymmetric,
    'three clusters': (n) => withEigenvalues(Array.from({ length: n }, (_, i) => 1 + (i % 3))),
    'one cluster of width 1e-13': (n) => withEigenvalues(Array.from({ length: n }, (_, i) => 1 + (1e-13 * i) / n)),
    'graded to 10^(-n/4)': (n) => withEigenvalues(Array.from({ length: n }, (_, i) => 10 ** (-i / 4))),
    'rank 5': (n) => lowRank(n, Math.min(n, 5)),
    'equal entries': (n) => symmetric(n, () => 1),
    diagonal: (n) => symmetric(n, (i, j) => (i === j ? (i * 7919) % n : 0)),
    identity: (n) => symmetric(n, (i, j) => (i === j ? 1 : 0)),
    zero: (n) => new Float64Array(n * n),
    'Wilkinson (pairs that agree to the last digit)': (n) =>
      symmetric(n, (i, j) => (i === j ? Math.abs(i - (n - 1) / 2) : i - j === 1 ? 1 : 0)),
    'second differences': (n) => symmetric(n, (i, j) => (i === j ? 2 : i - j === 1 ? -1 : 0)),
    'entries of 1e-140': (n) => randomSymmetric(n).map((x) => 1e-140 * x),
    'entries of 1e140': (n) => randomSymmetric(n).map((x) => 1e140 * x),
    'blocks that do not touch': (n) =>
      symmetric(n, (i, j) => (Math.floor(i / 7) === Math.floor(j / 7) ? 1 / (1 + i + j) : 0)),
  };
  for (const [name, make] of Object.entries(kinds)) {
    it(name, () => {
      // 1, 2, 3; a leaf of the recursion and one more; primes; two and three levels.
      for (const n of [1, 2, 3, 5, 32, 33, 65, 97, 131, 197]) {
        const a = make(n);
        const all = solve(a, n, n);
        for (const count of new Set([0, 1, Math.ceil(n / 3), n])) {
          const some = solve(a, n, count);
          assert.deepEqual(some.values, all.values, 'eigenvalues do not depend on how many vectors are wanted');
        }
      }
    });
  }

  it('N 521, all pairs and the top 64, keys of sd 1 and 4', () => {
    for (const sd of [1, 4]) {
      const a = centredGram(521, 64, sd);
      for (const count of [64, 521]) solve(a, 521, count);
    }
  });

  if (process.env['GRAMLENS_FULL'] === '1') {
    it('N 1024 and 1500, keys of sd 1 to 6', () => {
      for (const n of [1024, 1500]) {
        for (const sd of [1, 3, 6]) solve(centredGram(n, 64, sd), n, n);
      }
    }).timeout(600000);
  }

  const goldens = JSON.parse(readFileSync('test/fixtures/engine/eigen.json', 'utf8')) as Goldens;
  for (const backend of ['wasm', 'reference'] as const) {
    for (const golden of goldens.cases) {
      it(`${backend} agrees with numpy: N ${golden.tokens}, d ${golden.headDim}, sd ${golden.sd}`, () => {
        const kernels = backend === 'wasm' ? cpu : createReferenceKernels();
        const n = golden.tokens;
        const pairs = kernels.symmetricEigen(centredGram(n, golden.headDim, golden.sd), n, 3);
        golden.values.forEach((value, i) => {
          const error = Math.abs(pairs.values[i]! - value) / golden.values[0]!;
          assert.ok(error < valueTolerance, `w_${i + 1}: ${error} of w_1`);
        });
        golden.vectors.forEach((vector, i) => {
          if (vector === null) return;
          const found = pairs.vectors.subarray(i * n, (i + 1) * n);
          const error = Math.max(...vector.map((x, at) => Math.abs(x - found[at]!)));
          assert.ok(error < vectorTolerance, `u_${i + 1}: ${error}`);
        });
        assert.equal(pairs.vectors.length, 3 * n);
      });
    }
  }

  it('is the same to the last bit each time, whatever ran before', async () => {
    const a = centredGram(197, 16, 2);
    const first = cpu.symmetricEigen(a, 197, 64);
    cpu.symmetricEigen(randomSymmetric(131), 131, 131);
    cpu.matmul(a, a, 197, 197, 197);
    assert.deepEqual(cpu.symmetricEigen(a, 197, 64), first);
    const other = await createCpuKernels();
    assert.deepEqual(other.symmetricEigen(a, 197, 64), first);
  });

  it('a wrong result is noticed and the other solver takes over', () => {
    const n = 41;
    const a = centredGram(n, 16, 1);
    const right = cpu.symmetricEigen(a, n, n);
    assert.equal(right.note, undefined);
    assert.equal(createReferenceKernels().symmetricEigen(a, n, n).note, undefined);
    const spoilt: Record<string, (pairs: EigenPairs) => void> = {
      'a value is off by 1e-12 of w_1': ({ values }) => (values[7] = values[7]! + 1e-12 * values[0]!),
      'a vector is longer by 1e-11': ({ vectors }) =>
        vectors.subarray(n, 2 * n).forEach((x, i, u) => (u[i] = x * (1 + 1e-11))),
      'an entry is off': ({ vectors }) => (vectors[5 * n + 3] = vectors[5 * n + 3]! + 1e-11),
      'two vectors are the same': ({ vectors }) => vectors.copyWithin(0, n, 2 * n),
      'a value is missing': ({ values }) => values.copyWithin(20, 21),
      NaN: ({ vectors }) => (vectors[0] = NaN),
    };
    for (const [name, spoil] of Object.entries(spoilt)) {
      const pairs = plainEigen(a, n, n);
      spoil(pairs);
      let asked = 0;
      const found = checkedEigen(
        a,
        n,
        () => pairs,
        () => {
          asked++;
          return plainEigen(a, n, n);
        },
      );
      assert.equal(asked, 1, name);
      assert.match(found.note ?? '', /did not pass its check/, name);
      assert.ok(Math.abs(found.values[7]! - right.values[7]!) < valueTolerance * right.values[0]!, name);
    }
    const wrong = (): EigenPairs => ({ size: n, values: new Float64Array(n), vectors: new Float64Array(n * n) });
    assert.throws(() => checkedEigen(a, n, () => null, wrong), {
      name: 'EngineError',
      reason: 'internal',
      message:
        'The eigenvectors of a 41 x 41 matrix did not come out right (residual 0.0e+0, orthogonality 6.4e+0): a fault of Gramlens. Please report it with the name of the checkpoint.',
    });
  });

  it('a matrix with NaN or infinity is refused by the solver', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const a = centredGram(9, 4, 1);
      a[3 * 9 + 5] = bad;
      a[5 * 9 + 3] = bad;
      assert.equal(wasmEigen(module, a, 9, 9), null);
    }
  });
});
