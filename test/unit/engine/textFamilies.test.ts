// Language models from file names to logits against PyTorch (float64, see test/fixtures/text), on both float64
// backends.

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import type { Backend } from '../../../src/engine/backend';
import { createCpuBackend } from '../../../src/engine/cpu/backend';
import { createReferenceBackend } from '../../../src/engine/reference/backend';
import { checkCase, loadCase, textCases } from './textCases';

/** Spec section 10, float64: relative to max |.|. */
const tolerance = 1e-9;

for (const [name, make] of [
  ['reference', () => Promise.resolve(createReferenceBackend())],
  ['cpu', createCpuBackend],
] as const) {
  describe(`engine: language models against PyTorch, ${name}`, () => {
    let backend: Backend;
    before(async () => {
      backend = await make();
    });

    for (const text of textCases) {
      it(`${text.name}: embedding, hidden states, logits`, async () => {
        assert.equal(loadCase(text).spec.family, text.family);
        await checkCase(backend, text, tolerance);
      });
    }
  });
}
