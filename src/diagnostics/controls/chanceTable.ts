// What Gaussian values reach in the reproduction study's metrics (chance table of spec section 4): how high a score
// is that means nothing.

import type { HeadKernels } from '../../engine/headKernels';
import { standardiseRows } from '../../engine/headLayout';
import type { ReproductionMetrics } from '../headResult';
import { normals } from '../random';
import { noEpsilons, reproductionNumbers } from '../reproduction';
import { similarity, similaritySide } from '../similarity';
import { keySpectrum } from '../spectrum';
import { mean, sampleSd } from '../vector';
import { near, type Control } from './control';
import { controlHeadDim, controlTokens } from './kpcaControls';

type Scored = 'optimal' | 'linearCka' | 'kernelCka';
const scored: readonly Scored[] = ['optimal', 'linearCka', 'kernelCka'];
const titles: Readonly<Record<Scored, string>> = {
  optimal: 'optimal',
  linearCka: 'linear CKA',
  kernelCka: 'kernel CKA',
};

/** One row of the printed table: its keys, and the six values with the last printed digit's half unit. */
interface ChanceRow {
  readonly keys: string;
  /** null: V against Gaussian values instead of against Vhat. */
  readonly makeKeys: ((gaussian: Float64Array) => Float64Array) | null;
  readonly asCoded: Readonly<Record<Scored, number>> | null;
  readonly scaleFree: Readonly<Record<Scored, number>>;
}

const times =
  (spread: number) =>
  (gaussian: Float64Array): Float64Array =>
    gaussian.map((value) => value * spread);

export const chanceRows: readonly ChanceRow[] = [
  {
    keys: 'no keys: Gaussian against Gaussian',
    makeKeys: null,
    asCoded: null,
    scaleFree: { optimal: 0.316, linearCka: 0.249, kernelCka: 0.358 },
  },
  {
    keys: 'standardised keys',
    makeKeys: (gaussian) => standardiseRows(gaussian, controlHeadDim),
    asCoded: { optimal: 0.313, linearCka: 0.283, kernelCka: 0.273 },
    scaleFree: { optimal: 0.311, linearCka: 0.283, kernelCka: 0.272 },
  },
  {
    keys: 'keys of sd 1.5',
    makeKeys: times(1.5),
    asCoded: { optimal: 0.112, linearCka: 0.071, kernelCka: 0.112 },
    scaleFree: { optimal: 0.157, linearCka: 0.049, kernelCka: 0.109 },
  },
  {
    keys: 'keys of sd 2',
    makeKeys: times(2),
    asCoded: { optimal: 0.0016, linearCka: 0.0006, kernelCka: 0.109 },
    scaleFree: { optimal: 0.146, linearCka: 0.049, kernelCka: 0.105 },
  },
  {
    keys: 'keys of sd 3',
    makeKeys: times(3),
    asCoded: { optimal: 1e-10, linearCka: 2e-18, kernelCka: 0.108 },
    scaleFree: { optimal: 0.145, linearCka: 0.044, kernelCka: 0.102 },
  },
];

/** The printed values are rounded to 3 digits behind the point. */
export const halfUnit = 0.0005;

/** One printed value beside the mean and standard deviation of our draws. */
export interface ChanceScore {
  readonly form: 'asCoded' | 'scaleFree';
  readonly name: Scored;
  readonly printed: number;
  readonly mean: number;
  readonly sd: number;
}

/** The printed values of a row, each with what `draws` pairs of values and keys give. */
export function chanceScores(kernels: HeadKernels, row: ChanceRow, draws: number): ChanceScore[] {
  const found = Array.from({ length: draws }, (_, i) => oneDraw(kernels, row, i));
  return (['asCoded', 'scaleFree'] as const).flatMap((form) => {
    const printed = row[form];
    if (printed === null) return [];
    return scored.map((name) => {
      const values = found.map((draw) => draw[form][name] ?? NaN);
      return { form, name, printed: printed[name], mean: mean(values), sd: sampleSd(values) };
    });
  });
}

/**
 * Row by row; `draws` pairs of values and keys each. The printed values are those of a single draw, so the bound is 3
 * standard errors of the difference between one draw and our mean, plus the rounding.
 */
export function chanceControls(kernels: HeadKernels, row: ChanceRow, draws: number): Control[] {
  return chanceScores(kernels, row, draws).map(({ form, name, printed, mean: value, sd }) =>
    near(
      {
        name: `${titles[name]}, ${form === 'asCoded' ? 'as coded' : 'scale-free'}`,
        what: `${row.keys}; mean of ${draws} draws`,
        group: "Chance level of the study's metrics: Gaussian V against V_hat of Gaussian keys, N 197, d 64",
      },
      value,
      printed,
      3 * sd * Math.sqrt(1 + 1 / draws) + halfUnit,
    ),
  );
}

function oneDraw(
  kernels: HeadKernels,
  { keys, makeKeys }: ChanceRow,
  draw: number,
): Readonly<Record<'asCoded' | 'scaleFree', ReproductionMetrics>> {
  const n = controlTokens;
  const d = controlHeadDim;
  const v = normals(`selftest/chance/${keys}/v/${draw}`, n * d);
  const gaussian = normals(`selftest/chance/${keys}/k/${draw}`, n * d);
  if (makeKeys !== null) {
    const noNulls = { draws: 0, streamKey: () => '' };
    return reproductionNumbers(keySpectrum(makeKeys(gaussian), n, d, kernels), v, d, kernels, noNulls);
  }
  const [x, y] = [v, gaussian].map((rows) => similaritySide(rows, n, d, kernels));
  const same = similarity(x!, y!, kernels, noEpsilons);
  return { asCoded: same, scaleFree: same };
}
