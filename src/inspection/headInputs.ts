// Cuts a layer into heads: from the layer's trace and weights to the float64 input of each head's diagnostics.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { HeadInput, HeadProjection } from '../diagnostics/headInput';
import type { LayerTrace } from '../engine/backend';
import type { BlockWeights, LinearWeights } from '../model/weights';
import type { RpcParameters } from '../engine/headKernels';
import { blockShape, kvHeadOf, scoreRule } from '../model/blockShape';
import type { ModelSpec, RpcSettings } from '../model/modelSpec';
import { projectionLayout } from '../engine/headLayout';
import { ropeTables } from '../engine/rope';

/** Keys and values of one untrained twin in this layer, [H, N, d] each. */
export interface TwinTrace {
  readonly k: FloatArray;
  readonly v: FloatArray;
}

/** A float64 copy of `values[start .. start + count]`. */
function float64Slice(values: FloatArray, start: number, count: number): Float64Array {
  return Float64Array.from(values.subarray(start, start + count));
}

export function runsRpc(settings: RpcSettings | null, layer: number): boolean {
  if (settings === null || settings.layers === 'none') return false;
  return settings.layers === 'all' || settings.layers.includes(layer);
}

export function rpcParameters(settings: RpcSettings, spec: ModelSpec): RpcParameters {
  return {
    variant: settings.variant,
    iterations: settings.iterations,
    lambda: settings.lambda,
    embedDim: spec.embedDim,
  };
}

/** Rows firstRow..firstRow+d of the fused projection. */
function headProjection(
  spec: ModelSpec,
  weights: BlockWeights,
  firstRow: number,
  norm: LinearWeights | null,
): HeadProjection {
  const { headDim: d, embedDim: width } = spec;
  const bias = weights.qkv.bias;
  return {
    weight: float64Slice(weights.qkv.weight, firstRow * width, d * width),
    bias: bias === null ? null : float64Slice(bias, firstRow, d),
    norm:
      norm === null
        ? null
        : {
            kind: blockShape(spec).headNorm,
            weight: Float64Array.from(norm.weight),
            bias: norm.bias === null ? null : Float64Array.from(norm.bias),
            eps: spec.layerNormEps,
          },
  };
}

function scaledParameter(spec: ModelSpec, weights: BlockWeights, head: number): HeadInput['scaled'] {
  const scale = weights.scale;
  if (scale === null) return null;
  if (scale.length === 1) return { alpha: scale[0]! };
  const size = spec.tokens * spec.tokens;
  return { matrix: float64Slice(scale, head * size, size) };
}

/** Float64 input of head `head`; every array is a copy of exactly its size, ready to be posted to a worker. */
export function headInput(
  spec: ModelSpec,
  weights: BlockWeights,
  trace: LayerTrace,
  head: number,
  nativeRpc: RpcParameters | null,
  twins: readonly TwinTrace[],
): HeadInput {
  const { tokens, headDim } = trace;
  const size = tokens * headDim;
  const { symmetric, offsets } = projectionLayout(spec, weights.qkv.weight.length, trace.layer);
  const kvHead = kvHeadOf(spec, head);
  const row = (offset: number, at: number): number => offset + at * headDim;
  const cut = (values: FloatArray, h: number): Float64Array => float64Slice(values, h * size, size);
  // Query heads of one group share their values: each group once.
  const group = spec.heads / spec.kvHeads;
  const others = Array.from({ length: spec.kvHeads }, (_, kv) => kv * group).filter(
    (h) => kvHeadOf(spec, h) !== kvHead,
  );
  return {
    layer: trace.layer,
    head,
    kvHead,
    tokens,
    headDim,
    embedDim: spec.embedDim,
    prefixTokens: spec.prefixTokens,
    q: symmetric ? null : cut(trace.q, head),
    k: cut(trace.k, head),
    v: cut(trace.v, head),
    otherValues: others.map((h) => cut(trace.v, h)),
    x: Float64Array.from(trace.x),
    query: symmetric ? null : headProjection(spec, weights, row(offsets.q, head), weights.queryNorm),
    key: headProjection(spec, weights, row(offsets.k, kvHead), weights.keyNorm),
    value: headProjection(spec, weights, row(offsets.v, kvHead), null),
    standardise: spec.standardise,
    rule: scoreRule(spec, trace.layer),
    rope: ropeTables(blockShape(spec).rope, tokens),
    scaled: scaledParameter(spec, weights, head),
    nativeRpc,
    untrained: twins.map((twin) => ({ k: cut(twin.k, head), v: cut(twin.v, head) })),
  };
}
