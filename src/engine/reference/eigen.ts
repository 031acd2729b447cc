// The yardstick of the eigensolver: ml-matrix in plain JavaScript. Here is what makes it safe for matrices whose
// spectrum spans e^300.

import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { checkedEigen, type EigenPairs } from '../symmetricEigen';

/**
 * Part of the norm that is added to the diagonal before and taken off after. The library stops its QL iteration
 * relative to the rows it has seen; rows of a Gram matrix that are 1e-200 of the others then rotate on denormal
 * numbers and the vectors lose their orthogonality (measured: 4.7 for N 197, keys of norm 40; with the shift
 * 3e-14). It costs 2^-10 of the accuracy that a backward stable solver has anyway.
 */
const diagonalShift = 2 ** -10;

/** Eigenvalues of a symmetric a [n, n], descending, and the vectors of the first `count`. */
export function symmetricEigen(a: Float64Array, n: number, count: number): EigenPairs {
  return checkedEigen(a, n, null, () => plainEigen(a, n, count));
}

/** `symmetricEigen` before its check. */
export function plainEigen(a: Float64Array, n: number, count: number): EigenPairs {
  let squares = 0;
  for (const value of a) squares += value * value;
  const shift = Math.sqrt(squares) * diagonalShift;
  const matrix = Matrix.from1DArray(n, n, a);
  for (let i = 0; i < n; i++) matrix.set(i, i, matrix.get(i, i) + shift);
  const decomposition = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const found = decomposition.realEigenvalues;
  const columns = decomposition.eigenvectorMatrix;
  const order = Array.from(found, (_, i) => i).sort((i, j) => found[j]! - found[i]! || i - j);
  const vectors = new Float64Array(count * n);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < n; i++) vectors[row * n + i] = columns.get(i, order[row]!);
  }
  return { size: n, values: Float64Array.from(order, (column) => found[column]! - shift), vectors };
}
