// Products and one ViT-Ti/16 block on the cpu backend in both precisions, one thread, against ONNX Runtime's WebAssembly
// (float32, all its optimisations) and PyTorch in both precisions, runs taking turns. Table to stdout, JSON to out/bench.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Ort from 'onnxruntime-web';
import { createCpuBackend } from '../../src/engine/cpu/backend';
import { createCpuOps, createFloat32CpuOps } from '../../src/engine/cpu/kernels';
import type { BlockWeights, LinearWeights } from '../../src/model/weights';
import { modelSpec } from '../unit/engine/goldenModels';
import { normals } from '../unit/engine/portableNormals';
import { layerGraph, matmulGraph } from './graphs';
import type { LayerArrays } from './graphs';
import { median } from './median';
import { machine, machineLine, pythonWith, startPeer } from './peer';
import type { Peer } from './peer';

const turns = 101;
const sizes = { tokens: 197, width: 192, heads: 3, mlp: 768 };
const bars = { ort: 1.1, torch: 5 };

interface Work {
  readonly name: string;
  /** The command of cpu_peer.py, without the precision. */
  readonly command: string;
  own32(): Promise<unknown>;
  own64(): Promise<unknown>;
  ort(): Promise<unknown>;
}

interface Row {
  readonly work: string;
  readonly own32Ms: number;
  readonly own64Ms: number;
  readonly ortMs: number;
  /** null: PyTorch is not installed. */
  readonly torch32Ms: number | null;
  readonly torch64Ms: number | null;
}

const numbers = (count: number): Float32Array => Float32Array.from(normals(`bench/${count}`, count));

async function openOrt(): Promise<typeof Ort> {
  const folder = join('node_modules', 'onnxruntime-web', 'dist');
  const ort = (await import(pathToFileURL(join(folder, 'ort.wasm.bundle.min.mjs')).href)) as typeof Ort;
  ort.env.wasm.wasmBinary = readFileSync(join(folder, 'ort-wasm-simd-threaded.wasm')).buffer;
  ort.env.wasm.numThreads = 1;
  return ort;
}

async function product(ort: typeof Ort, m: number, k: number, n: number): Promise<Work> {
  const [narrow, wide] = [await createFloat32CpuOps(), await createCpuOps()];
  const [a, b] = [numbers(m * k), numbers(k * n)];
  const wideA = Float64Array.from(a);
  // Rows of a weight are columns of the product: the same sums.
  const weights = { weight: b, bias: null };
  const session = await ort.InferenceSession.create(matmulGraph(m, k, n), { executionProviders: ['wasm'] });
  const feeds = { a: new ort.Tensor('float32', a, [m, k]), b: new ort.Tensor('float32', b, [k, n]) };
  return {
    name: `product ${m} x ${k} x ${n}`,
    command: `matmul ${m} ${k} ${n}`,
    own32: () => Promise.resolve(narrow.linear(a, m, weights, k, n)),
    own64: () => Promise.resolve(wide.linear(wideA, m, weights, k, n)),
    ort: () => session.run(feeds),
  };
}

async function block(ort: typeof Ort): Promise<Work> {
  const { tokens, width, heads, mlp } = sizes;
  const scaled = (count: number): Float32Array => numbers(count).map((value) => 0.05 * value);
  const arrays: LayerArrays = {
    qkv: scaled(3 * width * width),
    proj: scaled(width * width),
    fc1: scaled(mlp * width),
    fc2: scaled(width * mlp),
  };
  const linear = (weight: Float32Array, out: number): LinearWeights => ({ weight, bias: new Float32Array(out) });
  const norm = linear(new Float32Array(width).fill(1), width);
  const weights: BlockWeights = {
    norm1: norm,
    qkv: linear(arrays.qkv, 3 * width),
    queryNorm: null,
    keyNorm: null,
    scale: null,
    proj: linear(arrays.proj, width),
    layerScale1: null,
    norm2: norm,
    fc1: linear(arrays.fc1, mlp),
    fc2: linear(arrays.fc2, width),
    layerScale2: null,
  };
  const spec = modelSpec({
    name: 'bench',
    attention: 'softmax',
    embedDim: width,
    heads,
    layers: 1,
    channels: 3,
    patch: 16,
    gridHeight: 14,
    gridWidth: 14,
    mlpDim: mlp,
    classes: 10,
    activation: 'gelu',
    weights: {},
  });
  const [narrow, wide] = [await createCpuBackend('float32'), await createCpuBackend('float64')];
  const x = numbers(tokens * width);
  const residual = { tokens, width, data: Float64Array.from(x) };
  const session = await ort.InferenceSession.create(layerGraph(sizes, arrays), { executionProviders: ['wasm'] });
  const feeds = { x: new ort.Tensor('float32', x, [tokens, width]) };
  const options = { layer: 0, forward: 'native', rpc: null, wantPattern: false } as const;
  await sameNumbers(
    (await narrow.runLayer(spec, weights, residual, options)).next.data,
    (await session.run(feeds))['y']!,
  );
  return {
    name: 'ViT-Ti/16 block, N 197',
    command: `layer ${tokens} ${width} ${heads} ${mlp}`,
    own32: () => narrow.runLayer(spec, weights, residual, options),
    own64: () => wide.runLayer(spec, weights, residual, options),
    ort: () => session.run(feeds),
  };
}

/** Both sides must do the same work. */
async function sameNumbers(own: ArrayLike<number>, theirs: Ort.Tensor): Promise<void> {
  const other = (await theirs.getData()) as Float32Array;
  const largest = other.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const error = other.reduce((most, value, i) => Math.max(most, Math.abs(value - own[i]!)), 0) / largest;
  if (!(error < 1e-4)) throw new Error(`The two blocks differ by ${error} of the largest number.`);
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

async function measure(work: Work, peer: Peer | null): Promise<Row> {
  const sides = {
    own32: () => timed(() => work.own32()),
    own64: () => timed(() => work.own64()),
    ort: () => timed(() => work.ort()),
    torch32: async () => (await peer?.ask(`${work.command} float32`)) ?? NaN,
    torch64: async () => (await peer?.ask(`${work.command} float64`)) ?? NaN,
  };
  const times = Object.entries(sides).map(([side, run]) => ({ side, run, each: [] as number[] }));
  for (let turn = -3; turn < turns; turn++) {
    for (const { run, each } of times) {
      const ms = await run();
      // The first turns warm up.
      if (turn >= 0) each.push(ms);
    }
  }
  const of = (side: keyof typeof sides): number => median(times.find((time) => time.side === side)!.each);
  return {
    work: work.name,
    own32Ms: of('own32'),
    own64Ms: of('own64'),
    ortMs: of('ort'),
    torch32Ms: peer === null ? null : of('torch32'),
    torch64Ms: peer === null ? null : of('torch64'),
  };
}

function table(rows: readonly Row[]): string {
  const ratio = (own: number, peer: number | null): string =>
    peer === null ? 'not installed' : `${peer.toFixed(2)} (${(own / peer).toFixed(2)}x)`;
  return [
    `| one thread | cpu float32, ms | ONNX Runtime wasm float32 (bar ${bars.ort}x) | PyTorch float32 (bar ${bars.torch}x) | cpu float64, ms | PyTorch float64 |`,
    '|---|---|---|---|---|---|',
    ...rows.map(
      ({ work, own32Ms, own64Ms, ortMs, torch32Ms, torch64Ms }) =>
        `| ${work} | ${own32Ms.toFixed(2)} | ${ratio(own32Ms, ortMs)} | ${ratio(own32Ms, torch32Ms)} | ${own64Ms.toFixed(2)} | ${ratio(own64Ms, torch64Ms)} |`,
    ),
  ].join('\n');
}

async function main(): Promise<void> {
  const python = pythonWith('torch');
  const peer = python === null ? null : await startPeer(python, 'test/bench/cpu_peer.py');
  const ort = await openOrt();
  const rows: Row[] = [];
  for (const work of [
    await product(ort, 197, 192, 768),
    await product(ort, 197, 768, 192),
    await product(ort, 512, 512, 512),
    await block(ort),
  ]) {
    rows.push(await measure(work, peer));
  }
  peer?.end();
  const where = machine();
  mkdirSync('out/bench', { recursive: true });
  const peers = { ort: ort.env.versions.web, torch: peer?.version ?? 'not installed' };
  writeFileSync('out/bench/cpu.json', JSON.stringify({ machine: where, peers, bars, turns, rows }, null, 2));
  console.log(
    `\n${machineLine(where)}; ONNX Runtime Web ${peers.ort}, ${peers.torch}; medians of ${turns}\n\n${table(rows)}`,
  );
}

void main();
