// Between the inspector page and the workers of its RPC laboratory.

import type { RpcSweepNumbers } from '../../src/diagnostics/headResult';
import type { RpcSweepSettings } from '../../src/diagnostics/rpcSweep';
import type { RpcLabRow, RpcLabSettings, RpcLabView } from '../../src/inspection/rpcLab';
import type { KeptHead } from '../../src/inspection/traceStore';

export interface LaboratoryCalls {
  /** The head that all later calls are about. */
  open(head: KeptHead): Promise<void>;
  view(settings: RpcLabSettings): Promise<RpcLabView>;
  /** The heads of a layer that `layer` is about. */
  openLayer(heads: readonly KeptHead[]): Promise<void>;
  layer(settings: RpcLabSettings): Promise<readonly RpcLabRow[]>;
  /** Tells `swept` what is known after each row; resolves with the whole. */
  sweep(settings: RpcSweepSettings, seed: number): Promise<RpcSweepNumbers>;
}

export interface LaboratoryPageCalls {
  swept(known: RpcSweepNumbers): Promise<void>;
}
