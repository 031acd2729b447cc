// The similarity metrics of the reproduction study (spec section 4) of one head: as its two scripts compute them, with
// their epsilons and at true scale, and free of both; each beside what random and shuffled values give.

import type { HeadKernels } from '../engine/headKernels';
import type { HeadResult, ReproductionMetrics } from './headResult';
import { kpcaValues } from './kpcaValues';
import { studyNulls, type StudyForm } from './reproductionNulls';
import { similarity, similaritySide, type Epsilons, type SimilaritySide } from './similarity';
import type { KeySpectrum } from './spectrum';
import { norm } from './vector';

/** scripts/value_vectors.py */
const vision: Epsilons = { row: 1e-8, cka: 1e-10, frobenius: 0 };
/** scripts/nlp_value_vectors.py */
const nlp: Epsilons = { ...vision, frobenius: 1e-8 };
export const noEpsilons: Epsilons = { row: 0, cka: 0, frobenius: 0 };

/** Above this largest score V_hat ~ e^-score is so small that the epsilons decide the as-coded numbers (section 4). */
export const largestCodedScore = 28;

/** Draws of the study's nulls when nobody says otherwise: each needs an assignment, O(N^3). */
export const defaultStudyNulls = 20;

export interface StudyOptions {
  /** Draws of each null; 0 and 1: none. */
  readonly draws: number;
  /** Key of the random streams, without the kind: `${seed}/null/{kind}/repro/${layer}/${head}`. */
  readonly streamKey: (kind: 'random' | 'permuted') => string;
}

/** V [N, d] against the KPCA values of the keys, top d eigenvectors. */
export function reproductionNumbers(
  spectrum: KeySpectrum,
  v: Float64Array,
  headDim: number,
  kernels: HeadKernels,
  options: StudyOptions,
): HeadResult['reproduction'] {
  const n = spectrum.gram.tokens;
  const warning = epsilonWarning(spectrum.gram.maxScore);
  if (headDim > n || spectrum.numericalRank === 0) {
    const empty = undefinedMetrics(
      spectrum.numericalRank === 0
        ? 'The centred Gram matrix is zero, so there are no eigenvectors to compare with.'
        : `${n} tokens have fewer eigenvectors than the ${headDim} columns of V.`,
    );
    return { asCoded: empty, asCodedNlp: empty, scaleFree: empty, kpcaAxes: empty, ...warning };
  }
  const note =
    spectrum.numericalRank < headDim
      ? `Only ${spectrum.numericalRank} eigenvectors are above round-off; the metric takes ${headDim}, the rest is noise.`
      : null;
  const side = (rows: Float64Array, width = headDim): SimilaritySide => similaritySide(rows, n, width, kernels);
  const x = side(v);
  const trueScale = side(kpcaValues(spectrum, headDim, 'unit'));
  const free = side(ofSize(kpcaValues(spectrum, headDim, 'unit', true), norm(v)));
  // Ascending order of the eigenvectors is the only difference; CKA does not see it.
  const reversed = { ...trueScale, rows: reverseColumns(trueScale.rows, headDim) };
  const forms: StudyForm[] = [
    { y: trueScale, epsilons: vision, metrics: similarity(x, trueScale, kernels, vision, note) },
    // Random columns in another order are random columns: the second script's null is the first one's.
    { y: null, epsilons: nlp, metrics: similarity(x, reversed, kernels, nlp, note) },
    { y: free, epsilons: noEpsilons, metrics: similarity(x, free, kernels, noEpsilons, note) },
  ];
  if (spectrum.rank < headDim) {
    forms.push({ y: null, epsilons: noEpsilons, metrics: undefinedMetrics(kpcaReason(spectrum.rank, headDim)) });
  } else {
    const y = side(ofSize(kpcaValues(spectrum, headDim, 'kpca', true), norm(v)));
    forms.push({ y, epsilons: noEpsilons, metrics: similarity(x, y, kernels, noEpsilons) });
  }
  const [asCoded, asCodedNlp, scaleFree, kpcaAxes] = studyNulls(x, forms, kernels, options);
  return { asCoded: asCoded!, asCodedNlp: asCodedNlp!, scaleFree: scaleFree!, kpcaAxes: kpcaAxes!, ...warning };
}

function epsilonWarning(maxScore: number): { warning?: string } {
  if (maxScore <= largestCodedScore) return {};
  return {
    warning: `The largest score is ${maxScore.toPrecision(3)}. Above ${largestCodedScore} the kernel PCA values are so small that the epsilons of the study's code (1e-8, 1e-10) decide the as-coded numbers: they go to 0 for any values. Read the scale-free ones.`,
  };
}

function kpcaReason(rank: number, headDim: number): string {
  return `Unit-norm axes divide by the square roots of the eigenvalues, and only ${rank} of the ${headDim} are above round-off.`;
}

function ofSize(values: Float64Array, size: number): Float64Array {
  const factor = size / norm(values);
  return values.map((value) => value * factor);
}

function reverseColumns(x: Float64Array, width: number): Float64Array {
  return x.map((_, at) => x[at - (at % width) + (width - 1 - (at % width))]!);
}

function undefinedMetrics(reason: string): ReproductionMetrics {
  return { direct: null, optimal: null, pearson: null, relFrobenius: null, linearCka: null, kernelCka: null, reason };
}
