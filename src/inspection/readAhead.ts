// Whether the next layer's weights are read while a layer computes: the run goes by it, and so does its plan.

import type { TensorIndex } from '../checkpoint/tensorIndex';
import { layerMemory } from '../model/loadWeights';
import type { ModelSpec } from '../model/modelSpec';

/** Layers larger than this (float32) are not read ahead: a second one in memory costs more than waiting for the disk. */
const largestReadAhead = 128 * 2 ** 20;

/** Bytes of the largest layer as float32. */
export function largestLayerMemory(index: TensorIndex, spec: ModelSpec): number {
  return Math.max(0, ...spec.blocks.map((_, layer) => layerMemory(index, spec, layer)));
}

/** Layers so large that one is in memory at a time. */
export function oneLayerAtATime(index: TensorIndex, spec: ModelSpec): boolean {
  return largestLayerMemory(index, spec) > largestReadAhead;
}
