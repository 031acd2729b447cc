// Symmetric eigendecomposition in float64: scaling, reduction to tridiagonal form, divide and conquer, and the
// back-transformation of those eigenvectors that are wanted.

import { backTransform, backTransformScratch } from './backTransform';
import { divideConquer, divideConquerScratch, weightsLength } from './divideConquer';
import { gemmScratch } from './gemm';
import { tridiagonalise, tridiagonalScratch } from './tridiagonal';
import { get, put } from './vectors';

/**
 * Entries below this part of the largest are set to 0: products of a few of them must not underflow, where
 * rotations lose their orthogonality. 6e-61 of the norm is nothing beside round-off.
 */
const SMALLEST: f64 = 6.223015277861142e-61;

/** Leading dimension for rows of n doubles: an odd multiple of 4, so that rows are aligned and share no cache set. */
export function eigenStride(n: i32): i32 {
  return ((n + 3) & ~7) + 4;
}

/** Doubles of scratch that `eigen` needs. */
export function eigenScratch(n: i32, count: i32): i32 {
  const stride = eigenStride(n);
  return 4 * (n + 4) + n * stride + weightsLength(n, count) + stagesScratch(n, count);
}

/** The stages use this part one after the other. */
function stagesScratch(n: i32, count: i32): i32 {
  const stride = eigenStride(n);
  const back = backTransformScratch(count, stride) + gemmScratch();
  return max<i32>(tridiagonalScratch(n, stride), max<i32>(divideConquerScratch(n), back));
}

/**
 * a [n, eigenStride(n)], symmetric (its upper triangle is read), is destroyed. values [n]: eigenvalues, descending;
 * vectors [count, eigenStride(n)]: row i is the unit eigenvector of values[i]. 0: a is not finite, or no convergence.
 */
export function eigen(a: usize, n: i32, count: i32, values: usize, vectors: usize, scratch: usize): i32 {
  const stride = eigenStride(n);
  const row = (<usize>stride) << 3;
  let largest: f64 = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) {
      const size = abs(get(a + <usize>i * row, j));
      if (!(size <= f64.MAX_VALUE)) return 0;
      largest = max<f64>(largest, size);
    }
  }
  memory.fill(values, 0, (<usize>n) << 3);
  memory.fill(vectors, 0, <usize>count * row);
  if (largest == 0) {
    for (let i = 0; i < count; i++) put(vectors + <usize>i * row, i, 1);
    return 1;
  }

  // A power of two near 1/largest changes no digit.
  const exponent = min<i32>(max<i32>(<i32>(reinterpret<u64>(largest) >> 52) - 1023, -1022), 1022);
  const unit = reinterpret<f64>((<u64>(exponent + 1023)) << 52);
  const scale = 1 / unit;
  const floor = largest * scale * SMALLEST;
  for (let i = 0; i < n; i++) {
    const line = a + <usize>i * row;
    for (let j = i; j < n; j++) {
      const value = get(line, j) * scale;
      put(line, j, abs(value) < floor ? 0 : value);
    }
    for (let j = n; j < stride; j++) put(line, j, 0);
  }

  const each = ((<usize>(n + 4)) << 3) & ~15;
  const d = scratch;
  const e = d + each;
  const tau = e + each;
  const order = tau + each;
  const rows = order + each;
  const weights = rows + <usize>n * row;
  const rest = weights + ((<usize>weightsLength(n, count)) << 3);
  tridiagonalise(a, n, stride, d, e, tau, rest);
  if (!divideConquer(d, e, n, rows, stride, order, count, weights, rest)) return 0;
  for (let i = 0; i < n; i++) {
    const from = load<i32>(order + ((<usize>(n - 1 - i)) << 2));
    put(values, i, get(d, from) * unit);
    if (i < count) memory.copy(vectors + <usize>i * row, rows + <usize>from * row, (<usize>n) << 3);
  }
  backTransform(a, n, stride, tau, vectors, count, rest, rest + ((<usize>backTransformScratch(count, stride)) << 3));
  return 1;
}
