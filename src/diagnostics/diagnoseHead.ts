// All numbers of one head, from its float64 tensors to `HeadResult`. Runs inside a worker, once per head; the Gram
// matrix, its eigenvectors and the clean outputs are computed once and shared.

import type { HeadKernels, RpcParameters } from '../engine/headKernels';
import { plainScores } from '../model/blockShape';
import { alignmentNumbers } from './alignment';
import { attentionNumbers } from './attentionNumbers';
import { gammaNumbers } from './gamma';
import { rpcOutput, softmaxOutput, type HeadTensors } from './headAttention';
import type { DiagnosticsOptions, HeadInput } from './headInput';
import type { HeadResult } from './headResult';
import { noiseNumbers, rpcNotAsked } from './noise';
import { projectionNumbers } from './projectionLoss';
import { reproductionNumbers } from './reproduction';
import { rpcNumbers } from './rpcNumbers';
import { keySpectrum, spectrumNumbers } from './spectrum';

/**
 * Every diagnostic of spec sections 3 to 6 for one head. Synchronous; the result is plain JSON without NaN or
 * infinity whatever the tensors hold, as long as they are finite.
 */
export function diagnoseHead(input: HeadInput, options: DiagnosticsOptions, kernels: HeadKernels): HeadResult {
  const { tokens, headDim } = input;
  const rule = input.rule ?? plainScores;
  const head: HeadTensors = { q: input.q, k: input.k, v: input.v, tokens, rule };
  const softmax = softmaxOutput(head, headDim, input.scaled, kernels);
  const beside = options.rpc === null ? null : rpcOutput(head, headDim, options.rpc, kernels);
  const native =
    input.nativeRpc === null
      ? null
      : sameParameters(input.nativeRpc, options.rpc)
        ? beside
        : rpcOutput(head, headDim, input.nativeRpc, kernels);

  const spectrum = keySpectrum(input.k, tokens, headDim, kernels);
  const pattern = kernels.pattern(input.q, native?.cleanedKeys ?? input.k, tokens, headDim, rule);
  const masked = rule.causal || rule.window !== null;
  const rpc =
    options.rpc === null
      ? null
      : {
          ...rpcNumbers(options.rpc, input.q !== null, softmax, beside, tokens, headDim),
          ...(masked ? { masked } : {}),
        };
  const clean = { softmax, rpc: beside?.out ?? null, dispersion: rpc?.dispersion ?? null };
  return {
    index: input.head,
    kvHead: input.kvHead,
    attention: attentionNumbers(pattern, tokens),
    spectrum: { ...spectrumNumbers(spectrum, headDim), ...(masked ? { gram: 'full-Gram' as const } : {}) },
    alignment: alignmentNumbers(input, options, spectrum, kernels),
    gamma: gammaNumbers(spectrum, input.v, kernels, {
      seed: options.seed,
      layer: input.layer,
      head: input.head,
    }),
    projection: projectionNumbers(input.q, input.k, native?.out ?? softmax, tokens, headDim, kernels, rule),
    reproduction: reproductionNumbers(spectrum, input.v, headDim, kernels),
    rpc,
    noise: noiseNumbers(input, options, clean, kernels),
    ...(rpc === null ? { reason: rpcNotAsked } : {}),
  };
}

function sameParameters(a: RpcParameters, b: RpcParameters | null): boolean {
  return (
    b !== null &&
    a.variant === b.variant &&
    a.iterations === b.iterations &&
    a.lambda === b.lambda &&
    a.embedDim === b.embedDim
  );
}
