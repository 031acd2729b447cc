// Matrix products in plain float64, three obvious loops. The yardstick for every other product in the engine,
// so no blocking and no tricks; sums run in index order.

import type { FloatArray } from '../../checkpoint/tensorIndex';

/** a [m, k] times b [k, n], row-major; result [m, n]. */
export function matmul(a: FloatArray, b: FloatArray, m: number, k: number, n: number): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const factor = a[i * k + p]!;
      for (let j = 0; j < n; j++) c[i * n + j]! += factor * b[p * n + j]!;
    }
  }
  return c;
}

/** a [m, k] times the transpose of b [n, k], row-major; result [m, n]. */
export function matmulTransposed(a: FloatArray, b: FloatArray, m: number, k: number, n: number): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a[i * k + p]! * b[j * k + p]!;
      c[i * n + j] = sum;
    }
  }
  return c;
}

/** Sum over the rows q of x [count, n] of q a q^T. */
export function quadraticForm(a: FloatArray, n: number, x: FloatArray): number {
  const images = matmul(x, a, x.length / n, n, n);
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += images[i]! * x[i]!;
  return sum;
}
