// Cuts a layer into heads: from the layer's trace and weights to the float64 input of each head's diagnostics.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { HeadInput, HeadProjection, TwinNumbers } from '../diagnostics/headInput';
import type { LayerTrace } from '../engine/backend';
import type { LinearWeights, ProjectionWeights } from '../model/weights';
import type { RpcParameters } from '../engine/headKernels';
import { blockShape, kvHeadOf, scoreRule, specOfLayer } from '../model/blockShape';
import type { ModelSpec, RpcSettings } from '../model/modelSpec';
import { projectionLayout } from '../engine/headLayout';
import { ropeTables } from '../engine/rope';

/** Keys and values of one untrained twin in this layer, [H, N, d] each. */
export interface TwinTrace {
  readonly k: FloatArray;
  readonly v: FloatArray;
}

/** What an earlier run found of the twins, by `twinPlace`. */
export type TwinTable = ReadonlyMap<string, TwinNumbers>;

export const twinPlace = (layer: number, kvHead: number): string => `${layer}/${kvHead}`;

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
  weights: ProjectionWeights,
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

/** Columns of this head in the output projection [C, H d], as [C, d]. */
function outputColumns({ proj }: ProjectionWeights, head: number, headDim: number, rows: number): Float64Array {
  const width = proj.weight.length / rows;
  const out = new Float64Array(rows * headDim);
  for (let row = 0; row < rows; row++) {
    const from = row * width + head * headDim;
    out.set(proj.weight.subarray(from, from + headDim), row * headDim);
  }
  return out;
}

function scaledParameter(spec: ModelSpec, weights: ProjectionWeights, head: number): HeadInput['scaled'] {
  const scale = weights.scale;
  if (scale === null) return null;
  if (scale.length === 1) return { alpha: scale[0]! };
  const size = spec.tokens * spec.tokens;
  return { matrix: float64Slice(scale, head * size, size) };
}

/** What the query heads of one kv head have in common. */
type SharedInput = Pick<HeadInput, 'kvHead' | 'firstHead' | 'k' | 'v' | 'otherValues' | 'untrained' | 'twinNumbers'>;

function sharedInput(
  spec: ModelSpec,
  trace: LayerTrace,
  kvHead: number,
  twins: readonly TwinTrace[],
  known: TwinTable | null,
): SharedInput {
  const twinNumbers = known?.get(twinPlace(trace.layer, kvHead));
  const { tokens, headDim } = trace;
  const size = tokens * headDim;
  const firstOf = (kv: number): number => kv * (spec.heads / spec.kvHeads);
  const cut = (values: FloatArray, kv: number): Float64Array => float64Slice(values, firstOf(kv) * size, size);
  const others = Array.from({ length: spec.kvHeads }, (_, kv) => kv).filter((kv) => kv !== kvHead);
  return {
    kvHead,
    firstHead: firstOf(kvHead),
    k: cut(trace.k, kvHead),
    v: cut(trace.v, kvHead),
    otherValues: others.map((kv) => cut(trace.v, kv)),
    untrained: twins.map((twin) => ({ k: cut(twin.k, kvHead), v: cut(twin.v, kvHead) })),
    ...(twinNumbers === undefined ? {} : { twinNumbers }),
  };
}

/**
 * Float64 inputs of `heads`, ready to be posted to a worker: every array has exactly its size. What the query heads of
 * one kv head share is copied once, and so is x. The projections are cut out of the weights whenever they are asked for,
 * because those of all heads together are the layer's q, k, v weights in float64. `known`: what stands for the twins.
 */
export function headInputs(
  whole: ModelSpec,
  weightsOf: () => ProjectionWeights,
  trace: LayerTrace,
  heads: readonly number[],
  nativeRpc: RpcParameters | null,
  twins: readonly TwinTrace[],
  known: TwinTable | null = null,
): HeadInput[] {
  const spec = specOfLayer(whole, trace.layer);
  const { tokens, headDim } = trace;
  const size = tokens * headDim;
  const { symmetric, offsets } = projectionLayout(spec, weightsOf().qkv.weight.length, trace.layer);
  const x = Float64Array.from(trace.x);
  const rope = ropeTables(blockShape(spec).rope, tokens, weightsOf().ropeDivisors);
  const byKvHead = new Map<number, SharedInput>();
  return heads.map((head) => {
    const kvHead = kvHeadOf(spec, head);
    const shared = byKvHead.get(kvHead) ?? sharedInput(spec, trace, kvHead, twins, known);
    byKvHead.set(kvHead, shared);
    return {
      layer: trace.layer,
      head,
      ...shared,
      tokens,
      headDim,
      embedDim: spec.embedDim,
      prefixTokens: spec.prefixTokens,
      q: symmetric ? null : float64Slice(trace.q, head * size, size),
      x,
      get query() {
        return symmetric ? null : headProjection(spec, weightsOf(), offsets.q + head * headDim, weightsOf().queryNorm);
      },
      get key() {
        return headProjection(spec, weightsOf(), offsets.k + kvHead * headDim, weightsOf().keyNorm);
      },
      get value() {
        return headProjection(spec, weightsOf(), offsets.v + kvHead * headDim, null);
      },
      get output() {
        return outputColumns(weightsOf(), head, headDim, spec.embedDim);
      },
      standardise: spec.standardise,
      rule: scoreRule(spec, trace.layer),
      rope,
      scaled: scaledParameter(spec, weightsOf(), head),
      nativeRpc,
    };
  });
}
