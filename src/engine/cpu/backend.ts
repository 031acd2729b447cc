// The `cpu` backend: WebAssembly SIMD in float64, so that the metrics of a run meet the tolerances of spec
// section 10 on every backend. Runs wherever WebAssembly does: Node, its worker threads, workers of a page.

import type { Backend } from '../backend';
import { createFloat64Backend } from '../float64Backend';
import { createCpuOps } from './kernels';

/** A backend on its own WebAssembly instance; make one a thread. */
export async function createCpuBackend(): Promise<Backend> {
  return createFloat64Backend('cpu', await createCpuOps());
}
