// What chance, shuffled tokens, other heads and untrained twins give for the statistics of alignment.ts (spec
// section 5). Streams and draw order are those of spec section 8, so every draw can be had again.

import type { AlignmentStatistic, NullResult, NullSummary, RankAmongHeads } from './headResult';
import type { SingularBasis } from './orthonormal';
import { createRandom, type PortableRandom } from './random';
import { statisticsOfBasis, statisticsOfDraw, type SubspaceStatistics, type SubspaceTarget } from './subspace';
import { mean, sampleSd, transpose } from './vector';

/**
 * Draws within this of the observed value count as "at least as high". Where the statistic is forced (p + r >= N)
 * all of them are 1 up to round-off, and round-off must not make a p-value.
 */
const tieTolerance = 1e-9;

/** Below this part of the mean the spread of a null is round-off and z has no meaning. */
const smallestRelativeSd = 1e-9;

type Statistics = Readonly<Record<AlignmentStatistic, number>>;

/** Mean, sd, z and one-sided p of one statistic; null with fewer than two draws. Spec section 5. */
export function summariseNull(observed: number, draws: readonly number[]): NullSummary | null {
  if (draws.length < 2) return null;
  const centre = mean(draws);
  const sd = sampleSd(draws);
  const spread = sd > smallestRelativeSd * Math.abs(centre);
  const atLeast = draws.filter((draw) => draw >= observed - tieTolerance).length;
  const p = (1 + atLeast) / (draws.length + 1);
  if (spread) return { mean: centre, sd, z: (observed - centre) / sd, p };
  return { mean: centre, sd, z: null, p, reason: 'All draws are the same up to round-off, so there is no z.' };
}

/** All three statistics against the draws. */
export function nullResult(observed: Statistics, draws: readonly Statistics[]): NullResult | null {
  const of = (name: AlignmentStatistic): NullSummary | null =>
    summariseNull(
      observed[name],
      draws.map((draw) => draw[name]),
    );
  const [overlap, energy, rayleigh] = [of('overlap'), of('energy'), of('rayleigh')];
  if (overlap === null || energy === null || rayleigh === null) return null;
  return { draws: draws.length, overlap, energy, rayleigh };
}

/** Rank of the head (1 = highest) among itself and the others; ties count in its favour. */
export function rankAmong(observed: number, others: readonly number[]): RankAmongHeads {
  return { rank: 1 + others.filter((other) => other > observed + tieTolerance).length, of: others.length + 1 };
}

/** How a value matrix becomes coefficients B: weight of each token (G^-1 for `theory`, null for `plain`), then P. */
export interface CoefficientRule {
  /** [N] or null */
  readonly tokenWeights: Float64Array | null;
}

/** Null `random`: V ~ N(0, 1), `draws` times from one stream. `each` sees every draw's statistics in order. */
export function randomNull(
  target: SubspaceTarget,
  rule: CoefficientRule,
  width: number,
  key: string,
  draws: number,
  each: (statistics: SubspaceStatistics, index: number) => void,
): void {
  const random = createRandom(key);
  for (let b = 0; b < draws; b++) {
    const rows = transpose(random.normals(target.tokens * width), target.tokens, width);
    applyRule(rows, target.tokens, width, rule);
    const statistics = statisticsOfDraw(target, rows);
    if (statistics !== null) each(statistics, b);
  }
}

/**
 * Null `permuted`: rows of V [N, d] shuffled across tokens, row i becomes row perm[i].
 * `plainBasis` is the SVD basis of P V: without token weights a shuffle of V only shuffles it.
 */
export function permutedNull(
  target: SubspaceTarget,
  rule: CoefficientRule,
  v: Float64Array,
  plainBasis: SingularBasis | null,
  key: string,
  draws: number,
): SubspaceStatistics[] {
  const n = target.tokens;
  const width = v.length / n;
  const random: PortableRandom = createRandom(key);
  const values = transpose(v, n, width);
  const out: SubspaceStatistics[] = [];
  for (let b = 0; b < draws; b++) {
    const permutation = random.permutation(n);
    let statistics: SubspaceStatistics | null;
    if (rule.tokenWeights === null && plainBasis !== null) {
      const basis = permuteColumns(plainBasis.basis, n, permutation);
      statistics = statisticsOfBasis(target, { ...plainBasis, basis });
    } else {
      const rows = permuteColumns(values, n, permutation);
      applyRule(rows, n, width, rule);
      statistics = statisticsOfDraw(target, rows);
    }
    if (statistics !== null) out.push(statistics);
  }
  return out;
}

/** Makes coefficients of values, both as rows of length N, in place: weight every token, take off the mean. */
function applyRule(rows: Float64Array, tokens: number, width: number, rule: CoefficientRule): void {
  for (let c = 0; c < width; c++) {
    const row = rows.subarray(c * tokens, (c + 1) * tokens);
    if (rule.tokenWeights !== null) {
      for (let i = 0; i < tokens; i++) row[i]! *= rule.tokenWeights[i]!;
    }
    const centre = mean(row);
    for (let i = 0; i < tokens; i++) row[i]! -= centre;
  }
}

function permuteColumns(rows: Float64Array, tokens: number, permutation: Int32Array): Float64Array {
  const out = new Float64Array(rows.length);
  for (let start = 0; start < rows.length; start += tokens) {
    for (let i = 0; i < tokens; i++) out[start + i] = rows[start + permutation[i]!]!;
  }
  return out;
}
