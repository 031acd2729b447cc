// The page of webgpu.bench.ts: our attention and RPC kernels, tfjs's stock operations and ONNX Runtime's WebGPU provider
// (decomposed graphs) on one adapter. Results of all three are compared before they are timed.

import * as tf from '@tensorflow/tfjs-core';
import type * as Ort from 'onnxruntime-web';
import { createWebGpuBackend } from '../../src/engine/webgpu/webgpuBackend';
import { BufferPool, BufferScope } from '../../src/engine/webgpu/bufferPool';
import { HeadAttention, type HeadSizes, type KernelFamily } from '../../src/engine/webgpu/headAttention';
import { Pipelines } from '../../src/engine/webgpu/pipelines';
import { kernelFeatures, probeWebGpu, requestDevice } from '../../src/engine/webgpu/probe';
import { createRandom } from '../../src/diagnostics/random';
import { attentionGraph, rpcGraph } from './graphs';
import { median } from './median';

export interface GpuCase extends HeadSizes {
  /** 0: softmax attention. */
  readonly rpcIterations: number;
  /** Turns at most; at least three are taken. */
  readonly repeats: number;
  /** No further turn begins after this time. */
  readonly seconds: number;
}

/** Medians in milliseconds. */
export interface GpuTimes {
  readonly own: number;
  readonly tfjs: number;
  readonly ort: number;
  /** Largest difference of the peers from ours, relative to the largest number. */
  readonly difference: number;
  /** Turns that the medians are of. */
  readonly turns: number;
}

export interface GpuPage {
  open(): Promise<{ readonly adapter: string; readonly kernels: KernelFamily; readonly ort: string }>;
  measure(wanted: GpuCase): Promise<GpuTimes>;
}

/** Where the driver of the benchmark serves ONNX Runtime. */
const ortFolder = '/ort/';
/** Of float32 kernels that sum in different orders. */
const largestDifference = 1e-3;

let opened: { readonly device: GPUDevice; readonly kernels: KernelFamily; readonly ort: typeof Ort } | null = null;

async function open(): ReturnType<GpuPage['open']> {
  const probe = await probeWebGpu(navigator.gpu);
  const { adapter, description, isFallback } = probe;
  if (adapter === null) throw new Error('There is no WebGPU adapter.');
  const device = await requestDevice(adapter, kernelFeatures(probe));
  const backend = await createWebGpuBackend(
    device,
    { description: description ?? '', isFallback, info: adapter.info },
    { check: false },
  );
  const url = `${ortFolder}ort.webgpu.bundle.min.mjs`;
  const ort = (await import(url)) as typeof Ort;
  ort.env.wasm.wasmPaths = ortFolder;
  ort.env.wasm.numThreads = 1;
  const { kernels } = backend;
  opened = { device, kernels, ort };
  return { adapter: backend.adapter ?? '', kernels, ort: ort.env.versions.web ?? '' };
}

/** Times of runs that take turns, so that a busy machine slows all of them alike; all have run once before. */
async function takeTurns(
  { repeats, seconds }: GpuCase,
  runs: readonly (() => Promise<unknown>)[],
): Promise<readonly number[][]> {
  const times = runs.map((): number[] => []);
  const begin = performance.now();
  for (let turn = 0; turn < 3 || (turn < repeats && performance.now() - begin < 1000 * seconds); turn++) {
    for (const [at, run] of runs.entries()) {
      const start = performance.now();
      await run();
      times[at]!.push(performance.now() - start);
    }
  }
  return times;
}

function tensorAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, headDim: number): tf.Tensor {
  return tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(headDim))), v);
}

/** Spec section 2 with sigma = -1 and Y kept as Y/mu, in stock operations. */
function tensorRpc(k: tf.Tensor, v: tf.Tensor, tau: number, headDim: number, iterations: number): tf.Tensor {
  let low: tf.Tensor = tf.zerosLike(k);
  let dual: tf.Tensor = tf.zerosLike(k);
  for (let t = 0; t < iterations; t++) {
    const r = tf.add(tf.sub(k, low), dual);
    const sparse = tf.mul(tf.sign(r), tf.relu(tf.sub(tf.abs(r), tau)));
    const cleaned = tf.sub(tf.sub(k, sparse), dual);
    low = tensorAttention(cleaned, cleaned, v, headDim);
    dual = tf.add(dual, tf.sub(tf.sub(k, low), sparse));
  }
  return low;
}

async function measure(wanted: GpuCase): Promise<GpuTimes> {
  if (opened === null) throw new Error('open() comes first');
  const { device, kernels, ort } = opened;
  const { heads, tokens, headDim, rpcIterations } = wanted;
  const length = heads * tokens * headDim;
  const [q, k, v] = ['q', 'k', 'v'].map((name) => Float32Array.from(createRandom(`bench/${name}`).normals(length)));
  const tau = 1;

  const pool = new BufferPool(device);
  const scope = new BufferScope(device, pool);
  const pipelines = new Pipelines(device);
  const [queries, keys, values] = [q!, k!, v!].map((data, i) => scope.upload(data, `bench ${i}`));
  const attention = new HeadAttention(device, pipelines, kernels);
  const plan = { tau: Array.from({ length: heads }, () => tau), sigma: -1 as const, iterations: rpcIterations };
  const own = async (): Promise<Float32Array> => {
    const inner = new BufferScope(device, pool);
    const { out } =
      rpcIterations > 0
        ? await attention.rpc(inner, wanted, null, keys!, values!, plan, false)
        : await attention.attend(inner, wanted, queries!, keys!, values!, false);
    const result = await inner.read(out, length, 'bench');
    inner.end();
    return result;
  };

  const shape: [number, number, number] = [heads, tokens, headDim];
  const [tq, tk, tv] = [tf.tensor3d(q!, shape), tf.tensor3d(k!, shape), tf.tensor3d(v!, shape)];
  const stock = async (): Promise<Float32Array> => {
    const result = tf.tidy(() =>
      rpcIterations > 0 ? tensorRpc(tk, tv, tau, headDim, rpcIterations) : tensorAttention(tq, tk, tv, headDim),
    );
    const data = (await result.data()) as Float32Array;
    result.dispose();
    return data;
  };

  const graph =
    rpcIterations > 0 ? rpcGraph(heads, tokens, headDim, rpcIterations) : attentionGraph(heads, tokens, headDim);
  const session = await ort.InferenceSession.create(graph, { executionProviders: ['webgpu'] });
  const dims = [1, heads, tokens, headDim];
  const [oq, ok, ov] = [q!, k!, v!].map((data) => new ort.Tensor('float32', data, dims));
  const taus = new ort.Tensor('float32', new Float32Array(heads).fill(tau), [1, heads, 1, 1]);
  const feeds: Record<string, Ort.Tensor> =
    rpcIterations > 0 ? { k: ok!, v: ov!, tau: taus } : { q: oq!, k: ok!, v: ov! };
  const graphRun = async (): Promise<Float32Array> => {
    const { y } = await session.run(feeds);
    return (await y!.getData(true)) as Float32Array;
  };

  const ours = await own();
  const difference = Math.max(apart(ours, await stock()), apart(ours, await graphRun()));
  if (!(difference < largestDifference))
    throw new Error(`The three do not compute the same: they differ by ${difference}.`);
  const times = await takeTurns(wanted, [own, stock, graphRun]);
  await session.release();
  tf.dispose([tq, tk, tv]);
  scope.end();
  pool.dispose();
  const [ownMs, tfjsMs, ortMs] = times.map(median);
  return { own: ownMs!, tfjs: tfjsMs!, ort: ortMs!, difference, turns: times[0]!.length };
}

function apart(a: Float32Array, b: Float32Array): number {
  const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0) / largest;
}

Object.assign(window, { gpuPage: { open, measure } satisfies GpuPage });
