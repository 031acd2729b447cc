// How the webgpu backend fails: every way a device or an input goes wrong is an EngineError with its reason.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { EngineError, type LayerOptions, type LayerTrace } from '../../src/engine/backend';
import type { BlockWeights } from '../../src/model/weights';
import { BufferPool } from '../../src/engine/webgpu/bufferPool';
import { DeviceGuard } from '../../src/engine/webgpu/deviceGuard';
import { createWebGpuBackend, type WebGpuBackend, type WebGpuOptions } from '../../src/engine/webgpu/webgpuBackend';
import weighQuads from '../../src/engine/webgpu/kernels/weighQuads.wgsl';
import weighRegisters from '../../src/engine/webgpu/kernels/weighRegisters.wgsl';
import rpcShrink from '../../src/engine/webgpu/kernels/rpcShrink.wgsl';
import { openDawn, type Dawn } from './dawn';
import { makeGeometry, wishes, type Geometry } from './geometries';

const layerOptions: LayerOptions = { layer: 0, forward: 'native', rpc: null, wantPattern: false };
const geometry = makeGeometry(wishes[0]!, 1);

function openBackend(dawn: Dawn, options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const adapter = { description: dawn.description, isFallback: dawn.isFallback, info: dawn.adapter.info };
  return createWebGpuBackend(dawn.device, adapter, { kernels: 'registers', ...options });
}

function stream({ spec }: Geometry): { tokens: number; width: number; data: Float32Array } {
  const data = Float32Array.from({ length: spec.tokens * spec.embedDim }, (_, i) => Math.sin(i));
  return { tokens: spec.tokens, width: spec.embedDim, data };
}

function runBlock(backend: WebGpuBackend, weights: Partial<BlockWeights> = {}): Promise<LayerTrace> {
  return backend.runLayer(geometry.spec, { ...geometry.blocks[0]!, ...weights }, stream(geometry), layerOptions);
}

/** Awaits a rejection with an EngineError of this reason and a message that matches. */
async function rejectsWith(promise: Promise<unknown>, reason: EngineError['reason'], message: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof EngineError, String(error));
    assert.equal(error.reason, reason, error.message);
    assert.match(error.message, message);
    return true;
  });
}

describe('webgpu: failures', () => {
  let dawn: Dawn;
  let backend: WebGpuBackend;
  const opened: Dawn[] = [];
  const openAnother = async (): Promise<Dawn> => {
    const another = await openDawn();
    opened.push(another);
    return another;
  };

  before(async () => {
    dawn = await openAnother();
    console.log(`    adapter: ${dawn.description}${dawn.isFallback ? ' (software)' : ''}`);
    backend = await openBackend(dawn);
  });
  after(() => {
    backend.dispose();
    for (const { device } of opened) device.destroy();
  });

  for (const value of [NaN, Infinity, -Infinity]) {
    it(`names the residual stream that holds ${value}`, async () => {
      const bad = stream(geometry);
      bad.data[7] = value;
      await rejectsWith(
        backend.runLayer(geometry.spec, geometry.blocks[0]!, bad, layerOptions),
        'nonFinite',
        /residual stream entering layer 0 are not finite: entry 7/,
      );
    });
  }

  it('names weights with a NaN, weights that float32 cannot hold, and pixels', async () => {
    const { norm1, fc2 } = geometry.blocks[0]!;
    const nan = Float32Array.from(fc2.weight);
    nan[3] = NaN;
    await rejectsWith(runBlock(backend, { fc2: { ...fc2, weight: nan } }), 'nonFinite', /weights of fc2 of layer 0/);
    const huge = Float64Array.from(norm1.weight);
    huge[0] = 1e300;
    await rejectsWith(
      runBlock(backend, { norm1: { ...norm1, weight: huge } }),
      'nonFinite',
      /weights of norm1 of layer 0/,
    );
    const input = { ...geometry.input, pixels: geometry.input.pixels.map((x, i) => (i === 5 ? NaN : x)) };
    await rejectsWith(backend.embed(geometry.spec, geometry.embed, input), 'nonFinite', /pixels of test image/);
  });

  it('names the first tensor in which float32 overflows', async () => {
    const { qkv } = geometry.blocks[0]!;
    const weight = Float32Array.from(qkv.weight, (x) => x * 3e38);
    await rejectsWith(
      runBlock(backend, { qkv: { weight, bias: null } }),
      'nonFinite',
      /(keys|queries) of layer 0 are not/,
    );
  });

  it('refuses sizes that contradict the spec', async () => {
    const { spec, blocks, embed, input } = geometry;
    const short = { ...stream(geometry), data: new Float32Array(3) };
    await rejectsWith(
      backend.runLayer(spec, blocks[0]!, short, layerOptions),
      'internal',
      /residual stream entering layer 0/,
    );
    const qkv = { weight: new Float32Array(24), bias: null };
    await rejectsWith(runBlock(backend, { qkv }), 'internal', /q, k, v weight of layer 0 has 24 entries/);
    await rejectsWith(
      runBlock(backend, { scale: new Float32Array(5) }),
      'internal',
      /parameter of layer 0 has 5 entries/,
    );
    await rejectsWith(backend.embed(spec, embed, { ...input, width: 3 }), 'internal', /The input test image is 3 x/);
    const position = new Float32Array(24);
    await rejectsWith(backend.embed(spec, { ...embed, position }, input), 'internal', /position embedding has 1 rows/);
  });

  it('gives memory back after an error, and works on', async () => {
    const { liveBytes, tensors } = backend.memory();
    assert.deepEqual({ liveBytes, tensors }, { liveBytes: 0, tensors: 0 });
    const { next } = await runBlock(backend);
    assert.ok(next.data.every(Number.isFinite));
  });

  it('reports a shader of ours that does not compile, with the line', async () => {
    const broken = weighRegisters.replace('let lastRow', 'let lastRow: nonsense');
    await rejectsWith(
      openBackend(dawn, { sources: { weighRegisters: broken } }),
      'shader',
      /shader "weighRegisters" does not compile .*line \d+: .*nonsense/,
    );
  });

  it('reports a command that the device refuses instead of returning its garbage', async () => {
    // Bindings that the host does not provide: the module compiles, the bind group does not fit.
    const extra = weighRegisters
      .replace('fn weighted(', '@group(0) @binding(9) var<storage, read_write> unbound: array<f32>;\nfn weighted(')
      .replace('let w = sizes.width4;', 'let w = sizes.width4;\n  unbound[0] = 1.0;');
    await rejectsWith(
      openBackend(dawn, { sources: { weighRegisters: extra } }),
      'shader',
      /refused a command in the self-check/,
    );
  });

  for (const [kernel, sources] of [
    ['weighted values', { weighRegisters: weighRegisters.replace('a.w * b3', 'a.w * b2') }],
    ['RPC iteration', { rpcShrink: rpcShrink.replace('k - s + step.sigma * w', 'k - s - step.sigma * w') }],
  ] as const) {
    it(`refuses a device that computes "${kernel}" wrong`, async () => {
      await rejectsWith(
        openBackend(dawn, { sources }),
        'selfCheck',
        new RegExp(`computes the kernel "${kernel}.*" wrong: error \\d`),
      );
    });
  }

  for (const [what, broken] of [
    ['computes them wrong', weighQuads.replace('quadSwapY(p[1])', 'quadSwapX(p[1])')],
    ['does not compile them', weighQuads.replace('let lane', 'let lane: nonsense')],
  ] as const) {
    it(`does without quads on a software adapter that ${what}`, async () => {
      assert.notEqual(broken, weighQuads);
      const adapter = { description: dawn.description, isFallback: true, info: dawn.adapter.info };
      const backend = await createWebGpuBackend(dawn.device, adapter, { sources: { weighQuads: broken } });
      assert.equal(backend.kernels, 'registers');
      backend.dispose();
    });
  }

  it('fails the run in which an error reaches nobody but the device', async () => {
    const { device } = await openAnother();
    const guard = new DeviceGuard(device);
    device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
    // The event comes with the device's next turn.
    await device.queue.onSubmittedWorkDone();
    await rejectsWith(
      guard.run('layer 5', async () => {
        await device.queue.onSubmittedWorkDone();
      }),
      'shader',
      /refused a command in layer 5/,
    );
    assert.equal(await guard.run('layer 5', () => Promise.resolve(3)), 3);
  });

  it('tells a lost device from other failures: pending and later calls', async () => {
    const lost = await openAnother();
    const running = await openBackend(lost);
    const pending = runBlock(running);
    const queued = runBlock(running);
    // Into the middle of the run: its read-backs take several turns of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 1));
    lost.device.destroy();
    await Promise.all([
      rejectsWith(pending, 'deviceLost', /graphics device was lost/),
      rejectsWith(queued, 'deviceLost', /graphics device was lost/),
    ]);
    await rejectsWith(runBlock(running), 'deviceLost', /Go on with the cpu backend/);
    assert.equal(running.memory().liveBytes, 0);
    running.dispose();
    await rejectsWith(openBackend(lost), 'deviceLost', /graphics device was lost/);
    assert.ok((await runBlock(backend)).next.data.every(Number.isFinite), 'other devices go on');
  });

  it('ends a body that hangs when the device is lost', async () => {
    const { device } = await openAnother();
    const guard = new DeviceGuard(device);
    let cleaned = false;
    const hanging = guard.run(
      'layer 1',
      () => new Promise<never>(() => undefined),
      () => {
        cleaned = true;
      },
    );
    setTimeout(() => {
      device.destroy();
    }, 10);
    await rejectsWith(hanging, 'deviceLost', /graphics device was lost/);
    assert.ok(cleaned);
  });

  it('says out of memory for error scopes, range errors and buffers above the limit', async () => {
    // Dawn on SwiftShader cannot be driven out of memory on purpose: a device that says so stands in.
    const full = fakeDevice('out-of-memory', 'no memory left');
    await rejectsWith(
      new DeviceGuard(full).run('layer 2', () => Promise.resolve(1)),
      'outOfMemory',
      /memory in layer 2 \(no memory left\)/,
    );
    const fine = fakeDevice(null, '');
    const tooLong = (): Promise<never> => Promise.reject(new RangeError('Array buffer allocation failed'));
    await rejectsWith(new DeviceGuard(fine).run('layer 3', tooLong), 'outOfMemory', /memory in layer 3/);
    const pool = new BufferPool(dawn.device);
    assert.throws(() => pool.acquire(2 ** 40, GPUBufferUsage.STORAGE, 'scores'), /buffer "scores" needs 1048576 MB/);
    assert.equal(pool.bytes.live, 0);
  });

  it('opens on a new device while one of a lost device was never closed', async () => {
    const lost = await openAnother();
    const forgotten = await openBackend(lost);
    lost.device.destroy();
    await rejectsWith(runBlock(forgotten), 'deviceLost', /graphics device was lost/);
    const fresh = await openBackend(dawn);
    assert.ok((await runBlock(fresh)).next.data.every(Number.isFinite));
    fresh.dispose();
    forgotten.dispose();
  });

  it('refuses calls after dispose', async () => {
    const closed = await openBackend(dawn);
    closed.dispose();
    closed.dispose();
    await rejectsWith(runBlock(closed), 'internal', /was closed/);
  });
});

/** A device whose scope of this kind catches an error. */
function fakeDevice(kind: GPUErrorFilter | null, message: string): GPUDevice {
  const scopes: GPUErrorFilter[] = [];
  const device = {
    lost: new Promise<never>(() => undefined),
    addEventListener: () => undefined,
    pushErrorScope: (filter: GPUErrorFilter) => {
      scopes.push(filter);
    },
    popErrorScope: () => Promise.resolve(scopes.pop() === kind ? { message } : null),
  };
  return device as unknown as GPUDevice;
}
