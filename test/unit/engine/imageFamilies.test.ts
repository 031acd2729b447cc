// Every image family (and Whisper's encoder) end to end: names and shapes to a spec, weights through the loader, a
// forward pass on both float64 backends, against PyTorch modules.

import { before, describe, it } from 'mocha';
import type { Backend } from '../../../src/engine/backend';
import { createCpuBackend } from '../../../src/engine/cpu/backend';
import { createReferenceBackend } from '../../../src/engine/reference/backend';
import { checkImageCase, imageCases } from './imageCases';

/** Spec section 10, float64: hidden states, pattern and output relative to max |.|. */
const tolerance = 1e-9;

for (const [backendName, make] of [
  ['reference', () => Promise.resolve(createReferenceBackend())],
  ['cpu', createCpuBackend],
] as const) {
  describe(`engine: image families against PyTorch, ${backendName}`, () => {
    let backend: Backend;
    before(async () => {
      backend = await make();
    });

    for (const model of imageCases) {
      it(`${model.name}: embedding, hidden states, pattern, output`, async () => {
        await checkImageCase(backend, model, tolerance);
      });
    }
  });
}
