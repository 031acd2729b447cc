// The two places an inspection can run: a worker thread beside the file (cpu, reference), or the inspector
// page's worker (webgpu). The session sees one interface.

import type { CheckpointFile } from '../inspection/node/checkpointFile';
import { headComputed, layerComputed } from '../inspection/node/computedWork';
import type { RunnerHostCalls, RunOptions } from '../inspection/node/localRunner';
import { startThreadRunner } from '../inspection/node/threadRunner';
import type { HeadDetail } from '../inspection/headDetail';
import type { KeptHead } from '../inspection/traceStore';
import { toWire } from '../inspection/inspectionRequest';
import type { InspectionRequest } from '../inspection/inspectionRequest';
import type { InspectionResult } from '../inspection/inspectionResult';
import { CancelledError } from '../inspection/cancelledError';
import type { PageCalls, RunnerEvent } from '../protocol/messages';
import { ArrivingResult } from '../protocol/wireResult';

export interface Runner {
  run(request: InspectionRequest): Promise<InspectionResult>;
  headDetail(layer: number, head: number): Promise<HeadDetail>;
  /** What patterns are drawn from, to be saved. */
  keptHead(layer: number, head: number): Promise<KeptHead>;
  /** Ends everything that runs for this inspection. Safe to call twice. */
  stop(): Promise<void>;
  /** What a run that did not come to its end leaves behind, as a sentence; absent or null: nothing. */
  left?(): string | null;
}

export function threadRunner(
  script: string,
  host: RunnerHostCalls,
  file: CheckpointFile,
  threads: number,
  options: RunOptions = {},
): Runner {
  const runner = startThreadRunner(script, host);
  return {
    run: (request) => runner.run(request, file, threads, options),
    headDetail: (layer, head) => runner.headDetail(layer, head),
    keptHead: (layer, head) => runner.keptHead(layer, head),
    stop: () => runner.stop(),
  };
}

/** An error that happened in the page's worker, with what it was there. */
export class WorkerRunError extends Error {
  override readonly name = 'WorkerRunError';
  constructor(
    message: string,
    readonly errorName: string,
    readonly reason: string,
  ) {
    super(message);
  }
}

export interface PageRunner extends Runner {
  readonly runId: number;
  /** The page forwards what its worker says. */
  receive(event: RunnerEvent): void;
  /** The page is gone. */
  pageClosed(): void;
}

export function pageRunner(
  runId: number,
  page: Pick<PageCalls, 'startWorker' | 'cancelWorker' | 'workerHeadDetail' | 'workerKeptHead'>,
  host: RunnerHostCalls,
): PageRunner {
  const arriving = new ArrivingResult();
  let settle: { resolve: (result: InspectionResult) => void; reject: (error: Error) => void } | null = null;
  return {
    runId,
    run: (request) =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
        page.startWorker(runId, toWire(request)).catch((error: unknown) => {
          reject(error instanceof Error ? error : new Error(String(error)));
        });
      }),
    headDetail: (layer, head) => page.workerHeadDetail(runId, { layer, head }),
    keptHead: (layer, head) => page.workerKeptHead(runId, { layer, head }),
    stop: async () => {
      settle?.reject(new CancelledError());
      // A page that is gone has taken its worker with it.
      await page.cancelWorker(runId).catch(() => undefined);
    },
    receive: (event) => {
      if (event.kind === 'progress') void host.progress(event.label, event.fraction);
      else if (event.kind === 'layer') layerComputed();
      else if (event.kind === 'head') {
        headComputed();
        void host.head(event.layer, event.head);
      } else if (event.kind === 'failed') {
        settle?.reject(new WorkerRunError(event.message, event.errorName, event.reason));
      } else {
        const result = arriving.receive(event);
        if (result !== null) settle?.resolve(result);
      }
    },
    pageClosed: () => {
      settle?.reject(
        new WorkerRunError(
          'The inspector tab was closed, and with it the WebGPU device that ran the inspection.',
          'EngineError',
          'deviceLost',
        ),
      );
    },
  };
}
