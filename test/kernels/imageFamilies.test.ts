// Image families and Whisper's encoder on the webgpu backend: whole networks, from file names to output, against
// PyTorch's numbers.

import { after, before, describe, it } from 'mocha';
import { createWebGpuBackend, type WebGpuBackend } from '../../src/engine/webgpu/webgpuBackend';
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
    backend = await createWebGpuBackend(dawn.device, adapter, { kernels: 'registers' });
  });
  after(() => {
    console.log(`    worst error: ${worst.toExponential(1)}`);
    backend.dispose();
    dawn.device.destroy();
  });

  // What the device tells apart is shapes, norms, activations, pooling; other spellings of the same are for the long run.
  const sameOnTheDevice =
    /v5$|^(timm-registers|mae-encoder|dino-teacher|dinov2-original|hf-mae-v4|hf-vit|hf-msn|timm-swiglu|timm-head-norm-layer|hf-dinov2-(v4|swiglu)|hf-clip-gelu|openclip|flax-(big|scanned)|whisper-openai|segmenter-(mask$|symmetric))/;
  for (const model of imageCases) {
    if (process.env['GRAMLENS_FULL'] !== '1' && sameOnTheDevice.test(model.name)) continue;
    it(`${model.name} against PyTorch`, async () => {
      worst = Math.max(worst, (await checkImageCase(backend, model, float32Tolerance)).worst);
    });
  }
});
