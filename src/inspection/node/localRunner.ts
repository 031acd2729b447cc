// One inspection in this thread: reads the files by range, builds the backends, runs, and keeps the traces for
// later pictures. Used inside the runner thread, and directly by the CLI for WebGPU (a device belongs to the
// thread that made it).

import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createCpuBackend } from '../../engine/cpu/backend';
import { createCpuKernels } from '../../engine/cpu/kernels';
import { createReferenceBackend } from '../../engine/reference/backend';
import { createReferenceKernels } from '../../engine/reference/kernels';
import type { Backend } from '../../engine/backend';
import type { HeadKernels } from '../../engine/headKernels';
import type { HeadResult } from '../../diagnostics/headResult';
import { createWeightLoader } from '../../model/loadWeights';
import { engineLayers } from '../engineLayers';
import type { HeadDetail } from '../headDetail';
import { headDetail, type KeptHead } from '../traceStore';
import type { InspectionRequest } from '../inspectionRequest';
import type { InspectionResult } from '../inspectionResult';
import type { NamedArray } from '../layerSource';
import type { WebGpuGraphs } from '../../engine/onnx/webGpuRuntime';
import { onnxLayers } from '../onnxLayers';
import { runInspection } from '../runInspection';
import type { InspectionOutcome } from '../runInspection';
import { openNodeOnnx } from './nodeOnnx';
import { openBytes, type CheckpointFile } from './checkpointFile';
import { layerComputed } from './computedWork';
import { DiskTraces } from './diskTraces';
import { hashBeside } from './hashBeside';
import { HeadPool } from './headPool';
import { loadHead } from './savedHeads';
import { TwinCache } from './twinCache';
import type { ProgressLabel } from '../progressLabel';

/** What a run does beside the request; nothing of it changes a number. */
export interface RunOptions {
  /** Keep what `headDetail` and `keptHead` need; absent: yes. */
  readonly pictured?: boolean;
  /** Folder in which numbers of untrained twins are kept from run to run; absent or null: nowhere. */
  readonly twinFolder?: string | null;
  /** SHA-256 of the checkpoint, where the caller watches it; absent: the run hashes the file. */
  readonly sha256?: string;
}

export interface RunnerCalls {
  run(
    request: InspectionRequest,
    file: CheckpointFile,
    threads: number,
    options?: RunOptions,
  ): Promise<InspectionResult>;
  headDetail(layer: number, head: number): Promise<HeadDetail>;
  /** What the finished run keeps of a head. */
  keptHead(layer: number, head: number): Promise<KeptHead>;
  /** Both patterns of a head that `saveHeads` wrote into this folder; nothing has to have run. */
  savedDetail(folder: string, layer: number, head: number): Promise<HeadDetail>;
  /** Tensors of the finished run, for `tensors.npz`; empty unless the request keeps them. */
  tensors(): Promise<readonly NamedArray[]>;
}

/** What the runner tells while it works. */
export interface RunnerHostCalls {
  progress(label: ProgressLabel, fraction: number): Promise<void>;
  head(layer: number, head: HeadResult): Promise<void>;
  /** What a person must know although the run goes on. */
  warn(sentence: string): Promise<void>;
}

/** Head workers worth starting: one a core, as many as there are heads at most, and never a crowd. */
export function poolSize(heads: number): number {
  return Math.max(1, Math.min(heads, availableParallelism(), 16));
}

/** What runs a forward pass on WebGPU: a network of ours (its metrics come from the float64 backend beside it), a graph. */
export interface GpuOpeners {
  openBackend(): Promise<Backend>;
  openGraphs(): Promise<WebGpuGraphs>;
}

/** `script`: the bundle for head workers. `gpu`: null where requests never ask for `webgpu`. */
export function createLocalRunner(script: string, host: RunnerHostCalls, gpu: GpuOpeners | null = null): RunnerCalls {
  let outcome: InspectionOutcome | null = null;
  let traces: DiskTraces | null = null;
  let kernels: HeadKernels | null = null;

  return {
    run: async (request, file, threads, { pictured = true, twinFolder = null, sha256: known } = {}) => {
      const warn = (sentence: string): void => void host.warn(sentence);
      await traces?.dispose();
      traces = pictured ? new DiskTraces(warn) : null;
      const reference = request.backend === 'reference';
      kernels = reference ? createReferenceKernels() : await createCpuKernels();
      const metrics = reference ? createReferenceBackend() : await createCpuBackend('float64');
      const companions = reference ? metrics : await createCpuBackend('float32');
      const onGpu = request.backend === 'webgpu' ? gpu : null;
      const isGraph = request.spec.onnx !== undefined;
      const painter = onGpu === null || isGraph ? metrics : await onGpu.openBackend();
      const graphs = onGpu === null || !isGraph ? null : await onGpu.openGraphs();
      const pool = new HeadPool(script, threads, reference ? 'reference' : 'wasm');
      const bytes = openBytes(file);
      // Hashing reads every byte: beside the run, and its failure is the run's failure only at the end.
      const hashing = new AbortController();
      const { byteLength } = request.index;
      const sha256 =
        known === undefined
          ? hashBeside(script, file, byteLength, hashing.signal).then((hash) => hash ?? request.checkpointSha256)
          : Promise.resolve(known);
      sha256.catch(() => undefined);
      const { signal } = new AbortController();
      try {
        const twins =
          twinFolder === null ? null : await TwinCache.open(request, bytes, { folder: twinFolder, script, warn });
        outcome = await runInspection(request, {
          source: isGraph
            ? onnxLayers(request, {
                runtime: graphs?.runtime ?? (await openNodeOnnx(dirname(script))),
                check: graphs?.check ?? null,
                bytes,
                backend: { kind: request.backend, adapter: graphs?.adapter ?? null },
                kernels,
                signal,
              })
            : engineLayers(request, {
                weights: createWeightLoader(request.index, bytes, request.spec),
                backend: painter,
                metrics,
                companions,
                signal,
                knownTwins: twins?.known ?? null,
              }),
          diagnoseHeads: (inputs, options, onHead) => pool.diagnoseHeads(inputs, options, onHead),
          kernels,
          onProgress: (label, fraction) => void host.progress(label, fraction),
          onLayer: layerComputed,
          onHead: (layer, head) => void host.head(layer, head),
          onTwins: (layer, kvHead, numbers) => twins?.add(layer, kvHead, numbers),
          signal,
          traces,
          checkpointSha256: () => sha256,
          now: () => performance.now(),
        });
        await twins?.write();
        return outcome.result;
      } finally {
        hashing.abort();
        await pool.dispose();
        await bytes.close();
        if (painter !== metrics) painter.dispose();
        graphs?.dispose();
        metrics.dispose();
        if (companions !== metrics) companions.dispose();
      }
    },
    headDetail: async (layer, head) => {
      if (outcome === null || kernels === null) throw new Error('the inspection is not finished');
      return headDetail(await outcome.traces.head(layer, head), kernels);
    },
    keptHead: (layer, head) => {
      if (outcome === null) return Promise.reject(new Error('the inspection is not finished'));
      return outcome.traces.head(layer, head);
    },
    savedDetail: async (folder, layer, head) => {
      kernels ??= await createCpuKernels();
      return headDetail(await loadHead(folder, layer, head), kernels);
    },
    tensors: () => Promise.resolve(outcome?.tensors ?? []),
  };
}
