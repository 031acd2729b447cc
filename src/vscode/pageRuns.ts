// Runs on the inspector page's GPU: gives the page's worker the bytes it asks for, and carries its events back.

import { openBytes, type CheckpointFile, type OpenBytes } from '../inspection/node/checkpointFile';
import { hashBeside } from '../inspection/node/hashBeside';
import type { RunnerHostCalls } from '../inspection/node/localRunner';
import type { PageCalls, RunnerEvent } from '../protocol/messages';
import type { WorkerHost } from './pageHandlers';
import { pageRunner } from './runners';
import type { PageRunner, Runner } from './runners';

/** Larger messages block the extension host's pipe; the worker asks again for the next piece. */
const maxChunkBytes = 8 * 1024 * 1024;

interface ActiveRun {
  readonly runner: PageRunner;
  readonly bytes: OpenBytes;
}

export class PageRuns implements WorkerHost {
  private nextRunId = 1;
  private active: ActiveRun | null = null;

  /** `runnerScript` is dist/runner.js. */
  constructor(private readonly runnerScript: string) {}

  async start(page: PageCalls, host: RunnerHostCalls, file: CheckpointFile): Promise<Runner> {
    await this.finish();
    const bytes = openBytes(file);
    const runner = pageRunner(this.nextRunId, page, host);
    this.nextRunId += 1;
    this.active = { runner, bytes };
    return {
      run: async (request) => {
        // The page sees single layers only: the whole file is hashed here, beside the run.
        const hashing = new AbortController();
        const hash = hashBeside(this.runnerScript, file, request.index.byteLength, hashing.signal);
        hash.catch(() => undefined);
        try {
          const result = await runner.run(request);
          const { provenance } = result;
          const checkpoint = { ...provenance.checkpoint, sha256: await hash };
          return { ...result, provenance: { ...provenance, checkpoint } };
        } finally {
          hashing.abort();
          await bytes.close();
        }
      },
      headDetail: (layer, head) => runner.headDetail(layer, head),
      keptHead: (layer, head) => runner.keptHead(layer, head),
      stop: async () => {
        await runner.stop();
        if (this.active?.runner === runner) await this.finish();
      },
    };
  }

  /**
   * An exact-size copy: a view would take its whole backing buffer through the message. Nothing but the files of the
   * running checkpoint can be read, whatever the page asks for.
   */
  async readBytes(runId: number, shard: string | null, offset: number, length: number): Promise<Uint8Array> {
    const { active } = this;
    if (active?.runner.runId !== runId) throw new Error('this run is over');
    const source = await active.bytes.source(shard ?? undefined);
    const inside = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
    if (!inside || length > maxChunkBytes || offset + length > source.byteLength) {
      throw new Error(`bytes ${offset}..${offset + length} were asked for, which the file or the limit does not allow`);
    }
    return new Uint8Array(await source.read(offset, length));
  }

  workerEvent(runId: number, event: RunnerEvent): void {
    if (this.active?.runner.runId === runId) this.active.runner.receive(event);
  }

  /** The inspector tab was closed. */
  pageClosed(): void {
    this.active?.runner.pageClosed();
  }

  private async finish(): Promise<void> {
    const { active } = this;
    this.active = null;
    await active?.bytes.close();
  }
}
