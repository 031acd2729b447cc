// Subspace alignment of a head's values with the eigenvectors of its key Gram (spec section 5), in the two modes,
// with all nulls and the verdict. Invariant to sign, order, rotation and scale.

import type { HeadKernels } from '../engine/headKernels';
import type { DiagnosticsOptions, KeyValueInput, TwinNumbers } from './headInput';
import type { AlignmentMode, AlignmentNumbers } from './headResult';
import { centringResidual, recoveredCoefficients } from './kpcaValues';
import { nullResult, permutedNull, randomNull, rankAmong, type CoefficientRule } from './nulls';
import { keySpectrum, type KeySpectrum } from './spectrum';
import {
  principalCosines,
  statisticsOfDraw,
  subspaceStatistics,
  subspaceTarget,
  type SubspaceStatistics,
  type SubspaceTarget,
} from './subspace';
import { centreColumns, mean, quantile, transpose } from './vector';
import { alignmentVerdict, informativeChance } from './verdict';

type AlignmentModeName = 'theory' | 'plain';

/** What alignment needs of a kv head; `head` names its random streams. */
type AlignmentInput = Omit<KeyValueInput, 'k' | 'labels'>;

/** Random draws whose cosines make the band of the picture. */
const bandDraws = 40;

/** B of spec section 5, [N, d], up to scale: P G^-1 V for `theory`, P V for `plain`. */
export function alignmentCoefficients(mode: AlignmentModeName, spectrum: KeySpectrum, v: Float64Array): Float64Array {
  const n = spectrum.gram.tokens;
  return mode === 'theory' ? recoveredCoefficients(spectrum.gram, v) : centreColumns(v, n, v.length / n);
}

/** The `alignment` part of the result; `twins` are `twinNumbers` of the same input. */
export function alignmentNumbers(
  input: AlignmentInput,
  options: DiagnosticsOptions,
  spectrum: KeySpectrum,
  twins: TwinNumbers,
  kernels: HeadKernels,
): AlignmentNumbers {
  const target = subspaceTarget(spectrum, kernels);
  const theory = alignmentMode('theory', input, options, spectrum, target, twins.theory);
  const plain = alignmentMode('plain', input, options, spectrum, target, twins.plain);
  const residual = centringResidual(spectrum.gram, input.v);
  const verdict = alignmentVerdict(theory, spectrum.rank, input.headDim);
  return { theory, plain, centringResidual: residual, ...verdict };
}

/** Statistics of every twin against its own Gram, whose [N, N] arrays are gone before the next twin's are made. */
export function twinNumbers(input: AlignmentInput, kernels: HeadKernels): TwinNumbers {
  if (input.twinNumbers !== undefined) return input.twinNumbers;
  const draws: { [mode in AlignmentModeName]: TwinNumbers[mode][number][] } = { theory: [], plain: [] };
  for (const { k, v } of input.untrained) {
    const own = keySpectrum(k, input.tokens, input.headDim, kernels);
    const target = subspaceTarget(own, kernels);
    for (const mode of ['theory', 'plain'] as const) {
      const coefficients = alignmentCoefficients(mode, own, v);
      const found = statisticsOfDraw(target, transpose(coefficients, input.tokens, v.length / input.tokens));
      draws[mode].push(
        found === null ? null : { overlap: found.overlap, energy: found.energy, rayleigh: found.rayleigh },
      );
    }
  }
  return draws;
}

function alignmentMode(
  mode: AlignmentModeName,
  input: AlignmentInput,
  options: DiagnosticsOptions,
  spectrum: KeySpectrum,
  target: SubspaceTarget,
  twins: TwinNumbers[AlignmentModeName],
): AlignmentMode {
  const n = input.tokens;
  const r = spectrum.rank;
  const observed = subspaceStatistics(target, alignmentCoefficients(mode, spectrum, input.v));
  const p = observed?.statistics.rank ?? 0;
  const overlapChance = n > 1 ? Math.min(1, Math.max(p, r) / (n - 1)) : 1;
  const energyChance = n > 1 ? r / (n - 1) : 1;
  if (observed === null) {
    const reason = r === 0 ? emptyGramReason(n) : 'The values are the same for all tokens, so they span nothing.';
    return {
      cosines: [],
      overlap: null,
      overlapChance,
      energy: null,
      energyChance,
      rayleigh: null,
      informative: false,
      cosineBand: { low: [], mean: [], high: [] },
      nulls: { random: null, permuted: null, untrained: null, otherHeads: null, reason },
      reason,
    };
  }
  const { statistics, basis } = observed;
  const rule: CoefficientRule = { tokenWeights: mode === 'theory' ? relativeWeights(spectrum) : null };
  const key = (kind: string): string => `${options.seed}/null/${kind}/${mode}/${input.layer}/${input.head}`;

  const randomDraws: SubspaceStatistics[] = [];
  const bandCosines: number[][] = [];
  randomNull(target, rule, input.headDim, key('random'), options.nulls, (draw, index) => {
    randomDraws.push(draw);
    if (index < bandDraws) bandCosines.push(principalCosines(target, draw));
  });
  const plainBasis = mode === 'plain' ? basis : null;
  const permutedDraws = permutedNull(target, rule, input.v, plainBasis, key('permuted'), options.nulls);
  const others = input.otherValues.flatMap((v) => {
    const found = subspaceStatistics(target, alignmentCoefficients(mode, spectrum, v));
    return found === null ? [] : [found.statistics];
  });
  const nulls = {
    random: nullResult(statistics, randomDraws),
    permuted: nullResult(statistics, permutedDraws),
    untrained: nullResult(
      statistics,
      twins.filter((twin) => twin !== null),
    ),
    otherHeads:
      others.length === 0
        ? null
        : {
            overlap: rankAmong(
              statistics.overlap,
              others.map((other) => other.overlap),
            ),
            rayleigh: rankAmong(
              statistics.rayleigh,
              others.map((other) => other.rayleigh),
            ),
          },
  };
  const missing = missingNulls(nulls, {
    draws: options.nulls,
    twins: twins.length,
    heads: input.otherValues.length,
    noTwins: input.foreign?.noTwins ?? null,
  });
  return {
    cosines: principalCosines(target, statistics),
    overlap: statistics.overlap,
    overlapChance,
    energy: statistics.energy,
    energyChance,
    rayleigh: statistics.rayleigh,
    informative: overlapChance <= informativeChance,
    cosineBand: band(bandCosines, Math.min(p, r)),
    nulls: {
      ...nulls,
      ...(missing.length === 0 ? {} : { reason: missing.join(' ') }),
    },
  };
}

/** A sentence for each null that is null; `asked`: how many draws each was to have. */
function missingNulls(
  nulls: AlignmentMode['nulls'],
  asked: { draws: number; twins: number; heads: number; noTwins: string | null },
): string[] {
  const fewDraws =
    asked.draws < 2 ? `${asked.draws} draws were asked for, 2 are needed` : 'fewer than 2 draws have a value';
  const fewTwins =
    asked.noTwins ??
    (asked.twins < 2 ? `${asked.twins} twins were asked for, 2 are needed` : 'fewer than 2 twins have a value');
  const fewHeads = asked.heads === 0 ? 'the layer has one head' : "no other head's values span anything";
  return [
    nulls.random === null ? `random was not run: ${fewDraws}.` : '',
    nulls.permuted === null ? `permuted was not run: ${fewDraws}.` : '',
    nulls.untrained === null ? `untrained was not run: ${fewTwins}.` : '',
    nulls.otherHeads === null ? `otherHeads was not run: ${fewHeads}.` : '',
  ].filter((sentence) => sentence !== '');
}

/** Diagonal of G^-1 relative to its largest entry, [N]. */
function relativeWeights(spectrum: KeySpectrum): Float64Array {
  const { logG } = spectrum.gram;
  const offset = logG.reduce((a, b) => Math.max(a, b), -Infinity);
  return logG.map((value) => Math.exp(value - offset));
}

function emptyGramReason(tokens: number): string {
  return tokens === 1
    ? 'One token has no centred Gram matrix.'
    : 'All keys are the same, so the centred Gram matrix is zero.';
}

/** 5 % quantile, mean and 95 % quantile per principal angle. */
function band(cosines: readonly (readonly number[])[], count: number): AlignmentMode['cosineBand'] {
  const low: number[] = [];
  const middle: number[] = [];
  const high: number[] = [];
  for (let i = 0; i < count && cosines.length > 0; i++) {
    const drawn = cosines.map((draw) => draw[i]).filter((value) => value !== undefined);
    if (drawn.length === 0) break;
    low.push(quantile(drawn, 0.05));
    middle.push(mean(drawn));
    high.push(quantile(drawn, 0.95));
  }
  return { low, mean: middle, high };
}
