// The states of WebGPU that a person must be able to tell apart, and the device with the limits that were granted.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { EngineError } from '../../src/engine/backend';
import { describeAdapter, isSoftware, probeWebGpu, requestDevice } from '../../src/engine/webgpu/probe';
import { dawnGpu, openDawn } from './dawn';

type Request = () => Promise<GPUAdapter | null>;

/** A GPU whose adapter says this of itself. */
function gpuWith(requestAdapter: Request): GPU {
  return { requestAdapter } as unknown as GPU;
}

function adapterWith(info: Partial<GPUAdapterInfo>): GPUAdapter {
  const plain = { vendor: '', architecture: '', device: '', description: '', isFallbackAdapter: false };
  return { info: { ...plain, ...info } } as unknown as GPUAdapter;
}

describe('webgpu: probe', () => {
  it('says that there is no API', async () => {
    const { status, adapter, message } = await probeWebGpu(undefined);
    assert.deepEqual([status, adapter], ['noApi', null]);
    assert.match(message, /there is no navigator.gpu.*cpu backend/);
  });

  it('says that there is no adapter, or why asking failed', async () => {
    const none = await probeWebGpu(gpuWith(() => Promise.resolve(null)));
    assert.equal(none.status, 'noAdapter');
    assert.match(none.message, /offers no adapter/);
    const failed = await probeWebGpu(gpuWith(() => Promise.reject(new Error('blocked by policy'))));
    assert.equal(failed.status, 'noAdapter');
    assert.match(failed.message, /blocked by policy/);
  });

  it('knows hardware from software, by flag and by name', async () => {
    const probe = (info: Partial<GPUAdapterInfo>): ReturnType<typeof probeWebGpu> =>
      probeWebGpu(gpuWith(() => Promise.resolve(adapterWith(info))));
    const card = await probe({ vendor: 'nvidia', architecture: 'ampere' });
    assert.deepEqual(
      [card.status, card.isFallback, card.message],
      ['hardware', false, 'WebGPU runs on nvidia ampere.'],
    );
    for (const info of [
      { isFallbackAdapter: true },
      { vendor: 'google', architecture: 'swiftshader' },
      { description: 'llvmpipe (LLVM 15.0.6, 256 bits)' },
      { description: 'Microsoft Basic Render Driver' },
    ]) {
      const found = await probe(info);
      assert.deepEqual([found.status, found.isFallback], ['software', true], JSON.stringify(info));
      assert.match(found.message, /software one .*auto uses cpu/);
    }
    assert.equal(isSoftware(adapterWith({ vendor: 'intel', device: 'warped-speed' })), false);
    assert.equal(describeAdapter(adapterWith({}).info), 'an adapter without a name');
  });

  it('finds the real adapter of this machine, and its device has the limits that the adapter grants', async () => {
    const { status, description, adapter } = await probeWebGpu(await dawnGpu());
    console.log(`    adapter: ${String(description)} (${status})`);
    assert.ok(status === 'hardware' || status === 'software');
    assert.ok(adapter !== null);
    const { device, adapter: granted } = await openDawn();
    for (const limit of ['maxBufferSize', 'maxStorageBufferBindingSize', 'maxComputeWorkgroupStorageSize'] as const) {
      assert.equal(device.limits[limit], granted.limits[limit], limit);
    }
    device.destroy();
  });

  it('says which adapter gave no device', async () => {
    const adapter = Object.assign(adapterWith({ vendor: 'acme' }), {
      limits: {},
      requestDevice: () => Promise.reject(new Error('used up')),
    });
    await assert.rejects(requestDevice(adapter), (error) => {
      assert.ok(error instanceof EngineError && error.reason === 'noAdapter');
      assert.match(error.message, /acme gave no device \(used up\)/);
      return true;
    });
  });
});
