// The extension host's and the CLI's handle on a runner thread. Cancelling ends the thread and its head workers
// at once; nothing of the run stays behind.

import { Worker } from 'node:worker_threads';
import { connect } from '../../protocol/rpc';
import { CancelledError } from '../cancelledError';
import { workerChannel } from './channels';
import { countingThread } from './computedWork';
import { resourceLimits, type ThreadData } from './headPool';
import type { RunnerCalls, RunnerHostCalls } from './localRunner';

export interface ThreadRunner extends RunnerCalls {
  /** Ends the thread; an open `run` rejects with CancelledError. Safe to call twice. */
  stop(): Promise<void>;
}

/** Starts dist/runner.js (`script`) as a runner that reports to `host`. */
export function startThreadRunner(script: string, host: RunnerHostCalls): ThreadRunner {
  const workerData: ThreadData = { role: 'runner', kernels: 'wasm', ...countingThread };
  const worker = new Worker(script, { workerData, resourceLimits });
  const endpoint = connect<RunnerHostCalls, RunnerCalls>(workerChannel(worker), host);
  let stopping = false;
  let crash: Error | null = null;
  worker.on('error', (error) => {
    crash = new Error(`the inspection's worker thread stopped: ${error.message}`);
    endpoint.close(crash.message);
  });
  worker.on('exit', () => {
    endpoint.close('the inspection was stopped');
  });
  return {
    run: async (request, file, threads, options) => {
      try {
        return await endpoint.remote.run(request, file, threads, options);
      } catch (error) {
        throw stopping ? new CancelledError() : (crash ?? error);
      }
    },
    headDetail: (layer, head) => endpoint.remote.headDetail(layer, head),
    keptHead: (layer, head) => endpoint.remote.keptHead(layer, head),
    savedDetail: (folder, layer, head) => endpoint.remote.savedDetail(folder, layer, head),
    tensors: () => endpoint.remote.tensors(),
    stop: async () => {
      stopping = true;
      endpoint.close('the inspection was stopped');
      await worker.terminate();
    },
  };
}
