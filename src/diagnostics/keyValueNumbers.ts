// What depends on keys and values alone: spectrum, alignment with its nulls, gamma, reproduction metrics. Query heads
// that read one kv head (grouped queries) share these numbers, so they are computed once for all of them.

import type { HeadKernels } from '../engine/headKernels';
import { standardiseRows } from '../engine/headLayout';
import { unrotate } from '../engine/rope';
import { plainScores, visibleKeys } from '../model/blockShape';
import { alignmentNumbers, twinNumbers } from './alignment';
import { gammaNumbers } from './gamma';
import {
  defaultGram,
  type DiagnosticsOptions,
  type GramChoice,
  type HeadInput,
  type KeyValueInput,
  type TwinNumbers,
} from './headInput';
import type { HeadResult } from './headResult';
import { defaultStudyNulls, reproductionNumbers } from './reproduction';
import { keySpectrum, spectrumNumbers } from './spectrum';
import { valueDirections, type ValueDirections } from './valueDirections';

export interface KeyValueNumbers extends Pick<HeadResult, 'spectrum' | 'alignment' | 'gamma' | 'reproduction'> {
  /** No part of the result: kept for runs on the same input. */
  readonly twins: TwinNumbers;
  /** No part of the result: kept for the head's pictures. */
  readonly directions: ValueDirections | null;
}

/** Added to the standard deviation by the reproduction study's eigenvalues.py and gammas.py (spec section 3, `std`). */
const standardisationEps = 1e-8;

/**
 * The part of a query head's input that it shares with the other query heads of its kv head, as `gram` has it. A prefix
 * of T is what query T-1 sees: the first T keys and values, in a layer with a sliding window the last of them.
 */
export function keyValueInput(input: HeadInput, gram: GramChoice = defaultGram): KeyValueInput {
  const { layer, head, firstHead = head, tokens, headDim, rope = null, rule = plainScores, foreign } = input;
  const { from, to } = gram.prefix === null ? { from: 0, to: tokens } : visibleKeys(rule, gram.prefix - 1, tokens);
  const rows = (x: Float64Array): Float64Array => (to - from === tokens ? x : x.slice(from * headDim, to * headDim));
  const keys = (k: Float64Array): Float64Array => {
    const chosen = rows(gram.keys === 'pre-rope' ? unrotate(k, rope, headDim) : k);
    return gram.standardise === true ? standardiseRows(chosen, headDim, standardisationEps) : chosen;
  };
  const masked = rule.causal || rule.window !== null;
  return {
    layer,
    head: firstHead,
    tokens: to - from,
    headDim,
    k: keys(input.k),
    v: rows(input.v),
    otherValues: input.otherValues.map(rows),
    untrained: input.untrained.map(({ k, v }) => ({ k: keys(k), v: rows(v) })),
    ...(input.twinNumbers === undefined ? {} : { twinNumbers: input.twinNumbers }),
    labels: {
      ...(gram.prefix !== null
        ? { gram: `prefix-${gram.prefix}` as const, gramKeys: { from, to } }
        : masked
          ? { gram: 'full-Gram' as const }
          : {}),
      ...(rope === null ? {} : { keys: gram.keys }),
      ...(gram.standardise === true ? { standardised: true as const } : {}),
    },
    ...(foreign === undefined ? {} : { foreign: { ...foreign, own: null } }),
  };
}

/** `directions` of `keyValueNumbers` alone. */
export function keyValueDirections(
  { k, v, tokens, headDim }: KeyValueInput,
  kernels: HeadKernels,
): ValueDirections | null {
  return valueDirections(keySpectrum(k, tokens, headDim, kernels), v, headDim, kernels);
}

/** Spec sections 3 to 5 for one kv head. */
export function keyValueNumbers(
  input: KeyValueInput,
  options: DiagnosticsOptions,
  kernels: HeadKernels,
): KeyValueNumbers {
  const { k, v, tokens, headDim, layer, head } = input;
  const twins = twinNumbers(input, kernels);
  const spectrum = keySpectrum(k, tokens, headDim, kernels);
  return {
    spectrum: { ...spectrumNumbers(spectrum, headDim), ...input.labels },
    alignment: alignmentNumbers(input, options, spectrum, twins, kernels),
    twins,
    directions: valueDirections(spectrum, v, headDim, kernels),
    gamma: gammaNumbers(spectrum, v, kernels, { seed: options.seed, layer, head }),
    reproduction: reproductionNumbers(spectrum, v, headDim, kernels, {
      draws: options.studyNulls ?? Math.min(options.nulls, defaultStudyNulls),
      streamKey: (kind) => `${options.seed}/null/${kind}/repro/${layer}/${head}`,
    }),
  };
}
