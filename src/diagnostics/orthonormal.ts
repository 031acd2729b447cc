// Orthonormal bases of the span of a few long vectors: by SVD where a number is reported (the rank rule of spec
// section 5), and by faster ways for the hundreds of draws of a null.

import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { dot, norm } from './vector';

/** A vector of which less than this is left after orthogonalisation is dependent on those before it. */
const dependent = 1e-15;

/** Below this condition number no singular value comes near the rank rule's max(N, d) 2^-52 for N up to 4096. */
const safelyIndependent = 1e11;

export interface Basis {
  /** p */
  readonly rank: number;
  /** [p, N]: orthonormal rows that span the rows of the input. */
  readonly basis: Float64Array;
}

export interface SingularBasis extends Basis {
  /** Singular value of each row of the basis, descending, [p]. */
  readonly singularValues: readonly number[];
}

export interface TriangularBasis extends Basis {
  /** [count, rank]: row c of the input = sum over i of factor[c, i] basis[i]. Lower trapezoidal. */
  readonly factor: Float64Array;
}

/** Singular values, descending, of a [rows, columns]. */
export function singularValues(a: Float64Array, rows: number, columns: number): number[] {
  if (rows === 0 || columns === 0) return [];
  const matrix = Matrix.from1DArray(rows, columns, a);
  return new SingularValueDecomposition(matrix, {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
    autoTranspose: true,
  }).diagonal;
}

/**
 * Modified Gram-Schmidt, every vector orthogonalised twice, on the rows of `vectors` [count, length]; rows that are
 * zero or dependent are left out.
 */
export function modifiedGramSchmidt(vectors: Float64Array, count: number, length: number): TriangularBasis {
  const limit = Math.min(count, length);
  const basis = new Float64Array(limit * length);
  const factor = new Float64Array(count * limit);
  let rank = 0;
  const row = new Float64Array(length);
  for (let c = 0; c < count; c++) {
    row.set(vectors.subarray(c * length, (c + 1) * length));
    const before = norm(row);
    for (let pass = 0; pass < 2; pass++) {
      for (let b = 0; b < rank; b++) {
        const axis = basis.subarray(b * length, (b + 1) * length);
        const part = dot(row, axis);
        factor[c * limit + b]! += part;
        for (let i = 0; i < length; i++) row[i]! -= part * axis[i]!;
      }
    }
    const left = norm(row);
    if (rank === limit || !(left > dependent * before)) continue;
    for (let i = 0; i < length; i++) basis[rank * length + i] = row[i]! / left;
    factor[c * limit + rank] = left;
    rank++;
  }
  const trimmed = new Float64Array(count * rank);
  for (let c = 0; c < count; c++) trimmed.set(factor.subarray(c * limit, c * limit + rank), c * rank);
  return { rank, basis: basis.slice(0, rank * length), factor: trimmed };
}

/**
 * Left singular vectors with s > max(N, d) 2^-52 s_1 (spec section 5) of B, given as its transpose [count, length].
 * Through B = Q0 F^T: the singular values of the small factor F are those of B.
 */
export function orthonormalBasis(vectors: Float64Array, count: number, length: number): SingularBasis {
  return singularBasis(modifiedGramSchmidt(vectors, count, length), count, length);
}

function singularBasis(first: TriangularBasis, count: number, length: number): SingularBasis {
  if (first.rank === 0) return { rank: 0, basis: new Float64Array(0), singularValues: [] };
  const factor = Matrix.from1DArray(count, first.rank, first.factor);
  // vectors = F Q0, and F = W S X^T: rows of X^T Q0 are the basis.
  const svd = new SingularValueDecomposition(factor, { computeLeftSingularVectors: false, autoTranspose: true });
  const values = svd.diagonal;
  const right = svd.rightSingularVectors;
  const smallest = Math.max(count, length) * 2 ** -52 * values[0]!;
  const kept = values.filter((value) => value > smallest).length;
  const basis = new Float64Array(kept * length);
  for (let p = 0; p < kept; p++) {
    for (let b = 0; b < first.rank; b++) {
      const weight = right.get(b, p);
      for (let i = 0; i < length; i++) basis[p * length + i]! += weight * first.basis[b * length + i]!;
    }
  }
  return { rank: kept, basis, singularValues: values.slice(0, kept) };
}

/**
 * Some orthonormal basis of the same span, by the same rank rule, without the SVD where the vectors are safely
 * independent; for draws whose singular values nobody asks for.
 */
export function anyOrthonormalBasis(vectors: Float64Array, count: number, length: number): Basis {
  const first = modifiedGramSchmidt(vectors, count, length);
  const independent = first.rank === count && invertLower(first.factor, count).condition < safelyIndependent;
  return independent ? first : singularBasis(first, count, length);
}

export interface InverseFactor {
  /** L^-1 [n, n], lower triangular, L^-1 a L^-T = I. */
  readonly inverse: Float64Array;
  /** ||L|| ||L^-1|| (Frobenius): an upper bound of cond(L). */
  readonly condition: number;
}

/** Inverse of the Cholesky factor of a symmetric a [n, n]; null where a is not positive definite. */
export function inverseCholesky(a: Float64Array, n: number): InverseFactor | null {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let value = a[i * n + j]!;
      for (let p = 0; p < j; p++) value -= lower[i * n + p]! * lower[j * n + p]!;
      if (i === j && !(value > 0)) return null;
      lower[i * n + j] = i === j ? Math.sqrt(value) : value / lower[j * n + j]!;
    }
  }
  return invertLower(lower, n);
}

/** Inverse of a lower triangular [n, n] without zeros on its diagonal. */
export function invertLower(lower: Float64Array, n: number): InverseFactor {
  const inverse = new Float64Array(n * n);
  const row = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    // Row i of the inverse: (e_i - sum over p < i of L_ip row p) / L_ii.
    row.fill(0, 0, i);
    for (let p = 0; p < i; p++) {
      const weight = lower[i * n + p]!;
      for (let j = 0; j <= p; j++) row[j]! -= weight * inverse[p * n + j]!;
    }
    const pivot = lower[i * n + i]!;
    for (let j = 0; j < i; j++) inverse[i * n + j] = row[j]! / pivot;
    inverse[i * n + i] = 1 / pivot;
  }
  return { inverse, condition: norm(lower) * norm(inverse) };
}
