// Speed of the float64 products and attention: WebAssembly against reference TypeScript, one thread.
//   node esbuild.mjs --tests && node out/test/bench/engine.bench.cjs

import { createCpuBackend } from '../../src/engine/cpu/backend';
import { createCpuKernels } from '../../src/engine/cpu/kernels';
import type { HeadKernels } from '../../src/engine/headKernels';
import { createReferenceKernels } from '../../src/engine/reference/kernels';
import type { BlockWeights, LinearWeights } from '../../src/model/weights';
import { modelSpec, type ModelCase } from '../unit/engine/goldenModels';
import { normals } from '../unit/engine/portableNormals';

interface Case {
  readonly name: string;
  readonly flops: number;
  run(kernels: HeadKernels): unknown;
}

const values = (count: number): Float64Array => normals(`bench/${count}`, count);

function products(m: number, k: number, n: number): Case[] {
  const [a, b] = [values(m * k), values(k * n)];
  const flops = 2 * m * k * n;
  return [
    { name: `A B^T ${m}x${k}x${n}`, flops, run: (kernels) => kernels.matmulTransposed(a, b, m, k, n) },
    { name: `A B   ${m}x${k}x${n}`, flops, run: (kernels) => kernels.matmul(a, b, m, k, n) },
  ];
}

/** FLOPs of the two products of attention; exp is not counted. */
function heads(tokens: number, d: number): Case[] {
  const [q, k, v] = [values(tokens * d), values(tokens * d + 1).subarray(1), values(tokens * d)];
  const flops = 4 * tokens * tokens * d;
  const parameters = { variant: 'code', iterations: 4, lambda: 4, embedDim: 3 * d } as const;
  return [
    { name: `attention ${tokens}x${d}`, flops, run: (kernels) => kernels.attention(q, k, v, tokens, d) },
    {
      name: `RPC n=4 ${tokens}x${d}`,
      flops: 4 * flops,
      run: (kernels) => kernels.rpc(null, k, v, tokens, d, parameters),
    },
  ];
}

/** Median and best time in ms; on a busy machine the best says more. */
function timed(run: () => unknown, atLeast: number, budgetMs: number): { median: number; best: number } {
  const times: number[] = [];
  const start = performance.now();
  run();
  while (times.length < atLeast || (times.length < 51 && performance.now() - start < budgetMs)) {
    const before = performance.now();
    run();
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  return { median: times[Math.floor(times.length / 2)]!, best: times[0]! };
}

/** One block of DeiT-Tiny's sizes (C 192, 3 heads, 197 tokens, MLP 768) on the cpu backend. */
async function block(): Promise<number> {
  const model: ModelCase = {
    name: 'bench',
    attention: 'softmax',
    embedDim: 192,
    heads: 3,
    layers: 1,
    channels: 3,
    patch: 16,
    gridHeight: 14,
    gridWidth: 14,
    mlpDim: 768,
    classes: 10,
    activation: 'gelu',
    weights: {},
  };
  const linear = (out: number, width: number): LinearWeights => ({
    weight: Float32Array.from(values(out * width), (z) => z * 0.05),
    bias: new Float32Array(out),
  });
  const norm: LinearWeights = { weight: new Float32Array(192).fill(1), bias: new Float32Array(192) };
  const weights: BlockWeights = {
    norm1: norm,
    qkv: linear(576, 192),
    queryNorm: null,
    keyNorm: null,
    scale: null,
    proj: linear(192, 192),
    layerScale1: null,
    norm2: norm,
    fc1: linear(768, 192),
    fc2: linear(192, 768),
    layerScale2: null,
  };
  const backend = await createCpuBackend();
  const x = { tokens: 197, width: 192, data: values(197 * 192) };
  const times: number[] = [];
  for (let i = 0; i < 15; i++) {
    const before = performance.now();
    await backend.runLayer(modelSpec(model), weights, x, { layer: 0, forward: 'native', rpc: null, wantPattern: true });
    times.push(performance.now() - before);
  }
  return times.sort((a, b) => a - b)[7]!;
}

async function main(): Promise<void> {
  const wasm = await createCpuKernels();
  const reference = createReferenceKernels();
  const rows = [
    ...products(197, 192, 768),
    ...products(197, 768, 192),
    ...products(512, 512, 512),
    ...heads(197, 64),
    ...heads(1024, 64),
  ];
  console.log('median of up to 51 runs, float64, one thread; copies in and out included');
  console.log(
    `${'case'.padEnd(24)} ${'wasm ms'.padStart(9)} ${'GFLOP/s'.padStart(8)} ${'best'.padStart(8)} ${'reference ms'.padStart(13)} ${'GFLOP/s'.padStart(8)} ${'ratio'.padStart(6)}`,
  );
  for (const row of rows) {
    const fast = timed(() => row.run(wasm), 5, 600);
    const slow = timed(() => row.run(reference), 1, 600);
    const rate = (ms: number): string => (row.flops / ms / 1e6).toFixed(2).padStart(8);
    console.log(
      `${row.name.padEnd(24)} ${fast.median.toFixed(3).padStart(9)} ${rate(fast.median)} ${rate(fast.best)} ${slow.median.toFixed(3).padStart(13)} ${rate(slow.median)} ${(slow.median / fast.median).toFixed(1).padStart(6)}`,
    );
  }
  console.log(`block of DeiT-Tiny, 197 tokens, pattern kept: ${(await block()).toFixed(1)} ms`);
}

void main();
