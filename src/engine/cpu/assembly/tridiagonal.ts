// First stage of the symmetric eigendecomposition: Householder reduction to tridiagonal form, in panels, so that half
// of the work is matrix products. Row-major, upper triangle; the rows of the matrix end up as the reflectors.

import { block } from './gemm';
import { axpy4, dotPair, get, norm2, SEGMENT } from './vectors';

/** Reflectors of a panel. The trailing matrix is updated once a panel, by a product with inner dimension 2 PANEL. */
const PANEL: i32 = 32;

/**
 * A row shorter than this (the matrix has entries up to 1) is taken as zero: squares of its entries would underflow
 * and the reflector would not be orthogonal. The error is far below round-off of the matrix.
 */
const SHORTEST: f64 = 1e-100;

/** Doubles of scratch that `tridiagonalise` needs. */
export function tridiagonalScratch(n: i32, stride: i32): i32 {
  return (3 * PANEL + 1) * stride + 2 * PANEL * (n + 5);
}

/**
 * Reduces a [n, n] (leading dimension `stride`, a multiple of 4; upper triangle read, columns n..stride zero) to
 * diagonal `d` [n] and off-diagonal `e` [n - 1]. Row p of a is left with the reflector H_p = I - tau_p v v^T in
 * columns p+1..n, v[p+1] = 1; `tau` [n]. T = Q^T A Q with Q = H_0 H_1 ... H_(n-3).
 */
export function tridiagonalise(a: usize, n: i32, stride: i32, d: usize, e: usize, tau: usize, scratch: usize): void {
  const row = (<usize>stride) << 3;
  const w = scratch;
  const left = w + <usize>PANEL * row;
  const right = left + ((<usize>(2 * PANEL * (n + 4))) << 3);
  const inner = right + 2 * <usize>PANEL * row;
  const part = inner + ((<usize>(2 * PANEL)) << 3);
  memory.fill(w, 0, <usize>PANEL * row);
  for (let first = 0; first < n; first += PANEL) {
    const end = min<i32>(first + PANEL, n);
    for (let i = first; i < end; i++) {
      const own = a + <usize>i * row;
      correct(own, i, n, a + <usize>first * row, w, row, i - first, i, inner);
      store<f64>(d + ((<usize>i) << 3), load<f64>(own + ((<usize>i) << 3)));
      if (i + 1 < n) {
        reflect(own, i, n, e, tau);
        const image = w + <usize>(i - first) * row;
        const factor = load<f64>(tau + ((<usize>i) << 3));
        if (factor == 0) {
          memory.fill(image, 0, row);
        } else {
          symmetricProduct(a, n, row, i + 1, own, image, part);
          finishImage(a + <usize>first * row, w, row, i - first, own, image, i + 1, n, factor, inner);
        }
      }
    }
    if (end < n) updateTrailing(a, n, stride, first, end, w, left, right);
  }
}

/** y -= sum over p < count of V_p[at] W_p + W_p[at] V_p, columns from..n: what the panel has done to row `at` so far. */
function correct(y: usize, from: i32, n: i32, v: usize, w: usize, row: usize, count: i32, at: i32, inner: usize): void {
  const column = (<usize>at) << 3;
  for (let p = 0; p < count; p++) {
    const to = inner + ((<usize>p) << 4);
    store<f64>(to, -load<f64>(w + <usize>p * row + column));
    store<f64>(to, -load<f64>(v + <usize>p * row + column), 8);
  }
  combine(y, from, n, v, w, row, count, inner);
}

/** y += sum over p < count of inner[2p] V_p + inner[2p + 1] W_p, columns from..n. */
function combine(y: usize, from: i32, n: i32, v: usize, w: usize, row: usize, count: i32, inner: usize): void {
  const start = (<usize>from) << 3;
  let p = 0;
  for (; p + 2 <= count; p += 2) {
    const at = <usize>p * row + start;
    axpy4(y + start, v + at, w + at, v + at + row, w + at + row, n - from, inner + ((<usize>p) << 4));
  }
  if (p < count) {
    const at = <usize>p * row + start;
    const a = load<f64>(inner + ((<usize>p) << 4));
    const b = load<f64>(inner + ((<usize>p) << 4), 8);
    for (let j: usize = 0; j < (<usize>(n - from)) << 3; j += 8) {
      store<f64>(y + start + j, load<f64>(y + start + j) + a * load<f64>(v + at + j) + b * load<f64>(w + at + j));
    }
  }
}

/** The reflector that leaves only e_i of columns i+1..n of `own`. */
function reflect(own: usize, i: i32, n: i32, e: usize, tau: usize): void {
  const here = (<usize>i) << 3;
  const head = own + here + 8;
  const alpha = load<f64>(head);
  const rest = norm2(head + 8, n - i - 2);
  const size = sqrt(alpha * alpha + rest * rest);
  if (i + 2 >= n || rest == 0 || size < SHORTEST) {
    // Nothing to reflect: H = I.
    store<f64>(e + here, size < SHORTEST ? 0 : alpha);
    store<f64>(tau + here, 0);
    memory.fill(head, 0, (<usize>(n - i - 1)) << 3);
  } else {
    const beta = -copysign<f64>(size, alpha);
    const scale = 1 / (alpha - beta);
    for (let j: usize = 8; j < (<usize>(n - i - 1)) << 3; j += 8) {
      store<f64>(head + j, load<f64>(head + j) * scale);
    }
    store<f64>(e + here, beta);
    store<f64>(tau + here, (beta - alpha) / beta);
  }
  store<f64>(head, 1);
}

/**
 * y[from..n] = A[from.., from..] x from the upper triangle: each entry is read once and used for both its row and its
 * column. Sums go by SEGMENT entries, for accuracy; `part` [stride] is work space.
 */
function symmetricProduct(a: usize, n: i32, row: usize, from: i32, x: usize, y: usize, part: usize): void {
  memory.fill(y, 0, row);
  for (let first = from & ~3; first < n; first += SEGMENT) {
    const start = max<i32>(first, from);
    const end = min<i32>(first + SEGMENT, n);
    const left = (<usize>(start & ~1)) << 3;
    memory.fill(part + left, 0, row - left);
    rowsProduct(a, n, row, start, end, x, part);
    for (let j = left; j < row; j += 16) v128.store(y + j, f64x2.add(v128.load(y + j), v128.load(part + j)));
  }
}

/** What rows from..to of the upper triangle add to y = A x. They go by four from a multiple of 4 on. */
function rowsProduct(a: usize, n: i32, row: usize, from: i32, to: i32, x: usize, y: usize): void {
  // Whole pairs: column n of an odd n is zero in A and x.
  const end = (<usize>((n + 1) & ~1)) << 3;
  let r = from;
  while (r < to) {
    const at = (<usize>r) << 3;
    if ((r & 3) != 0 || r + 4 > to) {
      const line = a + <usize>r * row;
      const xr = load<f64>(x + at);
      let total = load<f64>(line + at) * xr;
      for (let j = at + 8; j < (<usize>n) << 3; j += 8) {
        const value = load<f64>(line + j);
        total += value * load<f64>(x + j);
        store<f64>(y + j, load<f64>(y + j) + value * xr);
      }
      store<f64>(y + at, load<f64>(y + at) + total);
      r++;
      continue;
    }
    const r0 = a + <usize>r * row;
    const r1 = r0 + row;
    const r2 = r1 + row;
    const r3 = r2 + row;
    const x0 = load<f64>(x + at);
    const x1 = load<f64>(x + at, 8);
    const x2 = load<f64>(x + at, 16);
    const x3 = load<f64>(x + at, 24);
    const a01 = load<f64>(r0 + at, 8);
    const a02 = load<f64>(r0 + at, 16);
    const a03 = load<f64>(r0 + at, 24);
    const a12 = load<f64>(r1 + at, 16);
    const a13 = load<f64>(r1 + at, 24);
    const a23 = load<f64>(r2 + at, 24);
    let t0 = load<f64>(r0 + at) * x0 + a01 * x1 + a02 * x2 + a03 * x3;
    let t1 = a01 * x0 + load<f64>(r1 + at, 8) * x1 + a12 * x2 + a13 * x3;
    let t2 = a02 * x0 + a12 * x1 + load<f64>(r2 + at, 16) * x2 + a23 * x3;
    let t3 = a03 * x0 + a13 * x1 + a23 * x2 + load<f64>(r3 + at, 24) * x3;
    const s0 = f64x2.splat(x0);
    const s1 = f64x2.splat(x1);
    const s2 = f64x2.splat(x2);
    const s3 = f64x2.splat(x3);
    for (let j = at + 32; j < end;) {
      const stop = min<usize>(end, j + ((<usize>SEGMENT) << 3));
      let c0 = f64x2.splat(0);
      let c1 = c0;
      let c2 = c0;
      let c3 = c0;
      for (; j < stop; j += 16) {
        const xj = v128.load(x + j);
        let yj = v128.load(y + j);
        const b0 = v128.load(r0 + j);
        c0 = f64x2.add(c0, f64x2.mul(b0, xj));
        yj = f64x2.add(yj, f64x2.mul(b0, s0));
        const b1 = v128.load(r1 + j);
        c1 = f64x2.add(c1, f64x2.mul(b1, xj));
        const b2 = v128.load(r2 + j);
        let zj = f64x2.mul(b1, s1);
        c2 = f64x2.add(c2, f64x2.mul(b2, xj));
        yj = f64x2.add(yj, f64x2.mul(b2, s2));
        const b3 = v128.load(r3 + j);
        c3 = f64x2.add(c3, f64x2.mul(b3, xj));
        zj = f64x2.add(zj, f64x2.mul(b3, s3));
        v128.store(y + j, f64x2.add(yj, zj));
      }
      t0 += f64x2.extract_lane(c0, 0) + f64x2.extract_lane(c0, 1);
      t1 += f64x2.extract_lane(c1, 0) + f64x2.extract_lane(c1, 1);
      t2 += f64x2.extract_lane(c2, 0) + f64x2.extract_lane(c2, 1);
      t3 += f64x2.extract_lane(c3, 0) + f64x2.extract_lane(c3, 1);
    }
    store<f64>(y + at, load<f64>(y + at) + t0);
    store<f64>(y + at, load<f64>(y + at, 8) + t1, 8);
    store<f64>(y + at, load<f64>(y + at, 16) + t2, 16);
    store<f64>(y + at, load<f64>(y + at, 24) + t3, 24);
    r += 4;
  }
}

/** From A_old v to the W of this reflector: takes off what the panel has changed since, scales, makes it symmetric. */
function finishImage(
  v: usize,
  w: usize,
  row: usize,
  count: i32,
  own: usize,
  image: usize,
  from: i32,
  n: i32,
  factor: f64,
  inner: usize,
): void {
  const start = (<usize>from) << 3;
  for (let p = 0; p < count; p++) {
    const at = <usize>p * row + start;
    // (W_p . v) goes with V_p and (V_p . v) with W_p.
    const to = inner + ((<usize>p) << 4);
    dotPair(own + start, w + at, v + at, n - from, to);
    v128.store(to, f64x2.neg(v128.load(to)));
  }
  combine(image, from, n, v, w, row, count, inner);
  dotPair(own + start, image + start, image + start, n - from, inner);
  const shift = -0.5 * factor * factor * get(inner, 0);
  for (let j = start; j < (<usize>n) << 3; j += 8) {
    store<f64>(image + j, factor * load<f64>(image + j) + shift * load<f64>(own + j));
  }
}

/** A -= V W^T + W V^T on rows and columns end..n, upper triangle, as one product of inner dimension 2 (end - first). */
function updateTrailing(
  a: usize,
  n: i32,
  stride: i32,
  first: i32,
  end: i32,
  w: usize,
  left: usize,
  right: usize,
): void {
  const row = (<usize>stride) << 3;
  const count = end - first;
  const inner = 2 * count;
  for (let p = 0; p < count; p++) {
    const v = a + <usize>(first + p) * row;
    const image = w + <usize>p * row;
    for (let r = end; r < n; r++) {
      const to = left + ((<usize>((r - end) * inner + 2 * p)) << 3);
      store<f64>(to, load<f64>(v + ((<usize>r) << 3)));
      store<f64>(to, load<f64>(image + ((<usize>r) << 3)), 8);
    }
  }
  for (let j = end; j < n; j += 4) {
    let to = right + ((<usize>((j - end) * inner)) << 3);
    const at = (<usize>j) << 3;
    for (let p = 0; p < count; p++) {
      const image = w + <usize>p * row + at;
      const v = a + <usize>(first + p) * row + at;
      v128.store(to, f64x2.neg(v128.load(image)));
      v128.store(to, f64x2.neg(v128.load(image, 16)), 16);
      v128.store(to, f64x2.neg(v128.load(v)), 32);
      v128.store(to, f64x2.neg(v128.load(v, 16)), 48);
      to += 64;
    }
  }
  for (let r = end; r < n; r += 4) {
    const offset = (<usize>((r - end) * inner)) << 3;
    const to = a + <usize>r * row + ((<usize>r) << 3);
    block(left + offset, inner, right + offset, to, stride, min<i32>(4, n - r), inner, n - r, true);
  }
}
