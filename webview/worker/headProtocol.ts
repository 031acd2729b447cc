// Between the inspector page and its workers for one head: its pictures, and the RPC laboratory.

import type { RpcSweepNumbers } from '../../src/diagnostics/headResult';
import type { RpcSweepSettings } from '../../src/diagnostics/rpcSweep';
import type { RpcLabRow, RpcLabSettings } from '../../src/inspection/rpcLab';
import type { KeptHead } from '../../src/inspection/traceStore';
import type { HeadPictures } from '../../src/report/figures/patternCells';
import type { RpcLabPictures } from '../../src/report/figures/rpcLabFigures';

export interface HeadCalls {
  /** Patterns and tensors of a head, with everything that grows with N x N done. */
  pictures(head: KeptHead): Promise<HeadPictures>;
  /** The head that `view` and `sweep` are about from now on. */
  open(head: KeptHead): Promise<void>;
  view(settings: RpcLabSettings): Promise<RpcLabPictures>;
  /** The heads of a layer that `layer` is about. */
  openLayer(heads: readonly KeptHead[]): Promise<void>;
  layer(settings: RpcLabSettings): Promise<readonly RpcLabRow[]>;
  /** Tells `swept` what is known after each row; resolves with the whole. */
  sweep(settings: RpcSweepSettings, seed: number): Promise<RpcSweepNumbers>;
}

export interface HeadPageCalls {
  swept(known: RpcSweepNumbers): Promise<void>;
}
