// Last stage of the symmetric eigendecomposition: eigenvectors of the tridiagonal matrix to those of the original one,
// by the reflectors of tridiagonal.ts in blocks (compact WY form), so that all of it is matrix products.

import { multiply } from './gemm';
import { get, put } from './vectors';

/** Reflectors of a block I - V T V^T. */
const BLOCK: i32 = 48;

/** Doubles of scratch that `backTransform` needs, apart from that of `multiply`. */
export function backTransformScratch(count: i32, stride: i32): i32 {
  return 3 * BLOCK * BLOCK + BLOCK * stride + BLOCK * count;
}

/**
 * Rows of x [count, stride] become rows of x Q^T, Q = H_0 .. H_(n-3): x = eigenvectors of T gives those of A.
 * `a` and `tau` as `tridiagonalise` left them; the part of `a` below its reflectors is cleared.
 */
export function backTransform(
  a: usize,
  n: i32,
  stride: i32,
  tau: usize,
  x: usize,
  count: i32,
  scratch: usize,
  pack: usize,
): void {
  const row = (<usize>stride) << 3;
  const gram = scratch;
  const t = gram + ((<usize>(BLOCK * BLOCK)) << 3);
  const factor = t + ((<usize>(BLOCK * BLOCK)) << 3);
  const y = factor + ((<usize>(BLOCK * BLOCK)) << 3);
  const inner = y + <usize>BLOCK * row;
  const reflectors = n - 2;
  if (reflectors <= 0) return;
  for (let first = ((reflectors - 1) / BLOCK) * BLOCK; first >= 0; first -= BLOCK) {
    const size = min<i32>(BLOCK, reflectors - first);
    const length = n - first - 1;
    // V^T [size, length]: rows of a from column first + 1, zero before each reflector's own 1.
    const v = a + <usize>first * row + ((<usize>(first + 1)) << 3);
    for (let p = 1; p < size; p++) memory.fill(v + <usize>p * row, 0, (<usize>p) << 3);
    multiply(true, v, stride, v, stride, gram, BLOCK, size, length, size, false, pack);
    triangularFactor(gram, tau + ((<usize>first) << 3), t, factor, size);
    // x (I - V T^T V^T) = x + (x V) y with y = -T^T V^T.
    multiply(false, factor, BLOCK, v, stride, y, stride, size, size, length, false, pack);
    const corner = x + ((<usize>(first + 1)) << 3);
    multiply(true, corner, stride, v, stride, inner, BLOCK, count, length, size, false, pack);
    multiply(false, inner, BLOCK, y, stride, corner, stride, count, size, length, true, pack);
  }
}

/** T, upper triangular, of H_0 H_1 .. = I - V T V^T from V^T V; `factor` = -T^T. Both [size, BLOCK]. */
function triangularFactor(gram: usize, tau: usize, t: usize, factor: usize, size: i32): void {
  memory.fill(factor, 0, (<usize>(BLOCK * BLOCK)) << 3);
  for (let j = 0; j < size; j++) {
    const scale = get(tau, j);
    for (let i = 0; i < j; i++) {
      let total: f64 = 0;
      for (let l = i; l < j; l++) total += get(t, i * BLOCK + l) * get(gram, l * BLOCK + j);
      put(t, i * BLOCK + j, -scale * total);
      put(factor, j * BLOCK + i, scale * total);
    }
    put(t, j * BLOCK + j, scale);
    put(factor, j * BLOCK + j, -scale);
  }
}
