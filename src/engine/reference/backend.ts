// The `reference` backend: plain float64, for tests, the parity check, and heads that float32 cannot hold.

import type { Backend } from '../backend';
import { createLayerBackend } from '../layerBackend';
import { createReferenceOps } from './kernels';

/** Needs nothing, holds nothing. */
export function createReferenceBackend(): Backend {
  return createLayerBackend('reference', 'float64', createReferenceOps());
}
