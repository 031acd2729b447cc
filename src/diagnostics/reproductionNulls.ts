// What random values and values with their tokens shuffled score in the reproduction study's metrics (spec sections 4
// and 5): their chance level is not 0 and depends on V_hat, so that no score can be read without them.

import type { HeadKernels } from '../engine/headKernels';
import type { NullSummary, ReproductionMetrics, StudyNulls } from './headResult';
import { summariseNull } from './nulls';
import { createRandom } from './random';
import type { StudyOptions } from './reproduction';
import {
  permutedCkas,
  similarityScores,
  similaritySide,
  type Epsilons,
  type SimilarityScores,
  type SimilaritySide,
} from './similarity';

/** One form of the metrics; `y` null: it shares the draws of the form before it. */
export interface StudyForm {
  readonly y: SimilaritySide | null;
  readonly epsilons: Epsilons;
  readonly metrics: ReproductionMetrics;
}

type Ckas = Omit<SimilarityScores, 'optimal'>;

/** `forms` with their nulls: the same draws for all of them, in the order of the streams. */
export function studyNulls(
  x: SimilaritySide,
  forms: readonly StudyForm[],
  kernels: HeadKernels,
  options: StudyOptions,
): ReproductionMetrics[] {
  const measurable = forms.map(({ y, metrics }) => y !== null && metrics.linearCka !== null);
  const random = forms.map((): SimilarityScores[] => []);
  const permuted = forms.map((): Ckas[] => []);
  if (options.draws >= 2 && measurable.includes(true)) {
    const draws = createRandom(options.streamKey('random'));
    const shuffles = createRandom(options.streamKey('permuted'));
    for (let b = 0; b < options.draws; b++) {
      const drawn = similaritySide(draws.normals(x.rows.length), x.tokens, x.width, kernels, true);
      const permutation = shuffles.permutation(x.tokens);
      forms.forEach(({ y, epsilons }, at) => {
        if (y === null || measurable[at] !== true) return;
        random[at]!.push(similarityScores(drawn, y, kernels, epsilons));
        permuted[at]!.push(permutedCkas(x, y, permutation, kernels, epsilons));
      });
    }
  }
  let shared = 0;
  return forms.map(({ y, metrics }, at) => {
    if (y !== null) shared = at;
    return { ...metrics, nulls: summarise(metrics, random[shared]!, permuted[shared]!, options.draws) };
  });
}

function summarise(
  metrics: ReproductionMetrics,
  random: readonly SimilarityScores[],
  permuted: readonly Ckas[],
  asked: number,
): StudyNulls {
  const { optimal, linearCka, kernelCka } = metrics;
  if (optimal === null || linearCka === null || kernelCka === null) {
    return { random: null, permuted: null, reason: 'Without a score there is nothing to compare draws with.' };
  }
  const of = <T>(draws: readonly T[], observed: number, score: (draw: T) => number): NullSummary | null =>
    summariseNull(observed, draws.map(score));
  const fromRandom = {
    optimal: of(random, optimal, (draw) => draw.optimal),
    linearCka: of(random, linearCka, (draw) => draw.linearCka),
    kernelCka: of(random, kernelCka, (draw) => draw.kernelCka),
  };
  const fromPermuted = {
    linearCka: of(permuted, linearCka, (draw) => draw.linearCka),
    kernelCka: of(permuted, kernelCka, (draw) => draw.kernelCka),
  };
  if (
    fromRandom.optimal === null ||
    fromRandom.linearCka === null ||
    fromRandom.kernelCka === null ||
    fromPermuted.linearCka === null ||
    fromPermuted.kernelCka === null
  ) {
    const reason = `${asked} draws were asked for (--study-nulls), 2 are needed.`;
    return { random: null, permuted: null, reason };
  }
  const draws = random.length;
  return {
    random: {
      draws,
      optimal: fromRandom.optimal,
      linearCka: fromRandom.linearCka,
      kernelCka: fromRandom.kernelCka,
    },
    permuted: { draws, linearCka: fromPermuted.linearCka, kernelCka: fromPermuted.kernelCka },
  };
}
