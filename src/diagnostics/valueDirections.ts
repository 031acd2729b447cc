// How each direction that the values give lies to each leading eigenvector of the key Gram matrix: the entries behind the
// principal angles (spec section 5). A picture of the head; no part of the result.

import type { HeadKernels } from '../engine/headKernels';
import { alignmentCoefficients } from './alignment';
import type { KeySpectrum } from './spectrum';
import { squaredNorm, transpose } from './vector';

export interface ValueDirections {
  /** r */
  readonly rank: number;
  /** |cos| of column j of B = P G^-1 V and eigenvector i, [d, r] row-major; NaN where the column is 0 but for round-off. */
  readonly theory: Float64Array;
  /** The same of B = P V. */
  readonly plain: Float64Array;
}

/** `v` [N, d] beside the spectrum of its keys; null where the Gram matrix has no eigenvector to compare with. */
export function valueDirections(
  spectrum: KeySpectrum,
  v: Float64Array,
  headDim: number,
  kernels: HeadKernels,
): ValueDirections | null {
  const { rank } = spectrum;
  if (rank === 0) return null;
  const { vectors, size } = spectrum.eigen;
  const axes = vectors.subarray(0, rank * size);
  const cosines = (mode: 'theory' | 'plain'): Float64Array => {
    const columns = transpose(alignmentCoefficients(mode, spectrum, v), size, headDim);
    const products = kernels.matmulTransposed(columns, axes, headDim, size, rank);
    const norms = Array.from({ length: headDim }, (_, j) =>
      Math.sqrt(squaredNorm(columns.subarray(j * size, (j + 1) * size))),
    );
    // By the rank rule a shorter column is round-off: the same value for every token, centred.
    const shortest = Math.max(size, headDim) * Number.EPSILON * Math.max(...norms);
    return products.map((product, at) => {
      const norm = norms[Math.floor(at / rank)]!;
      return norm > shortest ? Math.min(1, Math.abs(product) / norm) : Number.NaN;
    });
  };
  return { rank, theory: cosines('theory'), plain: cosines('plain') };
}

/** Mean |cos| of a random direction and a fixed one in `dimensions` >= 1: Gamma(n/2) / (sqrt(pi) Gamma((n+1)/2)). */
export function chanceCosine(dimensions: number): number {
  let mean = dimensions % 2 === 1 ? 1 : 2 / Math.PI;
  for (let n = dimensions % 2 === 1 ? 1 : 2; n < dimensions; n += 2) mean *= n / (n + 1);
  return mean;
}
