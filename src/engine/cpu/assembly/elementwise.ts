// Elementwise float64 work for WebAssembly SIMD (AssemblyScript): exp, GELU, LayerNorm. Vector loops run over
// pairs; arrays are padded to a whole pair by the caller, and the odd lane holds junk nobody reads.

const BLOCK: i32 = 128;
const BUFFER: usize = memory.data(BLOCK * 8, 16);

/** exp(-746) rounds to 0; below it the exponent arithmetic would wrap. Above 709.79 exp is infinite. */
const LOWEST: f64 = -746;
const HIGHEST: f64 = 710;
const LOG2E: f64 = 1.4426950408889634;
/** ln 2 in two parts; the first has 32 trailing zero bits, so n * LN2_HIGH is exact. */
const LN2_HIGH: f64 = 6.9314718036912381649e-1;
const LN2_LOW: f64 = 1.90821492927058770002e-10;
/** 1.5 * 2^52: adding it leaves the nearest integer in the low bits. */
const ROUND: f64 = 6755399441055744;

/**
 * to[i] = exp((from[i] - shift) * scale). x = n ln 2 + r, Taylor of degree 13 for |r| <= ln 2 / 2 (remainder
 * 4e-18), times 2^n in two steps so that results below 2^-1022 round once. Error below 1 ulp.
 */
export function expInto(from: usize, to: usize, n: i32, shift: f64, scale: f64): void {
  const shifts = f64x2.splat(shift);
  const scales = f64x2.splat(scale);
  const round = f64x2.splat(ROUND);
  const bias = i64x2.splat(1023);
  const end = from + ((<usize>n) << 3);
  for (; from < end; from += 16, to += 16) {
    let x = f64x2.mul(f64x2.sub(v128.load(from), shifts), scales);
    x = f64x2.min(f64x2.max(x, f64x2.splat(LOWEST)), f64x2.splat(HIGHEST));
    const rounded = f64x2.add(f64x2.mul(x, f64x2.splat(LOG2E)), round);
    const count = f64x2.sub(rounded, round);
    const r = f64x2.sub(f64x2.sub(x, f64x2.mul(count, f64x2.splat(LN2_HIGH))), f64x2.mul(count, f64x2.splat(LN2_LOW)));
    const r2 = f64x2.mul(r, r);
    // (exp(r) - 1 - r)/r^2 by even and odd powers, to halve the chain of dependent operations.
    let even = f64x2.splat(1.0 / 87178291200.0);
    even = f64x2.add(f64x2.mul(even, r2), f64x2.splat(1.0 / 479001600.0));
    even = f64x2.add(f64x2.mul(even, r2), f64x2.splat(1.0 / 3628800.0));
    even = f64x2.add(f64x2.mul(even, r2), f64x2.splat(1.0 / 40320.0));
    even = f64x2.add(f64x2.mul(even, r2), f64x2.splat(1.0 / 720.0));
    even = f64x2.add(f64x2.mul(even, r2), f64x2.splat(1.0 / 24.0));
    even = f64x2.add(f64x2.mul(even, r2), f64x2.splat(0.5));
    let odd = f64x2.splat(1.0 / 6227020800.0);
    odd = f64x2.add(f64x2.mul(odd, r2), f64x2.splat(1.0 / 39916800.0));
    odd = f64x2.add(f64x2.mul(odd, r2), f64x2.splat(1.0 / 362880.0));
    odd = f64x2.add(f64x2.mul(odd, r2), f64x2.splat(1.0 / 5040.0));
    odd = f64x2.add(f64x2.mul(odd, r2), f64x2.splat(1.0 / 120.0));
    odd = f64x2.add(f64x2.mul(odd, r2), f64x2.splat(1.0 / 6.0));
    const tail = f64x2.mul(f64x2.add(even, f64x2.mul(odd, r)), r2);
    const power = f64x2.add(f64x2.splat(1), f64x2.add(r, tail));
    const whole = i64x2.sub(rounded, round);
    const half = i64x2.shr_s(whole, 1);
    const first = i64x2.shl(i64x2.add(half, bias), 52);
    const second = i64x2.shl(i64x2.add(i64x2.sub(whole, half), bias), 52);
    v128.store(to, f64x2.mul(f64x2.mul(power, first), second));
  }
}

/** Largest of n values; NaN when one is. */
export function maximum(x: usize, n: i32): f64 {
  let max = f64x2.splat(-Infinity);
  let i = 0;
  for (; i + 2 <= n; i += 2) max = f64x2.max(max, v128.load(x + ((<usize>i) << 3)));
  let result = Math.max(f64x2.extract_lane(max, 0), f64x2.extract_lane(max, 1));
  if (i < n) result = Math.max(result, load<f64>(x + ((<usize>i) << 3)));
  return result;
}

/** Sum of n values in two interleaved lanes. */
export function sum(x: usize, n: i32): f64 {
  let total = f64x2.splat(0);
  let i = 0;
  for (; i + 2 <= n; i += 2) total = f64x2.add(total, v128.load(x + ((<usize>i) << 3)));
  const result = f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
  return i < n ? result + load<f64>(x + ((<usize>i) << 3)) : result;
}

/** x *= factor. */
export function scaleBy(x: usize, n: i32, factor: f64): void {
  for (let i = 0; i < n; i++) {
    const at = x + ((<usize>i) << 3);
    store<f64>(at, load<f64>(at) * factor);
  }
}

/**
 * exp(u^2) erfc(u) for u >= 0 as a polynomial in t = (u - 4)/(u + 4): the Chebyshev series on t in [-1, 1) cut at
 * degree 23 (next coefficient 1e-17) and written in powers; the sum of |coefficients| is 1, so nothing cancels.
 * Coefficients by test/fixtures/engine/make_erfc.py. Absolute error of erfc 6e-16, measured.
 */
function erfcx(u: v128): v128 {
  const four = f64x2.splat(4);
  const t = f64x2.div(f64x2.sub(u, four), f64x2.add(u, four));
  const t2 = f64x2.mul(t, t);
  let even = f64x2.splat(1.2013356278284107e-10);
  even = f64x2.add(f64x2.mul(even, t2), f64x2.splat(-2.025542574851011e-9));
  even = f64x2.add(f64x2.mul(even, t2), f64x2.splat(2.484346619630896e-8));
  even = f64x2.add(f64x2.mul(even, t2), f64x2.splat(-2.836166802991767e-7));
  even = f64x2.add(f64x2.mul(even, t2), f64x2.splat(2.9442671004464423e-6));
  even = f64x2.add(f64x2.mul(even, t2), f64x2.splat(-2.2555929261436534e-5));
  even = f64x2.add(f64x2.mul(even, t2), f64x2.splat(-2.1761748035719982e-5));
  even = f64x2.add(f64x2.mul(even, t2), f64x2.splat(0.0040602636283182825));
  even = f64x2.add(f64x2.mul(even, t2), f64x2.splat(0.031299056518247596));
  even = f64x2.add(f64x2.mul(even, t2), f64x2.splat(0.10896317739892815));
  even = f64x2.add(f64x2.mul(even, t2), f64x2.splat(0.2187196789182644));
  even = f64x2.add(f64x2.mul(even, t2), f64x2.splat(0.13699945762506138));
  let odd = f64x2.splat(-1.5489041107479244e-10);
  odd = f64x2.add(f64x2.mul(odd, t2), f64x2.splat(1.965406090011377e-9));
  odd = f64x2.add(f64x2.mul(odd, t2), f64x2.splat(-1.527016031834188e-8));
  odd = f64x2.add(f64x2.mul(odd, t2), f64x2.splat(9.604160327696286e-8));
  odd = f64x2.add(f64x2.mul(odd, t2), f64x2.splat(-4.0850240762266497e-7));
  odd = f64x2.add(f64x2.mul(odd, t2), f64x2.splat(-1.9033662751721237e-6));
  odd = f64x2.add(f64x2.mul(odd, t2), f64x2.splat(7.89832403195824e-5));
  odd = f64x2.add(f64x2.mul(odd, t2), f64x2.splat(-0.000799126826558213));
  odd = f64x2.add(f64x2.mul(odd, t2), f64x2.splat(-0.01284394602970885));
  odd = f64x2.add(f64x2.mul(odd, t2), f64x2.splat(-0.06310781563985124));
  odd = f64x2.add(f64x2.mul(odd, t2), f64x2.splat(-0.16425781669730546));
  odd = f64x2.add(f64x2.mul(odd, t2), f64x2.splat(-0.2590680487601717));
  return f64x2.add(even, f64x2.mul(odd, t));
}

/** GELU by erf in place: x/2 erfc(-x/sqrt 2), the right half as x - x/2 erfc(x/sqrt 2) so that neither tail cancels. */
export function gelu(x: usize, n: i32): void {
  const half = f64x2.splat(0.5);
  for (let start = 0; start < n; start += BLOCK) {
    const count = min<i32>(BLOCK, n - start);
    const from = x + ((<usize>start) << 3);
    for (let i = 0; i < count; i += 2) {
      const value = v128.load(from + ((<usize>i) << 3));
      v128.store(BUFFER + ((<usize>i) << 3), f64x2.mul(value, value));
    }
    expInto(BUFFER, BUFFER, count, 0, -0.5);
    for (let i = 0; i < count; i += 2) {
      const at = from + ((<usize>i) << 3);
      const value = v128.load(at);
      const size = f64x2.abs(value);
      const tail = f64x2.mul(
        v128.load(BUFFER + ((<usize>i) << 3)),
        erfcx(f64x2.mul(size, f64x2.splat(0.7071067811865476))),
      );
      const left = f64x2.mul(f64x2.mul(half, size), tail);
      v128.store(at, f64x2.sub(f64x2.max(value, f64x2.splat(0)), left));
    }
  }
}

/** GELU by tanh in place: 1 + tanh(u) = 2/(1 + e) or 2e/(1 + e) with e = exp(-2|u|). */
export function geluTanh(x: usize, n: i32): void {
  const one = f64x2.splat(1);
  for (let start = 0; start < n; start += BLOCK) {
    const count = min<i32>(BLOCK, n - start);
    const from = x + ((<usize>start) << 3);
    for (let i = 0; i < count; i += 2) {
      const value = v128.load(from + ((<usize>i) << 3));
      const cubic = f64x2.mul(f64x2.splat(0.044715), f64x2.mul(f64x2.mul(value, value), value));
      const u = f64x2.mul(f64x2.splat(0.7978845608028654), f64x2.add(value, cubic));
      v128.store(BUFFER + ((<usize>i) << 3), f64x2.abs(u));
    }
    expInto(BUFFER, BUFFER, count, 0, -2);
    for (let i = 0; i < count; i += 2) {
      const at = from + ((<usize>i) << 3);
      const value = v128.load(at);
      const e = v128.load(BUFFER + ((<usize>i) << 3));
      const factor = v128.bitselect(e, one, f64x2.lt(value, f64x2.splat(0)));
      v128.store(at, f64x2.div(f64x2.mul(value, factor), f64x2.add(one, e)));
    }
  }
}

/** max(x, 0) in place. */
export function relu(x: usize, n: i32): void {
  for (let i = 0; i < n; i += 2) {
    const at = x + ((<usize>i) << 3);
    v128.store(at, f64x2.max(v128.load(at), f64x2.splat(0)));
  }
}

/** x / (1 + exp(-slope x)) in place: silu (slope 1) and quick_gelu (1.702). */
export function sigmoidUnit(x: usize, n: i32, slope: f64): void {
  const one = f64x2.splat(1);
  for (let start = 0; start < n; start += BLOCK) {
    const count = min<i32>(BLOCK, n - start);
    const from = x + ((<usize>start) << 3);
    expInto(from, BUFFER, count, 0, -slope);
    for (let i = 0; i < count; i += 2) {
      const at = from + ((<usize>i) << 3);
      v128.store(at, f64x2.div(v128.load(at), f64x2.add(one, v128.load(BUFFER + ((<usize>i) << 3)))));
    }
  }
}

/** Each row of x [rows, width] over sqrt(mean(x^2) + eps), times gain [width]. */
export function rmsNorm(x: usize, y: usize, rows: i32, width: i32, gain: usize, eps: f64): void {
  for (let i = 0; i < rows; i++) {
    const from = x + ((<usize>i * <usize>width) << 3);
    const to = y + ((<usize>i * <usize>width) << 3);
    let squares: f64 = 0;
    for (let j = 0; j < width; j++) {
      const value = load<f64>(from + ((<usize>j) << 3));
      squares += value * value;
    }
    const size = sqrt<f64>(squares / <f64>width + eps);
    for (let j = 0; j < width; j++) {
      const at = (<usize>j) << 3;
      store<f64>(to + at, (load<f64>(from + at) / size) * load<f64>(gain + at));
    }
  }
}

/** Each row of x [rows, width] to mean 0, biased variance 1 (plus eps), times gain [width] plus bias (0: none). */
export function layerNorm(x: usize, y: usize, rows: i32, width: i32, gain: usize, bias: usize, eps: f64): void {
  for (let i = 0; i < rows; i++) {
    const from = x + ((<usize>i * <usize>width) << 3);
    const to = y + ((<usize>i * <usize>width) << 3);
    const mean = sum(from, width) / <f64>width;
    let variance: f64 = 0;
    for (let j = 0; j < width; j++) {
      const deviation = load<f64>(from + ((<usize>j) << 3)) - mean;
      variance += deviation * deviation;
    }
    const sd = sqrt<f64>(variance / <f64>width + eps);
    for (let j = 0; j < width; j++) {
      const at = (<usize>j) << 3;
      const unit = ((load<f64>(from + at) - mean) / sd) * load<f64>(gain + at);
      store<f64>(to + at, bias != 0 ? unit + load<f64>(bias + at) : unit);
    }
  }
}
