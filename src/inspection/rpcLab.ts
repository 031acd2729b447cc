// RPC-Attention of one kept head with settings of the person's choice, and everything the laboratory draws of it. The
// iteration is the kernels' own; the numbers are those of an inspection with the same settings.

import * as l10n from '@vscode/l10n';
import { rpcOutputs, softmaxOutput } from '../diagnostics/headAttention';
import type { QueryInput } from '../diagnostics/headInput';
import type { NoiseKind, RpcNumbers } from '../diagnostics/headResult';
import { rpcNumbers } from '../diagnostics/rpcNumbers';
import type { HeadKernels, RpcOutput, RpcParameters, RpcStep } from '../engine/headKernels';
import { visibleKeys, type ScoreRule } from '../model/blockShape';
import type { RpcVariant } from '../model/modelSpec';
import type { KeptHead } from './traceStore';

/** Passes that the laboratory goes up to: beyond them round-off is amplified too far to look at (spec section 7). */
export const maxLabIterations = 12;

/** Queries whose scores are in memory at a time while the largest is sought. */
const scoreRows = 256;

/** Noise that needs nothing but q, k, v; `token_gauss` comes before the projections, which are not kept. */
export const labNoiseKinds: readonly NoiseKind[] = ['key_gauss', 'key_sparse', 'token_replace', 'token_drop'];

export interface RpcLabSettings {
  readonly variant: RpcVariant;
  readonly lambda: number;
  readonly iterations: number;
  /** Pass whose maps are shown, 1 <= shown <= iterations. */
  readonly shown: number;
}

export interface RpcLabView {
  readonly settings: RpcLabSettings;
  readonly tokens: number;
  readonly headDim: number;
  readonly rule: ScoreRule;
  /** As in an inspection with these settings; per iteration. */
  readonly numbers: RpcNumbers;
  /** Largest score before the softmax, of the model's own keys and of K2 in each pass. */
  readonly maxScores: { readonly softmax: number; readonly rpc: readonly number[] };
  /** Of pass `shown`, and what they are compared with, all [N, d]; null: all keys are zero, RPC has no value. */
  readonly maps: Readonly<Record<LabMap, Float32Array>> | null;
  /** [queryPos, keyPos] */
  readonly softmaxPattern: Float32Array;
  /** Of pass `shown`; null as above. */
  readonly rpcPattern: Float32Array | null;
}

export type LabMap = 'keys' | 'sparse' | 'cleanedKeys' | 'low' | 'softmax' | 'difference';

/** The head as diagnostics take it. Throws the sentence that says why this head has no laboratory. */
export function labInput({ rpcContext, ...kept }: KeptHead): QueryInput {
  if (typeof rpcContext === 'string') throw new Error(rpcContext);
  const nothing = { weight: new Float64Array(0), bias: null, norm: null };
  const { layer, head, tokens, headDim, q, k, v, rule } = kept;
  const { embedDim, prefixTokens, scaled } = rpcContext;
  return {
    layer,
    head,
    kvHead: head,
    tokens,
    headDim,
    embedDim,
    prefixTokens,
    q,
    k,
    v,
    rule,
    scaled,
    x: new Float64Array(0),
    query: null,
    key: nothing,
    value: nothing,
    standardise: false,
    nativeRpc: null,
    foreign: { noTwins: '', noProjections: tokenGaussReason, own: null },
  };
}

export const tokenGaussReason = l10n.t(
  'token_gauss acts before the projections; the laboratory has q, k and v only. gramlens inspect --rpc-sweep "noise=token_gauss" measures it.',
);

/** One setting of RPC on a head, without the maps: what a layer's table has of it. */
export interface RpcLabRow {
  readonly head: number;
  readonly numbers: RpcNumbers;
}

/** The same setting on several heads, in their order; each row as `rpcLab` has it. */
export function rpcLabRows(heads: readonly KeptHead[], settings: RpcLabSettings, kernels: HeadKernels): RpcLabRow[] {
  return heads.map((kept) => ({ head: kept.head, numbers: rpcOfHead(kept, settings, kernels).numbers }));
}

/** RPC with these settings on the head's own q, k, v; `onStep` hears of every pass. */
function rpcOfHead(
  kept: KeptHead,
  { variant, lambda, iterations }: RpcLabSettings,
  kernels: HeadKernels,
  onStep?: (step: RpcStep) => void,
): { readonly softmax: Float64Array; readonly output: RpcOutput | null; readonly numbers: RpcNumbers } {
  const { q, k, v, tokens, headDim, embedDim, scaled } = labInput(kept);
  const { rule } = kept;
  const parameters: RpcParameters = { variant, lambda, iterations, embedDim };
  const head = { q, k, v, tokens, rule };
  const softmax = softmaxOutput(head, headDim, scaled, kernels);
  const output = rpcOutputs(head, headDim, [parameters], kernels, onStep)[0] ?? null;
  const masked = rule.causal || rule.window !== null;
  const numbers = rpcNumbers(parameters, q !== null, softmax, output, tokens, headDim);
  return { softmax, output, numbers: { ...numbers, ...(masked ? { masked } : {}) } };
}

/** One setting of RPC, pass by pass. */
export function rpcLab(kept: KeptHead, settings: RpcLabSettings, kernels: HeadKernels): RpcLabView {
  const { q, k, tokens, headDim, rule } = kept;
  const { shown } = settings;
  const cleanedKeys: Float64Array[] = [];
  // Read only where RPC has a value, and then the pass that is shown was one of its passes.
  let at: { readonly out: Float64Array; readonly sparse: Float64Array } = { out: k, sparse: k };
  const { softmax, output, numbers } = rpcOfHead(kept, settings, kernels, (step) => {
    cleanedKeys.push(step.cleanedKeys());
    if (step.iteration === shown) at = { out: step.low(), sparse: step.sparse() };
  });
  const shownKeys = cleanedKeys[shown - 1];
  return {
    settings,
    tokens,
    headDim,
    rule,
    numbers,
    maxScores: {
      softmax: largestScore(q ?? k, k, tokens, headDim, rule, kernels),
      rpc: cleanedKeys.map((keys) => largestScore(q ?? keys, keys, tokens, headDim, rule, kernels)),
    },
    maps:
      output === null
        ? null
        : {
            keys: Float32Array.from(k),
            sparse: Float32Array.from(at.sparse),
            cleanedKeys: Float32Array.from(shownKeys!),
            low: Float32Array.from(at.out),
            softmax: Float32Array.from(softmax),
            difference: Float32Array.from(at.out, (value, i) => value - softmax[i]!),
          },
    softmaxPattern: Float32Array.from(kernels.pattern(q, k, tokens, headDim, rule)),
    rpcPattern:
      shownKeys === undefined ? null : Float32Array.from(kernels.pattern(q, shownKeys, tokens, headDim, rule)),
  };
}

/** max over the visible pairs of q_i.k_j times the scale. */
function largestScore(
  q: Float64Array,
  k: Float64Array,
  tokens: number,
  headDim: number,
  rule: ScoreRule,
  kernels: HeadKernels,
): number {
  const scale = rule.scale ?? 1 / Math.sqrt(headDim);
  let most = -Infinity;
  for (let first = 0; first < tokens; first += scoreRows) {
    const rows = Math.min(scoreRows, tokens - first);
    const some = q.subarray(first * headDim, (first + rows) * headDim);
    const scores = kernels.matmulTransposed(some, k, rows, headDim, tokens);
    for (let i = 0; i < rows; i++) {
      const { from, to } = visibleKeys(rule, first + i, tokens);
      for (let j = from; j < to; j++) most = Math.max(most, scores[i * tokens + j]! * scale);
    }
  }
  return most;
}
