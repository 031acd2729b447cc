// Node's two ends of a worker thread as channels of the typed calls.

import type { MessagePort, Worker } from 'node:worker_threads';
import type { Channel } from '../../protocol/rpc';

export function workerChannel(worker: Worker): Channel {
  return {
    post: (message) => {
      worker.postMessage(message);
    },
    onMessage: (listener) => {
      worker.on('message', listener);
    },
  };
}

export function portChannel(port: MessagePort): Channel {
  return {
    post: (message) => {
      port.postMessage(message);
    },
    onMessage: (listener) => {
      port.on('message', listener);
    },
  };
}
