// The error function to float64 accuracy, from its two classical expansions: the series of positive terms near
// zero, the continued fraction of erfc beyond. Slow and plain; the golden values in the tests come from SciPy.

/** Where the series hands over to the continued fraction; below it 1 - erf(x) keeps all but one digit of erfc. */
const seriesLimit = 1;
/** Depth of the fraction: its error falls like exp(-2 x sqrt(2 depth)), 1e-19 at x = 1. */
const depth = 250;

/** 2/sqrt(pi) exp(-x^2) sum_n 2^n x^(2n+1) / (1 3 5 ... (2n+1)); every term has the sign of x, nothing cancels. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-18; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** exp(-x^2)/sqrt(pi) / (x + (1/2)/(x + (2/2)/(x + (3/2)/(x + ...)))), evaluated from the inside; x >= seriesLimit. */
function erfcFraction(x: number): number {
  let tail = x;
  for (let n = depth; n >= 1; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
}

/** erf(x), relative error below 1e-15. */
export function erf(x: number): number {
  if (x < 0) return -erf(-x);
  if (x < seriesLimit) return x === 0 ? 0 : erfSeries(x);
  return 1 - erfcFraction(x);
}

/** erfc(x) = 1 - erf(x) without cancellation in the right tail. */
export function erfc(x: number): number {
  return x < seriesLimit ? 1 - erf(x) : erfcFraction(x);
}
