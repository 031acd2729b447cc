// One pre-LN transformer block in float64: norm1, q k v, attention, projection, norm2, MLP, with the trace the
// diagnostics read. Generic over the primitives, so `reference` and `cpu` cannot drift apart in wiring.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { ModelSpec } from '../model/modelSpec';
import { EngineError, type LayerOptions, type LayerTrace, type Residual } from './backend';
import type { BlockWeights } from '../model/weights';
import { requireFinite } from './finite';
import type { Float64Ops } from './float64Ops';
import { mergeHeads, splitHeads, standardiseRows } from './headLayout';
import { layerAttention, type LayerHeads } from './layerAttention';

/**
 * Runs block `options.layer` on the residual stream [N, C].
 * @throws EngineError nonFinite naming layer and tensor; internal when sizes contradict the spec.
 */
export function runLayer(
  ops: Float64Ops,
  spec: ModelSpec,
  weights: BlockWeights,
  residual: Residual,
  options: LayerOptions,
): LayerTrace {
  const { tokens } = residual;
  const { embedDim, heads, headDim, mlpDim } = spec;
  const inner = heads * headDim;
  const at = `of layer ${options.layer}`;
  if (residual.width !== embedDim || residual.data.length !== tokens * embedDim) {
    throw new EngineError(
      'internal',
      `The residual stream entering layer ${options.layer} is ${tokens} x ${residual.width}, the model has width ${embedDim}.`,
    );
  }

  const x = ops.layerNorm(residual.data, tokens, embedDim, weights.norm1, spec.layerNormEps);
  requireFinite(x, `inputs of the q, k, v projection ${at}`);
  const projected = projectHeads(ops, spec, weights, x, tokens, options.layer);
  if (projected.q !== projected.k) requireFinite(projected.q, `queries ${at}`);
  requireFinite(projected.k, `keys ${at}`);
  requireFinite(projected.v, `values ${at}`);

  const attended = layerAttention(ops.kernels, spec, projected, weights.scale, tokens, options);
  requireFinite(attended.softmax, `softmax attention outputs ${at}`);
  requireFinite(attended.out, `head outputs ${at}`);

  const merged = mergeHeads(attended.out, tokens, heads, headDim);
  const afterAttention = addBranch(
    residual.data,
    ops.linear(merged, tokens, weights.proj, inner, embedDim),
    weights.layerScale1,
  );
  const normed = ops.layerNorm(afterAttention, tokens, embedDim, weights.norm2, spec.layerNormEps);
  const hidden = ops.activate(spec.activation, ops.linear(normed, tokens, weights.fc1, embedDim, mlpDim));
  const data = addBranch(
    afterAttention,
    ops.linear(hidden, tokens, weights.fc2, mlpDim, embedDim),
    weights.layerScale2,
  );
  requireFinite(data, `outputs ${at}`);
  return {
    layer: options.layer,
    tokens,
    heads,
    headDim,
    x,
    ...projected,
    ...attended,
    next: { tokens, width: embedDim, data },
  };
}

/**
 * q, k, v [H, N, d] from x [N, C]. Rows of the weight decide the layout: 3 H d rows are q, k, v; 2 H d rows are
 * k, v of a symmetric layer, where q is k (spec section 1). Norms over d come before standardisation.
 */
function projectHeads(
  ops: Float64Ops,
  spec: ModelSpec,
  weights: BlockWeights,
  x: Float64Array,
  tokens: number,
  layer: number,
): LayerHeads {
  const { heads, headDim, embedDim } = spec;
  const inner = heads * headDim;
  const parts = weights.qkv.weight.length / (inner * embedDim);
  if (parts !== 2 && parts !== 3) {
    throw new EngineError(
      'internal',
      `The q, k, v weight of layer ${layer} has ${weights.qkv.weight.length} entries; ${heads} heads of ${headDim} at width ${embedDim} need ${3 * inner * embedDim}, or ${2 * inner * embedDim} without queries.`,
    );
  }
  const width = parts * inner;
  const rows = ops.linear(x, tokens, weights.qkv, embedDim, width);
  const part = (index: number): Float64Array => splitHeads(rows, tokens, width, index * inner, heads, headDim);
  const finish = (values: Float64Array, norm: BlockWeights['keyNorm']): Float64Array => {
    const normed = norm === null ? values : ops.layerNorm(values, heads * tokens, headDim, norm, spec.layerNormEps);
    return spec.standardise ? standardiseRows(normed, headDim) : normed;
  };
  const k = finish(part(parts - 2), weights.keyNorm);
  const q = parts === 2 ? k : finish(part(0), weights.queryNorm);
  return { q, k, v: part(parts - 1) };
}

/** x + scale * branch, [N, C]; scale [C] is the layer scale, null means 1. */
function addBranch(x: FloatArray, branch: Float64Array, scale: FloatArray | null): Float64Array {
  const out = new Float64Array(branch.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = x[i]! + branch[i]! * (scale === null ? 1 : scale[i % scale.length]!);
  }
  return out;
}
