// Language models from file names to logits against PyTorch (float64, see test/fixtures/text), on `reference` and both
// precisions of `cpu`.

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import type { Backend } from '../../../src/engine/backend';
import { forwardBackends, forwardTolerance } from './forwardBackends';
import { checkCase, loadCase, textCases } from './textCases';

for (const { kind, precision, make } of forwardBackends) {
  describe(`engine: language models against PyTorch, ${kind} in ${precision}`, () => {
    let backend: Backend;
    before(async () => {
      backend = await make();
    });

    for (const text of textCases) {
      it(`${text.name}: embedding, hidden states, logits`, async () => {
        assert.equal(loadCase(text).spec.family, text.family);
        await checkCase(backend, text, forwardTolerance[precision]);
      });
    }
  });
}
