// The two directions of the kernel-PCA claim (spec section 3): the value matrix that KPCA would have, and the
// coefficients that a learned value matrix stands for under it.

import type { KeyGram } from './gram';
import type { Measured } from './headResult';
import type { KeySpectrum } from './spectrum';
import { centreColumns, columnMeans, measured, norm } from './vector';

/** `unit`: axes are unit eigenvectors u_c; `kpca`: unit-norm axes in feature space, u_c / sqrt(e^shift w_c). */
export type AxisScale = 'unit' | 'kpca';

/**
 * Vhat = G A, [N, columns], for the first `columns` eigenvectors. With e^-lg taken relative to its largest entry
 * when `relative`, so that it stays finite and non-zero; at true scale otherwise.
 */
export function kpcaValues(spectrum: KeySpectrum, columns: number, axes: AxisScale, relative = false): Float64Array {
  const { gram, eigen } = spectrum;
  const n = gram.tokens;
  const offset = relative ? Math.min(...gram.logG) : 0;
  const out = new Float64Array(n * columns);
  for (let c = 0; c < columns; c++) {
    // Half of the exponent of 1/sqrt(e^shift w) joins that of 1/g before exp: either alone can overflow.
    const logAxis = axes === 'unit' ? 0 : -0.5 * (gram.shift + Math.log(eigen.values[c]!));
    for (let i = 0; i < n; i++) {
      out[i * columns + c] = Math.exp(offset + logAxis - gram.logG[i]!) * eigen.vectors[c * n + i]!;
    }
  }
  return out;
}

/** G^-1 V e^-max(lg), [N, d]. */
export function uncentredCoefficients(gram: KeyGram, v: Float64Array): Float64Array {
  const n = gram.tokens;
  const d = v.length / n;
  const offset = Math.max(...gram.logG);
  const out = new Float64Array(v.length);
  for (let i = 0; i < n; i++) {
    const weight = Math.exp(gram.logG[i]! - offset);
    for (let c = 0; c < d; c++) out[i * d + c] = weight * v[i * d + c]!;
  }
  return out;
}

/** A_hat e^-max(lg) = P G^-1 V e^-max(lg), [N, d]: what KPCA asserts to be eigenvectors. */
export function recoveredCoefficients(gram: KeyGram, v: Float64Array): Float64Array {
  const n = gram.tokens;
  return centreColumns(uncentredCoefficients(gram, v), n, v.length / n);
}

/** rho_c = ||1_N G^-1 V|| / ||G^-1 V||, in [0, 1], 0 under theory; null for V = 0. */
export function centringResidual(gram: KeyGram, v: Float64Array): Measured {
  const coefficients = uncentredCoefficients(gram, v);
  const n = gram.tokens;
  const removed = norm(columnMeans(coefficients, n, v.length / n)) * Math.sqrt(n);
  return measured(Math.min(1, removed / norm(coefficients)));
}
