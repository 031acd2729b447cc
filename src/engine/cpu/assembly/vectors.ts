// Float64 vectors in WebAssembly SIMD (AssemblyScript): the inner loops of the eigensolver. Pointers are byte
// addresses, lengths count doubles; nothing beyond the last double is read.

/** Terms of a sum before its parts are added up: the round-off of 1024 terms of one sign is then that of 64 + 16. */
export const SEGMENT: i32 = 128;

export function get(x: usize, i: i32): f64 {
  return load<f64>(x + ((<usize>i) << 3));
}

export function put(x: usize, i: i32, value: f64): void {
  store<f64>(x + ((<usize>i) << 3), value);
}

/** sqrt(a^2 + b^2) without underflow: two tiny numbers still give a rotation. */
export function hypotenuse(a: f64, b: f64): f64 {
  const large = max<f64>(abs(a), abs(b));
  if (large == 0) return 0;
  const ratio = min<f64>(abs(a), abs(b)) / large;
  return large * sqrt(1 + ratio * ratio);
}

/**
 * Euclidean norm of x [n]. The sum is compensated (Kahan): a reflector is as orthogonal as its norm is exact, and a
 * plain sum of many equal squares, or of few large and many tiny ones, errs on one side.
 */
export function norm2(x: usize, n: i32): f64 {
  let total = f64x2.splat(0);
  let lost = total;
  const end = x + ((<usize>max<i32>(n, 0)) << 3);
  let p = x;
  for (; p + 16 <= end; p += 16) {
    const u = v128.load(p);
    const term = f64x2.sub(f64x2.mul(u, u), lost);
    const next = f64x2.add(total, term);
    lost = f64x2.sub(f64x2.sub(next, total), term);
    total = next;
  }
  let all = f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
  if (p < end) all += load<f64>(p) * load<f64>(p);
  return sqrt(all);
}

/** to = (x . u, x . v) of vectors [n]. */
export function dotPair(x: usize, u: usize, v: usize, n: i32, to: usize): void {
  let first: f64 = 0;
  let second: f64 = 0;
  const end = (<usize>n) << 3;
  let p: usize = 0;
  while (p + 16 <= end) {
    const stop = min<usize>(end & ~15, p + ((<usize>SEGMENT) << 3));
    let a = f64x2.splat(0);
    let b = a;
    for (; p < stop; p += 16) {
      const s = v128.load(x + p);
      a = f64x2.add(a, f64x2.mul(s, v128.load(u + p)));
      b = f64x2.add(b, f64x2.mul(s, v128.load(v + p)));
    }
    first += f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
    second += f64x2.extract_lane(b, 0) + f64x2.extract_lane(b, 1);
  }
  if (p < end) {
    first += load<f64>(x + p) * load<f64>(u + p);
    second += load<f64>(x + p) * load<f64>(v + p);
  }
  put(to, 0, first);
  put(to, 1, second);
}

/** y += c[0] s + c[1] t + c[2] u + c[3] v for vectors [n]. */
export function axpy4(y: usize, s: usize, t: usize, u: usize, v: usize, n: i32, c: usize): void {
  const c0 = v128.load64_splat(c);
  const c1 = v128.load64_splat(c, 8);
  const c2 = v128.load64_splat(c, 16);
  const c3 = v128.load64_splat(c, 24);
  const end = (<usize>n) << 3;
  let p: usize = 0;
  for (; p + 16 <= end; p += 16) {
    const one = f64x2.add(f64x2.mul(c0, v128.load(s + p)), f64x2.mul(c1, v128.load(t + p)));
    const two = f64x2.add(f64x2.mul(c2, v128.load(u + p)), f64x2.mul(c3, v128.load(v + p)));
    v128.store(y + p, f64x2.add(v128.load(y + p), f64x2.add(one, two)));
  }
  if (p < end) {
    const one = load<f64>(c) * load<f64>(s + p) + load<f64>(c, 8) * load<f64>(t + p);
    const two = load<f64>(c, 16) * load<f64>(u + p) + load<f64>(c, 24) * load<f64>(v + p);
    store<f64>(y + p, load<f64>(y + p) + (one + two));
  }
}

/** Plane rotation of x and y [n]: x' = c x + s y, y' = c y - s x. */
export function rotate(x: usize, y: usize, n: i32, c: f64, s: f64): void {
  const cc = f64x2.splat(c);
  const ss = f64x2.splat(s);
  const end = (<usize>n) << 3;
  let p: usize = 0;
  for (; p + 16 <= end; p += 16) {
    const u = v128.load(x + p);
    const v = v128.load(y + p);
    v128.store(x + p, f64x2.add(f64x2.mul(cc, u), f64x2.mul(ss, v)));
    v128.store(y + p, f64x2.sub(f64x2.mul(cc, v), f64x2.mul(ss, u)));
  }
  if (p < end) {
    const u = load<f64>(x + p);
    const v = load<f64>(y + p);
    store<f64>(x + p, c * u + s * v);
    store<f64>(y + p, c * v - s * u);
  }
}
