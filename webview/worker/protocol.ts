// Between the inspector page and its worker.

import type { HeadDetail } from '../../src/inspection/headDetail';
import type { WireRequest } from '../../src/inspection/inspectionRequest';
import type { KeptHead } from '../../src/inspection/traceStore';
import type { HeadAddress, RunnerEvent, WebGpuProbe } from '../../src/protocol/messages';

/** Addresses of what the worker fetches when it needs it. */
export interface WorkerFiles {
  /** WebAssembly of ONNX Runtime. */
  readonly onnx: string;
}

export interface WorkerCalls {
  probe(): Promise<WebGpuProbe>;
  /** Resolves when the run has begun; what happens then comes as events. */
  start(runId: number, request: WireRequest, files: WorkerFiles): Promise<void>;
  headDetail(address: HeadAddress): Promise<HeadDetail>;
  keptHead(address: HeadAddress): Promise<KeptHead>;
}

export interface WorkerHostCalls {
  /** `shard`: null where the checkpoint is one file. */
  readBytes(runId: number, shard: string | null, offset: number, length: number): Promise<Uint8Array>;
  event(runId: number, event: RunnerEvent): Promise<void>;
}
