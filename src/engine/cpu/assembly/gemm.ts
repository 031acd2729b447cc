// Float64 matrix products for WebAssembly SIMD (AssemblyScript). All pointers are byte addresses of row-major
// float64; leading dimensions count elements. 4 x 4 register tiles over B packed in panels of 4 columns.

/** Inner dimension of a packed block: a panel of 4 columns is then 8 KB and stays in the first-level cache. */
const KC: i32 = 256;
/** Columns packed at a time in `gemm`: KC x NC doubles are 128 KB, inside a second-level cache. */
const NC: i32 = 64;
const TILE: usize = memory.data(16 * 8, 16);

/** Doubles that `packAll` writes for B with inner dimension k and n columns. */
export function packedLength(k: i32, n: i32): i32 {
  return ((n + 3) & ~3) * k;
}

/** Columns j0..j0+nc of the transpose of b [n, ldb] (so rows of b), inner indices p0..p0+kc; short panels get zeros. */
function packTransposed(b: usize, ldb: i32, j0: i32, nc: i32, p0: i32, kc: i32, to: usize): void {
  for (let j = 0; j < nc; j += 4) {
    const panel = to + ((<usize>(j * kc)) << 3);
    for (let c = 0; c < 4; c++) {
      let dst = panel + ((<usize>c) << 3);
      if (j + c < nc) {
        let src = b + ((<usize>(j0 + j + c) * <usize>ldb + <usize>p0) << 3);
        for (let p = 0; p < kc; p++) {
          store<f64>(dst, load<f64>(src));
          src += 8;
          dst += 32;
        }
      } else {
        for (let p = 0; p < kc; p++) {
          store<f64>(dst, 0);
          dst += 32;
        }
      }
    }
  }
}

/** Columns j0..j0+nc and rows p0..p0+kc of b [k, ldb]; short panels get zeros. */
function packPlain(b: usize, ldb: i32, j0: i32, nc: i32, p0: i32, kc: i32, to: usize): void {
  let dst = to;
  for (let j = 0; j < nc; j += 4) {
    let src = b + ((<usize>p0 * <usize>ldb + <usize>(j0 + j)) << 3);
    const columns = min<i32>(4, nc - j);
    for (let p = 0; p < kc; p++) {
      if (columns == 4) {
        v128.store(dst, v128.load(src));
        v128.store(dst, v128.load(src, 16), 16);
      } else {
        for (let c = 0; c < 4; c++) {
          store<f64>(dst + ((<usize>c) << 3), c < columns ? load<f64>(src + ((<usize>c) << 3)) : 0);
        }
      }
      src += (<usize>ldb) << 3;
      dst += 32;
    }
  }
}

/** The whole of B, block of KC by block of KC, for `gemmPacked`. */
export function packAll(transposed: bool, b: usize, k: i32, n: i32, to: usize): void {
  let dst = to;
  for (let p = 0; p < k; p += KC) {
    const kc = min<i32>(KC, k - p);
    if (transposed) packTransposed(b, k, 0, n, p, kc, dst);
    else packPlain(b, n, 0, n, p, kc, dst);
    dst += (<usize>packedLength(kc, n)) << 3;
  }
}

/** One 4 x 4 tile of C from 4 rows of A and one panel of B: sums over kc, added to C where `accumulate`. */
function tile(
  a0: usize,
  a1: usize,
  a2: usize,
  a3: usize,
  panel: usize,
  kc: i32,
  c: usize,
  ldc: usize,
  accumulate: bool,
): void {
  let c00 = f64x2.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  const end = panel + ((<usize>kc) << 5);
  for (let p = panel; p < end; p += 32) {
    const b0 = v128.load(p);
    const b1 = v128.load(p, 16);
    const x0 = v128.load64_splat(a0);
    c00 = f64x2.add(c00, f64x2.mul(x0, b0));
    c01 = f64x2.add(c01, f64x2.mul(x0, b1));
    const x1 = v128.load64_splat(a1);
    c10 = f64x2.add(c10, f64x2.mul(x1, b0));
    c11 = f64x2.add(c11, f64x2.mul(x1, b1));
    const x2 = v128.load64_splat(a2);
    c20 = f64x2.add(c20, f64x2.mul(x2, b0));
    c21 = f64x2.add(c21, f64x2.mul(x2, b1));
    const x3 = v128.load64_splat(a3);
    c30 = f64x2.add(c30, f64x2.mul(x3, b0));
    c31 = f64x2.add(c31, f64x2.mul(x3, b1));
    a0 += 8;
    a1 += 8;
    a2 += 8;
    a3 += 8;
  }
  const r1 = c + ldc;
  const r2 = r1 + ldc;
  const r3 = r2 + ldc;
  if (accumulate) {
    c00 = f64x2.add(c00, v128.load(c));
    c01 = f64x2.add(c01, v128.load(c, 16));
    c10 = f64x2.add(c10, v128.load(r1));
    c11 = f64x2.add(c11, v128.load(r1, 16));
    c20 = f64x2.add(c20, v128.load(r2));
    c21 = f64x2.add(c21, v128.load(r2, 16));
    c30 = f64x2.add(c30, v128.load(r3));
    c31 = f64x2.add(c31, v128.load(r3, 16));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(r1, c10);
  v128.store(r1, c11, 16);
  v128.store(r2, c20);
  v128.store(r2, c21, 16);
  v128.store(r3, c30);
  v128.store(r3, c31, 16);
}

/** C [m, nc] (+)= A [m, kc] times one packed block; tiles over the edge go through a buffer. */
export function block(
  a: usize,
  lda: i32,
  packed: usize,
  c: usize,
  ldc: i32,
  m: i32,
  kc: i32,
  nc: i32,
  accumulate: bool,
): void {
  const rowA = (<usize>lda) << 3;
  const rowC = (<usize>ldc) << 3;
  for (let i = 0; i < m; i += 4) {
    const rows = min<i32>(4, m - i);
    const a0 = a + <usize>i * rowA;
    const a1 = rows > 1 ? a0 + rowA : a0;
    const a2 = rows > 2 ? a1 + rowA : a1;
    const a3 = rows > 3 ? a2 + rowA : a2;
    let panel = packed;
    for (let j = 0; j < nc; j += 4) {
      const columns = min<i32>(4, nc - j);
      const to = c + <usize>i * rowC + ((<usize>j) << 3);
      if (rows == 4 && columns == 4) {
        tile(a0, a1, a2, a3, panel, kc, to, rowC, accumulate);
      } else {
        tile(a0, a1, a2, a3, panel, kc, TILE, 32, false);
        for (let r = 0; r < rows; r++) {
          for (let s = 0; s < columns; s++) {
            const dst = to + <usize>r * rowC + ((<usize>s) << 3);
            const value = load<f64>(TILE + ((<usize>(r * 4 + s)) << 3));
            store<f64>(dst, accumulate ? load<f64>(dst) + value : value);
          }
        }
      }
      panel += (<usize>kc) << 5;
    }
  }
}

/** C [m, n] = A [m, k] times B packed by `packAll`. */
export function gemmPacked(a: usize, lda: i32, packed: usize, c: usize, ldc: i32, m: i32, k: i32, n: i32): void {
  for (let p = 0; p < k; p += KC) {
    const kc = min<i32>(KC, k - p);
    block(a + ((<usize>p) << 3), lda, packed, c, ldc, m, kc, n, p > 0);
    packed += (<usize>packedLength(kc, n)) << 3;
  }
}

/** Doubles of scratch that `gemm` needs. */
export function gemmScratch(): i32 {
  return KC * NC;
}

/** c [m, n] = a [m, k] times b, which is [k, n], or [n, k] when `transposed`. Packs into `pack` as it goes. */
export function gemm(transposed: bool, a: usize, b: usize, c: usize, m: i32, k: i32, n: i32, pack: usize): void {
  multiply(transposed, a, k, b, transposed ? k : n, c, n, m, k, n, false, pack);
}

/** `gemm` of pieces of larger matrices, with their leading dimensions; added to c when `accumulate`. */
export function multiply(
  transposed: bool,
  a: usize,
  lda: i32,
  b: usize,
  ldb: i32,
  c: usize,
  ldc: i32,
  m: i32,
  k: i32,
  n: i32,
  accumulate: bool,
  pack: usize,
): void {
  for (let j = 0; j < n; j += NC) {
    const nc = min<i32>(NC, n - j);
    const to = c + ((<usize>j) << 3);
    for (let p = 0; p < k; p += KC) {
      const kc = min<i32>(KC, k - p);
      if (transposed) packTransposed(b, ldb, j, nc, p, kc, pack);
      else packPlain(b, ldb, j, nc, p, kc, pack);
      block(a + ((<usize>p) << 3), lda, pack, to, ldc, m, kc, nc, accumulate || p > 0);
    }
  }
}

/** Doubles of scratch that `quadraticForm` needs besides that of `gemm`. */
export function quadraticFormScratch(count: i32): i32 {
  return count * NC;
}

/**
 * Sum over the rows q of x [count, n] of q A q^T, A [n, n] symmetric: block columns of the upper triangle alone, what
 * lies above the diagonal block counts twice.
 */
export function quadraticForm(a: usize, n: i32, x: usize, count: i32, work: usize, pack: usize): f64 {
  let total: f64 = 0;
  for (let j = 0; j < n; j += NC) {
    const nc = min<i32>(NC, n - j);
    const column = a + ((<usize>j) << 3);
    const own = x + ((<usize>j) << 3);
    multiply(false, x, n, column, n, work, NC, count, j, nc, false, pack);
    const above = j > 0 ? dotRows(work, NC, own, n, count, nc) : 0;
    multiply(false, own, n, column + ((<usize>j * <usize>n) << 3), n, work, NC, count, nc, nc, false, pack);
    total += 2 * above + dotRows(work, NC, own, n, count, nc);
  }
  return total;
}

/** Sum of the products of the entries of u [rows, n] and v [rows, n]. */
function dotRows(u: usize, ldu: i32, v: usize, ldv: i32, rows: i32, n: i32): f64 {
  let total: f64 = 0;
  for (let i = 0; i < rows; i++) {
    const p = u + ((<usize>i * <usize>ldu) << 3);
    const q = v + ((<usize>i * <usize>ldv) << 3);
    let pair = f64x2.splat(0);
    let j = 0;
    for (; j + 2 <= n; j += 2) {
      const at = (<usize>j) << 3;
      pair = f64x2.add(pair, f64x2.mul(v128.load(p + at), v128.load(q + at)));
    }
    total += f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
    if (j < n) total += load<f64>(p + ((<usize>j) << 3)) * load<f64>(q + ((<usize>j) << 3));
  }
  return total;
}

/** Adds bias [n] to each row of c [m, n]. */
export function addBias(c: usize, bias: usize, m: i32, n: i32): void {
  for (let i = 0; i < m; i++) {
    const row = c + ((<usize>i * <usize>n) << 3);
    let j = 0;
    for (; j + 2 <= n; j += 2) {
      const at = (<usize>j) << 3;
      v128.store(row + at, f64x2.add(v128.load(row + at), v128.load(bias + at)));
    }
    if (j < n) {
      const at = (<usize>j) << 3;
      store<f64>(row + at, load<f64>(row + at) + load<f64>(bias + at));
    }
  }
}
