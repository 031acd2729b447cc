// How much this process has computed, on all of its threads together: layers carried forward, heads measured. What is
// shown from disk adds nothing to it, and the output channel says so.

import { isMainThread, workerData } from 'node:worker_threads';

export interface ComputedWork {
  readonly layers: number;
  readonly heads: number;
}

/** What a thread is handed, so that it counts where its parent does. */
export interface CountingThread {
  readonly computed: SharedArrayBuffer;
}

const handed = isMainThread ? null : (workerData as Partial<CountingThread> | null);
/** [layers, heads] */
const shared = handed?.computed ?? new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
const counts = new Int32Array(shared);

export const countingThread: CountingThread = { computed: shared };

export function layerComputed(): void {
  Atomics.add(counts, 0, 1);
}

export function headComputed(): void {
  Atomics.add(counts, 1, 1);
}

/** Since this process started. */
export function computedWork(): ComputedWork {
  return { layers: Atomics.load(counts, 0), heads: Atomics.load(counts, 1) };
}
