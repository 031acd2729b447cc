import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { alignmentNumbers } from '../../../src/diagnostics/alignment';
import { linearAssignment } from '../../../src/diagnostics/assignment';
import { gammaStatistics } from '../../../src/diagnostics/gamma';
import { keyGram } from '../../../src/diagnostics/gram';
import { centringResidual, kpcaValues, recoveredCoefficients } from '../../../src/diagnostics/kpcaValues';
import { anyOrthonormalBasis, orthonormalBasis } from '../../../src/diagnostics/orthonormal';
import { projectionNumbers } from '../../../src/diagnostics/projectionLoss';
import { createRandom, normals } from '../../../src/diagnostics/random';
import { noEpsilons, reproductionNumbers } from '../../../src/diagnostics/reproduction';
import { similarity, similaritySide } from '../../../src/diagnostics/similarity';
import { keySpectrum } from '../../../src/diagnostics/spectrum';
import { statisticsOfDraw, subspaceStatistics, subspaceTarget } from '../../../src/diagnostics/subspace';
import { centreColumns, norm, squaredNorm, sum, transpose } from '../../../src/diagnostics/vector';
import { headInput, kernels, noTwins, options, randomHead } from './heads';

/** Identities hold to round-off; spec sections 3 and 7. */
const exact = 1e-12;

function below(value: number, limit: number, what: string): void {
  assert.ok(value < limit, `${what}: ${value} is not below ${limit}`);
}

/** Residual and loss of orthogonality of an eigen-decomposition. */
function eigenErrors(a: Float64Array, n: number): { residual: number; orthogonality: number } {
  const { values, vectors } = kernels.symmetricEigen(a, n, n);
  const images = kernels.matmulTransposed(vectors, a, n, n, n);
  const inner = kernels.matmulTransposed(vectors, vectors, n, n, n);
  for (let i = 0; i < n; i++) {
    inner[i * n + i]! -= 1;
    for (let j = 0; j < n; j++) images[i * n + j]! -= values[i]! * vectors[i * n + j]!;
  }
  return { residual: norm(images) / norm(a), orthogonality: norm(inner) };
}

describe('diagnostics identities (spec section 3)', () => {
  const sizes = [
    { tokens: 2, headDim: 1, sd: 1 },
    { tokens: 17, headDim: 5, sd: 1 },
    { tokens: 50, headDim: 16, sd: 2 },
    { tokens: 61, headDim: 64, sd: 1 },
    { tokens: 40, headDim: 16, sd: 6 },
  ];
  for (const { tokens, headDim, sd } of sizes) {
    it(`Gram matrix, N ${tokens}, d ${headDim}, keys of sd ${sd}`, () => {
      const { k } = randomHead('identity', tokens, headDim, sd);
      const spectrum = keySpectrum(k, tokens, headDim, kernels);
      const { gram, eigen } = spectrum;
      for (let i = 0; i < tokens; i++) {
        // K_phi g = 1, with K_phi and g in logs.
        let total = 0;
        for (let j = 0; j < tokens; j++) {
          total += gram.gram[i * tokens + j]! * Math.exp(gram.shift + gram.logG[j]!);
        }
        below(Math.abs(total - 1), 1e-11, `K_phi g of row ${i}`);
        const row = gram.centred.subarray(i * tokens, (i + 1) * tokens);
        below(Math.abs(sum(row)), tokens * exact, `Kc 1 of row ${i}`);
      }
      let trace = 0;
      let bound = 0;
      for (let i = 0; i < tokens; i++) {
        trace += Math.exp(gram.shift) * gram.centred[i * tokens + i]!;
        bound += Math.exp(-squaredNorm(k.subarray(i * headDim, (i + 1) * headDim)) / Math.sqrt(headDim));
      }
      assert.ok(trace <= bound * (1 + exact) && bound <= tokens, `trace ${trace}, bound ${bound}`);
      assert.ok(Math.exp(gram.shift) * eigen.values[0]! <= tokens);
      for (let c = 0; c < spectrum.rank; c++) {
        // 1 is an eigenvector of 0, so u is orthogonal to it up to round-off over the distance of w from 0.
        const u = eigen.vectors.subarray(c * tokens, (c + 1) * tokens);
        below((Math.abs(sum(u)) * eigen.values[c]!) / eigen.values[0]!, 1e-13 * tokens, `P u = u for u_${c + 1}`);
        const largest = u.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
        assert.ok(largest > 0, 'sign convention');
      }
    });
  }

  it('feeding V = Vhat(kpca) back is perfect alignment, and h its projection', () => {
    const tokens = 40;
    const headDim = 8;
    const { k } = randomHead('control', tokens, headDim);
    const spectrum = keySpectrum(k, tokens, headDim, kernels);
    const v = kpcaValues(spectrum, headDim, 'kpca');
    below(centringResidual(spectrum.gram, v)!, exact, 'centring residual');
    const columns = transpose(recoveredCoefficients(spectrum.gram, v), tokens, headDim);
    for (const residual of gammaStatistics(spectrum, columns, kernels).eigenResidual) {
      below(residual!, exact, 'eigen-residual');
    }
    const { theory } = alignmentNumbers(headInput(tokens, headDim, { k, v }), options(), spectrum, noTwins, kernels);
    below(1 - theory.overlap!, exact, '1 - overlap');
    below(1 - theory.energy!, exact, '1 - energy');
    below(1 - theory.rayleigh!, exact, '1 - rayleigh');
    below(1 - theory.cosines.at(-1)!, exact, '1 - smallest cosine');
    for (const q of [null, normals('control/q', tokens * headDim)]) {
      const h = kernels.attention(q, k, v, tokens, headDim);
      const numbers = projectionNumbers(q, k, h, tokens, headDim, kernels);
      assert.equal(numbers.besselViolation, 0);
      assert.ok(numbers.signed! >= 0, `J ${numbers.signed!}`);
    }
    // The same values against other keys are no projection onto orthonormal axes: the check above can fail.
    const wrong = kernels.attention(
      null,
      k,
      v.map((value) => 50 * value),
      tokens,
      headDim,
    );
    assert.ok(projectionNumbers(null, k, wrong, tokens, headDim, kernels).besselViolation > 0);
  });

  it('symmetric heads: log ||phi(k_i)||^2 is the diagonal of log K_phi', () => {
    const { k } = randomHead('phi', 20, 4);
    const gram = keyGram(k, 20, 4, kernels);
    const numbers = projectionNumbers(null, k, k, 20, 4, kernels);
    const diagonal = Float64Array.from({ length: 20 }, (_, i) => gram.gram[i * 21]! * Math.exp(gram.shift));
    below(Math.abs(numbers.phiNorm! - sum(diagonal) / 20), exact, 'mean ||phi||^2');
  });
});

describe('diagnostics invariances (spec sections 4 and 5)', () => {
  const tokens = 30;
  const headDim = 7;
  const { k, v } = randomHead('invariance', tokens, headDim);
  const spectrum = keySpectrum(k, tokens, headDim, kernels);
  const aligned = (values: Float64Array): number[] => {
    const { theory, plain } = alignmentNumbers(
      headInput(tokens, headDim, { k, v: values }),
      options(),
      spectrum,
      noTwins,
      kernels,
    );
    return [theory, plain].flatMap((mode) => [mode.overlap!, mode.rayleigh!, ...mode.cosines]);
  };
  const rotation = orthonormalBasis(normals('rotation', headDim * headDim), headDim, headDim).basis;
  const variants: Record<string, Float64Array> = {
    'sign of columns': v.map((value, i) => (i % headDim < 3 ? -value : value)),
    scale: v.map((value) => 1e-7 * value),
    rotation: kernels.matmul(v, rotation, tokens, headDim, headDim),
    'any invertible map': kernels.matmul(v, normals('map', headDim * headDim), tokens, headDim, headDim),
    'order of columns': v.map((_, i) => v[i - 2 * (i % headDim) + headDim - 1]!),
  };
  for (const [name, values] of Object.entries(variants)) {
    it(`alignment does not see ${name}`, () => {
      const before = aligned(v);
      aligned(values).forEach((value, i) => below(Math.abs(value - before[i]!), 1e-9, `entry ${i}`));
    });
  }

  it('CKA does not see a rotation, and `optimal` does not see the order of tokens', () => {
    const of = (x: Float64Array, y: Float64Array) => alike(x, y, tokens, headDim);
    const plain = of(v, k);
    const rotated = of(v, kernels.matmul(k, rotation, tokens, headDim, headDim));
    below(Math.abs(plain.linearCka! - rotated.linearCka!), exact, 'linear CKA');
    below(Math.abs(plain.kernelCka! - rotated.kernelCka!), exact, 'kernel CKA');
    const order = createRandom('shuffle').permutation(tokens);
    const shuffled = v.map((_, i) => v[order[Math.floor(i / headDim)]! * headDim + (i % headDim)]!);
    const moved = of(shuffled, k);
    below(Math.abs(plain.optimal! - moved.optimal!), exact, 'optimal');
    assert.ok(Math.abs(plain.linearCka! - moved.linearCka!) > 1e-3, 'CKA sees the order of tokens');
  });

  it('a draw has the same statistics whichever basis it is given', () => {
    const target = subspaceTarget(spectrum, kernels);
    for (const graded of [1, 1e3, 1e5, 1e9]) {
      const b = centreColumns(
        v.map((value, i) => value * graded ** ((i % headDim) / headDim)),
        tokens,
        headDim,
      );
      const mixed = kernels.matmul(b, normals('mix', headDim * headDim), tokens, headDim, headDim);
      const slow = subspaceStatistics(target, mixed)!.statistics;
      const fast = statisticsOfDraw(target, transpose(mixed, tokens, headDim))!;
      for (const name of ['overlap', 'energy', 'rayleigh'] as const) {
        below(Math.abs(slow[name] - fast[name]), 1e-8, `${name}, columns graded by ${graded}`);
      }
    }
  });
});

describe('diagnostics linear algebra (spec section 7)', () => {
  const cases = [
    { tokens: 197, headDim: 64, sd: 1 },
    { tokens: 197, headDim: 16, sd: 10 },
    { tokens: 50, headDim: 16, sd: 30 },
    ...(process.env['GRAMLENS_FULL'] === '1' ? [{ tokens: 1024, headDim: 64, sd: 1 }] : []),
  ];
  for (const { tokens, headDim, sd } of cases) {
    it(`eigenvectors, N ${tokens}, keys of sd ${sd}`, () => {
      const { k } = randomHead('eigen', tokens, headDim, sd);
      const { residual, orthogonality } = eigenErrors(keyGram(k, tokens, headDim, kernels).centred, tokens);
      below(residual, 1e-13, 'residual');
      below(orthogonality, 1e-12, 'orthogonality');
    }).timeout(120000);
  }

  it('bases leave dependent vectors out', () => {
    const rows = normals('rows', 3 * 10);
    const four = new Float64Array(40);
    four.set(rows);
    for (let i = 0; i < 10; i++) four[30 + i] = rows[i]! - 2 * rows[10 + i]!;
    for (const basis of [orthonormalBasis(four, 4, 10), anyOrthonormalBasis(four, 4, 10)]) {
      assert.equal(basis.rank, 3);
      const inner = kernels.matmulTransposed(basis.basis, basis.basis, 3, 10, 3);
      for (let i = 0; i < 3; i++) inner[i * 4]! -= 1;
      below(norm(inner), exact, 'orthonormality');
    }
    assert.equal(orthonormalBasis(new Float64Array(20), 2, 10).rank, 0);
    assert.equal(orthonormalBasis(normals('wide', 5 * 3), 5, 3).rank, 3);
  });

  it('assigns rows as well as trying every order does', () => {
    const orders = (items: number[]): number[][] =>
      items.length < 2
        ? [items]
        : items.flatMap((item) => orders(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
    for (let trial = 0; trial < 20; trial++) {
      const n = 1 + (trial % 6);
      const cost = normals(`cost/${trial}`, n * n);
      const total = (order: ArrayLike<number>): number =>
        Array.from(order).reduce((all, column, row) => all + cost[row * n + column]!, 0);
      const best = Math.min(...orders(Array.from({ length: n }, (_, i) => i)).map(total));
      below(Math.abs(total(linearAssignment(cost, n)) - best), exact, `n ${n}`);
    }
  });
});

/** Without epsilons. */
function alike(x: Float64Array, y: Float64Array, tokens: number, width: number) {
  const [a, b] = [x, y].map((rows) => similaritySide(rows, tokens, width, kernels));
  return similarity(a!, b!, kernels, noEpsilons);
}

const noDraws = { draws: 0, streamKey: () => '' };

describe('diagnostics chance levels (spec section 4)', () => {
  it('two Gaussian matrices 197 x 64: optimal 0.316, linear CKA 0.249, kernel CKA 0.358', () => {
    const draws = Array.from({ length: 5 }, (_, i) =>
      alike(normals(`x/${i}`, 197 * 64), normals(`y/${i}`, 197 * 64), 197, 64),
    );
    const expected = { optimal: 0.316, linearCka: 0.249, kernelCka: 0.358 };
    for (const [name, value] of Object.entries(expected)) {
      const found = draws.map((draw) => draw[name as keyof typeof expected]!);
      const centre = sum(found) / found.length;
      const sd = Math.sqrt(found.reduce((all, x) => all + (x - centre) ** 2, 0) / (found.length - 1));
      // Three standard errors, and the half unit of the printed digits.
      below(Math.abs(centre - value), (3 * sd) / Math.sqrt(found.length) + 0.0005, name);
    }
  });

  it('epsilons drive the coded metrics to 0 for long keys, and the scale-free ones not', () => {
    const { k, v } = randomHead('long', 197, 64, 2);
    const found = reproductionNumbers(keySpectrum(k, 197, 64, kernels), v, 64, kernels, noDraws);
    const { asCoded, scaleFree } = found;
    assert.match(found.warning ?? '', /^The largest score is .*Above 28 /);
    below(asCoded.optimal!, 0.02, 'optimal as coded');
    below(asCoded.linearCka!, 0.01, 'linear CKA as coded');
    below(Math.abs(scaleFree.optimal! - 0.146), 0.02, 'scale-free optimal');
  });
});
