// How far the head output is from a projection in feature space (spec section 3, projection loss). ||phi(q)||^2
// spans hundreds of decades, so everything is formed from its logarithm; means are given only where finite.

import type { HeadKernels } from '../engine/headKernels';
import { plainScores, visibleKeys, type ScoreRule } from '../model/blockShape';
import { logSumExp } from './gram';
import type { ProjectionNumbers } from './headResult';
import { mean, measured, median, squaredNorm } from './vector';

/** The 1e-8 of the published `rel_h` and `rel_phi`. */
const relativeFloor = 1e-8;

/** log ||phi(q_i)||^2 = ||q_i||^2 / sqrt(d) - 2 lse_j q_i.k_j / sqrt(d) over the visible keys j, [N]. */
export function logPhiNorms(
  q: Float64Array,
  k: Float64Array,
  tokens: number,
  headDim: number,
  kernels: HeadKernels,
  rule: ScoreRule = plainScores,
): Float64Array {
  const scores = kernels.matmulTransposed(q, k, tokens, headDim, tokens);
  const root = Math.sqrt(headDim);
  for (let i = 0; i < scores.length; i++) scores[i]! /= root;
  return Float64Array.from({ length: tokens }, (_, i) => {
    const size = squaredNorm(q.subarray(i * headDim, (i + 1) * headDim)) / root;
    const { from, to } = visibleKeys(rule, i, tokens);
    return size - 2 * logSumExp(scores.subarray(i * tokens + from, i * tokens + to));
  });
}

/**
 * All variants of the projection loss, of queries q (keys in symmetric heads), keys k and the head output h that
 * the model itself computes, all [N, d].
 */
export function projectionNumbers(
  q: Float64Array | null,
  k: Float64Array,
  h: Float64Array,
  tokens: number,
  headDim: number,
  kernels: HeadKernels,
  rule: ScoreRule = plainScores,
): ProjectionNumbers {
  const logPhi = logPhiNorms(q ?? k, k, tokens, headDim, kernels, rule);
  const width = h.length / tokens;
  const hNorms = Float64Array.from({ length: tokens }, (_, i) => squaredNorm(h.subarray(i * width, (i + 1) * width)));
  const phi = logPhi.map(Math.exp);
  const signed = phi.map((value, i) => value - hNorms[i]!);
  const absolute = signed.map(Math.abs);
  const logRatios = logPhi.map((value, i) => value - Math.log(hNorms[i]!));
  const numbers = {
    signed: measured(mean(signed)),
    abs: measured(mean(absolute)),
    relH: measured(mean(absolute.map((value, i) => value / (hNorms[i]! + relativeFloor)))),
    relPhi: measured(mean(absolute.map((value, i) => value / (phi[i]! + relativeFloor)))),
    besselViolation: logRatios.filter((value) => value < 0).length / tokens,
    phiNorm: measured(mean(phi)),
    hNorm: measured(mean(hNorms)),
    logRatio: measured(median(logRatios)),
    logPhiNormMedian: measured(median(logPhi)),
    hNormMedian: measured(median(hNorms)),
    signedMedian: measured(median(signed)),
  };
  if (Object.values(numbers).every((value) => value !== null)) return numbers;
  const reason = phi.every(Number.isFinite)
    ? 'The head output is zero, so its logarithm has no value.'
    : '||phi(q)||^2 exceeds the range of float64 for some tokens; read the medians of the logarithms.';
  return { ...numbers, reason };
}
