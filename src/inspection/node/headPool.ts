// Worker threads that diagnose heads: each takes the next piece of work on them as soon as it is free. Owned by one
// run and gone with it.

import { Worker } from 'node:worker_threads';
import { headJobs, type HeadWork, type OnHead } from '../../diagnostics/diagnoseHead';
import type { DiagnosticsOptions, HeadInput } from '../../diagnostics/headInput';
import { connect } from '../../protocol/rpc';
import type { Endpoint } from '../../protocol/rpc';
import { workerChannel } from './channels';
import { countingThread, type CountingThread } from './computedWork';

/** Which float64 kernels a head worker uses; 'reference' only for the reference backend. */
export type KernelChoice = 'wasm' | 'reference';

export interface ThreadData extends CountingThread {
  readonly role: 'runner' | 'heads';
  readonly kernels: KernelChoice;
}

/**
 * Room for new objects, of which arrays outside the heap count as part: V8's own choice lets each thread pile up a
 * hundred megabytes of dead ones before it collects them. Smaller rooms are collected more often (4 % more CPU).
 */
export const resourceLimits = { maxYoungGenerationSizeMb: 6 };

interface Member {
  readonly worker: Worker;
  readonly endpoint: Endpoint<HeadWork>;
}

export class HeadPool {
  private readonly members: Member[];

  /** `script` is the bundle with `runnerThread.ts`. */
  constructor(script: string, size: number, kernels: KernelChoice) {
    this.members = Array.from({ length: size }, () => {
      const worker = new Worker(script, {
        workerData: { role: 'heads', kernels, ...countingThread } satisfies ThreadData,
        resourceLimits,
      });
      const endpoint = connect<object, HeadWork>(workerChannel(worker), {});
      worker.on('error', (error) => {
        endpoint.close(`a head worker stopped: ${error.message}`);
      });
      worker.on('exit', () => {
        endpoint.close('a head worker stopped before it was done');
      });
      return { worker, endpoint };
    });
  }

  async diagnoseHeads(inputs: readonly HeadInput[], options: DiagnosticsOptions, onHead: OnHead): Promise<void> {
    const queue = headJobs(inputs, options, onHead);
    const drain = async ({ endpoint }: Member): Promise<void> => {
      for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
        try {
          await job(endpoint.remote);
        } catch (error) {
          // Nobody waits for the heads that are left.
          queue.length = 0;
          throw error;
        }
      }
    };
    await Promise.all(this.members.map(drain));
  }

  async dispose(): Promise<void> {
    await Promise.all(this.members.map(({ worker }) => worker.terminate()));
  }
}
