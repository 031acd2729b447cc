// Eigenpairs of a symmetric matrix: what every solver returns, the sign convention of spec section 3, and the check
// that each result must pass before anyone sees it.

import { EngineError } from './backend';

export interface EigenPairs {
  /** n */
  readonly size: number;
  /** All n, descending. */
  readonly values: Float64Array;
  /** [count, n]: row i is the unit eigenvector of values[i], its entry of largest magnitude positive. */
  readonly vectors: Float64Array;
  /** Present where the fast solver's result was thrown away. */
  readonly note?: string;
}

/** Bounds of spec section 7, relative to ||A|| and absolute, for n up to 1024; round-off grows with n. */
const residualBound = 1e-13;
const orthogonalityBound = 1e-12;
const boundedSize = 1024;

export interface EigenErrors {
  /** Estimate of ||A U - U W|| / ||A||. */
  readonly residual: number;
  /** Estimate of ||U^T U - I||. */
  readonly orthogonality: number;
  /** |sum w - trace A| / (sqrt(n) ||A||) and |sum w^2 - ||A||^2| / (2 ||A||^2), the larger: all values are there. */
  readonly values: number;
}

/**
 * Eigenpairs of a [n, n] by `fast`, or by `sure` where there is none, or it gives up, or its result does not pass the
 * check; the latter two with a note.
 * @throws EngineError internal when neither passes.
 */
export function checkedEigen(
  a: Float64Array,
  n: number,
  fast: (() => EigenPairs | null) | null,
  sure: () => EigenPairs,
): EigenPairs {
  const found = fast?.() ?? null;
  if (found !== null && isSound(eigenErrors(a, found), n)) return withSigns(found);
  const second = sure();
  const errors = eigenErrors(a, second);
  if (!isSound(errors, n)) {
    throw new EngineError(
      'internal',
      `The eigenvectors of a ${n} x ${n} matrix did not come out right (residual ${errors.residual.toExponential(1)}, orthogonality ${errors.orthogonality.toExponential(1)}): a fault of Gramlens. Please report it with the name of the checkpoint.`,
    );
  }
  const note = 'The fast eigensolver did not pass its check here, so the slow one computed the eigenvectors.';
  return withSigns(fast === null ? second : { ...second, note });
}

function isSound(errors: EigenErrors, n: number): boolean {
  const growth = Math.max(1, n / boundedSize);
  return (
    errors.residual < residualBound * growth &&
    errors.orthogonality < orthogonalityBound * growth &&
    errors.values < residualBound * growth
  );
}

/**
 * Errors of the pairs along one fixed vector c of signs: the mean square of ||M c|| over all such c is ||M||^2
 * (Frobenius), so a wrong vector shows, at n^2 operations instead of n^3.
 */
export function eigenErrors(a: Float64Array, pairs: EigenPairs): EigenErrors {
  const { size: n, values, vectors } = pairs;
  const count = n === 0 ? 0 : vectors.length / n;
  let trace = 0;
  let squares = 0;
  let total = 0;
  let totalSquares = 0;
  for (let i = 0; i < n; i++) {
    let row = 0;
    for (let j = 0; j < n; j++) row += a[i * n + j]! * a[i * n + j]!;
    squares += row;
    trace += a[i * n + i]!;
    total += values[i]!;
    totalSquares += values[i]! * values[i]!;
  }
  const norm = Math.sqrt(squares);
  if (norm === 0) return { residual: 0, orthogonality: 0, values: values.every((value) => value === 0) ? 0 : NaN };

  // U c and U W c, for U with the vectors as columns.
  const combined = new Float64Array(n);
  const scaled = new Float64Array(n);
  let state = 1;
  const signs = new Float64Array(count);
  for (let p = 0; p < count; p++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const sign = state < 0 ? -1 : 1;
    const weight = sign * values[p]!;
    signs[p] = sign;
    for (let i = 0, at = p * n; i < n; i++, at++) {
      combined[i]! += sign * vectors[at]!;
      scaled[i]! += weight * vectors[at]!;
    }
  }
  let residual = 0;
  for (let i = 0; i < n; i++) {
    let image = 0;
    for (let j = 0, at = i * n; j < n; j++, at++) image += a[at]! * combined[j]!;
    residual += (image - scaled[i]!) ** 2;
  }
  let orthogonality = 0;
  for (let p = 0; p < count; p++) {
    let inner = 0;
    for (let i = 0, at = p * n; i < n; i++, at++) inner += vectors[at]! * combined[i]!;
    orthogonality += (inner - signs[p]!) ** 2;
  }
  return {
    residual: Math.sqrt(residual) / norm,
    orthogonality: Math.sqrt(orthogonality),
    values: Math.max(Math.abs(total - trace) / (Math.sqrt(n) * norm), Math.abs(totalSquares / squares - 1) / 2),
  };
}

/** Turns every vector so that its entry of largest magnitude, the first of equals, is positive. In place. */
function withSigns(pairs: EigenPairs): EigenPairs {
  const { size: n, vectors } = pairs;
  for (let start = 0; start < vectors.length; start += n) {
    let largest = 0;
    for (let i = start; i < start + n; i++) {
      if (Math.abs(vectors[i]!) > Math.abs(largest)) largest = vectors[i]!;
    }
    if (largest > 0) continue;
    for (let i = start; i < start + n; i++) vectors[i] = -vectors[i]!;
  }
  return pairs;
}
