// Image families and Whisper's encoder on the webgpu backend: whole networks, from file names to output, against
// PyTorch's numbers. Which of them run every time: test/unit/engine/familyNumbers.ts.

import { after, before, describe, it } from 'mocha';
import { full } from '../setup/full';
import { createWebGpuBackend, type WebGpuBackend } from '../../src/engine/webgpu/webgpuBackend';
import { everyTimeOnWebGpu } from '../unit/engine/familyNumbers';
import { checkImageCase, imageCases } from '../unit/engine/imageCases';
import { openDawn, type Dawn } from './dawn';
import { float32Tolerance } from './geometries';

describe('webgpu: image families', () => {
  let dawn: Dawn;
  let backend: WebGpuBackend;
  let worst = 0;

  before(async () => {
    dawn = await openDawn();
    const adapter = { description: dawn.description, isFallback: dawn.isFallback, info: dawn.adapter.info };
    backend = await createWebGpuBackend(dawn.device, adapter, { kernels: 'quads' });
  });
  after(() => {
    console.log(`    worst error: ${worst.toExponential(1)}`);
    backend.dispose();
    dawn.device.destroy();
  });

  for (const model of imageCases) {
    if (!full && !Object.hasOwn(everyTimeOnWebGpu, model.name)) continue;
    it(`${model.name} against PyTorch`, async () => {
      worst = Math.max(worst, (await checkImageCase(backend, model, float32Tolerance)).worst);
    });
  }
});
