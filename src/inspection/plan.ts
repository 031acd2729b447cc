// What a run will cost, said before it starts: memory, floating-point operations and a rough time.

import type { TensorIndex } from '../checkpoint/tensorIndex';
import { defaultLevels } from '../diagnostics/noiseLevels';
import { largestSegmentBytes } from '../engine/onnx/segments';
import { wantedValues } from '../engine/onnx/siteTaps';
import { blockShape, isSymmetric, kvHeadOf, specOfLayer } from '../model/blockShape';
import { largestLayerByteLength } from '../model/loadWeights';
import { graphFlops } from '../model/onnx/graphFlops';
import { inferShapes } from '../model/onnx/inferShapes';
import { inputSizes } from '../model/onnx/onnxInputs';
import type { ModelSpec } from '../model/modelSpec';
import { runsRpc } from './headInputs';
import { ablationKinds, ablationBytes } from './ablation';
import { headsOfLayer, lastForwardLayer } from './inspectionRequest';
import { classesOf } from './networkNoiseChoice';
import { networkNoiseBytes, runsOfPlace } from './networkNoiseRuns';
import type { InspectionPlan, InspectionRequest } from './inspectionRequest';
import { largestLayerMemory, oneLayerAtATime } from './readAhead';

/**
 * Rates behind the estimate of the time, measured on one thread of a 2-core machine with WASM SIMD, in float64 where nothing
 * else is said.
 * They promise nothing: machines differ by more than the estimate's own error.
 */
const rates = {
  /** Matrix products and attention, flop/s. */
  products: 8e9,
  /** Of a layer whose products are float32 and its attention float64. */
  float32Layers: 13.5e9,
  /** Orthonormal bases and Rayleigh shares of null draws, flop/s, and what every draw costs besides. */
  nullFlops: 8e9,
  nullDraw: 1.2e-4,
  /** Symmetric eigen-decomposition, flop/s. */
  eigen: 6e9,
  /** Drawing a weight of an untrained twin, seconds. */
  drawnWeight: 6e-8,
  /** SHA-256 of the file, bytes/s. */
  hashing: 4e8,
  /** Whatever a head costs besides, seconds. */
  head: 0.05,
};
/** Plain TypeScript kernels are about this much slower than WASM. */
const referenceSlowdown = 9;

/** Multiply-adds count as two. Softmax's exponentials count as 20 each. */
function attentionFlops(tokens: number, headDim: number): number {
  return 4 * tokens * tokens * headDim + 20 * tokens * tokens;
}

function layerForwardFlops(whole: ModelSpec, layer: number): number {
  const spec = specOfLayer(whole, layer);
  const { tokens: n, embedDim: c, mlpDim } = spec;
  const inner = spec.heads * spec.headDim;
  const projected = isSymmetric(spec) ? 2 * inner : inner + 2 * spec.kvHeads * spec.headDim;
  const matrices = blockShape(spec).mlp === 'gated' ? 3 : 2;
  const linear = 2 * n * c * (projected + inner + matrices * mlpDim);
  return linear + spec.heads * attentionFlops(n, spec.headDim);
}

/** Weights of one untrained twin up to block `last`, each block with the sizes of its stage. */
function drawnWeights(spec: ModelSpec, last: number): number {
  let sum = 0;
  for (let layer = 0; layer <= last; layer++) {
    const { embedDim, mlpDim } = specOfLayer(spec, layer);
    sum += (4 * embedDim + 2 * mlpDim) * embedDim;
  }
  return sum;
}

interface HeadCost {
  readonly flops: number;
  readonly seconds: number;
}

/** Attention passes of a sweep: settings that differ in their iterations alone share the longest run. */
function sweepPasses(sweep: InspectionRequest['rpcSweep']): number {
  if (sweep === undefined) return 0;
  const noisy = (sweep.noise?.levels.length ?? 0) * (sweep.noise?.repeats ?? 0);
  return noisy + (1 + noisy) * sweep.lambdas.length * Math.max(...sweep.iterations);
}

/** Of one query head: attention, RPC and noise. */
function queryCost(request: InspectionRequest, layer: number): HeadCost {
  const { tokens: n, headDim: d, embedDim: c } = specOfLayer(request.spec, layer);
  const rpc = runsRpc(request.rpc, layer) ? request.rpc.iterations : 0;
  const noiseRuns = request.noise.kinds.reduce(
    (sum, kind) => sum + (request.noise.levels[kind] ?? defaultLevels(kind)).length * request.noise.repeats,
    0,
  );
  const tokenRuns = noiseRuns / Math.max(1, request.noise.kinds.length);
  const passes = noiseRuns * (1 + rpc) + (rpc > 0 ? sweepPasses(request.rpcSweep) : 0);
  const flops = passes * attentionFlops(n, d) + tokenRuns * 6 * n * c * d;
  return { flops, seconds: flops / rates.products + rates.head };
}

/** Of one kv head: spectra and nulls. */
function keyValueCost(request: InspectionRequest, layer: number): HeadCost {
  const { tokens, headDim: d } = specOfLayer(request.spec, layer);
  const n = request.gram.prefix ?? tokens;
  // Householder reduction, divide and conquer and the back-transformation of d vectors: about 3 N^3.
  const eigen = (1 + request.twins) * 3 * n * n * n;
  // Two nulls in two modes; each draw one orthonormalisation, two projections and half of a product with Kc.
  const draws = 4 * request.nulls;
  const nulls = draws * (6 * n * d * d + n * n * d);
  return {
    flops: eigen + nulls,
    seconds: eigen / rates.eigen + nulls / rates.nullFlops + draws * rates.nullDraw,
  };
}

/** What a process and a worker thread hold before any data, and what the collector leaves lying about, bytes. */
const processBytes = 100e6;
const threadBytes = 40e6;
const garbageFactor = 2.4;
/** Of a large layer in the kernels' memory, before and after it is copied. */
const panelBytes = 64e6;

/** Sizes of the stage with the largest traces. */
function largestStage(spec: ModelSpec): ModelSpec {
  const size = ({ tokens, embedDim }: ModelSpec): number => tokens * embedDim;
  return spec.blocks.map((_, i) => specOfLayer(spec, i)).reduce((a, b) => (size(b) > size(a) ? b : a), spec);
}

/** Weights at their highest: of large layers one, as float32, and a panel of it in float64 on its way to the kernels. */
function weightBytes({ index, spec, twins }: InspectionRequest, layerByteLength: number): number {
  if (spec.onnx === undefined && oneLayerAtATime(index, spec)) return largestLayerMemory(index, spec) + panelBytes;
  // As read and again in float64 in the kernels' memory; the next layer is read ahead. A twin has matrices of its own.
  return garbageFactor * (twins > 0 ? 6 : 4) * layerByteLength;
}

/** Every head that is taken out runs its own layer and those behind it again, once a kind. */
function ablationFlops(request: InspectionRequest, flopsUpTo: (last: number) => number): number {
  if (!request.ablation) return 0;
  const whole = flopsUpTo(lastForwardLayer(request));
  return request.layers.reduce(
    (sum, layer) => sum + ablationKinds.length * headsOfLayer(request, layer).length * (whole - flopsUpTo(layer - 1)),
    0,
  );
}

/** Every noisy run goes through all layers behind its place, with softmax and with RPC. */
function networkNoiseFlops(request: InspectionRequest): number {
  const { spec, rpc, networkNoise } = request;
  if (networkNoise === null) return 0;
  const runs = runsOfPlace(networkNoise);
  let sum = 0;
  for (let layer = 0; layer < spec.layers; layer++) {
    const before = networkNoise.places.filter((place) => place === 'input' || place < layer).length;
    const { tokens, heads, headDim } = specOfLayer(spec, layer);
    const both = rpc.layers === 'none' ? 1 : 2;
    const iterations = runsRpc(rpc, layer) ? rpc.iterations * heads * attentionFlops(tokens, headDim) : 0;
    sum += (1 + before * runs) * (both * layerForwardFlops(spec, layer) + iterations);
  }
  return sum;
}

/** Memory at its highest, in bytes: weights, traces, inputs of two layers of heads, heads at work. */
function peakBytes(request: InspectionRequest, layerByteLength: number, threads: number): number {
  const { tokens: n, headDim: d, embedDim: c, kvHeads } = largestStage(request.spec);
  const float64 = 8;
  const heads = request.heads.length;
  // In a file, except where a page runs the network on its GPU.
  const traces = request.backend === 'webgpu' ? float64 * 3 * n * c * request.layers.length : 0;
  const twins = float64 * 3 * n * c * request.twins;
  // k, v, V of the other heads, k and v of every twin, once a kv head; q of each head, and x once a layer.
  const shared = (1 + kvHeads + 2 * request.twins) * n * d;
  const inputs = 2 * float64 * (Math.min(heads, kvHeads) * shared + heads * n * d + n * c);
  // On both sides of the message that posts it, with the three projections that are cut for it.
  const posted = 2 * float64 * (shared + n * c + 3 * d * c);
  const atWork = threads * (float64 * 14 * n * n + posted);
  // Rollout: before and behind a layer, the pattern of a head and the sum of them.
  const rollout = request.spec.onnx === undefined ? float64 * 4 * n * n : 0;
  const held = weightBytes(request, layerByteLength) + garbageFactor * (traces + twins + inputs + atWork + rollout);
  return processBytes + threads * threadBytes + held;
}

/** A graph says itself what it computes; null: no graph. */
function graphWork({ index: { graph }, spec: { onnx }, input }: InspectionRequest): number | null {
  if (graph === undefined || onnx === undefined) return null;
  return graphFlops(graph, inferShapes(graph, inputSizes(onnx.inputs, input)));
}

/** Bytes of weights that a run holds at a time: one layer's, or one segment's of a graph. */
export function heldByteLength(index: TensorIndex, spec: ModelSpec): number {
  if (spec.onnx === undefined) return largestLayerByteLength(index, spec);
  return largestSegmentBytes(index, wantedValues(spec.onnx, [...spec.onnx.sites.keys()]));
}

/** The input, and which part of it is inspected where that is not all. */
function inputName({ input, spec }: InspectionRequest): string {
  const window = input.kind === 'image' ? spec.preprocessing?.window : undefined;
  return window === undefined ? input.label : `${input.label}, ${window}`;
}

/**
 * The cost of `request`. `layerByteLength`: bytes of the largest layer's weights in the file;
 * `threads`: head workers that this machine will run; `knownTwins`: the numbers of untrained twins need not be computed.
 */
export function planInspection(
  whole: InspectionRequest,
  layerByteLength: number,
  threads: number,
  description: string,
  knownTwins = false,
): InspectionPlan {
  const request = knownTwins ? { ...whole, twins: 0 } : whole;
  const { spec, networkNoise } = request;
  const flopsUpTo = (last: number): number => {
    let sum = 0;
    for (let layer = 0; layer <= last; layer++) sum += layerForwardFlops(spec, layer);
    return sum;
  };
  const counted = graphWork(request);
  const ownFlops = counted ?? flopsUpTo(lastForwardLayer(request));
  // Of a graph everything is counted in the graph.
  const companionFlops =
    counted === null
      ? request.twins * flopsUpTo(Math.max(...request.layers)) +
        ablationFlops(request, flopsUpTo) +
        networkNoiseFlops(request)
      : 0;
  const forwardFlops = ownFlops + companionFlops;
  const costs = request.layers.flatMap((layer) => {
    const heads = headsOfLayer(request, layer);
    const kvHeads = new Set(heads.map((head) => kvHeadOf(specOfLayer(spec, layer), head))).size;
    return [
      { of: heads.length, ...queryCost(request, layer) },
      { of: kvHeads, ...keyValueCost(request, layer) },
    ];
  });
  const diagnosticsFlops = costs.reduce((sum, cost) => sum + cost.of * cost.flops, 0);
  const headSeconds = costs.reduce((sum, cost) => sum + cost.of * cost.seconds, 0);
  const twinWeights = request.twins * drawnWeights(spec, Math.max(...request.layers));
  const forwardSeconds =
    ownFlops / rates.products + companionFlops / rates.float32Layers + twinWeights * rates.drawnWeight;
  const slowdown = request.backend === 'reference' ? referenceSlowdown : 1;
  return {
    description,
    input: inputName(request),
    layers: request.layers.length,
    heads: request.heads.length,
    ablation: request.ablation,
    tokens: spec.tokens,
    headDim: spec.headDim,
    layerByteLength,
    peakByteLength:
      peakBytes(request, layerByteLength, threads) +
      (request.ablation ? ablationBytes(spec, request.layers.length, request.heads.length) : 0) +
      (networkNoise === null ? 0 : networkNoiseBytes({ ...request, networkNoise }, classesOf(request))),
    forwardFlops,
    diagnosticsFlops,
    // The forward pass shares the cores with the heads; the file is hashed beside them.
    estimatedSeconds: Math.max(
      (slowdown * (forwardSeconds + headSeconds)) / threads,
      request.index.byteLength / rates.hashing,
    ),
    knownTwins,
    backend: request.backend,
    backendReason: request.backendReason,
  };
}
