// The `reference` backend: plain float64, for tests, the parity check, and heads that float32 cannot hold.

import type { Backend } from '../backend';
import { createFloat64Backend } from '../float64Backend';
import { createReferenceOps } from './kernels';

/** Needs nothing, holds nothing. */
export function createReferenceBackend(): Backend {
  return createFloat64Backend('reference', createReferenceOps());
}
