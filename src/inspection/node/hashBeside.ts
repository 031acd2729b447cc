// The checkpoint's SHA-256 beside a run: small files between its steps, large ones on a thread of their own, because the
// thread that runs the network would come to them only when it is done.

import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CheckpointError } from '../../checkpoint/checkpointError';
import { hashCheckpoint, type CheckpointFile } from './checkpointFile';

/** Hashed in the time that a thread takes to start. */
const largestHere = 64 * 2 ** 20;

/**
 * As `hashCheckpoint`; each file is read once, as a stream. `script`: any bundle beside dist/hash.js; `byteLength`: of
 * the checkpoint. Rejects with the signal's reason when it is aborted, which also ends the thread.
 */
export async function hashBeside(
  script: string,
  file: CheckpointFile,
  byteLength: number,
  signal: AbortSignal,
): Promise<string | null> {
  if (!('path' in file) || byteLength <= largestHere) return hashCheckpoint(file, signal);
  signal.throwIfAborted();
  const worker = new Worker(join(dirname(script), 'hash.js'), { workerData: file });
  const end = (): void => void worker.terminate();
  signal.addEventListener('abort', end);
  try {
    return await new Promise<string | null>((resolve, reject) => {
      worker.on('message', resolve);
      worker.on('error', (error) => {
        // Classes do not survive the way out of a thread; its own errors are about files.
        reject(new CheckpointError('unreadable', error.message));
      });
      worker.on('exit', () => {
        reject(new Error('hashing was stopped'));
      });
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}
