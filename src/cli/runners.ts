// Who runs an inspection for the command line: a worker thread, or this thread for WebGPU, and what takes over when a
// GPU fails.

import { join } from 'node:path';
import { isDeviceLoss, onCpu } from '../inspection/gpuFallback';
import type { Attempt, Fallback } from '../inspection/gpuFallback';
import type { InspectionRequest } from '../inspection/inspectionRequest';
import type { CheckpointFile } from '../inspection/node/checkpointFile';
import { createLocalRunner } from '../inspection/node/localRunner';
import type { RunnerCalls, RunnerHostCalls, RunOptions } from '../inspection/node/localRunner';
import { startThreadRunner } from '../inspection/node/threadRunner';
import { openDawn, openDawnGraphs } from './nodeWebGpu';
import type { ProgressLine } from './progressLine';

/** dist/runner.js, beside this bundle. */
export const runnerScript = join(__dirname, 'runner.js');

/** The runner that is at work, and after a fall-back the one that took over. */
export class Runners {
  private current: RunnerCalls | null = null;
  private ending: () => Promise<void> = () => Promise.resolve();

  constructor(
    private readonly file: CheckpointFile,
    private readonly threads: number,
    private readonly options: RunOptions,
  ) {}

  /** A worker thread, or this thread for WebGPU. */
  start(request: InspectionRequest, host: RunnerHostCalls): Promise<Attempt> {
    let runner: RunnerCalls;
    if (request.backend === 'webgpu') {
      runner = createLocalRunner(runnerScript, host, { openBackend: openDawn, openGraphs: openDawnGraphs });
      this.ending = () => Promise.resolve();
    } else {
      const thread = startThreadRunner(runnerScript, host);
      runner = thread;
      this.ending = () => thread.stop();
    }
    this.current = runner;
    return Promise.resolve({
      run: (attempt) => runner.run(attempt, this.file, this.threads, this.options),
      stop: this.ending,
    });
  }

  get finished(): RunnerCalls {
    if (this.current === null) throw new Error('no inspection was started');
    return this.current;
  }

  stop(): Promise<void> {
    return this.ending();
  }
}

/** `auto` goes on with cpu when the GPU fails; what was demanded with --backend webgpu (`asked`) fails. */
export function cpuFallback(request: InspectionRequest, asked: string, line: ProgressLine): Fallback | null {
  if (request.backend !== 'webgpu' || asked !== 'auto') return null;
  return (known, error) => {
    const lost = isDeviceLoss(error);
    const heads = `${known.length} ${known.length === 1 ? 'head' : 'heads'}`;
    const what = lost ? 'The WebGPU device was lost' : `WebGPU failed (${error.message.replace(/\.$/, '')})`;
    line.warn(`${what}; going on with the cpu backend, ${heads} done so far are kept.`);
    const reason = lost ? 'the WebGPU device was lost half-way' : `WebGPU failed half-way (${error.message})`;
    return onCpu(request, `${reason}; finished on cpu`, known);
  };
}
