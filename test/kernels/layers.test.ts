// The webgpu backend, whole layers of tiny models, against the float64 reference fed with the same inputs.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Backend, LayerOptions, LayerTrace } from '../../src/engine/backend';
import { createReferenceBackend } from '../../src/engine/reference/backend';
import type { KernelFamily } from '../../src/engine/webgpu/headAttention';
import { createWebGpuBackend, type WebGpuBackend } from '../../src/engine/webgpu/webgpuBackend';
import type { RpcSettings } from '../../src/model/modelSpec';
import { openDawn, type Dawn } from './dawn';
import { float32Tolerance, makeGeometry, relativeError, rpcTolerance, wishes, type Geometry } from './geometries';

const rpcBeside: RpcSettings = { variant: 'code', iterations: 4, lambda: 4, layers: 'all' };

interface Run {
  readonly layers: readonly LayerTrace[];
  readonly logits: ArrayLike<number>;
}

/** Embedding, all layers, classifier. */
async function runModel(backend: Backend, geometry: Geometry, options: Partial<LayerOptions> = {}): Promise<Run> {
  const { spec, embed, blocks, head, input } = geometry;
  let stream = await backend.embed(spec, embed, input);
  const layers: LayerTrace[] = [];
  for (const [layer, weights] of blocks.entries()) {
    const trace = await backend.runLayer(spec, weights, stream, {
      layer,
      forward: 'native',
      rpc: rpcBeside,
      wantPattern: true,
      ...options,
    });
    layers.push(trace);
    stream = trace.next;
  }
  const logits = await backend.unembed(spec, head, stream);
  assert.ok(logits !== null);
  return { layers, logits };
}

const parts = ['x', 'q', 'k', 'v', 'softmax', 'out', 'rpc', 'pattern'] as const;

/** Worst error of each part over the layers. */
function compare(actual: Run, expected: Run): Record<string, number> {
  const errors: Record<string, number> = { logits: relativeError(actual.logits, expected.logits) };
  for (const part of [...parts, 'next'] as const) {
    errors[part] = Math.max(
      ...expected.layers.map((layer, i) => {
        const mine = part === 'next' ? actual.layers[i]!.next.data : actual.layers[i]![part];
        const other = part === 'next' ? layer.next.data : layer[part];
        assert.equal(mine === null, other === null, `${part} of layer ${i}`);
        return mine === null || other === null ? 0 : relativeError(mine, other);
      }),
    );
  }
  return errors;
}

function assertClose(errors: Record<string, number>, nativeRpc: boolean): void {
  for (const [part, error] of Object.entries(errors)) {
    const allowed = part === 'rpc' || nativeRpc ? rpcTolerance : float32Tolerance;
    assert.ok(error <= allowed, `${part} is off by ${error} of max, allowed ${allowed}: ${JSON.stringify(errors)}`);
  }
}

describe('webgpu: layers against the float64 reference', () => {
  let dawn: Dawn;
  const reference = createReferenceBackend();
  const open = new Map<KernelFamily, WebGpuBackend>();
  const worst: Record<string, number> = {};

  before(async () => {
    dawn = await openDawn();
    console.log(`    adapter: ${dawn.description}${dawn.isFallback ? ' (software)' : ''}`);
    const adapter = { description: dawn.description, isFallback: dawn.isFallback, info: dawn.adapter.info };
    for (const kernels of ['quads', 'tiles'] as const) {
      open.set(kernels, await createWebGpuBackend(dawn.device, adapter, { kernels }));
    }
  });
  after(() => {
    console.log(
      `    worst errors: ${Object.entries(worst)
        .map(([part, error]) => `${part} ${error.toExponential(1)}`)
        .join(', ')}`,
    );
    for (const backend of open.values()) backend.dispose();
    dawn.device.destroy();
  });

  const check = async (backend: Backend, geometry: Geometry, options: Partial<LayerOptions>): Promise<void> => {
    const errors = compare(await runModel(backend, geometry, options), await runModel(reference, geometry, options));
    for (const [part, error] of Object.entries(errors)) worst[part] = Math.max(worst[part] ?? 0, error);
    assertClose(errors, geometry.spec.rpc !== null || options.forward === 'rpc');
  };

  for (const kernels of ['quads', 'tiles'] as const) {
    for (const wish of wishes) {
      it(`${kernels}: ${wish.name}`, () => check(open.get(kernels)!, makeGeometry(wish), {}));
    }
  }

  for (const forward of ['softmax', 'rpc'] as const) {
    for (const wish of wishes.filter(({ name }) => ['timm, C 24', 'RPC native', 'scaled by a matrix'].includes(name))) {
      it(`passes ${forward} on: ${wish.name}`, () => check(open.get('quads')!, makeGeometry(wish), { forward }));
    }
  }

  for (const variant of ['code', 'code-headdim', 'paper', 'admm'] as const) {
    for (const wish of wishes.filter(({ name }) => ['timm, C 24', 'symmetric'].includes(name))) {
      it(`computes RPC ${variant} beside: ${wish.name}`, async () => {
        const geometry = makeGeometry(wish, 1);
        for (const iterations of [1, 2, 3, 4]) {
          await check(open.get('quads')!, geometry, {
            rpc: { variant, iterations, lambda: 1, layers: [0] },
            wantPattern: false,
          });
        }
      });
    }
  }

  it('leaves out what nobody asked for', async () => {
    const { layers } = await runModel(open.get('quads')!, makeGeometry(wishes[0]!), {
      rpc: null,
      wantPattern: false,
    });
    assert.equal(layers[0]!.rpc, null);
    assert.equal(layers[0]!.pattern, null);
    const symmetric = await runModel(open.get('quads')!, makeGeometry(wishes[5]!));
    assert.equal(symmetric.layers[0]!.q, symmetric.layers[0]!.k);
  });

  it('gives the same bits twice', async () => {
    const geometry = makeGeometry(wishes[0]!);
    const [once, twice] = [await runModel(open.get('quads')!, geometry), await runModel(open.get('quads')!, geometry)];
    assert.deepEqual(once, twice);
  });

  it('has no logits without a classifier', async () => {
    const { spec, head } = makeGeometry(wishes[0]!);
    const stream = { tokens: spec.tokens, width: spec.embedDim, data: new Float32Array(spec.tokens * spec.embedDim) };
    assert.equal(await open.get('quads')!.unembed(spec, { ...head, classifier: null }, stream), null);
  });

  it('takes runs that are started at once one after the other', async () => {
    const [one, two] = [makeGeometry(wishes[0]!), makeGeometry(wishes[5]!)];
    const both = await Promise.all([runModel(open.get('quads')!, one), runModel(open.get('tiles')!, two)]);
    assertClose(compare(both[0], await runModel(reference, one)), false);
    assertClose(compare(both[1], await runModel(reference, two)), false);
  });

  it('goes back to the same memory after every layer', async () => {
    const backend = open.get('quads')!;
    const geometry = makeGeometry(wishes[0]!);
    await runModel(backend, geometry);
    const first = backend.memory();
    for (let i = 0; i < 5; i++) await runModel(backend, geometry);
    assert.deepEqual(backend.memory(), first);
    assert.equal(first.liveBytes, 0);
    assert.equal(first.tensors, 0);
    assert.equal(first.tensorBytes, 0);
  });
});
