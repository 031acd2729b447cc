// tfjs's activations on the device against float64: WGSL has no erf, so GELU hangs on an approximation of it.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { createReferenceOps } from '../../src/engine/reference/kernels';
import { activation, read, tensorOf, TensorFlow } from '../../src/engine/webgpu/tensorFlow';
import { openDawn, type Dawn } from './dawn';

/** Absolute error for |x| <= 4: erf is approximated to 1.5e-7, times x/2, plus float32 round-off. */
const activationTolerance = 1e-6;

describe('webgpu: activations', () => {
  let dawn: Dawn;
  let flow: TensorFlow;

  before(async () => {
    dawn = await openDawn();
    flow = new TensorFlow(dawn.device, dawn.adapter.info);
    await flow.start();
  });
  after(() => {
    flow.dispose();
    dawn.device.destroy();
  });

  for (const kind of ['gelu', 'gelu_tanh', 'relu'] as const) {
    it(`computes ${kind} to ${activationTolerance}`, async () => {
      const x = Float64Array.from({ length: 8001 }, (_, i) => Math.fround((i - 4000) / 1000));
      const far = Float64Array.of(-1e4, -100, -40, -20, 20, 40, 100, 1e4);
      const close = flow.openScope('activation');
      const near = await read(activation(kind, tensorOf(x, [x.length], 'x')), kind);
      const distant = await read(activation(kind, tensorOf(far, [far.length], 'x')), kind);
      close();
      const expected = Float64Array.from(createReferenceOps().activate(kind, x));
      const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - near[i]!)), 0);
      console.log(`      ${kind}: worst absolute error ${worst.toExponential(1)}`);
      assert.ok(worst <= activationTolerance, `${kind} is off by ${worst}`);
      far.forEach((value, i) => {
        assert.ok(
          Math.abs(distant[i]! - Math.max(value, 0)) <= 1e-6 * Math.abs(value),
          `${kind}(${value}) = ${distant[i]!}`,
        );
      });
    });
  }
});
