// One transformer block on the device: tfjs for the generic operations, our kernels for attention and RPC. The
// order of operations and every rule (what flows on, what RPC works on) is that of ../runLayer.ts, its float64 twin.

import * as tf from '@tensorflow/tfjs-core';
import type { FloatArray } from '../../checkpoint/tensorIndex';
import { blockShape, scoreRule, specOfLayer } from '../../model/blockShape';
import type { ModelSpec, RpcSettings } from '../../model/modelSpec';
import { EngineError, type LayerOptions, type LayerTrace, type Residual } from '../backend';
import type { BlockWeights, LinearWeights } from '../../model/weights';
import { requireFinite } from '../finite';
import { projectionLayout } from '../headLayout';
import { forwardRpc } from '../layerAttention';
import { ropeTables } from '../rope';
import { headsWithoutKeys, rpcConstants, rpcParameters, rpcRunsIn } from '../rpcConstants';
import type { BufferScope } from './bufferPool';
import { entrySteps } from './ends';
import { paddedDim, type AttentionResult, type HeadAttention, type HeadSizes, type RpcPlan } from './headAttention';
import {
  activation,
  addBranch,
  bufferOf,
  layerNorm,
  linear,
  mergeHeads,
  networkNorm,
  padLast,
  read,
  repeatHeads,
  rmsNorm,
  rotate,
  splitHeads,
  standardise,
  tensorOf,
  tensorOver,
  type TensorFlow,
} from './tensorFlow';

/** What a layer needs of the backend. */
export interface LayerDevice {
  readonly flow: TensorFlow;
  readonly attention: HeadAttention;
}

interface Projected {
  readonly q: tf.Tensor;
  readonly k: tf.Tensor;
  readonly v: tf.Tensor;
}

/** Runs block `options.layer`; tensors belong to the open tfjs scope, buffers to `scope`. */
export async function runLayerSteps(
  { flow, attention }: LayerDevice,
  scope: BufferScope,
  whole: ModelSpec,
  weights: BlockWeights,
  before: Residual,
  options: LayerOptions,
): Promise<LayerTrace> {
  const spec = specOfLayer(whole, options.layer);
  const residual = weights.entry ? await entrySteps(flow, spec, weights.entry, before, options.layer) : before;
  const { tokens } = residual;
  const { heads, headDim, embedDim } = spec;
  const at = `of layer ${options.layer}`;
  if (residual.width !== embedDim || residual.data.length !== tokens * embedDim) {
    throw new EngineError(
      'internal',
      `The residual stream entering layer ${options.layer} is ${tokens} x ${residual.width}, the model has width ${embedDim}.`,
    );
  }
  const shape = blockShape(spec);
  const sizes: HeadSizes = { heads, tokens, headDim, rule: scoreRule(spec, options.layer) };

  flow.activate();
  const stream = tensorOf(residual.data, [tokens, embedDim], `residual stream entering layer ${options.layer}`);
  const norm = (values: tf.Tensor, by: LinearWeights, name: string): tf.Tensor =>
    networkNorm(spec, values, by, `${name} ${at}`);
  const normed = shape.placement === 'post' ? stream : norm(stream, weights.norm1, 'norm1');
  const projected = project(spec, weights, normed, options.layer);
  const symmetric = projected.q === projected.k;
  const x = await read(normed, `inputs of the q, k, v projection ${at}`);
  const k = await read(projected.k, `keys ${at}`);
  const q = symmetric ? k : await read(projected.q, `queries ${at}`);
  const v = await read(projected.v, `values ${at}`);

  flow.activate();
  const d4 = paddedDim(headDim);
  const keys = bufferOf(padLast(projected.k, d4));
  const queries = symmetric ? null : bufferOf(padLast(projected.q, d4));
  const values = bufferOf(padLast(projected.v, d4));
  const mixed =
    weights.scale === null
      ? values
      : await mixValues(flow, attention, scope, sizes, weights.scale, projected.v, keys, values, at);

  const native = forwardRpc(spec, options);
  const beside = rpcRunsIn(options.rpc, options.layer) ? options.rpc : null;
  // Where RPC only runs beside the model, a head without keys has no value and stops nothing.
  const withoutKeys = native === null ? headsWithoutKeys(k, heads) : new Set<number>();
  const wantSoftmaxPattern = options.wantPattern && native === null;
  const softmaxRun = await attention.attend(scope, sizes, queries ?? keys, keys, mixed, wantSoftmaxPattern);
  const runRpc = (settings: RpcSettings, wantPattern: boolean): Promise<AttentionResult> =>
    attention.rpc(scope, sizes, queries, keys, values, rpcPlan(settings, spec, k, sizes, withoutKeys), wantPattern);
  const nativeRun = native === null ? null : await runRpc(native, options.wantPattern);
  const besideRun =
    beside === null
      ? null
      : native !== null && nativeRun !== null && sameIteration(native, beside)
        ? nativeRun
        : await runRpc(beside, false);

  const readHeads = async (run: AttentionResult, what: string): Promise<Float32Array> => {
    const padded = await scope.read(run.out, heads * tokens * d4, what);
    return requireFinite(unpad(padded, d4, headDim), `${what} ${at}`);
  };
  const softmax = await readHeads(softmaxRun, 'softmax attention outputs');
  const nativeOut = nativeRun === null ? null : await readHeads(nativeRun, 'head outputs');
  const rpc =
    besideRun === null
      ? null
      : besideRun === nativeRun
        ? nativeOut
        : await readHeads(besideRun, 'RPC-Attention outputs');
  for (const h of withoutKeys) rpc?.fill(Number.NaN, h * tokens * headDim, (h + 1) * tokens * headDim);
  const patternRun = nativeRun ?? softmaxRun;

  flow.activate();
  const flowing = tf.slice(
    tensorOver((nativeRun ?? softmaxRun).out, [heads, tokens, d4]),
    [0, 0, 0],
    [heads, tokens, headDim],
  );
  const attended = linear(mergeHeads(flowing), weights.proj, `the output projection ${at}`);
  const branch = (x: tf.Tensor, added: tf.Tensor, scale: FloatArray | null): tf.Tensor =>
    addBranch(x, added, scale, `layer scale ${at}`);
  let after: tf.Tensor;
  if (shape.placement === 'parallel') {
    const mlp = feedForward(spec, weights, norm(stream, weights.norm2, 'norm2'), at);
    after = branch(branch(stream, attended, weights.layerScale1), mlp, weights.layerScale2);
  } else {
    const post = shape.placement === 'post';
    const summed = branch(stream, attended, weights.layerScale1);
    const middle = post ? norm(summed, weights.norm1, 'norm1') : summed;
    const fed = post ? middle : norm(middle, weights.norm2, 'norm2');
    const both = branch(middle, feedForward(spec, weights, fed, at), weights.layerScale2);
    after = post ? norm(both, weights.norm2, 'norm2') : both;
  }
  const data = await read(after, `outputs ${at}`);
  return {
    layer: options.layer,
    tokens,
    heads,
    headDim,
    x,
    q,
    k,
    v,
    out: nativeOut ?? softmax,
    softmax,
    rpc,
    pattern: patternRun.pattern,
    next: { tokens, width: embedDim, data },
  };
}

/** fc2(act(fc1 x)), or fc2(act(gate x) * up x) with gate and up packed in fc1. */
function feedForward(spec: ModelSpec, weights: BlockWeights, x: tf.Tensor, at: string): tf.Tensor {
  const rows = linear(x, weights.fc1, `fc1 ${at}`);
  if (blockShape(spec).mlp === 'plain') return linear(activation(spec.activation, rows), weights.fc2, `fc2 ${at}`);
  const [gate, up] = tf.split(rows, 2, 1) as [tf.Tensor, tf.Tensor];
  return linear(tf.mul(activation(spec.activation, gate), up), weights.fc2, `fc2 ${at}`);
}

/** q, k, v [H, N, d], k and v once per query head (spec section 1; layout in ../headLayout.ts). */
function project(spec: ModelSpec, weights: BlockWeights, x: tf.Tensor, layer: number): Projected {
  const { heads, kvHeads, headDim } = spec;
  const { symmetric, offsets } = projectionLayout(spec, weights.qkv.weight.length, layer);
  const { headNorm, rope } = blockShape(spec);
  const rows = linear(x, weights.qkv, `the q, k, v projection of layer ${layer}`);
  const tables = ropeTables(rope, x.shape[0], weights.ropeDivisors);
  const finish = (part: tf.Tensor, norm: BlockWeights['keyNorm'], what: string): tf.Tensor => {
    const by = headNorm === 'rms' ? rmsNorm : layerNorm;
    const normed = norm === null ? part : by(part, norm, spec.layerNormEps, `${what} of layer ${layer}`);
    const standard = spec.standardise ? standardise(normed) : normed;
    return tables === null ? standard : rotate(standard, tables);
  };
  const part = (offset: number, count: number): tf.Tensor => splitHeads(rows, offset, count, headDim);
  const k = repeatHeads(finish(part(offsets.k, kvHeads), weights.keyNorm, 'key norm'), heads);
  const q = symmetric ? k : finish(part(offsets.q, heads), weights.queryNorm, 'query norm');
  return { q, k, v: repeatHeads(part(offsets.v, kvHeads), heads) };
}

/** Scaled Attention: v' = (I - S) v with S [H, N, N], or (I - alpha softmax(k k^T / sqrt d)) v with one alpha. */
async function mixValues(
  flow: TensorFlow,
  attention: HeadAttention,
  scope: BufferScope,
  sizes: HeadSizes,
  scale: FloatArray,
  v: tf.Tensor,
  keys: GPUBuffer,
  values: GPUBuffer,
  at: string,
): Promise<GPUBuffer> {
  const { heads, tokens, headDim } = sizes;
  const d4 = paddedDim(headDim);
  if (scale.length === 1) {
    const smooth = await attention.attend(scope, sizes, keys, keys, values, false);
    flow.activate();
    const removed = tf.mul(
      tensorOver(smooth.out, [heads, tokens, d4]),
      tensorOf(scale, [1], `Scaled Attention parameter ${at}`),
    );
    return bufferOf(tf.sub(padLast(v, d4), removed));
  }
  if (scale.length !== heads * tokens * tokens) {
    throw new EngineError(
      'internal',
      `Scaled Attention's parameter ${at} has ${scale.length} entries; ${heads} heads of ${tokens} tokens need ${heads * tokens * tokens}, or one in all.`,
    );
  }
  flow.activate();
  const s = tensorOf(scale, [heads, tokens, tokens], `Scaled Attention parameter ${at}`);
  return bufferOf(padLast(tf.sub(v, tf.matMul(s, v)), d4));
}

/** Thresholds of each head from the keys [H, N, d] as read back; their 1-norm is summed in float64. */
function rpcPlan(
  settings: RpcSettings,
  spec: ModelSpec,
  keys: Float32Array,
  sizes: HeadSizes,
  withoutKeys: ReadonlySet<number>,
): RpcPlan {
  const { heads, tokens, headDim } = sizes;
  const perHead = tokens * headDim;
  const constants = Array.from({ length: heads }, (_, h) => {
    let norm1 = 0;
    for (let i = h * perHead; i < (h + 1) * perHead; i++) norm1 += Math.abs(keys[i]!);
    // Any threshold does for a head whose result is thrown away.
    return rpcConstants(rpcParameters(settings, spec.embedDim), withoutKeys.has(h) ? 1 : norm1, tokens, headDim);
  });
  return { tau: constants.map(({ tau }) => tau), sigma: constants[0]!.sigma, iterations: settings.iterations };
}

/** Rows of d4 entries without their padding. */
function unpad(padded: Float32Array<ArrayBuffer>, d4: number, headDim: number): Float32Array {
  if (d4 === headDim) return padded;
  const rows = padded.length / d4;
  const out = new Float32Array(rows * headDim);
  for (let i = 0; i < rows; i++) out.set(padded.subarray(i * d4, i * d4 + headDim), i * headDim);
  return out;
}

function sameIteration(a: RpcSettings, b: RpcSettings): boolean {
  return a.variant === b.variant && a.iterations === b.iterations && a.lambda === b.lambda;
}
