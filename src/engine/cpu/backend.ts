// The `cpu` backend: WebAssembly SIMD. In float64 the metrics of a run meet the tolerances of spec section 10 on every
// backend; in float32 products cost half. Runs wherever WebAssembly does: Node, its worker threads, workers of a page.

import type { Backend } from '../backend';
import { createLayerBackend } from '../layerBackend';
import { createCpuOps, createFloat32CpuOps } from './kernels';

/** A backend on its own WebAssembly instance; make one a thread. */
export async function createCpuBackend(precision: Backend['precision'] = 'float64'): Promise<Backend> {
  return createLayerBackend('cpu', precision, await (precision === 'float64' ? createCpuOps() : createFloat32CpuOps()));
}
