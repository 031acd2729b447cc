// Patterns of the head on show, computed by a worker from its q, k and v: the page itself does nothing that grows with
// N x N, and the host sends no pattern.

import type { KeptHead } from '../../src/inspection/traceStore';
import type { HeadPictures } from '../../src/report/figures/patternCells';
import { startHeadWorker, type HeadWorker } from './headWorker';

export class PictureWorker {
  private running: Promise<HeadWorker> | null = null;
  private busy = false;

  constructor(private readonly scriptUrl: string) {}

  /** Rejects where another head is asked for meanwhile: nobody waits for a head that is off the screen. */
  async pictures(kept: KeptHead): Promise<HeadPictures> {
    if (this.busy) this.stop();
    this.busy = true;
    this.running ??= this.start();
    const { running } = this;
    try {
      return await (await running).calls.pictures(kept);
    } finally {
      if (this.running === running) this.busy = false;
    }
  }

  private start(): Promise<HeadWorker> {
    const running = startHeadWorker(this.scriptUrl, 'head pictures', () => {
      this.running = null;
    });
    running.catch(() => {
      if (this.running === running) this.running = null;
    });
    return running;
  }

  private stop(): void {
    const { running } = this;
    this.running = null;
    void running?.then(
      (worker) => {
        worker.end('another head is on show');
      },
      () => undefined,
    );
  }
}
