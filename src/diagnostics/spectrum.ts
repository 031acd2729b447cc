// Eigenvalues of the centred key Gram at their true scale (spec section 3), and the number of eigenvectors that
// float64 can tell from round-off. Everything that compares values with eigenvectors starts from a `KeySpectrum`.

import type { HeadKernels } from '../engine/headKernels';
import type { EigenPairs } from '../engine/symmetricEigen';
import { keyGram, type KeyGram } from './gram';
import type { SpectrumNumbers } from './headResult';
import { numericalRank } from './numericalRank';
import { measured } from './vector';

/** Eigenvalues that go into the result; the rest only counts in the rank. */
const reportedEigenvalues = 64;

export interface KeySpectrum {
  readonly gram: KeyGram;
  readonly eigen: EigenPairs;
  readonly numericalRank: number;
  /** r = min(d, R, N - 1) */
  readonly rank: number;
}

/** Gram matrix of keys k [N, d], its eigenvalues, and the eigenvectors that anything asks for: the first d. */
export function keySpectrum(k: Float64Array, tokens: number, headDim: number, kernels: HeadKernels): KeySpectrum {
  const gram = keyGram(k, tokens, headDim, kernels);
  const eigen = kernels.symmetricEigen(gram.centred, tokens, Math.min(headDim, tokens));
  const found = numericalRank(eigen);
  return { gram, eigen, numericalRank: found, rank: Math.min(headDim, found, tokens - 1) };
}

/** The `spectrum` part of the result. */
export function spectrumNumbers(spectrum: KeySpectrum, headDim: number): SpectrumNumbers {
  const { gram, eigen } = spectrum;
  const scale = Math.exp(gram.shift);
  const values = [...eigen.values.subarray(0, reportedEigenvalues)];
  const log10Eigenvalues = values.map((w) => (w > 0 ? measured((gram.shift + Math.log(w)) / Math.LN10) : null));
  const reasons = [
    rankReason(spectrum, headDim) ??
      (log10Eigenvalues.includes(null) ? 'Eigenvalues at or below 0 are round-off and have no logarithm.' : null),
    eigen.note ?? null,
  ].filter((sentence) => sentence !== null);
  return {
    shift: gram.shift,
    // + 0: round-off below 0 times a scale that underflows is -0.
    eigenvalues: values.map((w) => scale * w + 0),
    log10Eigenvalues,
    numericalRank: spectrum.numericalRank,
    rank: spectrum.rank,
    maxScore: gram.maxScore,
    ...(reasons.length === 0 ? {} : { reason: reasons.join(' ') }),
  };
}

function rankReason(spectrum: KeySpectrum, headDim: number): string | null {
  const n = spectrum.gram.tokens;
  if (n === 1) return 'One token has no centred Gram matrix.';
  if (spectrum.numericalRank === 0) return 'All keys are the same, so the centred Gram matrix is zero.';
  if (spectrum.numericalRank < Math.min(headDim, n - 1)) {
    return `Eigenvectors past the numerical rank ${spectrum.numericalRank} are round-off and are left out.`;
  }
  return null;
}
