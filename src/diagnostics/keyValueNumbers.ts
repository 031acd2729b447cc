// What depends on keys and values alone: spectrum, alignment with its nulls, gamma, reproduction metrics. Query heads
// that read one kv head (grouped queries) share these numbers, so they are computed once for all of them.

import type { HeadKernels } from '../engine/headKernels';
import { alignmentNumbers } from './alignment';
import { gammaNumbers } from './gamma';
import type { DiagnosticsOptions, HeadInput, KeyValueInput } from './headInput';
import type { HeadResult } from './headResult';
import { reproductionNumbers } from './reproduction';
import { keySpectrum, spectrumNumbers } from './spectrum';

export type KeyValueNumbers = Pick<HeadResult, 'spectrum' | 'alignment' | 'gamma' | 'reproduction'>;

/** The part of a query head's input that it shares with the other query heads of its kv head. */
export function keyValueInput(input: HeadInput): KeyValueInput {
  const { layer, head, firstHead = head, tokens, headDim, k, v, otherValues, untrained, rule } = input;
  const masked = rule !== undefined && (rule.causal || rule.window !== null);
  return { layer, head: firstHead, tokens, headDim, k, v, otherValues, untrained, masked };
}

/** Spec sections 3 to 5 for one kv head. */
export function keyValueNumbers(
  input: KeyValueInput,
  options: DiagnosticsOptions,
  kernels: HeadKernels,
): KeyValueNumbers {
  const { k, v, tokens, headDim, layer, head } = input;
  const spectrum = keySpectrum(k, tokens, headDim, kernels);
  return {
    spectrum: { ...spectrumNumbers(spectrum, headDim), ...(input.masked ? { gram: 'full-Gram' as const } : {}) },
    alignment: alignmentNumbers(input, options, spectrum, kernels),
    gamma: gammaNumbers(spectrum, v, kernels, { seed: options.seed, layer, head }),
    reproduction: reproductionNumbers(spectrum, v, headDim, kernels),
  };
}
