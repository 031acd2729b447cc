// What flows on and what is computed beside it: `LayerOptions.forward`, RPC what-ifs, Scaled Attention, refusals.

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import {
  EngineError,
  type Backend,
  type LayerOptions,
  type LayerTrace,
  type Residual,
} from '../../../src/engine/backend';
import type { BlockWeights } from '../../../src/model/weights';
import { createCpuBackend } from '../../../src/engine/cpu/backend';
import { instantiateKernels } from '../../../src/engine/cpu/wasmModule';
import { createReferenceBackend } from '../../../src/engine/reference/backend';
import { createReferenceKernels } from '../../../src/engine/reference/kernels';
import { rpcRunsIn } from '../../../src/engine/rpcConstants';
import type { AttentionKind, ModelSpec, RpcSettings } from '../../../src/model/modelSpec';
import { blockWeights, modelSpec, type ModelCase } from './goldenModels';
import { normals, relativeError } from './portableNormals';

/** wasm against reference: both float64, sums in another order. */
const tolerance = 1e-12;
const settings: RpcSettings = { variant: 'code', iterations: 3, lambda: 0.5, layers: 'all' };
const paper: RpcSettings = { variant: 'paper', iterations: 2, lambda: 0.1, layers: 'all' };

interface Shape {
  readonly attention: AttentionKind;
  readonly tokens: number;
  readonly heads: number;
  readonly headDim: number;
  readonly scale?: 'matrix' | 'alpha';
  readonly rpc?: RpcSettings;
  readonly standardise?: boolean;
}

/** A model of one block with `tokens` tokens (a 1 x (tokens - 1) grid) and drawn weights. */
function model(shape: Shape): ModelCase {
  const c = shape.heads * shape.headDim;
  const rows = (shape.attention === 'symmetric' || shape.attention === 'rpc' ? 2 : 3) * c;
  const mlpDim = 2 * c + 1;
  const weights: Record<string, [number, number, number]> = {
    'blocks.0.norm1.weight': [c, 0.2, 1],
    'blocks.0.norm1.bias': [c, 0.2, 0],
    'blocks.0.qkv.weight': [rows * c, 1.5 / Math.sqrt(c), 0],
    'blocks.0.qkv.bias': [rows, 0.3, 0],
    'blocks.0.proj.weight': [c * c, 1 / Math.sqrt(c), 0],
    'blocks.0.proj.bias': [c, 0.3, 0],
    'blocks.0.layerScale1': [c, 0.3, 0],
    'blocks.0.norm2.weight': [c, 0.2, 1],
    'blocks.0.norm2.bias': [c, 0.2, 0],
    'blocks.0.fc1.weight': [mlpDim * c, 1 / Math.sqrt(c), 0],
    'blocks.0.fc1.bias': [mlpDim, 0.3, 0],
    'blocks.0.fc2.weight': [mlpDim * c, 1 / Math.sqrt(c), 0],
    'blocks.0.fc2.bias': [c, 0.3, 0],
  };
  if (shape.scale === 'matrix') weights['blocks.0.scale'] = [shape.heads * shape.tokens ** 2, 0.05, 0];
  if (shape.scale === 'alpha') weights['blocks.0.scale'] = [1, 0, 0.7];
  return {
    name: `layer/${shape.attention}/${shape.tokens}/${shape.headDim}`,
    attention: shape.attention,
    embedDim: c,
    heads: shape.heads,
    layers: 1,
    channels: 1,
    patch: 1,
    gridHeight: 1,
    gridWidth: shape.tokens - 1,
    mlpDim,
    classes: 2,
    activation: 'gelu',
    weights,
    ...(shape.rpc === undefined ? {} : { rpc: shape.rpc }),
    ...(shape.standardise === undefined ? {} : { standardise: shape.standardise }),
  };
}

const native: LayerOptions = { layer: 0, forward: 'native', rpc: null, wantPattern: true };

class Bench {
  readonly spec: ModelSpec;
  readonly weights: BlockWeights;
  readonly x: Residual;
  constructor(
    readonly backend: Backend,
    shape: Shape,
  ) {
    const drawn = model(shape);
    this.spec = modelSpec(drawn);
    this.weights = blockWeights(drawn, 0);
    const width = this.spec.embedDim;
    this.x = { tokens: shape.tokens, width, data: normals('x', shape.tokens * width) };
  }
  run(options: Partial<LayerOptions> = {}): Promise<LayerTrace> {
    return this.backend.runLayer(this.spec, this.weights, this.x, { ...native, ...options });
  }
}

describe('engine: cpu blocks against reference', () => {
  const shapes: Shape[] = [];
  for (const tokens of [1, 2, 7, 50, 197]) {
    for (const headDim of tokens === 197 ? [58] : [3, 16, 58]) {
      shapes.push({ attention: 'softmax', tokens, heads: 2, headDim });
      shapes.push({ attention: 'rpc', tokens, heads: 2, headDim, rpc: settings });
    }
    shapes.push({ attention: 'scaled', tokens, heads: 3, headDim: 8, scale: 'matrix' });
    shapes.push({ attention: 'scaled', tokens, heads: 3, headDim: 8, scale: 'alpha' });
    shapes.push({ attention: 'softmax', tokens, heads: 1, headDim: 64, standardise: true });
  }
  const reference = createReferenceBackend();
  let cpu: Backend;
  before(async () => {
    cpu = await createCpuBackend();
  });
  for (const shape of shapes) {
    const { attention, tokens, heads, headDim, scale, standardise } = shape;
    const extras = `${scale === undefined ? '' : ` ${scale}`}${standardise === true ? ' standardised' : ''}`;
    it(`${attention}${extras}, N ${tokens}, ${heads} heads of ${headDim}`, async () => {
      const actual = await new Bench(cpu, shape).run({ rpc: paper });
      const expected = await new Bench(reference, shape).run({ rpc: paper });
      for (const name of ['x', 'q', 'k', 'v', 'softmax', 'rpc', 'out', 'pattern'] as const) {
        const error = relativeError(actual[name]!, expected[name]!);
        assert.ok(error <= tolerance, `${name}: relative error ${error}, allowed ${tolerance}`);
      }
      const error = relativeError(actual.next.data, expected.next.data);
      assert.ok(error <= tolerance, `next: relative error ${error}, allowed ${tolerance}`);
    });
  }
});

for (const [name, make] of [
  ['reference', () => Promise.resolve(createReferenceBackend())],
  ['cpu', createCpuBackend],
] as const) {
  describe(`engine: layer options, ${name}`, () => {
    let backend: Backend;
    const kernels = createReferenceKernels();
    before(async () => {
      backend = await make();
    });
    const close = (what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void => {
      const error = relativeError(actual, expected);
      assert.ok(error <= tolerance, `${what}: relative error ${error}, allowed ${tolerance}`);
    };
    const head = (x: ArrayLike<number>, h: number, size: number): Float64Array =>
      Float64Array.from({ length: size }, (_, i) => x[h * size + i]!);

    it('native RPC flows on with its last pattern, softmax stands beside it', async () => {
      const bench = new Bench(backend, { attention: 'rpc', tokens: 7, heads: 2, headDim: 5, rpc: settings });
      const trace = await bench.run();
      assert.equal(trace.q, trace.k);
      for (const h of [0, 1]) {
        const [k, v] = [head(trace.k, h, 35), head(trace.v, h, 35)];
        const rpc = kernels.rpc(null, k, v, 7, 5, { ...settings, embedDim: 10 });
        close('out', head(trace.out, h, 35), rpc.out);
        close('pattern', head(trace.pattern!, h, 49), kernels.pattern(null, rpc.cleanedKeys, 7, 5));
        close('softmax', head(trace.softmax, h, 35), kernels.attention(null, k, v, 7, 5));
        close('pattern times v', kernels.matmul(head(trace.pattern!, h, 49), v, 7, 7, 5), head(trace.out, h, 35));
      }
      const soft = await bench.run({ forward: 'softmax' });
      assert.equal(soft.out, soft.softmax);
      assert.notDeepEqual(soft.next.data, trace.next.data);
    });

    it('native RPC keeps to the layers it was trained in', async () => {
      const shape: Shape = { attention: 'rpc', tokens: 7, heads: 2, headDim: 5, rpc: { ...settings, layers: [1] } };
      const trace = await new Bench(backend, shape).run();
      assert.equal(trace.out, trace.softmax);
    });

    it('RPC beside leaves the forward pass alone and may differ from the native settings', async () => {
      const bench = new Bench(backend, { attention: 'rpc', tokens: 7, heads: 2, headDim: 5, rpc: settings });
      const same = await bench.run({ rpc: { ...settings, layers: [0] } });
      assert.deepEqual(same.rpc, same.out);
      const other = await bench.run({ rpc: paper });
      assert.deepEqual(other.out, same.out);
      assert.deepEqual(other.next.data, same.next.data);
      assert.notDeepEqual(other.rpc, other.out);
      assert.equal((await bench.run({ rpc: { ...paper, layers: [3] } })).rpc, null);
    });

    it('forward rpc on a softmax model cleans the keys alone (+asym) and flows on', async () => {
      const bench = new Bench(backend, { attention: 'softmax', tokens: 7, heads: 2, headDim: 5 });
      const trace = await bench.run({ forward: 'rpc', rpc: settings });
      const size = 35;
      const expected = kernels.rpc(head(trace.q, 1, size), head(trace.k, 1, size), head(trace.v, 1, size), 7, 5, {
        ...settings,
        embedDim: 10,
      });
      close('out', head(trace.out, 1, size), expected.out);
      close(
        'pattern',
        head(trace.pattern!, 1, 49),
        kernels.pattern(head(trace.q, 1, size), expected.cleanedKeys, 7, 5),
      );
      assert.deepEqual(trace.rpc, trace.out);
      const plain = await bench.run();
      assert.deepEqual(trace.softmax, plain.out);
      assert.notDeepEqual(trace.next.data, plain.next.data);
      const elsewhere = await bench.run({ forward: 'rpc', rpc: { ...settings, layers: [2] } });
      assert.deepEqual(elsewhere.next.data, plain.next.data);
      assert.deepEqual((await bench.run({ forward: 'rpc' })).next.data, plain.next.data);
    });

    it('Scaled Attention mixes the values of softmax; RPC beside it takes them as projected', async () => {
      const shape: Shape = { attention: 'scaled', tokens: 7, heads: 2, headDim: 5, scale: 'matrix' };
      const trace = await new Bench(backend, shape).run({ rpc: settings });
      const [q, k, v] = [head(trace.q, 0, 35), head(trace.k, 0, 35), head(trace.v, 0, 35)];
      close('rpc', head(trace.rpc!, 0, 35), kernels.rpc(q, k, v, 7, 5, { ...settings, embedDim: 10 }).out);
      const error = relativeError(head(trace.softmax, 0, 35), kernels.attention(q, k, v, 7, 5));
      assert.ok(error > 1e-3, 'the parameter S must matter');
    });

    const refusals: [string, (bench: Bench) => Promise<unknown>, EngineError['reason'], RegExp][] = [
      [
        'NaN in the residual stream',
        (b) =>
          backend.runLayer(b.spec, b.weights, { ...b.x, data: b.x.data.map((v, i) => (i === 9 ? NaN : v)) }, native),
        'nonFinite',
        /^The inputs of the q, k, v projection of layer 0 are not finite: entry 0 of 70 is NaN/,
      ],
      [
        'an infinite key weight',
        (b) => {
          const weight = b.weights.qkv.weight.slice();
          weight[10 * 10] = Infinity;
          const weights = { ...b.weights, qkv: { ...b.weights.qkv, weight } };
          return backend.runLayer(b.spec, weights, b.x, { ...native, layer: 4 });
        },
        'nonFinite',
        /^The keys of layer 4 are not finite: entry 0 of 70 is infinite\./,
      ],
      [
        'a qkv weight of the wrong size',
        (b) =>
          backend.runLayer(b.spec, { ...b.weights, qkv: { weight: new Float32Array(100), bias: null } }, b.x, native),
        'internal',
        /q, k, v weight of layer 0 has 100 entries; 2 heads of 5 at width 10 need 300, or 200 without queries/,
      ],
      [
        'a Scaled Attention parameter of the wrong size',
        (b) => backend.runLayer(b.spec, { ...b.weights, scale: new Float32Array(7) }, b.x, native),
        'internal',
        /parameter has 7 entries; 7 tokens need 49 a head/,
      ],
      [
        'RPC that flows on from a head without keys',
        (b) => {
          const weight = b.weights.qkv.weight.slice().fill(0, 150, 200);
          const bias = b.weights.qkv.bias!.slice().fill(0, 15, 20);
          const weights = { ...b.weights, qkv: { weight, bias } };
          return backend.runLayer(b.spec, weights, b.x, { ...native, forward: 'rpc', rpc: settings });
        },
        'nonFinite',
        /^Layer 0, head 1: RPC-Attention has no value for a head whose keys are all zero/,
      ],
      [
        'a residual stream of another width',
        (b) => backend.runLayer(b.spec, b.weights, { ...b.x, width: 9 }, native),
        'internal',
        /is 7 x 9, the model has width 10/,
      ],
    ];
    for (const [what, run, reason, sentence] of refusals) {
      it(`refuses ${what} with a sentence`, async () => {
        const bench = new Bench(backend, { attention: 'softmax', tokens: 7, heads: 2, headDim: 5 });
        await assert.rejects(run(bench), (error: unknown) => {
          assert.ok(error instanceof EngineError);
          assert.equal(error.reason, reason);
          assert.match(error.message, sentence);
          return true;
        });
      });
    }
  });
}

describe('engine: small print', () => {
  it('RPC layers: all, none, a list, nothing', () => {
    assert.equal(rpcRunsIn({ ...settings, layers: 'all' }, 5), true);
    assert.equal(rpcRunsIn({ ...settings, layers: 'none' }, 5), false);
    assert.equal(rpcRunsIn({ ...settings, layers: [0, 5] }, 5), true);
    assert.equal(rpcRunsIn({ ...settings, layers: [0, 5] }, 4), false);
    assert.equal(rpcRunsIn(null, 0), false);
  });

  it('WebAssembly memory that cannot grow is said in a sentence', async () => {
    const module = await instantiateKernels();
    assert.throws(
      () => module.alloc(2 ** 30),
      (error: unknown) =>
        error instanceof EngineError &&
        error.reason === 'outOfMemory' &&
        /needs 8193 MB of WebAssembly/.test(error.message),
    );
  });
});
