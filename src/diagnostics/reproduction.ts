// The similarity metrics of the reproduction study (spec section 4): once as coded there, with its epsilons and at
// true scale, and once free of both. Rows are tokens.

import type { HeadKernels } from '../engine/headKernels';
import { linearAssignment } from './assignment';
import type { ReproductionMetrics } from './headResult';
import { kpcaValues } from './kpcaValues';
import type { KeySpectrum } from './spectrum';
import { centreColumns, distance, dot, mean, measured, norm, squaredNorm, transpose } from './vector';

/**
 * Squared distances below this part of the rows' own squared lengths are those of equal rows (a token that occurs
 * twice): solvers leave them apart by round-off, which must not count among the non-zero distances of the median. Not
 * relative to the largest distance: lengths of rows span e^(largest score), and short rows differ for good.
 */
const sameRows = 1e-14;

interface Epsilons {
  /** Added to the norm of a row before dividing. */
  readonly row: number;
  /** Added to the product of the two HSIC norms. */
  readonly cka: number;
}

const coded: Epsilons = { row: 1e-8, cka: 1e-10 };
const none: Epsilons = { row: 0, cka: 0 };

/** V [N, d] against the KPCA values of the keys, `unit` axes, top d eigenvectors. */
export function reproductionNumbers(
  spectrum: KeySpectrum,
  v: Float64Array,
  headDim: number,
  kernels: HeadKernels,
): { asCoded: ReproductionMetrics; scaleFree: ReproductionMetrics } {
  const n = spectrum.gram.tokens;
  if (headDim > n || spectrum.numericalRank === 0) {
    const reason =
      spectrum.numericalRank === 0
        ? 'The centred Gram matrix is zero, so there are no eigenvectors to compare with.'
        : `${n} tokens have fewer eigenvectors than the ${headDim} columns of V.`;
    const empty = undefinedMetrics(reason);
    return { asCoded: empty, scaleFree: empty };
  }
  const trueScale = kpcaValues(spectrum, headDim, 'unit');
  const relative = kpcaValues(spectrum, headDim, 'unit', true);
  const factor = norm(v) / norm(relative);
  const note =
    spectrum.numericalRank < headDim
      ? `Only ${spectrum.numericalRank} eigenvectors are above round-off; the metric takes ${headDim}, the rest is noise.`
      : null;
  return {
    asCoded: similarity(v, trueScale, n, headDim, kernels, coded, note),
    scaleFree: similarity(
      v,
      relative.map((value) => value * factor),
      n,
      headDim,
      kernels,
      none,
      note,
    ),
  };
}

/** The six metrics of x and y, both [N, d]. */
export function similarity(
  x: Float64Array,
  y: Float64Array,
  tokens: number,
  width: number,
  kernels: HeadKernels,
  epsilons: Epsilons,
  note: string | null = null,
): ReproductionMetrics {
  const unitX = unitRows(x, tokens, width, epsilons.row);
  const unitY = unitRows(y, tokens, width, epsilons.row);
  const cosines = kernels.matmulTransposed(unitX, unitY, tokens, width, tokens);
  const metrics = {
    direct: measured(mean(diagonal(cosines, tokens))),
    optimal: measured(optimalMean(cosines, tokens)),
    pearson: measured(
      meanRowCosine(centreRows(x, tokens, width), centreRows(y, tokens, width), tokens, width, epsilons),
    ),
    relFrobenius: measured(distance(x, y) / norm(x)),
    linearCka: measured(linearCka(x, y, tokens, width, kernels, epsilons)),
    kernelCka: measured(kernelCka(x, y, tokens, width, epsilons)),
  };
  if (Object.values(metrics).some((value) => value === null)) {
    return {
      ...metrics,
      reason:
        'A row or the whole of V, or of the kernel PCA values after they underflowed, is constant or zero, so that a cosine has no value.',
    };
  }
  return note === null ? metrics : { ...metrics, reason: note };
}

function undefinedMetrics(reason: string): ReproductionMetrics {
  return { direct: null, optimal: null, pearson: null, relFrobenius: null, linearCka: null, kernelCka: null, reason };
}

function unitRows(x: Float64Array, rows: number, width: number, epsilon: number): Float64Array {
  const out = new Float64Array(x.length);
  for (let i = 0; i < rows; i++) {
    const size = norm(x.subarray(i * width, (i + 1) * width)) + epsilon;
    for (let c = 0; c < width; c++) out[i * width + c] = x[i * width + c]! / size;
  }
  return out;
}

function centreRows(x: Float64Array, rows: number, width: number): Float64Array {
  return transpose(centreColumns(transpose(x, rows, width), width, rows), width, rows);
}

function meanRowCosine(x: Float64Array, y: Float64Array, rows: number, width: number, epsilons: Epsilons): number {
  const a = unitRows(x, rows, width, epsilons.row);
  const b = unitRows(y, rows, width, epsilons.row);
  return dot(a, b) / rows;
}

function diagonal(a: Float64Array, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => a[i * n + i]!);
}

/** Mean cosine under the assignment of rows to rows that makes it largest. */
function optimalMean(cosines: Float64Array, n: number): number {
  if (!cosines.every(Number.isFinite)) return NaN;
  const columnOf = linearAssignment(
    cosines.map((value) => -value),
    n,
  );
  let total = 0;
  for (let i = 0; i < n; i++) total += cosines[i * n + columnOf[i]!]!;
  return total / n;
}

/** <P X X^T P, P Y Y^T P> through the small products: ||Xc^T Yc||^2 / (||Xc^T Xc|| ||Yc^T Yc||). */
function linearCka(
  x: Float64Array,
  y: Float64Array,
  tokens: number,
  width: number,
  kernels: HeadKernels,
  epsilons: Epsilons,
): number {
  const a = transpose(centreColumns(x, tokens, width), tokens, width);
  const b = transpose(centreColumns(y, tokens, width), tokens, width);
  const cross = kernels.matmulTransposed(a, b, width, tokens, width);
  const own = kernels.matmulTransposed(a, a, width, tokens, width);
  const other = kernels.matmulTransposed(b, b, width, tokens, width);
  return squaredNorm(cross) / (norm(own) * norm(other) + epsilons.cka);
}

/** CKA of RBF Grams, sigma^2 = lower median of the non-zero squared distances, each side its own. */
function kernelCka(x: Float64Array, y: Float64Array, tokens: number, width: number, epsilons: Epsilons): number {
  const a = centredRbf(x, tokens, width);
  const b = centredRbf(y, tokens, width);
  return dot(a, b) / (norm(a) * norm(b) + epsilons.cka);
}

function centredRbf(x: Float64Array, tokens: number, width: number): Float64Array {
  const n = tokens;
  const squared = squaredDistances(x, n, width);
  const lengths = Float64Array.from({ length: n }, (_, i) => squaredNorm(x.subarray(i * width, (i + 1) * width)));
  const sorted = squared
    .filter((value, at) => value > sameRows * (lengths[Math.floor(at / n)]! + lengths[at % n]!))
    .sort();
  // torch.median: the lower of the two middle values.
  const sigmaSquared = sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
  const gram = squared.map((value) => Math.exp(-value / (2 * sigmaSquared)));
  return transpose(centreColumns(transpose(centreColumns(gram, n, n), n, n), n, n), n, n);
}

/** ||x_i - x_j||^2, from the differences themselves: the norms' expansion would cancel for near rows. */
function squaredDistances(x: Float64Array, n: number, width: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      let total = 0;
      for (let c = 0; c < width; c++) {
        const difference = x[i * width + c]! - x[j * width + c]!;
        total += difference * difference;
      }
      out[i * n + j] = total;
      out[j * n + i] = total;
    }
  }
  return out;
}
