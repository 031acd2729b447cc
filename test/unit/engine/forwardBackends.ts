// The backends whose forward pass is held against PyTorch, and how far each precision may be from it.

import type { Backend } from '../../../src/engine/backend';
import { createCpuBackend } from '../../../src/engine/cpu/backend';
import { createReferenceBackend } from '../../../src/engine/reference/backend';

/** Spec section 10: q, k, v, attention, h, hidden states and logits, relative to max |.|. */
export const forwardTolerance = { float64: 1e-9, float32: 2e-4 } as const;

interface ForwardBackend {
  readonly kind: Backend['kind'];
  readonly precision: Backend['precision'];
  readonly make: () => Promise<Backend>;
}

export const forwardBackends: readonly ForwardBackend[] = [
  { kind: 'reference', precision: 'float64', make: () => Promise.resolve(createReferenceBackend()) },
  { kind: 'cpu', precision: 'float64', make: () => createCpuBackend('float64') },
  { kind: 'cpu', precision: 'float32', make: () => createCpuBackend('float32') },
];
