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

/** Cholesky of B^T B loses cond^2 2^-52 in orthogonality: up to here less than 1e-8 once, nothing after a second pass. */
const onePassCondition = 1e4;
const twoPassCondition = 1e7;

export interface SubspaceTarget {
  readonly tokens: number;
  /** r */
  readonly rank: number;
  /** All eigenvalues, descending. */
  readonly values: Float64Array;
  /** [r, N]: the leading eigenvectors in rows. */
  readonly axes: Float64Array;
  /** Kc [N, N] */
  readonly centred: Float64Array;
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
  const axes = vectors.subarray(0, spectrum.rank * size);
  return { tokens: size, rank: spectrum.rank, values, axes, centred: spectrum.gram.centred, kernels };
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
  const { tokens, rank, axes, kernels } = target;
  const p = basis.rank;
  const inBasis = kernels.matmulTransposed(axes, basis.basis, rank, tokens, p);
  let inside = 0;
  for (let n = 0; n < rank; n++) {
    for (let c = 0; c < p; c++) inside += (basis.singularValues[c]! * inBasis[n * p + c]!) ** 2;
  }
  const whole = basis.singularValues.reduce((total, value) => total + value * value, 0);
  return finish(target, basis.basis, inBasis, p, inside / whole);
}

/**
 * The statistics of one draw, B given as its transpose [d, N]. Through the Cholesky factor of B^T B instead of an SVD;
 * draws that are too ill-conditioned for it go the long way.
 */
export function statisticsOfDraw(target: SubspaceTarget, rows: Float64Array): SubspaceStatistics | null {
  const { tokens, rank, axes, kernels } = target;
  const d = rows.length / tokens;
  const gram = kernels.matmulTransposed(rows, rows, d, tokens, d);
  let whole = 0;
  for (let c = 0; c < d; c++) whole += gram[c * d + c]!;
  if (whole === 0 || rank === 0) return null;
  const projected = kernels.matmulTransposed(axes, rows, rank, tokens, d);
  const energy = squaredNorm(projected) / whole;

  const factor = inverseCholesky(gram, d);
  if (factor !== null && factor.condition <= twoPassCondition) {
    const nearly = kernels.matmul(factor.inverse, rows, d, d, tokens);
    if (factor.condition <= onePassCondition) {
      const inBasis = kernels.matmulTransposed(projected, factor.inverse, rank, d, d);
      return finish(target, nearly, inBasis, d, energy);
    }
    const second = inverseCholesky(kernels.matmulTransposed(nearly, nearly, d, tokens, d), d);
    if (second !== null && second.condition <= onePassCondition) {
      const inNearly = kernels.matmulTransposed(axes, nearly, rank, tokens, d);
      const inBasis = kernels.matmulTransposed(inNearly, second.inverse, rank, d, d);
      return finish(target, kernels.matmul(second.inverse, nearly, d, d, tokens), inBasis, d, energy);
    }
  }
  const basis = anyOrthonormalBasis(rows, d, tokens);
  const inBasis = kernels.matmulTransposed(axes, basis.basis, rank, tokens, basis.rank);
  return finish(target, basis.basis, inBasis, basis.rank, energy);
}

/** Cosines of the principal angles, descending, min(p, r) of them. */
export function principalCosines(target: SubspaceTarget, statistics: SubspaceStatistics): number[] {
  const values = singularValues(statistics.projected, target.rank, statistics.rank);
  return values.map((value) => Math.min(1, value));
}

/** `basis` [p, N] orthonormal, `inBasis` [r, p] the axes in it. */
function finish(
  target: SubspaceTarget,
  basis: Float64Array,
  inBasis: Float64Array,
  p: number,
  energy: number,
): SubspaceStatistics {
  const { tokens, rank, centred, values, kernels } = target;
  const overlap = squaredNorm(inBasis);
  const variance = kernels.quadraticForm(centred, tokens, basis);
  return {
    rank: p,
    overlap: Math.min(1, overlap / Math.min(p, rank)),
    energy: Math.min(1, energy),
    rayleigh: Math.min(1, variance / sum(values.subarray(0, p))),
    projected: inBasis,
  };
}
