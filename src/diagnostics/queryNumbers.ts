// What depends on a head's queries: attention numbers, projection loss, RPC and noise. Clean outputs are computed once
// and shared by all of them.

import type { HeadKernels, RpcParameters } from '../engine/headKernels';
import { plainScores } from '../model/blockShape';
import { attentionNumbers } from './attentionNumbers';
import { rpcOutput, softmaxOutput, type HeadTensors } from './headAttention';
import type { DiagnosticsOptions, HeadInput, QueryInput } from './headInput';
import type { HeadResult } from './headResult';
import { noiseNumbers } from './noise';
import { projectionNumbers } from './projectionLoss';
import { rpcNumbers } from './rpcNumbers';
import { rpcSweep } from './rpcSweep';
import { weightNumbers } from './weightSpectra';

export type QueryNumbers = Pick<HeadResult, 'attention' | 'weights' | 'projection' | 'rpc' | 'noise' | 'rpcSweep'>;

/** The part of a head's input that is its own: what only nulls read is not posted along. */
export function queryInput(input: HeadInput): QueryInput {
  const own: HeadInput = { ...input, otherValues: [], untrained: [] };
  return own;
}

/** Attention numbers, weight spectra, projection loss (spec section 3), RPC (2) and noise (6) of one query head. */
export function queryNumbers(input: QueryInput, options: DiagnosticsOptions, kernels: HeadKernels): QueryNumbers {
  const { tokens, headDim } = input;
  const rule = input.rule ?? plainScores;
  const head: HeadTensors = { q: input.q, k: input.k, v: input.v, tokens, rule };
  const softmax = softmaxOutput(head, headDim, input.scaled, kernels);
  const foreign = input.foreign?.own ?? null;
  const asked = foreign === null ? options.rpc : null;
  const beside = asked === null ? null : rpcOutput(head, headDim, asked, kernels);
  const native =
    input.nativeRpc === null
      ? null
      : sameParameters(input.nativeRpc, options.rpc)
        ? beside
        : rpcOutput(head, headDim, input.nativeRpc, kernels);

  const pattern = foreign?.pattern ?? kernels.pattern(input.q, native?.cleanedKeys ?? input.k, tokens, headDim, rule);
  const masked = rule.causal || rule.window !== null;
  const rpc =
    asked === null
      ? null
      : {
          ...rpcNumbers(asked, input.q !== null, softmax, beside, tokens, headDim),
          ...(masked ? { masked } : {}),
        };
  const clean = { softmax, rpc: beside?.out ?? null, dispersion: rpc?.dispersion ?? null };
  return {
    attention: attentionNumbers(pattern, tokens, options.places ?? { grid: null, special: [] }, rule),
    weights: weightNumbers(input, options.seed, kernels),
    projection: projectionNumbers(
      input.q,
      input.k,
      foreign?.out ?? native?.out ?? softmax,
      tokens,
      headDim,
      kernels,
      rule,
    ),
    rpc,
    noise: noiseNumbers(input, options, clean, kernels),
    ...(asked === null || options.rpcSweep === undefined
      ? {}
      : { rpcSweep: rpcSweep(input, options.rpcSweep, options.seed, kernels) }),
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
