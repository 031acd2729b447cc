// Symmetric matrices for the eigensolver's tests and benchmark: key Gram matrices as kernel PCA has them, and those
// that solvers are known to stumble over.

import { keyGram } from '../../../src/diagnostics/gram';
import { createReferenceKernels } from '../../../src/engine/reference/kernels';
import { normals } from './portableNormals';

const kernels = createReferenceKernels();

/** Centred Gram [n, n] of Gaussian keys of spread `sd`: its spectrum spans e^(largest score). */
export function centredGram(tokens: number, headDim: number, sd: number): Float64Array {
  const keys = normals(`eigen/${tokens}/${headDim}/${sd}`, tokens * headDim).map((value) => sd * value);
  return keyGram(keys, tokens, headDim, kernels).centred;
}

/** H diag(values) H with the reflector H of a random vector: known eigenvalues, dense. */
export function withEigenvalues(values: ArrayLike<number>): Float64Array {
  const n = values.length;
  const v = normals(`reflector/${n}`, n);
  const size = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
  const u = v.map((x) => x / size);
  let middle = 0;
  for (let i = 0; i < n; i++) middle += u[i]! * u[i]! * values[i]!;
  return symmetric(
    n,
    (i, j) => (i === j ? values[i]! : 0) - 2 * u[i]! * u[j]! * (values[i]! + values[j]! - 2 * middle),
  );
}

/** [n, n] with `entry(i, j)`, i >= j, on both sides of the diagonal. */
export function symmetric(n: number, entry: (i: number, j: number) => number): Float64Array {
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      a[i * n + j] = entry(i, j);
      a[j * n + i] = a[i * n + j]!;
    }
  }
  return a;
}

/** Random entries, and the product of a few random rows with itself. */
export function randomSymmetric(n: number): Float64Array {
  const entries = normals(`symmetric/${n}`, n * n);
  return symmetric(n, (i, j) => entries[i * n + j]!);
}

export function lowRank(n: number, rank: number): Float64Array {
  const rows = normals(`rank/${n}`, n * rank);
  return symmetric(n, (i, j) => {
    let total = 0;
    for (let p = 0; p < rank; p++) total += rows[i * rank + p]! * rows[j * rank + p]!;
    return total;
  });
}
