// Worker of the RPC laboratory: holds one kept head and computes RPC with the settings that the page sends, in float64.
// The page starts it twice, so that a sweep does not keep a person's next setting waiting; ending it ends a sweep.

import { rpcSweepSteps } from '../../src/diagnostics/rpcSweep';
import { createCpuKernels } from '../../src/engine/cpu/kernels';
import { labInput, rpcLab, rpcLabRows } from '../../src/inspection/rpcLab';
import type { KeptHead } from '../../src/inspection/traceStore';
import { connect } from '../../src/protocol/rpc';
import type { LaboratoryCalls, LaboratoryPageCalls } from './laboratoryProtocol';

const kernels = createCpuKernels();
let head: KeptHead | null = null;
let layer: readonly KeptHead[] = [];

function opened(): KeptHead {
  if (head === null) throw new Error('no head was opened in the laboratory');
  return head;
}

const { remote: page } = connect<LaboratoryCalls, LaboratoryPageCalls>(
  {
    post: (message) => {
      self.postMessage(message);
    },
    onMessage: (listener) => {
      self.addEventListener('message', (event: MessageEvent<unknown>) => {
        listener(event.data);
      });
    },
  },
  {
    open: (kept) => {
      head = kept;
      return Promise.resolve();
    },
    view: async (settings) => rpcLab(opened(), settings, await kernels),
    openLayer: (heads) => {
      layer = heads;
      return Promise.resolve();
    },
    layer: async (settings) => rpcLabRows(layer, settings, await kernels),
    sweep: async (settings, seed) => {
      const steps = rpcSweepSteps(labInput(opened()), settings, seed, await kernels);
      for (;;) {
        const step = steps.next();
        if (step.done === true) return step.value;
        await page.swept(step.value);
      }
    },
  },
);
