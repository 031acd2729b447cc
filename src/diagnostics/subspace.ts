// The span of a head's values against the top eigenvectors of a key Gram (spec section 5): principal angles,
// overlap, energy, Rayleigh share. Used for the head itself and for every draw of every null.

import type { HeadKernels } from '../engine/headKernels';
import {
  anyOrthonormalBasis,
  inverseCholesky,
  orthonormalBasis,
  singularValues,
  type SingularBasis,
} from './orthonormal';
import type { KeySpectrum } from './spectrum';
import { squaredNorm, sum, transpose } from './vector';

/** Eigenvalues whose sum is below this part of w_1 cannot move the Rayleigh share by more, and are left out. */
const negligibleTail = 1e-12;

/** Cholesky of B^T B loses cond^2 2^-52 in orthogonality: up to here less than 1e-8 once, nothing after a second pass. */
const onePassCondition = 1e4;
const twoPassCondition = 1e7;

export interface SubspaceTarget {
  readonly tokens: number;
  /** r */
  readonly rank: number;
  /** All eigenvalues, descending. */
  readonly values: Float64Array;
  /** [kept, N]: the leading eigenvectors in rows, r or more of them. */
  readonly axes: Float64Array;
  readonly kept: number;
  readonly kernels: HeadKernels;
}

export interface SubspaceStatistics {
  /** p */
  readonly rank: number;
  readonly overlap: number;
  readonly energy: number;
  readonly rayleigh: number;
  /** [r, p] U_r^T Q; its singular values are the cosines. */
  readonly projected: Float64Array;
}

/** What a span is compared with. */
export function subspaceTarget(spectrum: KeySpectrum, kernels: HeadKernels): SubspaceTarget {
  const { values, vectors, size } = spectrum.eigen;
  let kept = size;
  let tail = 0;
  while (kept > spectrum.rank) {
    tail += Math.abs(values[kept - 1]!);
    if (tail > negligibleTail * values[0]!) break;
    kept--;
  }
  return { tokens: size, rank: spectrum.rank, values, axes: vectors.subarray(0, kept * size), kept, kernels };
}

/** Basis by SVD, for numbers that are reported. `coefficients` is B [N, d]; null where B = 0 or r = 0. */
export function subspaceStatistics(
  target: SubspaceTarget,
  coefficients: Float64Array,
): { readonly statistics: SubspaceStatistics; readonly basis: SingularBasis } | null {
  const width = coefficients.length / target.tokens;
  const basis = orthonormalBasis(transpose(coefficients, target.tokens, width), width, target.tokens);
  if (basis.rank === 0 || target.rank === 0) return null;
  return { statistics: statisticsOfBasis(target, basis), basis };
}

/** The same of an orthonormal basis whose singular values are known. */
export function statisticsOfBasis(target: SubspaceTarget, basis: SingularBasis): SubspaceStatistics {
  const { tokens, kept, rank, axes, kernels } = target;
  const p = basis.rank;
  const inBasis = kernels.matmulTransposed(axes, basis.basis, kept, tokens, p);
  let inside = 0;
  for (let n = 0; n < rank; n++) {
    for (let c = 0; c < p; c++) inside += (basis.singularValues[c]! * inBasis[n * p + c]!) ** 2;
  }
  const whole = basis.singularValues.reduce((total, value) => total + value * value, 0);
  return finish(target, inBasis, p, inside / whole);
}

/**
 * The statistics of one draw, B given as its transpose [d, N]. Through the Cholesky factor of B^T B, so that no
 * basis of length N is formed; draws that are too ill-conditioned for it go the long way.
 */
export function statisticsOfDraw(target: SubspaceTarget, rows: Float64Array): SubspaceStatistics | null {
  const { tokens, kept, rank, axes, kernels } = target;
  const d = rows.length / tokens;
  const gram = kernels.matmulTransposed(rows, rows, d, tokens, d);
  let whole = 0;
  for (let c = 0; c < d; c++) whole += gram[c * d + c]!;
  if (whole === 0 || rank === 0) return null;
  const projected = kernels.matmulTransposed(axes, rows, kept, tokens, d);
  const energy = squaredNorm(projected.subarray(0, rank * d)) / whole;

  const factor = inverseCholesky(gram, d);
  if (factor !== null && factor.condition <= onePassCondition) {
    return finish(target, kernels.matmulTransposed(projected, factor.inverse, kept, d, d), d, energy);
  }
  if (factor !== null && factor.condition <= twoPassCondition) {
    const nearly = kernels.matmul(factor.inverse, rows, d, d, tokens);
    const second = inverseCholesky(kernels.matmulTransposed(nearly, nearly, d, tokens, d), d);
    if (second !== null && second.condition <= onePassCondition) {
      const inNearly = kernels.matmulTransposed(axes, nearly, kept, tokens, d);
      return finish(target, kernels.matmulTransposed(inNearly, second.inverse, kept, d, d), d, energy);
    }
  }
  const basis = anyOrthonormalBasis(rows, d, tokens);
  const inBasis = kernels.matmulTransposed(axes, basis.basis, kept, tokens, basis.rank);
  return finish(target, inBasis, basis.rank, energy);
}

/** Cosines of the principal angles, descending, min(p, r) of them. */
export function principalCosines(target: SubspaceTarget, statistics: SubspaceStatistics): number[] {
  const values = singularValues(statistics.projected, target.rank, statistics.rank);
  return values.map((value) => Math.min(1, value));
}

function finish(target: SubspaceTarget, inBasis: Float64Array, p: number, energy: number): SubspaceStatistics {
  let overlap = 0;
  let variance = 0;
  for (let n = 0; n < target.kept; n++) {
    let row = 0;
    for (let c = 0; c < p; c++) row += inBasis[n * p + c]! ** 2;
    variance += target.values[n]! * row;
    if (n < target.rank) overlap += row;
  }
  return {
    rank: p,
    overlap: Math.min(1, overlap / Math.min(p, target.rank)),
    energy: Math.min(1, energy),
    rayleigh: Math.min(1, variance / sum(target.values.subarray(0, p))),
    projected: inBasis.subarray(0, target.rank * p),
  };
}
