// q, k and v of one head from the layer's input and the head's own rows of the projections.

import type { HeadKernels } from '../engine/headKernels';
import { standardiseRows } from '../engine/headLayout';
import { rotate } from '../engine/rope';
import type { HeadInput, HeadProjection } from './headInput';

type Projected = Pick<HeadInput, 'tokens' | 'headDim' | 'embedDim' | 'standardise' | 'rope'>;

/** Rows of this head of the projection, without bias: x W^T, [N, d]. */
export function project(
  x: Float64Array,
  projection: HeadProjection,
  { tokens, embedDim, headDim }: Projected,
  kernels: Pick<HeadKernels, 'matmulTransposed'>,
): Float64Array {
  return kernels.matmulTransposed(x, projection.weight, tokens, embedDim, headDim);
}

/** `rows` of `project` with bias and norm; `scored` (q and k): standardisation and RoPE, too, as the layer has them. */
export function finishProjection(
  rows: Float64Array,
  { bias, norm }: HeadProjection,
  { headDim: d, standardise, rope }: Projected,
  scored: boolean,
): Float64Array {
  const out = bias === null ? rows.slice() : rows.map((value, i) => value + bias[i % d]!);
  if (norm !== null) normaliseRows(out, d, norm);
  if (!scored) return out;
  const standard = standardise ? standardiseRows(out, d) : out;
  return rope ? rotate(standard, rope, d) : standard;
}

/** LayerNorm (biased variance) or RMSNorm over each row of x [N, d], in place. */
function normaliseRows(x: Float64Array, width: number, by: NonNullable<HeadProjection['norm']>): void {
  for (let start = 0; start < x.length; start += width) {
    let centre = 0;
    if (by.kind !== 'rms') for (let c = 0; c < width; c++) centre += x[start + c]! / width;
    let variance = 0;
    for (let c = 0; c < width; c++) variance += (x[start + c]! - centre) ** 2 / width;
    const size = Math.sqrt(variance + by.eps);
    for (let c = 0; c < width; c++) {
      x[start + c] = ((x[start + c]! - centre) / size) * by.weight[c]! + (by.bias?.[c] ?? 0);
    }
  }
}
