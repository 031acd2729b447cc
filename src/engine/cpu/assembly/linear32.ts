// Rows times a weight in float32 for WebAssembly SIMD (AssemblyScript): 4 x 8 register tiles over the weight packed in
// panels of 8 outputs. All pointers are byte addresses of row-major float32; leading dimensions count elements.

/**
 * Inner dimension of a packed block: a panel of 8 outputs is then 8 KB and stays in the first-level cache. It is also
 * the length of the sums that are added up in one register, which bounds their round-off.
 */
const KC: i32 = 256;
/** Outputs packed at a time: KC x NC floats are 64 KB, inside a second-level cache. */
const NC: i32 = 64;
const TILE: usize = memory.data(32 * 4, 16);

/** Floats of scratch that `linear32` needs. */
export function linear32Scratch(): i32 {
  return KC * NC;
}

/** Four rows of four floats from `from` on, `row` bytes apart, to four columns, `step` bytes apart. */
function transpose4(from: usize, row: usize, to: usize, step: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + row);
  const c = v128.load(from + 2 * row);
  const d = v128.load(from + 3 * row);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
  v128.store(to + step, v128.shuffle<i64>(ab, cd, 1, 3));
  v128.store(to + 2 * step, v128.shuffle<i64>(abHigh, cdHigh, 0, 2));
  v128.store(to + 3 * step, v128.shuffle<i64>(abHigh, cdHigh, 1, 3));
}

/** Rows j0..j0+nc of w [n, k], inner indices p0..p0+kc, in panels of 8; short panels get zeros. */
function pack(w: usize, k: i32, j0: i32, nc: i32, p0: i32, kc: i32, to: usize): void {
  const row = (<usize>k) << 2;
  for (let j = 0; j < nc; j += 8) {
    const panel = to + ((<usize>(j * kc)) << 2);
    const from = w + ((<usize>(j0 + j) * <usize>k + <usize>p0) << 2);
    const rows = min<i32>(8, nc - j);
    let p = 0;
    if (rows == 8) {
      for (; p + 4 <= kc; p += 4) {
        const src = from + ((<usize>p) << 2);
        const dst = panel + ((<usize>p) << 5);
        transpose4(src, row, dst, 32);
        transpose4(src + 4 * row, row, dst + 16, 32);
      }
    }
    for (; p < kc; p++) {
      for (let c = 0; c < 8; c++) {
        const value = c < rows ? load<f32>(from + <usize>c * row + ((<usize>p) << 2)) : 0;
        store<f32>(panel + ((<usize>(8 * p + c)) << 2), value);
      }
    }
  }
}

/** One 4 x 8 tile of y from 4 rows of x and one panel: sums over kc on top of what `y` holds. */
function tile(x0: usize, x1: usize, x2: usize, x3: usize, panel: usize, kc: i32, y: usize, row: usize): void {
  const y1 = y + row;
  const y2 = y1 + row;
  const y3 = y2 + row;
  let s00 = f32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  const end = panel + ((<usize>kc) << 5);
  for (let p = panel; p < end; p += 32) {
    const w0 = v128.load(p);
    const w1 = v128.load(p, 16);
    const a0 = v128.load32_splat(x0);
    s00 = f32x4.add(s00, f32x4.mul(a0, w0));
    s01 = f32x4.add(s01, f32x4.mul(a0, w1));
    const a1 = v128.load32_splat(x1);
    s10 = f32x4.add(s10, f32x4.mul(a1, w0));
    s11 = f32x4.add(s11, f32x4.mul(a1, w1));
    const a2 = v128.load32_splat(x2);
    s20 = f32x4.add(s20, f32x4.mul(a2, w0));
    s21 = f32x4.add(s21, f32x4.mul(a2, w1));
    const a3 = v128.load32_splat(x3);
    s30 = f32x4.add(s30, f32x4.mul(a3, w0));
    s31 = f32x4.add(s31, f32x4.mul(a3, w1));
    x0 += 4;
    x1 += 4;
    x2 += 4;
    x3 += 4;
  }
  v128.store(y, f32x4.add(v128.load(y), s00));
  v128.store(y, f32x4.add(v128.load(y, 16), s01), 16);
  v128.store(y1, f32x4.add(v128.load(y1), s10));
  v128.store(y1, f32x4.add(v128.load(y1, 16), s11), 16);
  v128.store(y2, f32x4.add(v128.load(y2), s20));
  v128.store(y2, f32x4.add(v128.load(y2, 16), s21), 16);
  v128.store(y3, f32x4.add(v128.load(y3), s30));
  v128.store(y3, f32x4.add(v128.load(y3, 16), s31), 16);
}

/** y [m, nc] += x [m, kc] times one packed block; tiles over the edge go through a buffer. */
function block(x: usize, ldx: i32, packed: usize, y: usize, ldy: i32, m: i32, kc: i32, nc: i32): void {
  const rowX = (<usize>ldx) << 2;
  const rowY = (<usize>ldy) << 2;
  for (let i = 0; i < m; i += 4) {
    const rows = min<i32>(4, m - i);
    const x0 = x + <usize>i * rowX;
    const x1 = rows > 1 ? x0 + rowX : x0;
    const x2 = rows > 2 ? x1 + rowX : x1;
    const x3 = rows > 3 ? x2 + rowX : x2;
    let panel = packed;
    for (let j = 0; j < nc; j += 8) {
      const columns = min<i32>(8, nc - j);
      const to = y + <usize>i * rowY + ((<usize>j) << 2);
      if (rows == 4 && columns == 8) {
        tile(x0, x1, x2, x3, panel, kc, to, rowY);
      } else {
        memory.fill(TILE, 0, 128);
        tile(x0, x1, x2, x3, panel, kc, TILE, 32);
        for (let r = 0; r < rows; r++) {
          for (let c = 0; c < columns; c++) {
            const at = to + <usize>r * rowY + ((<usize>c) << 2);
            store<f32>(at, load<f32>(at) + load<f32>(TILE + ((<usize>(8 * r + c)) << 2)));
          }
        }
      }
      panel += (<usize>kc) << 5;
    }
  }
}

/** y [m, n] = x [m, k] times the transpose of w [n, k], plus bias [n] (0: none). Packs into `scratch` as it goes. */
export function linear32(x: usize, w: usize, bias: usize, y: usize, m: i32, k: i32, n: i32, scratch: usize): void {
  const row = (<usize>n) << 2;
  if (bias == 0) memory.fill(y, 0, <usize>m * row);
  else for (let i = 0; i < m; i++) memory.copy(y + <usize>i * row, bias, row);
  for (let j = 0; j < n; j += NC) {
    const nc = min<i32>(NC, n - j);
    for (let p = 0; p < k; p += KC) {
      const kc = min<i32>(KC, k - p);
      pack(w, k, j, nc, p, kc, scratch);
      block(x + ((<usize>p) << 2), k, scratch, y + ((<usize>j) << 2), n, m, kc, nc);
    }
  }
}
