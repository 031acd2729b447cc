// The page's end of the laboratory's workers: one for the setting on show, one for the sweep, which is ended to cancel it.

import type { RpcSweepNumbers } from '../../src/diagnostics/headResult';
import type { RpcSweepSettings } from '../../src/diagnostics/rpcSweep';
import type { RpcLabRow, RpcLabSettings } from '../../src/inspection/rpcLab';
import type { KeptHead } from '../../src/inspection/traceStore';
import type { RpcLabPictures } from '../../src/report/figures/rpcLabFigures';
import type { HeadPageCalls } from '../worker/headProtocol';
import { startHeadWorker, type HeadWorker } from './headWorker';

const stopped = 'the sweep was stopped';

export class LaboratoryWorkers {
  private viewer: Promise<HeadWorker> | null = null;
  private sweeper: HeadWorker | null = null;
  private sweeps = 0;

  constructor(private readonly scriptUrl: string) {}

  /** The head that `view` and `sweep` are about from now on; a sweep of another one ends. */
  async open(head: KeptHead): Promise<void> {
    this.stopSweep();
    this.viewer ??= this.start(() => Promise.resolve()).catch((error: unknown) => {
      this.viewer = null;
      throw error;
    });
    await (await this.viewer).calls.open(head);
  }

  async view(settings: RpcLabSettings): Promise<RpcLabPictures> {
    if (this.viewer === null) throw new Error('no head was opened in the laboratory');
    return (await this.viewer).calls.view(settings);
  }

  /** The heads that `layer` is about from now on. */
  async openLayer(heads: readonly KeptHead[]): Promise<void> {
    if (this.viewer === null) throw new Error('no head was opened in the laboratory');
    await (await this.viewer).calls.openLayer(heads);
  }

  async layer(settings: RpcLabSettings): Promise<readonly RpcLabRow[]> {
    if (this.viewer === null) throw new Error('no head was opened in the laboratory');
    return (await this.viewer).calls.layer(settings);
  }

  /** Resolves with null where another sweep took its place or it was stopped. */
  async sweep(
    head: KeptHead,
    settings: RpcSweepSettings,
    seed: number,
    onKnown: (known: RpcSweepNumbers) => void,
  ): Promise<RpcSweepNumbers | null> {
    this.stopSweep();
    const mine = this.sweeps;
    const running = await this.start((known) => {
      if (mine === this.sweeps) onKnown(known);
      return Promise.resolve();
    });
    const current = (): boolean => mine === this.sweeps;
    if (!current()) {
      running.end(stopped);
      return null;
    }
    this.sweeper = running;
    try {
      await running.calls.open(head);
      const whole = await running.calls.sweep(settings, seed);
      return current() ? whole : null;
    } catch (error) {
      if (!current()) return null;
      throw error;
    } finally {
      if (current()) this.stopSweep();
    }
  }

  stopSweep(): void {
    this.sweeps += 1;
    this.sweeper?.end(stopped);
    this.sweeper = null;
  }

  private start(swept: HeadPageCalls['swept']): Promise<HeadWorker> {
    return startHeadWorker(
      this.scriptUrl,
      'laboratory',
      () => {
        this.viewer = null;
      },
      swept,
    );
  }
}
