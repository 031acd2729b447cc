// Controls of the kernel-PCA half: KPCA's own values fed back, Gaussian values, and the identities that any centred
// phi-kernel obeys (spec section 3).

import type { HeadKernels } from '../../engine/headKernels';
import { alignmentCoefficients } from '../alignment';
import { gammaStatistics } from '../gamma';
import { centringResidual, kpcaValues, recoveredCoefficients } from '../kpcaValues';
import { projectionNumbers } from '../projectionLoss';
import { normals } from '../random';
import { keySpectrum, type KeySpectrum } from '../spectrum';
import { subspaceStatistics, subspaceTarget } from '../subspace';
import { mean, sampleSd, squaredNorm, sum, transpose } from '../vector';
import { atMost, near, type Control } from './control';

/** Identities hold to the round-off of N = 197 sums; spec sections 3 and 7. */
const roundOff = 1e-12;

/** Size of a DeiT head: 196 patches and the class token, d = 64. */
export const controlTokens = 197;
export const controlHeadDim = 64;

/** Spreads of the keys for the identities: from a flat spectrum to one that spans 40 decades. */
const keySpreads = [1, 2, 3, 6] as const;

const identity = 'Identities of any centred phi-kernel';
const control = 'Positive control: the values that kernel PCA asserts';

/** All of them; `draws` Gaussian value matrices for the negative control. */
export function kpcaControls(kernels: HeadKernels, draws: number): Control[] {
  return [...ownValues(kernels), ...identities(kernels), ...gaussianValues(kernels, draws)];
}

function keysOf(spread: number): Float64Array {
  return normals(`selftest/keys/${spread}`, controlTokens * controlHeadDim).map((value) => value * spread);
}

function ownValues(kernels: HeadKernels): Control[] {
  const n = controlTokens;
  const d = controlHeadDim;
  const k = keysOf(1);
  const spectrum = keySpectrum(k, n, d, kernels);
  const v = kpcaValues(spectrum, d, 'kpca');
  const found = subspaceStatistics(
    subspaceTarget(spectrum, kernels),
    alignmentCoefficients('theory', spectrum, v),
  )?.statistics;
  const columns = transpose(recoveredCoefficients(spectrum.gram, v), n, d);
  const residuals = gammaStatistics(spectrum, columns, kernels).eigenResidual.map((value) => value ?? NaN);
  const h = kernels.attention(null, k, v, n, d);
  const what = "V = KPCA's own values";
  return [
    atMost({ name: '1 - overlap', what, group: control }, 1 - (found?.overlap ?? NaN), roundOff),
    atMost({ name: '1 - rayleigh', what, group: control }, 1 - (found?.rayleigh ?? NaN), roundOff),
    atMost({ name: 'eigen-residual', what: `${what}, worst column`, group: control }, Math.max(...residuals), roundOff),
    atMost({ name: 'centring residual', what, group: control }, centringResidual(spectrum.gram, v) ?? NaN, roundOff),
    atMost(
      { name: 'Bessel violation', what: `${what}, h = a V`, group: control },
      projectionNumbers(null, k, h, n, d, kernels).besselViolation,
      0,
    ),
  ];
}

function identities(kernels: HeadKernels): Control[] {
  return keySpreads.flatMap((spread) => {
    const k = keysOf(spread);
    const spectrum = keySpectrum(k, controlTokens, controlHeadDim, kernels);
    const what = `Gaussian keys of sd ${spread}`;
    const scale = Math.exp(spectrum.gram.shift);
    return [
      atMost({ name: 'K_phi g = 1', what: `${what}, worst row`, group: identity }, unitRows(spectrum), roundOff),
      atMost({ name: 'trace = sum of eigenvalues', what, group: identity }, traceError(spectrum), roundOff),
      atMost({ name: 'trace / sum e^-s_ii', what, group: identity }, trace(spectrum) / traceBound(k), 1 + roundOff),
      atMost(
        { name: 'largest eigenvalue', what: `${what}; none is above N`, group: identity },
        scale * (spectrum.eigen.values[0] ?? NaN),
        controlTokens,
      ),
    ];
  });
}

/** Largest |K_phi g - 1|, with K_phi and g in logs. */
function unitRows({ gram }: KeySpectrum): number {
  const n = gram.tokens;
  let worst = 0;
  for (let i = 0; i < n; i++) {
    let total = 0;
    for (let j = 0; j < n; j++) total += gram.gram[i * n + j]! * Math.exp(gram.shift + gram.logG[j]!);
    worst = Math.max(worst, Math.abs(total - 1));
  }
  return worst;
}

/** trace(e^shift Kc) */
function trace({ gram }: KeySpectrum): number {
  const diagonal = Float64Array.from({ length: gram.tokens }, (_, i) => gram.centred[i * (gram.tokens + 1)]!);
  return Math.exp(gram.shift) * sum(diagonal);
}

function traceError(spectrum: KeySpectrum): number {
  const values = Math.exp(spectrum.gram.shift) * sum(spectrum.eigen.values);
  return Math.abs(trace(spectrum) - values) / trace(spectrum);
}

/** sum_i e^{-||k_i||^2 / sqrt d} */
function traceBound(k: Float64Array): number {
  const d = controlHeadDim;
  const root = Math.sqrt(d);
  return sum(
    Float64Array.from({ length: controlTokens }, (_, i) =>
      Math.exp(-squaredNorm(k.subarray(i * d, (i + 1) * d)) / root),
    ),
  );
}

/** Values that know nothing of the keys reach the overlap of random subspaces, max(p, r) / (N - 1), on average. */
function gaussianValues(kernels: HeadKernels, draws: number): Control[] {
  const n = controlTokens;
  const d = controlHeadDim;
  const spectrum = keySpectrum(keysOf(1), n, d, kernels);
  const target = subspaceTarget(spectrum, kernels);
  const overlaps = Array.from({ length: draws }, (_, i) => {
    const v = normals(`selftest/values/${i}`, n * d);
    return subspaceStatistics(target, alignmentCoefficients('plain', spectrum, v))?.statistics.overlap ?? NaN;
  });
  const standardError = sampleSd(overlaps) / Math.sqrt(draws);
  return [
    near(
      {
        name: 'overlap (plain)',
        what: `Gaussian V, mean of ${draws} draws; 3 standard errors`,
        group: 'Negative control: random subspaces overlap by max(p, r) / (N - 1)',
      },
      mean(overlaps),
      Math.max(d, spectrum.rank) / (n - 1),
      3 * standardError,
    ),
  ];
}
