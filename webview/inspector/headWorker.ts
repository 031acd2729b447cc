// Starts and ends the workers that compute for one head.

import { connect } from '../../src/protocol/rpc';
import type { HeadCalls, HeadPageCalls } from '../worker/headProtocol';
import { blobChannel, startBlobWorker } from './blobWorker';

export interface HeadWorker {
  readonly calls: HeadCalls;
  /** Its calls that are not answered reject with the reason. */
  end(reason: string): void;
}

/** `onFailed`: it threw and is ended; whoever comes next needs another. */
export async function startHeadWorker(
  scriptUrl: string,
  name: string,
  onFailed: () => void,
  swept: HeadPageCalls['swept'] = () => Promise.resolve(),
): Promise<HeadWorker> {
  const worker = await startBlobWorker(scriptUrl, name);
  const endpoint = connect<HeadPageCalls, HeadCalls>(blobChannel(worker), { swept });
  const end = (reason: string): void => {
    endpoint.close(reason);
    worker.terminate();
  };
  worker.addEventListener('error', (event) => {
    end(`the ${name} worker stopped: ${event.message}`);
    onFailed();
  });
  return { calls: endpoint.remote, end };
}
