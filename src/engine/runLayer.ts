// One transformer block (pre-LN, post-LN or parallel): q k v, attention, projection, MLP, with the trace the diagnostics
// read. Generic over the primitives, so `reference` and `cpu` cannot drift apart in wiring; whatever their products, the
// residual stream is added up and attention computed in float64.

import type { FloatArray } from '../checkpoint/tensorIndex';
import { blockShape, specOfLayer } from '../model/blockShape';
import type { ModelSpec } from '../model/modelSpec';
import { EngineError, type LayerOptions, type LayerTrace, type Residual } from './backend';
import type { BlockWeights, LinearWeights } from '../model/weights';
import { requireFinite } from './finite';
import { normRows } from './float64Norm';
import type { LayerOps } from './layerOps';
import { mergeHeads, projectionLayout, repeatHeads, splitHeads, standardiseRows } from './headLayout';
import { layerAttention, type LayerHeads } from './layerAttention';
import { ropeTables, rotate } from './rope';
import { enterStage } from './stageEntry';

/**
 * Runs block `options.layer` on the residual stream [N, C], entering its stage first where it begins one.
 * @throws EngineError nonFinite naming layer and tensor; internal when sizes contradict the spec.
 */
export function runLayer(
  ops: LayerOps,
  whole: ModelSpec,
  weights: BlockWeights,
  before: Residual,
  options: LayerOptions,
): LayerTrace {
  const spec = specOfLayer(whole, options.layer);
  const residual = enterStage(ops, spec, weights.entry, before, options.layer);
  const { tokens } = residual;
  const { embedDim, heads, headDim } = spec;
  const inner = heads * headDim;
  const at = `of layer ${options.layer}`;
  if (residual.width !== embedDim || residual.data.length !== tokens * embedDim) {
    throw new EngineError(
      'internal',
      `The residual stream entering layer ${options.layer} is ${tokens} x ${residual.width}, the model has width ${embedDim}.`,
    );
  }

  const shape = blockShape(spec);
  const norm = (values: FloatArray, by: LinearWeights): Float64Array => normRows(ops, spec, values, tokens, by);
  // Post-LN blocks project the residual stream as it is.
  const x = shape.placement === 'post' ? Float64Array.from(residual.data) : norm(residual.data, weights.norm1);
  requireFinite(x, `inputs of the q, k, v projection ${at}`);
  const projected = projectHeads(ops, spec, weights, x, tokens, options.layer);
  if (projected.q !== projected.k) requireFinite(projected.q, `queries ${at}`);
  requireFinite(projected.k, `keys ${at}`);
  requireFinite(projected.v, `values ${at}`);

  const attended = layerAttention(ops.kernels, spec, projected, weights.scale, tokens, options);
  requireFinite(attended.softmax, `softmax attention outputs ${at}`);
  requireFinite(attended.out, `head outputs ${at}`);

  const out =
    options.replaceHead === undefined
      ? attended.out
      : withReplaced(attended.out, tokens * headDim, options.replaceHead);
  const merged = mergeHeads(out, tokens, heads, headDim);
  const attention = ops.linear(merged, tokens, weights.proj, inner, embedDim);
  let data: Float64Array;
  if (shape.placement === 'parallel') {
    const mlp = feedForward(ops, spec, weights, norm(residual.data, weights.norm2), tokens);
    data = addBranch(addBranch(residual.data, attention, weights.layerScale1), mlp, weights.layerScale2);
  } else {
    const summed = addBranch(residual.data, attention, weights.layerScale1);
    const middle = shape.placement === 'post' ? norm(summed, weights.norm1) : summed;
    const fed = shape.placement === 'post' ? middle : norm(middle, weights.norm2);
    const after = addBranch(middle, feedForward(ops, spec, weights, fed, tokens), weights.layerScale2);
    data = shape.placement === 'post' ? norm(after, weights.norm2) : after;
  }
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

/** [H, N, d] with one head's part of `size` numbers replaced. */
function withReplaced(
  heads: Float64Array,
  size: number,
  { head, by }: NonNullable<LayerOptions['replaceHead']>,
): Float64Array {
  const all = heads.slice();
  all.set(by(heads.slice(head * size, (head + 1) * size)), head * size);
  return all;
}

/** fc2(act(fc1 x)), or fc2(act(gate x) * up x) with gate and up packed in fc1. */
function feedForward(
  ops: LayerOps,
  spec: ModelSpec,
  weights: BlockWeights,
  x: Float64Array,
  tokens: number,
): FloatArray {
  const { embedDim, mlpDim } = spec;
  if (blockShape(spec).mlp === 'plain') {
    const hidden = ops.activate(spec.activation, ops.linear(x, tokens, weights.fc1, embedDim, mlpDim));
    return ops.linear(hidden, tokens, weights.fc2, mlpDim, embedDim);
  }
  const both = ops.linear(x, tokens, weights.fc1, embedDim, 2 * mlpDim);
  const half = (part: number): Float64Array => splitHeads(both, tokens, 2 * mlpDim, part * mlpDim, 1, mlpDim);
  const up = half(1);
  const hidden = ops.activate(spec.activation, half(0)).map((value, i) => value * up[i]!);
  return ops.linear(hidden, tokens, weights.fc2, mlpDim, embedDim);
}

/**
 * q, k, v [H, N, d] from x [N, C]. Rows of the weight: q, k, v with k and v a kv head each (grouped queries), or k, v
 * in a symmetric layer, where q is k (spec section 1). Norms over d come first, then standardisation, then RoPE.
 */
function projectHeads(
  ops: LayerOps,
  spec: ModelSpec,
  weights: BlockWeights,
  x: Float64Array,
  tokens: number,
  layer: number,
): LayerHeads {
  const { heads, kvHeads, headDim } = spec;
  const { symmetric, width, offsets } = projectionLayout(spec, weights.qkv.weight.length, layer);
  const { headNorm, rope } = blockShape(spec);
  const rows = ops.linear(x, tokens, weights.qkv, spec.embedDim, width);
  const part = (offset: number, count: number): Float64Array => splitHeads(rows, tokens, width, offset, count, headDim);
  const tables = ropeTables(rope, tokens, weights.ropeDivisors);
  const finish = (values: Float64Array, norm: BlockWeights['keyNorm']): Float64Array => {
    const count = values.length / headDim;
    const normed =
      norm === null
        ? values
        : headNorm === 'rms'
          ? ops.rmsNorm(values, count, headDim, norm, spec.layerNormEps)
          : ops.layerNorm(values, count, headDim, norm, spec.layerNormEps);
    const standard = spec.standardise ? standardiseRows(normed, headDim) : normed;
    return tables === null ? standard : rotate(standard, tables, headDim);
  };
  const k = repeatHeads(finish(part(offsets.k, kvHeads), weights.keyNorm), kvHeads, heads);
  const q = symmetric ? k : finish(part(offsets.q, heads), weights.queryNorm);
  return { q, k, v: repeatHeads(part(offsets.v, kvHeads), kvHeads, heads) };
}

/** x + scale * branch, [N, C]; scale [C] is the layer scale, null means 1. */
function addBranch(x: FloatArray, branch: FloatArray, scale: FloatArray | null): Float64Array {
  const out = new Float64Array(branch.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = x[i]! + branch[i]! * (scale === null ? 1 : scale[i % scale.length]!);
  }
  return out;
}
