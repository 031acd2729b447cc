// How alike two matrices are, by the measures of the reproduction study (spec section 4): row cosines, their best
// matching, linear and RBF-kernel CKA. Rows are tokens; epsilons are handed in, so that all forms share the code.

import type { HeadKernels } from '../engine/headKernels';
import { linearAssignment } from './assignment';
import { centre } from './gram';
import type { ReproductionMetrics } from './headResult';
import { centreColumns, distance, dot, lowerMedian, mean, measured, norm, squaredNorm, transpose } from './vector';

/**
 * Squared distances below this part of the rows' own squared lengths are those of equal rows (a token that occurs
 * twice): solvers leave them apart by round-off, which must not count among the non-zero distances of the median. Not
 * relative to the largest distance: lengths of rows span e^(largest score), and short rows differ for good.
 */
const sameRows = 1e-14;

/** rtol and atol of the study's torch.allclose(V, Vhat). */
const closeRelative = 1e-3;
const closeAbsolute = 1e-5;

export interface Epsilons {
  /** Added to the norm of a row before dividing. */
  readonly row: number;
  /** Added to the product of the two HSIC norms. */
  readonly cka: number;
  /** Added to ||V|| in the relative Frobenius norm. */
  readonly frobenius: number;
}

/** One of the two matrices, with what its CKAs need; the other side is compared with it many times over. */
export interface SimilaritySide {
  readonly tokens: number;
  readonly width: number;
  /** [N, d] */
  readonly rows: Float64Array;
  /** (P X)^T, [d, N] */
  readonly centred: Float64Array;
  /** ||X^T P X|| */
  readonly linearNorm: number;
  /** P K P of the RBF Gram with sigma^2 = lower median of the non-zero squared distances, [N, N]; and its norm. */
  readonly gram: Float64Array;
  readonly gramNorm: number;
}

/** What nulls are drawn for: the three measures that the study's headline rests on. */
export interface SimilarityScores {
  readonly optimal: number;
  readonly linearCka: number;
  readonly kernelCka: number;
}

/**
 * Prepares `rows` [N, d]. `distinct`: no two rows are near each other (Gaussian draws), so that distances may come from
 * the expansion |x|^2 + |y|^2 - 2xy, which would cancel otherwise.
 */
export function similaritySide(
  rows: Float64Array,
  tokens: number,
  width: number,
  kernels: HeadKernels,
  distinct = false,
): SimilaritySide {
  const centred = transpose(centreColumns(rows, tokens, width), tokens, width);
  const gram = centredRbf(
    distinct ? distinctDistances(rows, tokens, width, kernels) : squaredDistances(rows, tokens, width),
    tokens,
    distinct ? null : Float64Array.from({ length: tokens }, (_, i) => squaredNorm(rowOf(rows, i, width))),
  );
  const linearNorm = norm(kernels.matmulTransposed(centred, centred, width, tokens, width));
  return { tokens, width, rows, centred, linearNorm, gram, gramNorm: norm(gram) };
}

/** All metrics of x and y. */
export function similarity(
  x: SimilaritySide,
  y: SimilaritySide,
  kernels: HeadKernels,
  epsilons: Epsilons,
  note: string | null = null,
): ReproductionMetrics {
  const { tokens, width } = x;
  const cosines = rowCosines(x, y, kernels, epsilons);
  const direct = diagonal(cosines, tokens);
  const matched = bestMatch(cosines, tokens);
  const { euclidean, l1, allClose } = rowDistances(x.rows, y.rows, tokens, width);
  const metrics = {
    direct: measured(mean(direct)),
    optimal: measured(mean(matched)),
    pearson: measured(
      meanRowCosine(centreRows(x.rows, tokens, width), centreRows(y.rows, tokens, width), tokens, width, epsilons),
    ),
    relFrobenius: measured(distance(x.rows, y.rows) / (norm(x.rows) + epsilons.frobenius)),
    linearCka: measured(linearCka(linearCross(x.centred, y, kernels), x, y, epsilons)),
    kernelCka: measured(kernelCka(dot(x.gram, y.gram), x, y, epsilons)),
    directMin: measured(least(direct)),
    directMax: measured(-least(direct.map((value) => -value))),
    directNegative: direct.every(Number.isFinite) ? direct.filter((value) => value < 0).length / tokens : null,
    optimalMin: measured(least(matched)),
    optimalMax: measured(-least(matched.map((value) => -value))),
    euclidean: measured(euclidean),
    l1: measured(l1),
    allClose,
  };
  if (Object.values(metrics).includes(null)) {
    return {
      ...metrics,
      reason:
        'A row or the whole of V, or of the kernel PCA values after they underflowed, is constant or zero, so that a cosine has no value.',
    };
  }
  return note === null ? metrics : { ...metrics, reason: note };
}

/** The three measures of a drawn x, fast. */
export function similarityScores(
  x: SimilaritySide,
  y: SimilaritySide,
  kernels: HeadKernels,
  epsilons: Epsilons,
): SimilarityScores {
  return {
    optimal: mean(bestMatch(rowCosines(x, y, kernels, epsilons), x.tokens)),
    linearCka: linearCka(linearCross(x.centred, y, kernels), x, y, epsilons),
    kernelCka: kernelCka(dot(x.gram, y.gram), x, y, epsilons),
  };
}

/** Both CKAs of x with its rows in the order of `permutation`; norms do not change, and `optimal` does not either. */
export function permutedCkas(
  x: SimilaritySide,
  y: SimilaritySide,
  permutation: Int32Array,
  kernels: HeadKernels,
  epsilons: Epsilons,
): Omit<SimilarityScores, 'optimal'> {
  const { tokens: n, width } = x;
  const shuffled = new Float64Array(x.centred.length);
  for (let c = 0; c < width; c++) {
    for (let i = 0; i < n; i++) shuffled[c * n + i] = x.centred[c * n + permutation[i]!]!;
  }
  let product = 0;
  for (let i = 0; i < n; i++) {
    const row = permutation[i]! * n;
    for (let j = 0; j < n; j++) product += x.gram[row + permutation[j]!]! * y.gram[i * n + j]!;
  }
  return {
    linearCka: linearCka(linearCross(shuffled, y, kernels), x, y, epsilons),
    kernelCka: kernelCka(product, x, y, epsilons),
  };
}

function rowOf(x: Float64Array, row: number, width: number): Float64Array {
  return x.subarray(row * width, (row + 1) * width);
}

function least(values: Float64Array): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

function rowCosines(x: SimilaritySide, y: SimilaritySide, kernels: HeadKernels, { row }: Epsilons): Float64Array {
  const { tokens, width } = x;
  const a = unitRows(x.rows, tokens, width, row);
  const b = unitRows(y.rows, tokens, width, row);
  return kernels.matmulTransposed(a, b, tokens, width, tokens);
}

function unitRows(x: Float64Array, rows: number, width: number, epsilon: number): Float64Array {
  const out = new Float64Array(x.length);
  for (let i = 0; i < rows; i++) {
    const size = norm(rowOf(x, i, width)) + epsilon;
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

/** Mean length and mean 1-norm of the rows' differences, and whether every entry is close. */
function rowDistances(
  x: Float64Array,
  y: Float64Array,
  rows: number,
  width: number,
): { euclidean: number; l1: number; allClose: boolean } {
  let euclidean = 0;
  let l1 = 0;
  let allClose = true;
  for (let i = 0; i < rows; i++) {
    let squares = 0;
    for (let at = i * width; at < (i + 1) * width; at++) {
      const difference = Math.abs(x[at]! - y[at]!);
      squares += difference * difference;
      l1 += difference;
      if (!(difference <= closeAbsolute + closeRelative * Math.abs(y[at]!))) allClose = false;
    }
    euclidean += Math.sqrt(squares);
  }
  return { euclidean: euclidean / rows, l1: l1 / rows, allClose };
}

/** Cosine of each row of x with the row of y that the assignment with the largest mean gives it; NaN: it has none. */
function bestMatch(cosines: Float64Array, n: number): Float64Array {
  if (!cosines.every(Number.isFinite)) return new Float64Array(n).fill(NaN);
  const columnOf = linearAssignment(
    cosines.map((value) => -value),
    n,
  );
  return Float64Array.from({ length: n }, (_, i) => cosines[i * n + columnOf[i]!]!);
}

/** ||Xc^T Yc||^2 = <P X X^T P, P Y Y^T P>, of (P X)^T [d, N]. */
function linearCross(centred: Float64Array, y: SimilaritySide, kernels: HeadKernels): number {
  return squaredNorm(kernels.matmulTransposed(centred, y.centred, y.width, y.tokens, y.width));
}

function linearCka(cross: number, x: SimilaritySide, y: SimilaritySide, { cka }: Epsilons): number {
  return cross / (x.linearNorm * y.linearNorm + cka);
}

function kernelCka(product: number, x: SimilaritySide, y: SimilaritySide, { cka }: Epsilons): number {
  return product / (x.gramNorm * y.gramNorm + cka);
}

/** `lengths`: squared norms of the rows, to tell equal rows from near ones; null: all rows differ. */
function centredRbf(squared: Float64Array, n: number, lengths: Float64Array | null): Float64Array {
  const distinct = new Float64Array((n * (n - 1)) / 2);
  let count = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const value = squared[i * n + j]!;
      if (lengths !== null && value <= sameRows * (lengths[i]! + lengths[j]!)) continue;
      distinct[count] = value;
      count += 1;
    }
  }
  // torch.median over all N^2 entries: the lower of the two middle ones; each distance is there twice.
  const sigmaSquared = lowerMedian(distinct.subarray(0, count));
  return centre(
    squared.map((value) => Math.exp(-value / (2 * sigmaSquared))),
    n,
  );
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

function distinctDistances(x: Float64Array, n: number, width: number, kernels: HeadKernels): Float64Array {
  const products = kernels.matmulTransposed(x, x, n, width, n);
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const value = Math.max(0, products[i * n + i]! + products[j * n + j]! - 2 * products[i * n + j]!);
      out[i * n + j] = value;
      out[j * n + i] = value;
    }
  }
  return out;
}
