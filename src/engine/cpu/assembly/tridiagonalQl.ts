// Eigenpairs of a small symmetric tridiagonal matrix by implicit QL with Wilkinson's shift: the leaves of
// divideConquer.ts. Eigenvectors are rows, so a rotation touches two contiguous rows.

import { get, hypotenuse, put, rotate } from './vectors';

/** Sweeps per eigenvalue after which the iteration counts as failed; two is usual. */
const MAX_SWEEPS: i32 = 50;

/**
 * d [n] and e [n - 1] (room for n) become eigenvalues, unordered, and nothing; row i of `vectors` (byte stride `row`,
 * identity on entry) the eigenvector of d[i]. Off-diagonals up to `negligible` count as zero. False: no convergence.
 */
export function tridiagonalQl(d: usize, e: usize, n: i32, vectors: usize, row: usize, negligible: f64): bool {
  for (let l = 0; l < n; l++) {
    let sweeps = 0;
    while (true) {
      let m = l;
      while (m < n - 1 && abs(get(e, m)) > negligible) m++;
      if (m == l) break;
      if (++sweeps > MAX_SWEEPS) return false;
      sweep(d, e, l, m, n, vectors, row);
    }
  }
  return true;
}

function sweep(d: usize, e: usize, l: i32, m: i32, n: i32, vectors: usize, row: usize): void {
  const el = get(e, l);
  const half = (get(d, l + 1) - get(d, l)) / (2 * el);
  let g = get(d, m) - get(d, l) + el / (half + copysign<f64>(hypotenuse(half, 1), half));
  let s: f64 = 1;
  let c: f64 = 1;
  let p: f64 = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = s * get(e, i);
    const b = c * get(e, i);
    const r = hypotenuse(f, g);
    put(e, i + 1, r);
    if (r == 0) {
      put(d, i + 1, get(d, i + 1) - p);
      if (m < n - 1) put(e, m, 0);
      return;
    }
    s = f / r;
    c = g / r;
    g = get(d, i + 1) - p;
    const t = (get(d, i) - g) * s + 2 * c * b;
    p = s * t;
    put(d, i + 1, g + p);
    g = c * t - b;
    rotate(vectors + <usize>(i + 1) * row, vectors + <usize>i * row, n, c, s);
  }
  put(d, l, get(d, l) - p);
  put(e, l, g);
  if (m < n - 1) put(e, m, 0);
}
