// Worker for one head at a time: computes its patterns from the kept q, k, v, and RPC with the laboratory's settings, in
// float64. The page starts several, so that nothing keeps a person's next wish waiting; ending one ends its work.

import { rpcSweepSteps } from '../../src/diagnostics/rpcSweep';
import { createCpuKernels } from '../../src/engine/cpu/kernels';
import { labInput, rpcLab, rpcLabRows } from '../../src/inspection/rpcLab';
import { headDetail, type KeptHead } from '../../src/inspection/traceStore';
import { connect, moving } from '../../src/protocol/rpc';
import { withCoarserCells } from '../../src/report/figures/coarserCells';
import { headPictures, patternCells } from '../../src/report/figures/patternCells';
import type { HeadCalls, HeadPageCalls } from './headProtocol';

const kernels = createCpuKernels();
let head: KeptHead | null = null;
let layer: readonly KeptHead[] = [];

function opened(): KeptHead {
  if (head === null) throw new Error('no head was opened in the laboratory');
  return head;
}

/** Patterns of thousands of tokens would take the page's time if they were copied. */
function withoutCopy<T extends object>(reply: T): T {
  const buffers = new Set<ArrayBuffer>();
  const collect = (value: unknown): void => {
    if (ArrayBuffer.isView(value)) buffers.add(value.buffer as ArrayBuffer);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
  };
  collect(reply);
  return moving(reply, [...buffers]);
}

const { remote: page } = connect<HeadCalls, HeadPageCalls>(
  {
    post: (message, transfer = []) => {
      self.postMessage(message, { transfer: [...transfer] });
    },
    onMessage: (listener) => {
      self.addEventListener('message', (event: MessageEvent<unknown>) => {
        listener(event.data);
      });
    },
  },
  {
    pictures: async (kept) => withoutCopy(withCoarserCells(headPictures(headDetail(kept, await kernels)))),
    open: (kept) => {
      head = kept;
      return Promise.resolve();
    },
    view: async (settings) => {
      const { softmaxPattern, rpcPattern, ...view } = rpcLab(opened(), settings, await kernels);
      const { tokens, rule } = view;
      const masked = rule.causal || rule.window !== null;
      const patterns = patternCells({ tokens, ...(masked ? { rule } : {}), softmaxPattern, rpcPattern });
      return withoutCopy({ ...view, patterns: withCoarserCells(patterns) });
    },
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
