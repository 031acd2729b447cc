// Every image family (and Whisper's encoder) end to end: names and shapes to a spec, weights through the loader, a
// forward pass on `reference` and both precisions of `cpu`, against PyTorch modules.

import { before, describe, it } from 'mocha';
import type { Backend } from '../../../src/engine/backend';
import { forwardBackends, forwardTolerance } from './forwardBackends';
import { checkImageCase, imageCases } from './imageCases';

for (const { kind, precision, make } of forwardBackends) {
  describe(`engine: image families against PyTorch, ${kind} in ${precision}`, () => {
    let backend: Backend;
    before(async () => {
      backend = await make();
    });

    for (const model of imageCases) {
      it(`${model.name}: embedding, hidden states, pattern, output`, async () => {
        await checkImageCase(backend, model, forwardTolerance[precision]);
      });
    }
  });
}
