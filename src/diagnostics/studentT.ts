// Quantiles of Student's t for the 95 % intervals of the noise curves. Whole degrees of freedom only, where the
// distribution function is a finite sum.

/** P(|T| <= t) for theta = atan(t / sqrt(df)); Abramowitz and Stegun 26.7.3 and 26.7.4. */
function centralProbability(theta: number, df: number): number {
  const cosine = Math.cos(theta);
  const sine = Math.sin(theta);
  let term = df % 2 === 0 ? 1 : cosine;
  let series = df === 1 ? 0 : term;
  for (let i = df % 2 === 0 ? 1 : 2; i <= df - 3; i += 2) {
    term *= (i / (i + 1)) * cosine * cosine;
    series += term;
  }
  return df % 2 === 0 ? sine * series : (2 / Math.PI) * (theta + sine * series);
}

/** The t with P(|T| <= t) = `confidence`, df = 1, 2, 3, ...; to a few units in the last place. */
export function twoSidedQuantile(confidence: number, df: number): number {
  let low = 0;
  let high = Math.PI / 2;
  for (let step = 0; step < 200 && low < high; step++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (centralProbability(middle, df) < confidence) low = middle;
    else high = middle;
  }
  return Math.sqrt(df) * Math.tan(low);
}

/** By number of values: a result over many inputs has a hundred thousand intervals of a few counts. */
const quantiles = new Map<number, number>();

/** Half width of the two-sided 95 % interval of a mean over `count` repeats with standard deviation `sd`. */
export function halfWidth95(sd: number, count: number): number {
  const quantile = quantiles.get(count) ?? twoSidedQuantile(0.95, count - 1);
  quantiles.set(count, quantile);
  return (quantile * sd) / Math.sqrt(count);
}
