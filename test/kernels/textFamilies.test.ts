// Language models on the webgpu backend: whole networks against PyTorch's numbers, and masks and scales of sizes that
// cross every tile, against the float64 reference.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { full } from '../setup/full';
import { createReferenceBackend } from '../../src/engine/reference/backend';
import type { KernelFamily } from '../../src/engine/webgpu/headAttention';
import { createWebGpuBackend, type WebGpuBackend } from '../../src/engine/webgpu/webgpuBackend';
import type { BlockShape, RpcSettings } from '../../src/model/modelSpec';
import { textEveryTime } from '../unit/engine/familyNumbers';
import { checkCase, textCases } from '../unit/engine/textCases';
import { openDawn, type Dawn } from './dawn';
import { float32Tolerance, makeGeometry, relativeError, rpcTolerance } from './geometries';

const rpc: RpcSettings = { variant: 'code', iterations: 3, lambda: 0.5, layers: 'all' };

describe('webgpu: language models', () => {
  let dawn: Dawn;
  const open = new Map<KernelFamily, WebGpuBackend>();
  let worst = 0;

  before(async () => {
    dawn = await openDawn();
    const adapter = { description: dawn.description, isFallback: dawn.isFallback, info: dawn.adapter.info };
    for (const kernels of ['quads', 'tiles'] as const) {
      open.set(kernels, await createWebGpuBackend(dawn.device, adapter, { kernels }));
    }
  });
  after(() => {
    console.log(`    worst error: ${worst.toExponential(1)}`);
    for (const backend of open.values()) backend.dispose();
    dawn.device.destroy();
  });

  for (const kernels of ['quads', 'tiles'] as const) {
    // What the kernels tell apart is masks, scales and grouped queries; the rest is the tensor library's either way.
    const some = textCases.filter(({ name }) =>
      kernels === 'tiles' ? ['llama-gqa', 'gpt-neo'].includes(name) : textEveryTime(name) || full,
    );
    for (const text of some) {
      it(`${kernels}: ${text.name} against PyTorch`, async () => {
        worst = Math.max(worst, await checkCase(open.get(kernels)!, text, float32Tolerance));
      });
    }

    for (const [causal, window, scale] of [
      [true, null, null],
      [true, 5, 0.7],
      [false, 40, null],
      [true, 1, null],
    ] as const) {
      it(`${kernels}: causal ${causal}, window ${window}, scale ${scale}, N 141`, async () => {
        const wish = { name: `masked ${window}`, heads: 2, headDim: 6, grid: [14, 10] } as const;
        const geometry = makeGeometry(wish, 1);
        const block: Partial<BlockShape> = { windows: [window], scoreScales: [scale] };
        const spec = { ...geometry.spec, causal, block };
        const options = { layer: 0, forward: 'native', rpc, wantPattern: true } as const;
        const reference = createReferenceBackend();
        const stream = await reference.embed(spec, geometry.embed, geometry.input);
        const wanted = await reference.runLayer(spec, geometry.blocks[0]!, stream, options);
        const actual = await open.get(kernels)!.runLayer(spec, geometry.blocks[0]!, stream, options);
        for (const part of ['softmax', 'pattern', 'rpc'] as const) {
          const error = relativeError(actual[part]!, wanted[part]!);
          assert.ok(error <= (part === 'rpc' ? rpcTolerance : float32Tolerance), `${part} is off by ${error} of max`);
        }
        const hidden = actual.pattern!.filter((_, at) => {
          const [i, j] = [Math.floor(at / 141) % 141, at % 141];
          return (causal && j > i) || (window !== null && Math.abs(i - j) >= window);
        });
        assert.ok(hidden.every((weight) => weight === 0));
      });
    }
  }
});
