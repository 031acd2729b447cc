// Twins, ablated and noisy runs in float32: when float64 takes over, and what the result and the report say of it.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { EngineError, type Backend, type LayerTrace } from '../../../src/engine/backend';
import { createCpuBackend } from '../../../src/engine/cpu/backend';
import { Companions } from '../../../src/inspection/companions';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { MeanResult } from '../../../src/inspection/overInputs/meanResult';
import { resultFault } from '../../../src/inspection/resultSchema';
import { provenanceTable } from '../../../src/report/reportText';
import { runHere, sampleRequest } from './sampleRun';

const sample = 'digits-softmax.safetensors';
/** Spec section 10. */
const float32Tolerance = 2e-4;
/** Nothing but twins and ablation, of one head of two layers. */
const small = {
  nulls: 0,
  twins: 2,
  noise: { kinds: [], levels: {}, repeats: 1 },
  layers: [0, 2],
  heads: [1],
  ablation: true,
  keepTensors: false,
} as const;

/** A layer whose numbers are all `value`. */
function trace(layer: number, value: number): LayerTrace {
  const data = new Float64Array(4).fill(value);
  const sizes = { layer, tokens: 2, heads: 1, headDim: 2 };
  const next = { tokens: 2, width: 2, data };
  return { ...sizes, x: data, q: data, k: data, v: data, out: data, softmax: data, rpc: null, pattern: null, next };
}

const named = (precision: Backend['precision']): Backend => ({ precision }) as unknown as Backend;

/** What both precisions of the companions leave alone. */
const own = ({ layers, output }: InspectionResult): unknown => ({
  heads: layers.map(({ heads }) => heads.map(({ spectrum, gamma, projection }) => ({ spectrum, gamma, projection }))),
  output,
});

describe('companion passes', () => {
  const [fast, float64] = [named('float32'), named('float64')];
  /** Which backends ran, and what is told of them, where float32 gives `values` for the layers and float64 gives 1. */
  const run = async (values: readonly (number | Error)[]) => {
    const passes = new Companions(fast, float64);
    const ran: string[] = [];
    for (const [layer, value] of values.entries()) {
      const once = (pass: object): Promise<LayerTrace> => {
        const slow = pass === float64;
        ran.push(`${layer}:${slow ? 64 : 32}`);
        if (slow) return Promise.resolve(trace(layer, 1));
        return value instanceof Error ? Promise.reject(value) : Promise.resolve(trace(layer, value));
      };
      await passes.layer(layer, once, passes.watched ? trace(layer, 1) : null);
    }
    return { ran, told: passes.precision() };
  };

  it('stay in float32 while the watched one is within the tolerance of the spec, and say its error', async () => {
    const { ran, told } = await run([1, 1 + 0.9 * float32Tolerance, 1 - 0.5 * float32Tolerance]);
    assert.deepEqual(ran, ['0:32', '1:32', '2:32']);
    assert.deepEqual([told.precision, told.float64From], ['float32', null]);
    assert.ok(Math.abs(told.parity.maxRelError! / (0.9 * float32Tolerance) - 1) < 1e-9);
    assert.deepEqual(Object.keys(told.parity.perTensor), ['x', 'q', 'k', 'v', 'out', 'residual']);
  });

  for (const [what, value] of [
    ['beyond it', 1 + 1.1 * float32Tolerance],
    ['not a number', NaN],
    ['refused as not finite', new EngineError('nonFinite', 'too large')],
  ] as const) {
    it(`run in float64 from the layer on that is ${what}`, async () => {
      const { ran, told } = await run([1, value, 1]);
      assert.deepEqual(ran, ['0:32', '1:32', '1:64', '2:64']);
      assert.equal(told.float64From, 1);
      assert.equal(told.parity.maxRelError, 0);
    });
  }

  it('pass every other error on', async () => {
    await assert.rejects(run([new EngineError('outOfMemory', 'full')]), /full/);
  });

  it('are not run twice where there is no float32', () => {
    const passes = new Companions(float64, float64);
    assert.equal(passes.watched, false);
    assert.deepEqual(passes.precision(), {
      precision: 'float64',
      parity: { maxRelError: null, perTensor: {}, reason: 'the backend itself computes in float64' },
      float64From: null,
    });
  });

  it('of the sample are float32, and change nothing of the network itself', async () => {
    const request = await sampleRequest(sample, 'cpu', small);
    const { result } = await runHere(sample, request);
    const { precision, parity, float64From } = result.provenance.companions!;
    assert.deepEqual([precision, float64From], ['float32', null]);
    assert.ok(parity.maxRelError! > 0 && parity.maxRelError! < 1e-5, JSON.stringify(parity));
    assert.deepEqual(Object.keys(parity.perTensor), ['embedding', 'x', 'q', 'k', 'v', 'out', 'residual', 'logits']);
    assert.equal(result.provenance.precision, 'float64');
    const exact = await runHere(sample, request, null, await createCpuBackend('float64'));
    assert.deepEqual(own(exact.result), own(result));
    assert.match(
      provenanceTable(result),
      /Twins, ablated, noisy runs<.*>float32 products, largest relative error of the network itself \S+</,
    );
  });

  it('that float32 cannot hold are marked in result, mean and report', async () => {
    const request = await sampleRequest(sample, 'cpu', small);
    const narrow = await createCpuBackend('float32');
    const failing: Backend = {
      ...narrow,
      runLayer: (spec, weights, x, options) =>
        options.layer === 1
          ? Promise.reject(new EngineError('nonFinite', 'too large'))
          : narrow.runLayer(spec, weights, x, options),
    };
    const { result } = await runHere(sample, request, null, failing);
    assert.equal(resultFault(result), null);
    const mean = new MeanResult();
    mean.add((await runHere(sample, request)).result);
    mean.add(result);
    for (const { companions } of [result.provenance, mean.result().provenance]) {
      assert.equal(companions!.float64From, 1);
    }
    assert.match(
      provenanceTable(result),
      /; ablated and noisy runs float64 from layer 1 on, which float32 could not hold</,
    );
  });
});
