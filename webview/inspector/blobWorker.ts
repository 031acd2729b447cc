// Starts a worker from a blob: a webview may not load one from its own resources.

import type { Channel } from '../../src/protocol/rpc';

/** `scriptUrl` is one of the extension's bundles. */
export async function startBlobWorker(scriptUrl: string, name: string): Promise<Worker> {
  const response = await fetch(scriptUrl);
  if (!response.ok) throw new Error(`the worker script could not be read (${response.status})`);
  const url = URL.createObjectURL(new Blob([await response.text()], { type: 'text/javascript' }));
  const worker = new Worker(url, { name });
  URL.revokeObjectURL(url);
  return worker;
}

export function blobChannel(worker: Worker): Channel {
  return {
    post: (message, transfer = []) => {
      worker.postMessage(message, [...transfer]);
    },
    onMessage: (listener) => {
      worker.addEventListener('message', (event: MessageEvent<unknown>) => {
        listener(event.data);
      });
    },
  };
}
