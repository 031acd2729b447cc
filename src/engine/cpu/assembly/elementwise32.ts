// Activations in float32 for WebAssembly SIMD (AssemblyScript), in place. Vector loops run over four values; arrays are
// padded to whole vectors by the caller, and the lanes past the end hold junk nobody reads.

/** exp(-87.3) is the smallest normal float32 and exp(88.7) the largest; beyond, the exponent arithmetic would wrap. */
const LOWEST: f32 = -87.3;
const HIGHEST: f32 = 88.7;
const LOG2E: f32 = 1.4426950408889634;
/** ln 2 in two parts; the first has 15 trailing zero bits, so n * LN2_HIGH is exact. */
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440054690583e-4;
/** 1.5 * 2^23: adding it leaves the nearest integer in the low bits. */
const ROUND: f32 = 12582912;

/** exp(x) of four values: x = n ln 2 + r, Taylor of degree 7 for |r| <= ln 2 / 2 (remainder 5e-9), times 2^n. */
function exp4(x: v128): v128 {
  const round = f32x4.splat(ROUND);
  x = f32x4.min(f32x4.max(x, f32x4.splat(LOWEST)), f32x4.splat(HIGHEST));
  const rounded = f32x4.add(f32x4.mul(x, f32x4.splat(LOG2E)), round);
  const count = f32x4.sub(rounded, round);
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(count, f32x4.splat(LN2_HIGH))), f32x4.mul(count, f32x4.splat(LN2_LOW)));
  let p = f32x4.splat(1.0 / 5040.0);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 720.0));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 120.0));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 24.0));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 6.0));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.5));
  p = f32x4.add(f32x4.mul(f32x4.mul(p, r), r), f32x4.add(r, f32x4.splat(1)));
  const power = i32x4.shl(i32x4.add(i32x4.sub(rounded, round), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}

/**
 * exp(u^2) erfc(u) for u >= 0 as a polynomial in t = (u - 3)/(u + 3): the Chebyshev series on t in [-1, 1) cut at degree
 * 10, in powers; coefficients by test/fixtures/engine/make_erfc.py. Absolute error of erfc 5e-9 before rounding.
 */
function erfcx4(u: v128): v128 {
  const three = f32x4.splat(3);
  const t = f32x4.div(f32x4.sub(u, three), f32x4.add(u, three));
  let p = f32x4.splat(4.564088760267887e-5);
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.8398235500739622e-5));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.0005781560561591779));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.0007320455403284751));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.004259766871257394));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.02440260496936182));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.07166797533270303));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.15011418584856487));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.2456036216271468));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.32623364583192993));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.17900115365185434));
  return p;
}

/** GELU by erf in place: max(x, 0) - |x|/2 erfc(|x|/sqrt 2), so that neither tail cancels. */
export function gelu32(x: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = x + ((<usize>i) << 2);
    const value = v128.load(at);
    const size = f32x4.abs(value);
    const gauss = exp4(f32x4.mul(f32x4.mul(value, value), f32x4.splat(-0.5)));
    const tail = f32x4.mul(gauss, erfcx4(f32x4.mul(size, f32x4.splat(0.7071067811865476))));
    const left = f32x4.mul(f32x4.mul(f32x4.splat(0.5), size), tail);
    v128.store(at, f32x4.sub(f32x4.max(value, f32x4.splat(0)), left));
  }
}

/** GELU by tanh in place: 1 + tanh(u) = 2/(1 + e) or 2e/(1 + e) with e = exp(-2|u|). */
export function geluTanh32(x: usize, n: i32): void {
  const one = f32x4.splat(1);
  for (let i = 0; i < n; i += 4) {
    const at = x + ((<usize>i) << 2);
    const value = v128.load(at);
    const cubic = f32x4.mul(f32x4.splat(0.044715), f32x4.mul(f32x4.mul(value, value), value));
    const u = f32x4.mul(f32x4.splat(0.7978845608028654), f32x4.add(value, cubic));
    const e = exp4(f32x4.mul(f32x4.abs(u), f32x4.splat(-2)));
    const factor = v128.bitselect(e, one, f32x4.lt(value, f32x4.splat(0)));
    v128.store(at, f32x4.div(f32x4.mul(value, factor), f32x4.add(one, e)));
  }
}

/** max(x, 0) in place. */
export function relu32(x: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = x + ((<usize>i) << 2);
    v128.store(at, f32x4.max(v128.load(at), f32x4.splat(0)));
  }
}

/** x / (1 + exp(-slope x)) in place: silu (slope 1) and quick_gelu (1.702). */
export function sigmoidUnit32(x: usize, n: i32, slope: f32): void {
  const one = f32x4.splat(1);
  for (let i = 0; i < n; i += 4) {
    const at = x + ((<usize>i) << 2);
    const value = v128.load(at);
    v128.store(at, f32x4.div(value, f32x4.add(one, exp4(f32x4.mul(value, f32x4.splat(-slope))))));
  }
}
