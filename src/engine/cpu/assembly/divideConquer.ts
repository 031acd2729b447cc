// Eigenpairs of a symmetric tridiagonal matrix by divide and conquer (Cuppen 1981) with deflation and the vectors of
// Gu and Eisenstat (1994), which are orthogonal however close the eigenvalues. Eigenvectors are rows.

import { block, packedLength } from './gemm';
import { rootOrigin, rootShift, secularRoot } from './secular';
import { tridiagonalQl } from './tridiagonalQl';
import { get, hypotenuse, norm2, put, rotate } from './vectors';

/** Pieces up to this size go to QL. */
const LEAF: i32 = 32;
/** Columns and inner indices of a block of the products: 64 x 256 doubles are 128 KB, inside a second-level cache. */
const COLUMNS: i32 = 64;
const INNER: i32 = 256;
/** Deflation tolerance relative to the largest entry, and off-diagonals that count as zero, in units of round-off. */
const DEFLATION: f64 = 8 * 1.1102230246251565e-16;
const NEGLIGIBLE: f64 = 0.5 * 1.1102230246251565e-16;
const HALF_ROOT: f64 = 0.7071067811865476;

/** A row of the eigenvectors has entries in the first half only, in both, or in the second only. */
const FIRST: i32 = 0;
const BOTH: i32 = 1;
const SECOND: i32 = 2;

// The problem being solved: one at a time in an instance.
let values: usize = 0;
let off: usize = 0;
let vectors: usize = 0;
let row: usize = 0;
let order: usize = 0;
let negligible: f64 = 0;

// Work space of a merge, indexed from 0; `weights` [wanted, kept] shares no memory with the rest.
let z: usize = 0;
let poles: usize = 0;
let squares: usize = 0;
let shifts: usize = 0;
let products: usize = 0;
let line: usize = 0;
let kept: usize = 0;
let kind: usize = 0;
let place: usize = 0;
let group: usize = 0;
let deflated: usize = 0;
let sorted: usize = 0;
let origins: usize = 0;
let packed: usize = 0;
let tiles: usize = 0;
let weights: usize = 0;

/** Doubles of scratch that `divideConquer` needs besides `weights`. */
export function divideConquerScratch(n: i32): i32 {
  return 10 * (n + 4) + packedLength(n, COLUMNS) + 4 * COLUMNS;
}

/** Doubles of `weights`: a merge of the middle levels wants all its vectors, the last one `count` of n. */
export function weightsLength(n: i32, count: i32): i32 {
  const half = n - n / 2;
  return max<i32>(half * half, n * count) + 4;
}

/**
 * d [n] (in place) and e [n, last entry unused] to eigenvalues and rows of `rows` [n, stride]. `to` [n] receives the
 * row numbers in ascending order of eigenvalue; only the last `count` of these rows are eigenvectors. 0: no convergence.
 */
export function divideConquer(
  d: usize,
  e: usize,
  n: i32,
  rows: usize,
  stride: i32,
  to: usize,
  count: i32,
  workWeights: usize,
  scratch: usize,
): bool {
  values = d;
  off = e;
  vectors = rows;
  row = (<usize>stride) << 3;
  order = to;
  weights = workWeights;
  const each = ((<usize>(n + 4)) << 3) & ~15;
  z = scratch;
  poles = z + each;
  squares = poles + each;
  shifts = squares + each;
  products = shifts + each;
  line = products + each;
  kept = line + each;
  kind = kept + each / 2;
  place = kept + each;
  group = place + each / 2;
  deflated = place + each;
  sorted = deflated + each / 2;
  origins = deflated + each;
  tiles = origins + each;
  packed = tiles + ((<usize>(4 * COLUMNS)) << 3);

  let size: f64 = 0;
  for (let i = 0; i < n; i++) {
    size = max<f64>(size, abs(get(d, i)));
    if (i < n - 1) size = max<f64>(size, abs(get(e, i)));
  }
  negligible = NEGLIGIBLE * size;
  memory.fill(rows, 0, <usize>n * row);
  for (let i = 0; i < n; i++) put(rows + <usize>i * row, i, 1);
  return solve(0, n, count);
}

function solve(from: i32, to: i32, count: i32): bool {
  if (to - from <= LEAF) {
    const corner = vectors + <usize>from * row + ((<usize>from) << 3);
    const at = (<usize>from) << 3;
    if (!tridiagonalQl(values + at, off + at, to - from, corner, row, negligible)) return false;
    for (let i = from; i < to; i++) setIndex(order, i, i);
    sortByValue(order + ((<usize>from) << 2), to - from);
    return true;
  }
  const middle = from + (to - from) / 2;
  const coupling = get(off, middle - 1);
  put(values, middle - 1, get(values, middle - 1) - abs(coupling));
  put(values, middle, get(values, middle) - abs(coupling));
  if (!solve(from, middle, middle - from)) return false;
  if (!solve(middle, to, to - middle)) return false;
  return merge(from, middle, to, coupling, count);
}

/** T = diag(T1, T2) + |coupling| v v^T from the eigenpairs of T1 and T2. */
function merge(from: i32, middle: i32, to: i32, coupling: f64, count: i32): bool {
  const n = to - from;
  const rho = 2 * abs(coupling);
  const sign = coupling < 0 ? -HALF_ROOT : HALF_ROOT;
  let largest: f64 = 0;
  let largestZ: f64 = 0;
  for (let i = from; i < to; i++) {
    const entry =
      i < middle ? HALF_ROOT * get(vectors + <usize>i * row, middle - 1) : sign * get(vectors + <usize>i * row, middle);
    put(z, i - from, entry);
    setIndex(kind, i - from, i < middle ? FIRST : SECOND);
    largest = max<f64>(largest, abs(get(values, i)));
    largestZ = max<f64>(largestZ, abs(entry));
  }
  mergeOrders(order + ((<usize>from) << 2), middle - from, order + ((<usize>middle) << 2), to - middle, sorted);
  memory.copy(order + ((<usize>from) << 2), sorted, (<usize>n) << 2);
  const tolerance = DEFLATION * max<f64>(largest, largestZ);
  if (rho * largestZ <= tolerance) return true;

  const count0 = deflate(from, to, rho, tolerance);
  const rest = n - count0;
  if (!findRoots(from, count0, rho)) return false;
  sortByValue(deflated, rest);
  // Roots ascend with their index, so those that are wanted are the last ones.
  const start = order + ((<usize>from) << 2);
  const first = mergeOrders(kept, count0, deflated, rest, start, n - count);
  if (count0 > 1) {
    refineWeights(from, count0);
    groupByKind(from, count0);
    makeWeights(count0, first);
    multiplyHalf(from, middle, 0, kindEnd(count0, BOTH), count0, first);
    multiplyHalf(middle, to, kindEnd(count0, FIRST), count0, count0, first);
  }
  return true;
}

/**
 * Takes out the eigenpairs that the coupling leaves as they are (z negligible) or that a rotation makes so (two poles
 * nearly equal). Leaves the rows of the others in `kept`, ascending; returns how many.
 */
function deflate(from: i32, to: i32, rho: f64, tolerance: f64): i32 {
  const n = to - from;
  let count = 0;
  let rest = 0;
  let held = -1;
  for (let t = 0; t < n; t++) {
    const next = index(sorted, t);
    if (rho * abs(get(z, next - from)) <= tolerance) {
      setIndex(deflated, rest++, next);
      continue;
    }
    if (held >= 0) {
      let s = get(z, held - from);
      let c = get(z, next - from);
      const size = hypotenuse(c, s);
      const gap = get(values, next) - get(values, held);
      c /= size;
      s /= -size;
      if (abs(gap * c * s) <= tolerance) {
        put(z, next - from, size);
        if (index(kind, next - from) != index(kind, held - from)) setIndex(kind, next - from, BOTH);
        const column = (<usize>from) << 3;
        rotate(vectors + <usize>held * row + column, vectors + <usize>next * row + column, n, c, s);
        const low = get(values, held);
        const high = get(values, next);
        put(values, held, low * c * c + high * s * s);
        put(values, next, low * s * s + high * c * c);
        setIndex(deflated, rest++, held);
      } else {
        setIndex(kept, count++, held);
      }
    }
    held = next;
  }
  if (held >= 0) setIndex(kept, count++, held);
  return count;
}

/** Roots of the secular equation of the kept pairs, as origin and shift, and as new values. */
function findRoots(from: i32, count: i32, rho: f64): bool {
  let total: f64 = 0;
  for (let i = 0; i < count; i++) {
    const own = index(kept, i);
    const entry = get(z, own - from);
    put(poles, i, get(values, own));
    put(squares, i, entry * entry);
    total += entry * entry;
  }
  if (count == 1) {
    put(values, index(kept, 0), get(poles, 0) + rho * total);
    return true;
  }
  for (let j = 0; j < count; j++) {
    if (!secularRoot(j, count, poles, squares, rho, total)) return false;
    setIndex(origins, j, rootOrigin);
    put(shifts, j, rootShift);
    put(values, index(kept, j), get(poles, rootOrigin) + rootShift);
  }
  return true;
}

/**
 * `products`: the z for which the computed roots are exact (Loewner's formula), signed. Vectors made from it are
 * orthogonal to round-off.
 */
function refineWeights(from: i32, count: i32): void {
  for (let i = 0; i < count; i++) put(products, i, 1);
  for (let j = 0; j < count; j++) {
    const origin = get(poles, index(origins, j));
    const shift = get(shifts, j);
    const pole = get(poles, j);
    multiplyRatios(0, j, origin, shift, pole);
    put(products, j, get(products, j) * (shift - (pole - origin)));
    multiplyRatios(j + 1, count, origin, shift, pole);
  }
  for (let i = 0; i < count; i++) {
    put(products, i, copysign<f64>(sqrt(abs(get(products, i))), get(z, index(kept, i) - from)));
  }
}

/** products_i *= (d_i - root) / (d_i - pole) for from <= i < to. */
function multiplyRatios(from: i32, to: i32, origin: f64, shift: f64, pole: f64): void {
  const o = f64x2.splat(origin);
  const s = f64x2.splat(shift);
  const p = f64x2.splat(pole);
  let i = from;
  for (; i + 2 <= to; i += 2) {
    const at = (<usize>i) << 3;
    const d = v128.load(poles + at);
    const ratio = f64x2.div(f64x2.sub(f64x2.sub(d, o), s), f64x2.sub(d, p));
    v128.store(products + at, f64x2.mul(v128.load(products + at), ratio));
  }
  if (i < to) put(products, i, (get(products, i) * (get(poles, i) - origin - shift)) / (get(poles, i) - pole));
}

/** `group`: rows of the kept pairs, those of one kind together; `place`: where each went. */
function groupByKind(from: i32, count: i32): void {
  let at = 0;
  for (let k = FIRST; k <= SECOND; k++) {
    for (let i = 0; i < count; i++) {
      const own = index(kept, i);
      if (index(kind, own - from) != k) continue;
      setIndex(group, at, own);
      setIndex(place, i, at);
      at++;
    }
    setIndex(sorted, k, at);
  }
}

/** Where the rows of kind `k` end in `group`. */
function kindEnd(count: i32, k: i32): i32 {
  return k == SECOND ? count : index(sorted, k);
}

/** weights [wanted, count]: coefficients of the new vectors first.. in the old rows, in the order of `group`. */
function makeWeights(count: i32, first: i32): void {
  for (let j = first; j < count; j++) {
    const origin = get(poles, index(origins, j));
    const shift = get(shifts, j);
    const o = f64x2.splat(origin);
    const s = f64x2.splat(shift);
    let i = 0;
    for (; i + 2 <= count; i += 2) {
      const at = (<usize>i) << 3;
      const distance = f64x2.sub(f64x2.sub(v128.load(poles + at), o), s);
      v128.store(line + at, f64x2.div(v128.load(products + at), distance));
    }
    if (i < count) put(line, i, get(products, i) / (get(poles, i) - origin - shift));
    const scale = 1 / norm2(line, count);
    const to = weights + ((<usize>(j - first) * <usize>count) << 3);
    for (let p = 0; p < count; p++) put(to, index(place, p), get(line, p) * scale);
  }
}

/**
 * Columns from..to of the new vectors: weights [wanted, begin..end] times the old rows group[begin..end]. In place:
 * the old columns of a block are packed before the new ones are written. New vector j goes to row kept[j].
 */
function multiplyHalf(from: i32, to: i32, begin: i32, end: i32, count: i32, first: i32): void {
  const inner = end - begin;
  if (inner == 0) return;
  const wanted = count - first;
  for (let column = from; column < to; column += COLUMNS) {
    const columns = min<i32>(COLUMNS, to - column);
    const padded = (columns + 3) & ~3;
    packRows(begin, inner, column, columns, padded);
    for (let i = 0; i < wanted; i += 4) {
      const rows = min<i32>(4, wanted - i);
      let source = packed;
      for (let p = 0; p < inner; p += INNER) {
        const depth = min<i32>(INNER, inner - p);
        const a = weights + ((<usize>i * <usize>count + <usize>(begin + p)) << 3);
        block(a, count, source, tiles, COLUMNS, rows, depth, padded, p > 0);
        source += (<usize>(depth * padded)) << 3;
      }
      for (let r = 0; r < rows; r++) {
        const target = vectors + <usize>index(kept, first + i + r) * row + ((<usize>column) << 3);
        memory.copy(target, tiles + ((<usize>(r * COLUMNS)) << 3), (<usize>columns) << 3);
      }
    }
  }
}

/** Rows group[begin..begin + inner] of the vectors, columns column.., in panels of 4 as `block` reads them. */
function packRows(begin: i32, inner: i32, column: i32, columns: i32, padded: i32): void {
  let base = packed;
  for (let p = 0; p < inner; p += INNER) {
    const depth = min<i32>(INNER, inner - p);
    for (let q = 0; q < depth; q++) {
      let source = vectors + <usize>index(group, begin + p + q) * row + ((<usize>column) << 3);
      let to = base + ((<usize>q) << 5);
      let c = 0;
      for (; c + 4 <= columns; c += 4) {
        v128.store(to, v128.load(source));
        v128.store(to, v128.load(source, 16), 16);
        source += 32;
        to += (<usize>depth) << 5;
      }
      for (let s = 0; c < padded && s < 4; s++) {
        put(to, s, c + s < columns ? get(source, s) : 0);
      }
    }
    base += (<usize>(depth * padded)) << 3;
  }
}

/** Row numbers by ascending value; they come nearly in order, so insertion is enough. */
function sortByValue(rows: usize, count: i32): void {
  for (let i = 1; i < count; i++) {
    const own = index(rows, i);
    const value = get(values, own);
    let at = i;
    while (at > 0 && get(values, index(rows, at - 1)) > value) {
      setIndex(rows, at, index(rows, at - 1));
      at--;
    }
    setIndex(rows, at, own);
  }
}

/** Two ascending lists of rows into one; returns how many of `a` come before place `mark` of it. */
function mergeOrders(a: usize, countA: i32, b: usize, countB: i32, to: usize, mark: i32 = 0): i32 {
  let i = 0;
  let j = 0;
  let before = 0;
  for (let t = 0; t < countA + countB; t++) {
    const takeA = j == countB || (i < countA && get(values, index(a, i)) <= get(values, index(b, j)));
    if (takeA) {
      if (t < mark) before++;
      setIndex(to, t, index(a, i++));
    } else {
      setIndex(to, t, index(b, j++));
    }
  }
  return before;
}

function index(x: usize, i: i32): i32 {
  return load<i32>(x + ((<usize>i) << 2));
}

function setIndex(x: usize, i: i32, value: i32): void {
  store<i32>(x + ((<usize>i) << 2), value);
}
