// The page's end of the laboratory's workers: one for the setting on show, one for the sweep, which is ended to cancel it.

import type { RpcSweepNumbers } from '../../src/diagnostics/headResult';
import type { RpcSweepSettings } from '../../src/diagnostics/rpcSweep';
import type { RpcLabRow, RpcLabSettings, RpcLabView } from '../../src/inspection/rpcLab';
import type { KeptHead } from '../../src/inspection/traceStore';
import { connect, type Endpoint } from '../../src/protocol/rpc';
import type { LaboratoryCalls, LaboratoryPageCalls } from '../worker/laboratoryProtocol';
import { blobChannel, startBlobWorker } from './blobWorker';

interface Running {
  readonly worker: Worker;
  readonly endpoint: Endpoint<LaboratoryCalls>;
}

export class LaboratoryWorkers {
  private viewer: Promise<Running> | null = null;
  private sweeper: Running | null = null;
  private sweeps = 0;

  constructor(private readonly scriptUrl: string) {}

  /** The head that `view` and `sweep` are about from now on; a sweep of another one ends. */
  async open(head: KeptHead): Promise<void> {
    this.stopSweep();
    this.viewer ??= this.start(() => Promise.resolve()).catch((error: unknown) => {
      this.viewer = null;
      throw error;
    });
    await (await this.viewer).endpoint.remote.open(head);
  }

  async view(settings: RpcLabSettings): Promise<RpcLabView> {
    if (this.viewer === null) throw new Error('no head was opened in the laboratory');
    return (await this.viewer).endpoint.remote.view(settings);
  }

  /** The heads that `layer` is about from now on. */
  async openLayer(heads: readonly KeptHead[]): Promise<void> {
    if (this.viewer === null) throw new Error('no head was opened in the laboratory');
    await (await this.viewer).endpoint.remote.openLayer(heads);
  }

  async layer(settings: RpcLabSettings): Promise<readonly RpcLabRow[]> {
    if (this.viewer === null) throw new Error('no head was opened in the laboratory');
    return (await this.viewer).endpoint.remote.layer(settings);
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
      end(running);
      return null;
    }
    this.sweeper = running;
    try {
      await running.endpoint.remote.open(head);
      const whole = await running.endpoint.remote.sweep(settings, seed);
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
    if (this.sweeper !== null) end(this.sweeper);
    this.sweeper = null;
  }

  private async start(swept: LaboratoryPageCalls['swept']): Promise<Running> {
    const worker = await startBlobWorker(this.scriptUrl, 'gramlens laboratory');
    const endpoint = connect<LaboratoryPageCalls, LaboratoryCalls>(blobChannel(worker), { swept });
    worker.addEventListener('error', (event) => {
      end({ worker, endpoint }, `the laboratory's worker stopped: ${event.message}`);
      this.viewer = null;
    });
    return { worker, endpoint };
  }
}

function end({ worker, endpoint }: Running, reason = 'the sweep was stopped'): void {
  endpoint.close(reason);
  worker.terminate();
}
