// How far the head output is from a projection in feature space (spec section 3, projection loss). ||phi(q)||^2
// spans hundreds of decades, so everything is formed from its logarithm; means are given only where finite.

import type { HeadKernels } from '../engine/headKernels';
import { plainScores, visibleKeys, type ScoreRule } from '../model/blockShape';
import { logSumExp } from './gram';
import type { ProjectionNumbers } from './headResult';
import { dot, mean, measured, median, quantile, squaredNorm } from './vector';

/** The 1e-8 of the published `rel_h` and `rel_phi`. */
const relativeFloor = 1e-8;

/** sqrt(d) and cut of scripts/norms.py, whatever d is. */
const scriptRoot = 8;
const scriptCut = 0.95;

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

/** log of the mean of e^x. */
function logMean(logs: Float64Array): number {
  return logSumExp(logs) - Math.log(logs.length);
}

/** log |e^a - e^b| */
function logDifference(a: number, b: number): number {
  const high = Math.max(a, b);
  return high + Math.log(-Math.expm1(Math.min(a, b) - high));
}

/**
 * log mean(J) of the published Reconstruction/softmax.py: exponents without 1/sqrt(d), although its pattern has it, and
 * g(q) from the first column alone, log ||phi||^2 = |q|^2 - 2 q.k_0 + 2 log a_0. Its own file standardises q and k before.
 */
function kpcaCode(
  q: Float64Array,
  k: Float64Array,
  hNorms: Float64Array,
  tokens: number,
  headDim: number,
  kernels: HeadKernels,
  rule: ScoreRule,
): NonNullable<ProjectionNumbers['kpcaCode']> {
  const pattern = kernels.pattern(q, k, tokens, headDim, rule);
  const first = k.subarray(0, headDim);
  const logPhi = Float64Array.from({ length: tokens }, (_, i) => {
    const row = q.subarray(i * headDim, (i + 1) * headDim);
    return squaredNorm(row) - 2 * dot(row, first) + 2 * Math.log(pattern[i * tokens]!);
  });
  const phi = logMean(logPhi);
  const h = Math.log(mean(hNorms));
  if (phi > h && Number.isFinite(phi)) return { logMean: measured(logDifference(phi, h)) };
  return {
    logMean: null,
    reason: 'The mean of J is negative, or its first key has no weight: the code would give NaN.',
  };
}

/** Quartiles that scripts/norms.py draws: sqrt(64) in the exponents, no mask on phi, the upper 5 % cut. */
function normsScript(
  q: Float64Array,
  k: Float64Array,
  hNorms: Float64Array,
  tokens: number,
  headDim: number,
  kernels: HeadKernels,
): NonNullable<ProjectionNumbers['normsScript']> {
  const scores = kernels.matmulTransposed(q, k, tokens, headDim, tokens).map((value) => value / scriptRoot);
  const logPhi = Float64Array.from({ length: tokens }, (_, i) => {
    const size = squaredNorm(q.subarray(i * headDim, (i + 1) * headDim)) / scriptRoot;
    return size - 2 * logSumExp(scores.subarray(i * tokens, (i + 1) * tokens));
  });
  const kept = logPhi.filter((value) => value <= logQuantile(logPhi, scriptCut));
  const keptH = hNorms.filter((value) => value <= quantile(hNorms, scriptCut));
  const three = (of: (fraction: number) => number) =>
    [measured(of(0.25)), measured(of(0.5)), measured(of(0.75))] as const;
  return { logPhi: three((at) => logQuantile(kept, at)), h: three((at) => quantile(keptH, at)) };
}

/** Logarithm of the quantile of e^x: interpolated between the values, not between their logarithms. */
function logQuantile(logs: Float64Array, fraction: number): number {
  const sorted = logs.slice().sort();
  if (sorted.length === 0) return NaN;
  const at = (sorted.length - 1) * fraction;
  const low = sorted[Math.floor(at)]!;
  const high = sorted[Math.min(Math.floor(at) + 1, sorted.length - 1)]!;
  const part = at - Math.floor(at);
  return part === 0 || low === high ? low : high + Math.log(part + (1 - part) * Math.exp(low - high));
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
  const logH = hNorms.map(Math.log);
  const logRatios = logPhi.map((value, i) => value - logH[i]!);
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
  const more = {
    logPhiNormMean: measured(logMean(logPhi)),
    logAbs: measured(logMean(logPhi.map((value, i) => logDifference(value, logH[i]!)))),
    logPhiNormQuartiles: [measured(quantile(logPhi, 0.25)), measured(quantile(logPhi, 0.75))],
    hNormQuartiles: [measured(quantile(hNorms, 0.25)), measured(quantile(hNorms, 0.75))],
    kpcaCode: kpcaCode(q ?? k, k, hNorms, tokens, headDim, kernels, rule),
    normsScript: normsScript(q ?? k, k, hNorms, tokens, headDim, kernels),
  } as const;
  if (Object.values(numbers).every((value) => value !== null)) return { ...numbers, ...more };
  const reason = phi.every(Number.isFinite)
    ? 'The head output is zero, so its logarithm has no value.'
    : '||phi(q)||^2 exceeds the range of float64 for some tokens; read the medians of the logarithms.';
  return { ...numbers, ...more, reason };
}
