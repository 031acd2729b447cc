// Worker threads that diagnose heads: each takes the next head as soon as it is free. Owned by one run and
// gone with it.

import { Worker } from 'node:worker_threads';
import type { DiagnosticsOptions, HeadInput } from '../../diagnostics/headInput';
import type { HeadResult } from '../../diagnostics/headResult';
import { connect } from '../../protocol/rpc';
import type { Endpoint } from '../../protocol/rpc';
import { workerChannel } from './channels';

/** Which float64 kernels a head worker uses; 'reference' only for the reference backend. */
export type KernelChoice = 'wasm' | 'reference';

export interface HeadWorkerCalls {
  diagnose(input: HeadInput, options: DiagnosticsOptions): Promise<HeadResult>;
}

export interface ThreadData {
  readonly role: 'runner' | 'heads';
  readonly kernels: KernelChoice;
}

interface Member {
  readonly worker: Worker;
  readonly endpoint: Endpoint<HeadWorkerCalls>;
}

export class HeadPool {
  private readonly members: Member[];

  /** `script` is the bundle with `runnerThread.ts`. */
  constructor(script: string, size: number, kernels: KernelChoice) {
    this.members = Array.from({ length: size }, () => {
      const worker = new Worker(script, { workerData: { role: 'heads', kernels } satisfies ThreadData });
      const endpoint = connect<object, HeadWorkerCalls>(workerChannel(worker), {});
      worker.on('error', (error) => {
        endpoint.close(`a head worker stopped: ${error.message}`);
      });
      worker.on('exit', () => {
        endpoint.close('a head worker stopped before it was done');
      });
      return { worker, endpoint };
    });
  }

  async diagnoseHeads(
    inputs: readonly HeadInput[],
    options: DiagnosticsOptions,
    onHead: (head: HeadResult) => void,
  ): Promise<void> {
    const queue = [...inputs];
    const drain = async ({ endpoint }: Member): Promise<void> => {
      for (let input = queue.shift(); input !== undefined; input = queue.shift()) {
        try {
          onHead(await endpoint.remote.diagnose(input, options));
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
