// Own attention and RPC kernels against tfjs's stock operations on the same device. Run by hand:
//   node esbuild.mjs --tests && node out/test/bench/webgpu.bench.cjs [registers|tiles]

import * as tf from '@tensorflow/tfjs-core';
import { createWebGpuBackend } from '../../src/engine/webgpu/webgpuBackend';
import { BufferPool, BufferScope } from '../../src/engine/webgpu/bufferPool';
import { HeadAttention, type HeadSizes, type KernelFamily } from '../../src/engine/webgpu/headAttention';
import { Pipelines } from '../../src/engine/webgpu/pipelines';
import { normals } from '../kernels/geometries';
import { openDawn } from '../kernels/dawn';

const repeats = 5;
const rpcIterations = 4;
const cases: readonly HeadSizes[] = [
  { heads: 3, tokens: 197, headDim: 64 },
  { heads: 12, tokens: 197, headDim: 64 },
  { heads: 3, tokens: 577, headDim: 64 },
];

/** Milliseconds, median of some runs after one that compiles. */
async function median(run: () => Promise<unknown>): Promise<number> {
  await run();
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(repeats / 2)]!;
}

function tensorAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, headDim: number): tf.Tensor {
  return tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(headDim))), v);
}

/** Spec section 2 with sigma = -1 and Y kept as Y/mu, in stock operations. */
function tensorRpc(k: tf.Tensor, v: tf.Tensor, tau: number, headDim: number): tf.Tensor {
  let low: tf.Tensor = tf.zerosLike(k);
  let dual: tf.Tensor = tf.zerosLike(k);
  for (let t = 0; t < rpcIterations; t++) {
    const r = tf.add(tf.sub(k, low), dual);
    const sparse = tf.mul(tf.sign(r), tf.relu(tf.sub(tf.abs(r), tau)));
    const cleaned = tf.sub(tf.sub(k, sparse), dual);
    low = tensorAttention(cleaned, cleaned, v, headDim);
    dual = tf.add(dual, tf.sub(tf.sub(k, low), sparse));
  }
  return low;
}

async function main(): Promise<void> {
  const { device, description, isFallback, adapter } = await openDawn();
  const wanted = process.argv[2] as KernelFamily | undefined;
  const families: readonly KernelFamily[] = wanted === undefined ? ['registers', 'tiles'] : [wanted];
  const backend = await createWebGpuBackend(device, { description, isFallback, info: adapter.info }, { check: false });
  console.log(`${description}, medians of ${repeats}, milliseconds (GFLOP/s)\n`);
  console.log(['case', 'operation', 'tfjs', ...families].map((cell) => cell.padEnd(22)).join(''));
  const pool = new BufferPool(device);
  const pipelines = new Pipelines(device);
  for (const sizes of cases) {
    const { heads, tokens, headDim } = sizes;
    const random = normals('bench');
    const data = [0, 1, 2].map(() => Float32Array.from({ length: heads * tokens * headDim }, random));
    const [q, k, v] = data.map((values) => tf.tensor(values, [heads, tokens, headDim])) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const scope = new BufferScope(device, pool);
    const [queries, keys, values] = data.map((x, i) => scope.upload(x, `bench ${i}`)) as [
      GPUBuffer,
      GPUBuffer,
      GPUBuffer,
    ];
    const flops = 4 * heads * tokens * tokens * headDim;
    const plan = { tau: Array.from({ length: heads }, () => 1), sigma: -1 as const, iterations: rpcIterations };
    const stock = async (make: () => tf.Tensor): Promise<void> => {
      const result = tf.tidy(make);
      await result.data();
      result.dispose();
    };
    const own = async (family: KernelFamily, rpc: boolean): Promise<void> => {
      const attention = new HeadAttention(device, pipelines, family);
      const inner = new BufferScope(device, pool);
      const { out } = rpc
        ? await attention.rpc(inner, sizes, null, keys, values, plan, false)
        : await attention.attend(inner, sizes, queries, keys, values, false);
      await inner.read(out, heads * tokens * headDim, 'bench');
      inner.end();
    };
    for (const rpc of [false, true]) {
      const row = [
        await median(() => stock(() => (rpc ? tensorRpc(k, v, 1, headDim) : tensorAttention(q, k, v, headDim)))),
      ];
      for (const family of families) row.push(await median(() => own(family, rpc)));
      const work = rpc ? flops * rpcIterations : flops;
      const cells = row.map((ms) => `${ms.toFixed(1)} (${(work / ms / 1e6).toFixed(2)})`);
      const name = rpc ? `RPC, n ${rpcIterations}` : 'attention';
      console.log([`${heads} x ${tokens} x ${headDim}`, name, ...cells].map((cell) => cell.padEnd(22)).join(''));
    }
    scope.end();
    tf.dispose([q, k, v]);
  }
  pool.dispose();
  backend.dispose();
  await device.queue.onSubmittedWorkDone();
  device.destroy();
}

void main();
