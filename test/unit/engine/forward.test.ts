// Whole forward passes of tiny models against PyTorch (float64, see make_goldens.py), on `reference` and both precisions
// of `cpu`.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'mocha';
import type { Backend, LayerTrace } from '../../../src/engine/backend';
import type { RpcSettings } from '../../../src/model/modelSpec';
import { forwardBackends, forwardTolerance } from './forwardBackends';
import { blockWeights, embedWeights, headWeights, modelInput, modelSpec, type GoldenCase } from './goldenModels';
import { relativeError } from './portableNormals';

const { cases } = JSON.parse(readFileSync('test/fixtures/engine/forward.json', 'utf8')) as { cases: GoldenCase[] };
const bytes = readFileSync('test/fixtures/engine/forward.bin');
const expected = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

for (const { kind, precision, make } of forwardBackends) {
  const tolerance = forwardTolerance[precision];
  describe(`engine: forward pass against PyTorch, ${kind} in ${precision}`, () => {
    let backend: Backend;
    before(async () => {
      backend = await make();
    });

    const close = (what: string, actual: ArrayLike<number> | null, place: readonly [number, number]): void => {
      assert.ok(actual !== null, `${what} is missing`);
      const error = relativeError(actual, expected.subarray(place[0], place[0] + place[1]));
      assert.ok(error <= tolerance, `${what}: relative error ${error}, allowed ${tolerance}`);
    };

    it('says what it is', () => {
      assert.deepEqual([backend.kind, backend.precision, backend.adapter], [kind, precision, null]);
    });

    for (const model of cases) {
      it(`${model.name}: q, k, v, pattern, out of each layer, and logits`, async () => {
        const spec = modelSpec(model);
        let x = await backend.embed(spec, embedWeights(model), modelInput(model));
        close('embedded tokens', x.data, model.expected.embedded);
        for (const [layer, golden] of model.expected.layers.entries()) {
          const weights = blockWeights(model, layer);
          const run = (rpc: RpcSettings | null): Promise<LayerTrace> =>
            backend.runLayer(spec, weights, x, { layer, forward: 'native', rpc, wantPattern: rpc === null });
          const trace = await run(null);
          const at = `layer ${layer}`;
          close(`${at} x`, trace.x, golden.x);
          close(`${at} k`, trace.k, golden.k);
          close(`${at} v`, trace.v, golden.v);
          if (golden.q === undefined) assert.equal(trace.q, trace.k);
          else close(`${at} q`, trace.q, golden.q);
          close(`${at} out`, trace.out, golden.out);
          close(`${at} softmax`, trace.softmax, golden.softmax ?? golden.out);
          close(`${at} pattern`, trace.pattern, golden.pattern);
          close(`${at} next`, trace.next.data, golden.next);
          assert.equal(trace.rpc, null);
          for (const { variant, iterations, lambda, rpc } of golden.beside ?? []) {
            const side = await run({ variant, iterations, lambda, layers: 'all' });
            const lastHead = side.rpc!.subarray((spec.heads - 1) * spec.tokens * spec.headDim);
            close(`${at} RPC ${variant} ${iterations}`, lastHead, rpc);
            assert.deepEqual(side.next.data, trace.next.data, 'RPC beside must not change what flows on');
            assert.equal(side.pattern, null);
          }
          x = trace.next;
        }
        close('logits', await backend.unembed(spec, headWeights(model), x), model.expected.logits);
      });
    }
  });
}
