// The four words of spec section 5 and nothing stronger. They rest on `theory`, which is what KPCA asserts.

import type { AlignmentMode, AlignmentVerdict, NullResult } from './headResult';

/** One-sided level of the two comparisons. */
const level = 0.05;

/** p = 1/(B+1) is the least that B draws can give. */
const fewestDraws = 20;

export interface Verdict {
  readonly verdict: AlignmentVerdict | null;
  readonly reason?: string;
}

/** Above this random expectation a high overlap is forced (spec section 5). */
export const informativeChance = 0.8;

/**
 * Verdict on mode `theory`: `rank` is r, `headDim` d. null with a reason where a null it rests on was not run.
 * Overlap decides; it is always informative here, because `not measurable` comes first.
 */
export function alignmentVerdict(theory: AlignmentMode, rank: number, headDim: number): Verdict {
  if (theory.overlap === null) return { verdict: 'not measurable', ...optionalReason(theory.reason) };
  if (rank < headDim / 2) {
    return {
      verdict: 'not measurable',
      reason: `Only ${rank} eigenvectors are above round-off, fewer than half of d = ${headDim}.`,
    };
  }
  if (!theory.informative) {
    const chance = theory.overlapChance.toFixed(2);
    return { verdict: 'not measurable', reason: `Random values already give an overlap of ${chance}.` };
  }
  const permuted = theory.nulls.permuted;
  if (permuted === null || permuted.draws < fewestDraws) {
    return {
      verdict: null,
      reason: `The null \`permuted\` needs ${fewestDraws} draws or more (--nulls) before anything can be said.`,
    };
  }
  if (!beats(permuted)) {
    return { verdict: 'no evidence', reason: 'Values with their tokens shuffled overlap as much.' };
  }
  const untrained = theory.nulls.untrained;
  if (untrained === null || untrained.draws < fewestDraws) {
    return {
      verdict: null,
      reason:
        'The overlap is above that of shuffled tokens. Whether it is more than keys and values of the same tokens share was not measured: ' +
        (untrained === null
          ? 'the null `untrained` was not run.'
          : `the null \`untrained\` has ${untrained.draws} draws and needs ${fewestDraws}.`),
    };
  }
  return beats(untrained)
    ? { verdict: 'above token-shared baseline' }
    : { verdict: 'explained by shared tokens', reason: 'Untrained twins of the head overlap as much.' };
}

function beats(result: NullResult): boolean {
  const { p } = result.overlap;
  return p !== null && p < level;
}

function optionalReason(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}
