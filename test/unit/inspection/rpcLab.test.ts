// The RPC laboratory computes what an inspection does: the table of spec section 9, and the sample's own numbers.

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { defaultLevels } from '../../../src/diagnostics/noiseLevels';
import { normals } from '../../../src/diagnostics/random';
import { rpcSweep } from '../../../src/diagnostics/rpcSweep';
import { createCpuKernels } from '../../../src/engine/cpu/kernels';
import type { HeadKernels } from '../../../src/engine/headKernels';
import { createReferenceKernels } from '../../../src/engine/reference/kernels';
import { labInput, labNoiseKinds, rpcLab, rpcLabRows, tokenGaussReason } from '../../../src/inspection/rpcLab';
import { headDetail, type KeptHead, type TraceStore } from '../../../src/inspection/traceStore';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { plainScores } from '../../../src/model/blockShape';
import { noiseSettings } from '../../../src/inspection/defaults';
import type { RpcVariant } from '../../../src/model/modelSpec';
import { runHere, sampleRequest } from './sampleRun';

const tokens = 6;
const headDim = 3;

function demoHead(change: Partial<KeptHead> = {}): KeptHead {
  return {
    layer: 0,
    head: 0,
    tokens,
    headDim,
    q: null,
    k: normals('demo/k', 18),
    v: normals('demo/v', 18),
    rpc: null,
    rule: plainScores,
    pattern: null,
    directions: null,
    rpcContext: { embedDim: 6, prefixTokens: 1, scaled: null },
    ...change,
  };
}

/** Spec section 9: variant, n, lambda, tau, row 0 of h, density of S in 18ths. */
const table: readonly [RpcVariant, number, number, string, string, readonly number[]][] = [
  ['code', 1, 0.5, '0.237851609611', '0.625171457 -0.425696846 0.358860902', [16]],
  ['code', 4, 0.5, '0.237851609611', '0.598603724 -0.397907747 0.411330480', [16, 14, 17, 18]],
  ['code', 4, 4, '1.902812876888', '0.132312479 -0.459833988 0.955080972', [3, 9, 15, 15]],
  ['code-headdim', 4, 0.5, '0.118925804805', '0.611093414 -0.412286116 0.363822916', [16, 16, 17, 17]],
  ['paper', 4, 0.5, '2.102151004224', '-0.294851807 -0.629610600 0.944576888', [1, 9, 12, 15]],
  ['paper', 4, 4, '16.817208033793', '1.989032478 0.328345179 1.012237118', [0, 0, 0, 0]],
  ['admm', 4, 0.5, '2.102151004224', '0.430777061 -0.373117370 0.941033717', [1, 9, 12, 12]],
];
/** Maps are float32; the spec prints nine digits behind the point. */
const mapRounding = 2 ** -24;
const printedRounding = 5.1e-10;

describe('RPC laboratory: one head, any setting', () => {
  let cpu: HeadKernels;
  before(async () => {
    cpu = await createCpuKernels();
  });

  for (const [variant, iterations, lambda, tau, row, density] of table) {
    it(`has the numbers that the spec prints for ${variant}, n ${iterations}, lambda ${lambda}`, () => {
      for (const kernels of [cpu, createReferenceKernels()]) {
        const view = rpcLab(demoHead(), { variant, iterations, lambda, shown: iterations }, kernels);
        assert.equal(view.numbers.tau!.toFixed(12), tau);
        assert.deepEqual(
          view.numbers.density.map((share) => Math.round(18 * share)),
          density,
        );
        row.split(' ').forEach((text, i) => {
          const error = Math.abs(view.maps!.low[i]! - Number(text));
          assert.ok(error <= mapRounding * Math.abs(Number(text)) + printedRounding, `${text}: ${error}`);
        });
        assert.equal(
          view.numbers.sparseNeverActive,
          density.every((count) => count === 0),
        );
        assert.equal(view.maxScores.rpc.length, iterations);
      }
    });
  }

  it('has the numbers that the spec prints for code+asym, n 4, lambda 0.5', () => {
    const q = normals('demo/q', 18);
    const view = rpcLab(demoHead({ q }), { variant: 'code', lambda: 0.5, iterations: 4, shown: 4 }, cpu);
    [0.637666056, -0.459486747, 0.24290541].forEach((value, i) => {
      assert.ok(Math.abs(view.maps!.low[i]! - value) <= mapRounding * Math.abs(value) + printedRounding);
    });
    assert.equal(view.numbers.asymmetric, true);
  });

  it('shows each pass as a run of that many iterations ends', () => {
    const settings = { variant: 'code', lambda: 0.5, iterations: 4 } as const;
    const k = normals('demo/k', 18);
    for (const q of [null, normals('demo/q', 18)]) {
      const kept = demoHead({ q });
      for (const shown of [1, 2, 3, 4]) {
        const view = rpcLab(kept, { ...settings, shown }, cpu);
        const alone = rpcLab(kept, { ...settings, iterations: shown, shown }, cpu);
        assert.deepEqual([view.maps, view.rpcPattern], [alone.maps, alone.rpcPattern]);
        const { sparse, cleanedKeys, keys } = view.maps!;
        assert.deepEqual(keys, Float32Array.from(k));
        const nonZero = sparse.filter((value) => value !== 0).length;
        assert.equal(nonZero / 18, view.numbers.density[shown - 1]);
        // The largest score, the slow way.
        const scores = Array.from({ length: tokens ** 2 }, (_, cell) => {
          const [i, j] = [Math.floor(cell / tokens), cell % tokens];
          return [0, 1, 2].reduce((sum, c) => sum + (q ?? cleanedKeys)[i * 3 + c]! * cleanedKeys[j * 3 + c]!, 0);
        });
        const largest = Math.max(...scores) / Math.sqrt(headDim);
        assert.ok(Math.abs(view.maxScores.rpc[shown - 1]! - largest) < 1e-5, `pass ${shown}: ${largest}`);
      }
    }
  });

  it('leaves the largest score of keys that the mask hides out, and has patterns of the mask', () => {
    const rule = { causal: true, window: null, scale: 1 };
    const k = new Float64Array([1, 0, 0, 2, 0, 0, 9, 0, 0]);
    const q = new Float64Array([1, 0, 0, -1, 0, 0, 0, 0, 0]);
    const kept = demoHead({ tokens: 3, q, k, v: normals('demo/v', 9), rule });
    const view = rpcLab(kept, { variant: 'paper', lambda: 1e6, iterations: 1, shown: 1 }, cpu);
    assert.equal(view.maxScores.softmax, 1);
    assert.equal(view.maxScores.rpc[0], 1);
    assert.equal(view.numbers.masked, true);
    assert.deepEqual([...view.rpcPattern!.subarray(0, 3)], [1, 0, 0]);
  });

  it('has no maps where all keys are zero, and says why; and none where the kept head has no context', () => {
    const settings = { variant: 'code', lambda: 4, iterations: 2, shown: 2 } as const;
    const view = rpcLab(demoHead({ k: new Float64Array(18) }), settings, cpu);
    assert.deepEqual([view.maps, view.rpcPattern, view.maxScores.rpc], [null, null, []]);
    assert.match(view.numbers.reason!, /^All keys are zero/);
    assert.throws(
      () => rpcLab(demoHead({ rpcContext: 'It is another graph.' }), settings, cpu),
      /^Error: It is another graph\.$/,
    );
  });

  describe('on the samples', () => {
    for (const sample of ['digits-softmax.safetensors', 'digits-rpc.pt'] as const) {
      let result: InspectionResult;
      let traces: TraceStore;
      before(async () => {
        const request = await sampleRequest(sample, 'cpu', {
          layers: [1],
          heads: [0, 2],
          nulls: 0,
          twins: 0,
          noise: noiseSettings(labNoiseKinds, null, 2),
        });
        ({ result, traces } = await runHere(sample, request));
      });

      it(`${sample}: the inspection's numbers to the last digit, its pattern, and its noise gain`, async () => {
        for (const head of result.layers[0]!.heads) {
          const kept = await traces.head(1, head.index);
          const { variant, lambda, iterations } = kept.rpc!;
          const view = rpcLab(kept, { variant, lambda, iterations, shown: iterations }, cpu);
          assert.deepEqual(view.numbers, head.rpc);
          assert.deepEqual(view.rpcPattern, headDetail(kept, cpu).rpcPattern);
          for (const kind of labNoiseKinds) {
            const noise = { kind, levels: defaultLevels(kind), repeats: 2 };
            const settings = { variant, lambdas: [lambda], iterations: [iterations], noise };
            const [cell] = rpcSweep(labInput(kept), settings, result.provenance.seed, cpu).cells;
            const { auc, verdict } = head.noise.find((one) => one.kind === kind)!;
            assert.deepEqual(
              [cell!.gain, cell!.gainCi, cell!.verdict, cell!.cleanGap],
              [auc.difference, auc.ci.difference, verdict, head.rpc!.cleanGap],
            );
          }
        }
        const both = [await traces.head(1, 0), await traces.head(1, 2)];
        const { variant, lambda, iterations } = both[0]!.rpc!;
        const rows = rpcLabRows(both, { variant, lambda, iterations, shown: 1 }, cpu);
        assert.deepEqual(
          rows,
          result.layers[0]!.heads.map(({ index, rpc }) => ({ head: index, numbers: rpc })),
        );
        const noise = { kind: 'token_gauss', levels: [0.1], repeats: 2 } as const;
        const one = { variant: 'code', lambdas: [4], iterations: [1], noise } as const;
        assert.equal(rpcSweep(labInput(await traces.head(1, 0)), one, 0, cpu).cells[0]!.reason, tokenGaussReason);
      });
    }
  });
});
