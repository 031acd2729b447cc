// Entry of dist/hash.js, a worker thread that hashes one checkpoint while other threads compute, and ends.

import { parentPort, workerData } from 'node:worker_threads';
import { hashCheckpoint, type CheckpointFile } from './checkpointFile';

const port = parentPort;
if (port === null) throw new Error('hash.js runs as a worker thread only');
// A rejection ends the thread: its error arrives where it was started.
void hashCheckpoint(workerData as CheckpointFile).then((hash) => {
  port.postMessage(hash);
});
