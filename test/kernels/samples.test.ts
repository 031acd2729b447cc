// The samples on WebGPU: the float32 forward pass against the float64 reference, and the metrics against cpu.

import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { createWebGpuBackend } from '../../src/engine/webgpu/webgpuBackend';
import type { WebGpuBackend } from '../../src/engine/webgpu/webgpuBackend';
import { relativeError } from '../../src/inspection/parity';
import { numbersOf, runHere, sampleRequest, samples } from '../unit/inspection/sampleRun';
import { openDawn } from './dawn';
import type { Dawn } from './dawn';

/** Spec section 10: what a float32 tool may differ, relative to max |.|. */
const float32Tolerance = 2e-4;
/** Bar of RPC on float32 backends. */
const rpcTolerance = 1e-3;

describe('the samples on webgpu', () => {
  let dawn: Dawn;
  let backend: WebGpuBackend;

  before(async () => {
    dawn = await openDawn();
    backend = await createWebGpuBackend(dawn.device, dawn);
  });
  after(() => {
    backend.dispose();
    dawn.device.destroy();
  });

  for (const sample of samples) {
    it(`${sample}: tensors are the reference's, metrics are cpu's`, async () => {
      const choices = { layers: [0, 1, 5], heads: [0, 2] };
      const gpu = await runHere(sample, await sampleRequest(sample, 'webgpu', choices), backend);
      const cpu = await runHere(sample, await sampleRequest(sample, 'cpu', choices));
      const none = { noise: { kinds: [], levels: {}, repeats: 1 }, nulls: 0, twins: 0 } as const;
      const reference = await runHere(sample, await sampleRequest(sample, 'reference', { ...choices, ...none }));
      const want = new Map(reference.tensors.map((tensor) => [tensor.name, tensor]));
      assert.deepEqual(
        gpu.tensors.map((tensor) => tensor.name),
        [...want.keys()],
      );
      for (const { name, data, shape } of gpu.tensors) {
        assert.ok(data instanceof Float32Array, `${name} is float32 as computed`);
        assert.deepEqual(shape, want.get(name)!.shape);
        const error = relativeError(data, want.get(name)!.data);
        const tolerance = name.endsWith('.rpc') ? rpcTolerance : float32Tolerance;
        assert.ok(error <= tolerance, `${name}: ${error} of max`);
      }
      assert.deepEqual(numbersOf(gpu.result.layers), numbersOf(cpu.result.layers));
      const { provenance } = gpu.result;
      assert.deepEqual(
        [provenance.backend, provenance.precision, provenance.metricsPrecision],
        ['webgpu', 'float32', 'float64'],
      );
      assert.ok(provenance.parity.maxRelError! > 0 && provenance.parity.maxRelError! < rpcTolerance);
    });
  }
});
