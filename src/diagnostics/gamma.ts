// Is a coefficient column an eigenvector of the centred Gram? The gamma statistic of the published study and the
// scale-free eigen-residual beside it (spec section 3).

import type { HeadKernels } from '../engine/headKernels';
import type { GammaNumbers, Measured } from './headResult';
import { recoveredCoefficients } from './kpcaValues';
import { modifiedGramSchmidt } from './orthonormal';
import { createRandom } from './random';
import type { KeySpectrum } from './spectrum';
import { dot, measured, norm, transpose } from './vector';

/** Keeps the relative difference of two zeros defined; spec section 3, as in the published study. */
const relativeFloor = 1e-10;

/** sd of the noise that `perturbed` adds to the eigenvectors. */
const perturbation = 0.1;

/** The three variants: A_hat of `v` [N, d], the eigenvectors, and the eigenvectors after QR of u + 0.1 noise. */
export function gammaNumbers(
  spectrum: KeySpectrum,
  v: Float64Array,
  kernels: HeadKernels,
  key: { readonly seed: number; readonly layer: number; readonly head: number },
): { learned: GammaNumbers; eig: GammaNumbers; perturbed: GammaNumbers } {
  const n = spectrum.gram.tokens;
  const r = spectrum.rank;
  const learned = recoveredCoefficients(spectrum.gram, v);
  const axes = spectrum.eigen.vectors.subarray(0, r * n);
  const noise = createRandom(`${key.seed}/gamma/perturbed/${key.layer}/${key.head}`).normals(n * r);
  const perturbedAxes = transpose(noise, n, r);
  for (let i = 0; i < perturbedAxes.length; i++) perturbedAxes[i] = axes[i]! + perturbation * perturbedAxes[i]!;
  return {
    learned: gammaStatistics(spectrum, transpose(learned, n, v.length / n), kernels),
    eig: gammaStatistics(spectrum, axes, kernels),
    perturbed: gammaStatistics(spectrum, modifiedGramSchmidt(perturbedAxes, r, n).basis, kernels),
  };
}

/**
 * gamma = (K_c a) ./ (N a) of every row a of `columns` [m, N] at true scale, over all pairs of tokens, and the
 * eigen-residual ||K_c a - theta a|| / ||K_c a||.
 */
export function gammaStatistics(spectrum: KeySpectrum, columns: Float64Array, kernels: HeadKernels): GammaNumbers {
  const n = spectrum.gram.tokens;
  const count = columns.length / n;
  // K_c is symmetric, so a K_c in rows is K_c a.
  const images = kernels.matmul(columns, spectrum.gram.centred, count, n, n);
  const scale = Math.exp(spectrum.gram.shift) / n;
  const result = {
    meanAbsDiff: [] as Measured[],
    sdAbsDiff: [] as Measured[],
    meanRelDiff: [] as Measured[],
    sdRelDiff: [] as Measured[],
    mean: [] as Measured[],
    eigenResidual: [] as Measured[],
  };
  const gamma = new Float64Array(n);
  for (let c = 0; c < count; c++) {
    const a = columns.subarray(c * n, (c + 1) * n);
    const image = images.subarray(c * n, (c + 1) * n);
    let total = 0;
    for (let i = 0; i < n; i++) {
      gamma[i] = (scale * image[i]!) / a[i]!;
      total += gamma[i]!;
    }
    const pairs = pairStatistics(gamma);
    result.meanAbsDiff.push(measured(pairs.meanAbs));
    result.sdAbsDiff.push(measured(pairs.sdAbs));
    result.meanRelDiff.push(measured(pairs.meanRel));
    result.sdRelDiff.push(measured(pairs.sdRel));
    result.mean.push(measured(total / n));
    result.eigenResidual.push(eigenResidual(a, image));
  }
  const reason = undefinedReason(result, n);
  return reason === null ? result : { ...result, reason };
}

function eigenResidual(a: Float64Array, image: Float64Array): Measured {
  const theta = dot(a, image) / dot(a, a);
  const rest = image.map((value, i) => value - theta * a[i]!);
  return measured(norm(rest) / norm(image));
}

/** Mean and sd (ddof 1) of |g_i - g_j| and of its relative form over the N(N-1)/2 pairs; two passes. */
function pairStatistics(gamma: Float64Array): { meanAbs: number; sdAbs: number; meanRel: number; sdRel: number } {
  const n = gamma.length;
  const pairs = (n * (n - 1)) / 2;
  let sumAbs = 0;
  let sumRel = 0;
  for (let i = 0; i < n; i++) {
    const g = gamma[i]!;
    const size = Math.abs(g);
    for (let j = i + 1; j < n; j++) {
      const other = gamma[j]!;
      const difference = Math.abs(g - other);
      sumAbs += difference;
      sumRel += difference / (Math.max(size, Math.abs(other)) + relativeFloor);
    }
  }
  const meanAbs = sumAbs / pairs;
  const meanRel = sumRel / pairs;
  let squaresAbs = 0;
  let squaresRel = 0;
  for (let i = 0; i < n; i++) {
    const g = gamma[i]!;
    const size = Math.abs(g);
    for (let j = i + 1; j < n; j++) {
      const other = gamma[j]!;
      const difference = Math.abs(g - other);
      const relative = difference / (Math.max(size, Math.abs(other)) + relativeFloor);
      squaresAbs += (difference - meanAbs) * (difference - meanAbs);
      squaresRel += (relative - meanRel) * (relative - meanRel);
    }
  }
  const freedom = pairs > 1 ? pairs - 1 : NaN;
  return { meanAbs, sdAbs: Math.sqrt(squaresAbs / freedom), meanRel, sdRel: Math.sqrt(squaresRel / freedom) };
}

function undefinedReason(numbers: Omit<GammaNumbers, 'reason'>, tokens: number): string | null {
  if (numbers.mean.length === 0) return 'The centred Gram matrix is zero, so there are no eigenvectors.';
  if (tokens < 3) return 'Differences of gamma and their spread need 3 tokens or more.';
  const columns = Object.values<readonly Measured[]>(numbers);
  if (columns.every((column) => column.every((value) => value !== null))) return null;
  return 'Columns with a null hold an exact zero, or the centred Gram matrix maps them to zero.';
}
