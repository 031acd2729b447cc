// The page's end of the worker that runs WebGPU inspections: starts it, passes bytes and events between it and the host,
// ends it.

import type { HeadDetail } from '../../src/inspection/headDetail';
import type { KeptHead } from '../../src/inspection/traceStore';
import type { WireRequest } from '../../src/inspection/inspectionRequest';
import type { HeadAddress, HostCalls, WebGpuProbe } from '../../src/protocol/messages';
import { connect } from '../../src/protocol/rpc';
import type { Endpoint } from '../../src/protocol/rpc';
import type { WorkerCalls, WorkerFiles, WorkerHostCalls } from '../worker/protocol';
import { blobChannel, startBlobWorker } from './blobWorker';

interface Running {
  readonly worker: Worker;
  readonly endpoint: Endpoint<WorkerCalls>;
}

export class EngineWorker {
  private running: Promise<Running> | null = null;
  private runId: number | null = null;

  constructor(
    private readonly scriptUrl: string,
    private readonly files: WorkerFiles,
    private readonly host: HostCalls,
  ) {}

  async probe(): Promise<WebGpuProbe> {
    return (await this.start()).endpoint.remote.probe();
  }

  async run(runId: number, request: WireRequest): Promise<void> {
    if (this.runId !== null) this.stop();
    // Set before anything is awaited, so that a cancel in between finds the run.
    this.runId = runId;
    const { endpoint } = await this.start();
    if (this.currentRun() === runId) await endpoint.remote.start(runId, request, this.files);
  }

  async headDetail(runId: number, address: HeadAddress): Promise<HeadDetail> {
    return (await this.finished(runId)).endpoint.remote.headDetail(address);
  }

  async keptHead(runId: number, address: HeadAddress): Promise<KeptHead> {
    return (await this.finished(runId)).endpoint.remote.keptHead(address);
  }

  private finished(runId: number): Promise<Running> {
    if (this.running === null || this.runId !== runId) throw new Error('this inspection is no longer open');
    return this.running;
  }

  private currentRun(): number | null {
    return this.runId;
  }

  cancel(runId: number): void {
    if (this.runId === runId) this.stop();
  }

  private stop(): void {
    const { running } = this;
    this.running = null;
    this.runId = null;
    void running?.then(({ worker, endpoint }) => {
      endpoint.close('the inspection was cancelled');
      worker.terminate();
    });
  }

  private start(): Promise<Running> {
    this.running ??= this.create().catch((error: unknown) => {
      this.running = null;
      throw error;
    });
    return this.running;
  }

  private async create(): Promise<Running> {
    const worker = await startBlobWorker(this.scriptUrl, 'gramlens');
    const endpoint = connect<WorkerHostCalls, WorkerCalls>(blobChannel(worker), {
      readBytes: (runId, shard, offset, length) => this.host.readBytes(runId, shard, offset, length),
      event: (runId, event) => this.host.workerEvent(runId, event),
    });
    worker.addEventListener('error', (event) => {
      const message = `the inspection's worker stopped: ${event.message}`;
      endpoint.close(message);
      worker.terminate();
      // The next probe or run starts another worker.
      const { runId } = this;
      this.running = null;
      this.runId = null;
      if (runId !== null) {
        void this.host.workerEvent(runId, { kind: 'failed', message, errorName: 'EngineError', reason: 'internal' });
      }
    });
    return { worker, endpoint };
  }
}
