// The inspector page's worker: owns the GPUDevice, runs engine and diagnostics off the page's thread. Cancelling
// ends the worker; the page starts another one.

import type { ByteSource, CheckpointBytes } from '../../src/checkpoint/byteSource';
import { headJobs, headWork } from '../../src/diagnostics/diagnoseHead';
import { createCpuBackend } from '../../src/engine/cpu/backend';
import { createCpuKernels } from '../../src/engine/cpu/kernels';
import { EngineError } from '../../src/engine/backend';
import type { Backend } from '../../src/engine/backend';
import type { HeadKernels } from '../../src/engine/headKernels';
import { kernelFeatures, probeWebGpu, requestDevice } from '../../src/engine/webgpu/probe';
import { createWebGpuBackend } from '../../src/engine/webgpu/webgpuBackend';
import { engineLayers } from '../../src/inspection/engineLayers';
import type { LayerSource } from '../../src/inspection/layerSource';
import { onnxLayers } from '../../src/inspection/onnxLayers';
import { fromWire } from '../../src/inspection/inspectionRequest';
import type { InspectionRequest, WireRequest } from '../../src/inspection/inspectionRequest';
import { runInspection } from '../../src/inspection/runInspection';
import type { InspectionOutcome } from '../../src/inspection/runInspection';
import { headDetail } from '../../src/inspection/traceStore';
import { createWeightLoader } from '../../src/model/loadWeights';
import { connect } from '../../src/protocol/rpc';
import { resultEvents } from '../../src/protocol/wireResult';
import type { WorkerCalls, WorkerFiles, WorkerHostCalls } from './protocol';
import { openWorkerGraphs } from './workerGraphs';

/** One message; the host refuses more. */
const chunkBytes = 8 * 1024 * 1024;
/** Chunks asked for at a time: enough to hide the round trip, little enough to stay small in memory. */
const chunksInFlight = 3;

let outcome: InspectionOutcome | null = null;
let kernels: HeadKernels | null = null;

const { remote: page } = connect<WorkerCalls, WorkerHostCalls>(
  {
    post: (message) => {
      self.postMessage(message);
    },
    onMessage: (listener) => {
      self.addEventListener('message', (event: MessageEvent<unknown>) => {
        listener(event.data);
      });
    },
  },
  {
    probe: async () => {
      const { status, description, message } = await probeWebGpu(gpu());
      return { status, adapter: description, message };
    },
    start: (runId, request, files) => {
      void run(runId, request, files);
      return Promise.resolve();
    },
    headDetail: async ({ layer, head }) => {
      if (outcome === null || kernels === null) throw new Error('the inspection is not finished');
      return headDetail(await outcome.traces.head(layer, head), kernels);
    },
    keptHead: ({ layer, head }) => {
      if (outcome === null) return Promise.reject(new Error('the inspection is not finished'));
      return outcome.traces.head(layer, head);
    },
  },
);

function gpu(): GPU | undefined {
  return 'gpu' in navigator ? navigator.gpu : undefined;
}

/** The files of the checkpoint through the page and the extension host, by range. */
function remoteBytes(runId: number, { index }: InspectionRequest): CheckpointBytes {
  return {
    source: (shard) => {
      if (shard === undefined) return Promise.resolve(remoteSource(runId, null, index.fileName, index.byteLength));
      const file = index.shards?.find(({ name }) => name === shard);
      return file === undefined
        ? Promise.reject(new RangeError(`${index.fileName} has no shard ${shard}`))
        : Promise.resolve(remoteSource(runId, shard, shard, file.byteLength));
    },
  };
}

function remoteSource(runId: number, shard: string | null, name: string, byteLength: number): ByteSource {
  return {
    name,
    byteLength,
    read: async (offset, length) => {
      const bytes = new Uint8Array(length);
      let next = 0;
      const fetchChunks = async (): Promise<void> => {
        while (next < length) {
          const start = next;
          next += chunkBytes;
          const wanted = Math.min(chunkBytes, length - start);
          const chunk = await page.readBytes(runId, shard, offset + start, wanted);
          // Fewer bytes would leave zeros where weights should be.
          if (chunk.byteLength !== wanted) throw new Error(`${name}: ${chunk.byteLength} of ${wanted} bytes arrived`);
          bytes.set(chunk, start);
        }
      };
      await Promise.all(Array.from({ length: chunksInFlight }, fetchChunks));
      return bytes;
    },
  };
}

async function openBackend(): Promise<Backend> {
  const probe = await probeWebGpu(gpu());
  if (probe.adapter === null) throw new EngineError('noAdapter', probe.message);
  const device = await requestDevice(probe.adapter, kernelFeatures(probe));
  return createWebGpuBackend(device, {
    description: probe.description ?? 'an adapter without a name',
    isFallback: probe.isFallback,
    info: probe.adapter.info,
  });
}

/** Lets messages in (progress out, cancel in) between pieces of work. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** A forward pass on the GPU, and what ends with it. */
interface GpuSource {
  readonly source: LayerSource;
  dispose(): void;
}

async function networkSource(request: InspectionRequest, runId: number, signal: AbortSignal): Promise<GpuSource> {
  const backend = await openBackend();
  const metrics = await createCpuBackend('float64');
  const companions = await createCpuBackend('float32');
  const weights = createWeightLoader(request.index, remoteBytes(runId, request), request.spec);
  return {
    source: engineLayers(request, { weights, backend, metrics, companions, signal }),
    dispose: () => {
      backend.dispose();
      metrics.dispose();
      companions.dispose();
    },
  };
}

async function graphSource(
  request: InspectionRequest,
  runId: number,
  { onnx }: WorkerFiles,
  headKernels: HeadKernels,
  signal: AbortSignal,
): Promise<GpuSource> {
  const graphs = await openWorkerGraphs(onnx, gpu());
  const { runtime, check, adapter } = graphs;
  const backend = { kind: 'webgpu', adapter } as const;
  const bytes = remoteBytes(runId, request);
  return {
    source: onnxLayers(request, { runtime, check, bytes, backend, kernels: headKernels, signal }),
    dispose: () => {
      graphs.dispose();
    },
  };
}

async function run(runId: number, wire: WireRequest, files: WorkerFiles): Promise<void> {
  const request = fromWire(wire);
  let forward: GpuSource | null = null;
  try {
    outcome = null;
    const headKernels = await createCpuKernels();
    kernels = headKernels;
    const { signal } = new AbortController();
    forward =
      request.spec.onnx === undefined
        ? await networkSource(request, runId, signal)
        : await graphSource(request, runId, files, headKernels, signal);
    outcome = await runInspection(request, {
      source: forward.source,
      diagnoseHeads: async (inputs, options, onHead) => {
        const work = headWork(headKernels);
        for (const job of headJobs(inputs, options, onHead)) {
          await job(work);
          await breathe();
        }
      },
      kernels: headKernels,
      onProgress: (label, fraction) => void page.event(runId, { kind: 'progress', label, fraction }),
      onLayer: () => void page.event(runId, { kind: 'layer' }),
      onHead: (layer, head) => void page.event(runId, { kind: 'head', layer, head }),
      signal,
      // The host hashes the file: it has the bytes.
      checkpointSha256: () => Promise.resolve(request.checkpointSha256),
      now: () => performance.now(),
    });
    for (const event of resultEvents(outcome.result)) await page.event(runId, event);
  } catch (error) {
    const reason = error instanceof Error && 'reason' in error ? String(error.reason) : '';
    const name = error instanceof Error ? error.name : 'Error';
    const message = error instanceof Error ? error.message : String(error);
    await page.event(runId, { kind: 'failed', message, errorName: name, reason });
  } finally {
    forward?.dispose();
  }
}
