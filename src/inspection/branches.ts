// Runs of the network that leave the clean one somewhere and go on beside it (ablation.ts, networkNoiseRuns.ts): each is a
// residual stream, and all of them share the weights of a layer while it is in memory.

import type { Backend, LayerOptions, Residual } from '../engine/backend';
import { specOfLayer } from '../model/blockShape';
import type { ModelSpec } from '../model/modelSpec';
import type { BlockWeights } from '../model/weights';

export interface Branch {
  residual: Residual;
}

/** Bytes that branches may hold together: about what the weights of one layer of a large model take. */
export const largestBranchBytes = 2 ** 30;

/** Bytes of one residual stream [N, C] where it is widest. */
export function streamBytes(spec: ModelSpec): number {
  const sizes = spec.blocks.map((_, layer) => {
    const { tokens, embedDim } = specOfLayer(spec, layer);
    return tokens * embedDim;
  });
  return Math.max(...sizes) * Float64Array.BYTES_PER_ELEMENT;
}

/** Carries `branches` through a layer; `optionsOf` says which attention flows on in each. */
export async function carryBranches<T extends Branch>(
  branches: readonly T[],
  network: { readonly spec: ModelSpec; readonly backend: Pick<Backend, 'runLayer'>; readonly weights: BlockWeights },
  optionsOf: (branch: T) => LayerOptions,
  check: () => void,
): Promise<void> {
  const { spec, backend, weights } = network;
  for (const branch of branches) {
    branch.residual = (await backend.runLayer(spec, weights, branch.residual, optionsOf(branch))).next;
    check();
  }
}
