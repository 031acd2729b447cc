// How far the numbers of a head may be from the independent float64 ones: section 10 of the design reference, by name.

/** q, k, v, attention, h, logits in float64, relative to the largest of the array; so too what is a mean of these. */
const forward = 1e-9;
/** Output of RPC and what is measured on it. */
const rpc = 1e-7;
/** log g and shift, absolute. */
const log = 1e-10;
/** Eigenvalues, relative to the first. */
const eigenvalue = 1e-9;
/** CKA, overlap, energy, rayleigh, cosines, absolute. */
const alignment = 1e-7;
/** Curves and areas of the noise, absolute. */
const noise = 1e-6;
/** Not in section 10: gamma divides by single entries of a column, which costs digits where they are near 0. */
const gamma = 1e-7;
/** Not in section 10: overlap and rayleigh against 60 digits where P G^-1 V has singular values over 14 decades, which
 *  costs float64 about as many digits (4e-6 measured at a ratio of 1e-14). */
const illConditioned = 2e-5;

/** Largest |actual - expected| allowed at a path such as `alignment.plain.nulls.random.overlap.z`. `scale` is the largest
 *  magnitude of the array or 1; `sd` the null's standard deviation, for z. */
export function toleranceOf(path: string, expected: number, scale: number, sd: number): number {
  const relative = Math.max(Math.abs(expected), scale);
  if (/\.(rank|of|p|q)$|numericalRank$/.test(path)) return 1e-12;
  if (path.startsWith('exactTheory')) return illConditioned;
  if (path.endsWith('.z')) return (alignment * (2 + Math.abs(expected))) / sd;
  if (path.startsWith('alignment') || path.startsWith('reproduction')) return alignment;
  if (path === 'spectrum.shift') return log;
  if (path === 'spectrum.eigenvalues') return eigenvalue * relative;
  if (path.startsWith('spectrum')) return forward * relative;
  if (path.startsWith('gamma')) return gamma * relative;
  if (path.startsWith('noise')) return noise;
  if (path.startsWith('rpc')) return rpc * relative;
  return forward * relative;
}
