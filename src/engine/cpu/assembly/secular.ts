// Roots of the secular equation 1/rho + sum_i z_i^2 / (d_i - x) = 0, one in each gap of the poles d: the eigenvalues
// of diag(d) + rho z z^T. Rational interpolation in the two nearest poles (Li 1993), always inside a bracket.

import { get } from './vectors';

/** Steps for one root after which it counts as failed; 3 to 7 are usual, halving a bracket alone takes 60. */
const MAX_STEPS: i32 = 200;
const ROUND_OFF: f64 = 1.1102230246251565e-16;

/** Sums of `split`: over the poles left (psi) and right (phi) of it, and their derivatives. */
let psi: f64 = 0;
let phi: f64 = 0;
let psiSlope: f64 = 0;
let phiSlope: f64 = 0;
let part: f64 = 0;
let partSlope: f64 = 0;

/** The root that `secularRoot` found is d[rootOrigin] + rootShift: its distance from the nearest pole is exact. */
export let rootOrigin: i32 = 0;
export let rootShift: f64 = 0;

/** sum over from <= i < to of z2_i / D_i and z2_i / D_i^2, D_i = (d_i - origin) - shift. */
function sums(from: i32, to: i32, d: usize, z2: usize, origin: f64, shift: f64): void {
  const o = f64x2.splat(origin);
  const s = f64x2.splat(shift);
  const one = f64x2.splat(1);
  let a = f64x2.splat(0);
  let b = a;
  let i = from;
  for (; i + 2 <= to; i += 2) {
    const at = (<usize>i) << 3;
    const inverse = f64x2.div(one, f64x2.sub(f64x2.sub(v128.load(d + at), o), s));
    const term = f64x2.mul(v128.load(z2 + at), inverse);
    a = f64x2.add(a, term);
    b = f64x2.add(b, f64x2.mul(term, inverse));
  }
  part = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
  partSlope = f64x2.extract_lane(b, 0) + f64x2.extract_lane(b, 1);
  if (i < to) {
    const inverse = 1 / (get(d, i) - origin - shift);
    const term = get(z2, i) * inverse;
    part += term;
    partSlope += term * inverse;
  }
}

function evaluate(split: i32, count: i32, d: usize, z2: usize, origin: f64, shift: f64): void {
  sums(0, split, d, z2, origin, shift);
  psi = part;
  psiSlope = partSlope;
  sums(split, count, d, z2, origin, shift);
  phi = part;
  phiSlope = partSlope;
}

/**
 * Root j of `count` >= 2, in (d_j, d_(j+1)) or right of the last pole. d ascending, without equal entries; z2 = z^2 > 0,
 * `total` their sum; rho > 0. Leaves rootOrigin and rootShift; false if it does not converge.
 */
export function secularRoot(j: i32, count: i32, d: usize, z2: usize, rho: f64, total: f64): bool {
  const inverse = 1 / rho;
  const last = j == count - 1;
  // The two poles of the interpolation, and the first that belongs to phi.
  const left = last ? j - 1 : j;
  const right = left + 1;
  const gap = get(d, right) - get(d, left);
  const zl = get(z2, left);
  const zr = get(z2, right);
  let low: f64;
  let high: f64;
  let shift: f64;

  // f at the middle tells the nearer pole; the other poles' share c there is the constant of the first guess.
  const middle = last ? 0.5 * rho * total : 0.5 * gap;
  evaluate(right, count, d, z2, last ? get(d, right) : get(d, left), middle);
  const f = inverse + psi + phi;
  if (last) {
    rootOrigin = right;
    low = f <= 0 ? middle : 0;
    high = f <= 0 ? 2 * middle * (1 + 64 * ROUND_OFF) : middle;
    const c = f + zl / (gap + middle) + zr / middle;
    const a = zl + zr - c * gap;
    const root = sqrt(a * a + 4 * c * zr * gap);
    shift = c <= 0 ? high : a >= 0 ? (a + root) / (2 * c) : (2 * zr * gap) / (root - a);
  } else {
    const c = f + zl / middle - zr / middle;
    let a: f64;
    let b: f64;
    if (f >= 0) {
      rootOrigin = left;
      low = 0;
      high = middle;
      a = zl + zr + c * gap;
      b = zl * gap;
    } else {
      rootOrigin = right;
      low = -middle;
      high = 0;
      a = zl + zr - c * gap;
      b = -zr * gap;
    }
    const root = sqrt(abs(a * a - 4 * b * c));
    shift = a > 0 ? (2 * b) / (a + root) : (a - root) / (2 * c);
  }
  if (!(shift > low && shift < high)) shift = low + 0.5 * (high - low);

  const origin = get(d, rootOrigin);
  let fixed = true;
  let previous: f64 = 0;
  for (let step = 0; step < MAX_STEPS; step++) {
    evaluate(right, count, d, z2, origin, shift);
    const w = inverse + psi + phi;
    const slope = psiSlope + phiSlope;
    // The round-off of w itself, as Gu and Eisenstat bound it: nothing is gained below it.
    const noise = ROUND_OFF * (12 * (abs(psi) + abs(phi)) + 2 * inverse + abs(shift) * slope);
    rootShift = shift;
    if (abs(w) <= noise) return true;
    if (w < 0) low = shift;
    else high = shift;

    const dl = get(d, left) - origin - shift;
    const dr = get(d, right) - origin - shift;
    if (step > 0 && abs(w) > 0.1 * abs(previous)) fixed = !fixed;
    previous = w;
    let c: f64;
    if (last) c = abs(w - dl * psiSlope - dr * phiSlope);
    else if (!fixed) c = w - dl * psiSlope - dr * phiSlope;
    else if (rootOrigin == left) c = w - dr * slope + (gap * zl) / (dl * dl);
    else c = w - dl * slope - (gap * zr) / (dr * dr);
    const a = (dl + dr) * w - dl * dr * slope;
    const b = dl * dr * w;
    const root = sqrt(abs(a * a - 4 * b * c));
    let move: f64;
    if (last) move = a >= 0 ? (a + root) / (2 * c) : (2 * b) / (a - root);
    else move = a <= 0 ? (a - root) / (2 * c) : (2 * b) / (a + root);
    // Also where c or a is 0 and the step is no number.
    if (!(w * move < 0)) move = -w / slope;
    let next = shift + move;
    if (!(next > low && next < high)) next = 0.5 * (shift + (w < 0 ? high : low));
    if (abs(next - shift) <= 2 * ROUND_OFF * abs(shift) || !(next > low && next < high)) return true;
    shift = next;
  }
  return false;
}
