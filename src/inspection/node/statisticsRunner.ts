// The extension host's handle on the thread that computes tensor statistics: one tensor after the other, each of
// which can be cancelled. Cancelling ends the thread at once, whatever it is doing; the next tensor starts another.

import { Worker } from 'node:worker_threads';
import type { TensorEntry } from '../../checkpoint/tensorIndex';
import type { TensorStatistics } from '../../checkpoint/moments';
import { connect } from '../../protocol/rpc';
import type { Endpoint } from '../../protocol/rpc';
import { workerChannel } from './channels';
import type { CheckpointFile } from './checkpointFile';

export interface StatisticsCalls {
  compute(file: CheckpointFile, entry: TensorEntry): Promise<TensorStatistics>;
}

export interface StatisticsHostCalls {
  progress(fraction: number): Promise<void>;
}

interface Thread {
  readonly worker: Worker;
  readonly endpoint: Endpoint<StatisticsCalls>;
}

export class StatisticsRunner {
  private thread: Thread | null = null;
  private onProgress: ((fraction: number) => void) | null = null;
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;

  /** `script` is dist/statistics.js. */
  constructor(private readonly script: string) {}

  /** Rejects with the signal's reason when it is aborted, before or while the tensor is read. */
  compute(
    file: CheckpointFile,
    entry: TensorEntry,
    signal: AbortSignal,
    onProgress: (fraction: number) => void,
  ): Promise<TensorStatistics> {
    const result = this.queue.then(() => this.run(file, entry, signal, onProgress));
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** Ends the thread; open and waiting calls reject. */
  async dispose(): Promise<void> {
    this.closed = true;
    await this.stop('the checkpoint page was closed');
  }

  private async run(
    file: CheckpointFile,
    entry: TensorEntry,
    signal: AbortSignal,
    onProgress: (fraction: number) => void,
  ): Promise<TensorStatistics> {
    signal.throwIfAborted();
    if (this.closed) throw new Error('the checkpoint page was closed');
    this.thread ??= this.start();
    this.onProgress = onProgress;
    const abort = (): void => void this.stop('the statistics were cancelled');
    signal.addEventListener('abort', abort);
    try {
      return await this.thread.endpoint.remote.compute(...alone(file, entry));
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
      this.onProgress = null;
    }
  }

  private start(): Thread {
    const worker = new Worker(this.script);
    const endpoint = connect<StatisticsHostCalls, StatisticsCalls>(workerChannel(worker), {
      progress: (fraction) => {
        this.onProgress?.(fraction);
        return Promise.resolve();
      },
    });
    const ended = (reason: string): void => {
      endpoint.close(reason);
      if (this.thread?.worker === worker) this.thread = null;
    };
    worker.on('error', (error) => {
      ended(`the thread that computes statistics stopped: ${error.message}`);
    });
    worker.on('exit', () => {
      ended('the thread that computes statistics stopped');
    });
    return { worker, endpoint };
  }

  private async stop(reason: string): Promise<void> {
    const { thread } = this;
    this.thread = null;
    thread?.endpoint.close(reason);
    await thread?.worker.terminate();
  }
}

/** What the thread needs for one tensor: paths, or of a checkpoint in memory only the bytes of the tensor. */
function alone(file: CheckpointFile, entry: TensorEntry): [CheckpointFile, TensorEntry] {
  if ('path' in file) return [file, entry];
  const { shard, ...rest } = entry;
  const bytes = (shard === undefined ? file.bytes : file.shards?.get(shard)) ?? new Uint8Array(0);
  const length = entry.deflated?.compressedBytes ?? entry.byteLength;
  const own = bytes.slice(entry.byteOffset, entry.byteOffset + length);
  return [
    { name: shard ?? file.name, bytes: own },
    { ...rest, byteOffset: 0 },
  ];
}
