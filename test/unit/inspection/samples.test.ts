// The shipped samples through the whole run: against numbers that PyTorch made, and one backend against the other.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ValueDirections } from '../../../src/diagnostics/valueDirections';
import type { Parity } from '../../../src/inspection/inspectionResult';
import type { NamedArray } from '../../../src/inspection/layerSource';
import type { InspectionOutcome } from '../../../src/inspection/runInspection';
import { numbersOf, runHere, samplePath, sampleRequest, samples } from './sampleRun';

/** Spec section 10, float64: relative to max |.|; PyTorch's numbers are printed with 12 digits. */
const forwardTolerance = 1e-9;
/** Spec section 10: overlap, energy, rayleigh, CKA. */
const alignmentTolerance = 1e-7;

interface ExpectedLayer {
  readonly index: number;
  readonly x: number;
  readonly q?: number;
  readonly k: number;
  readonly v: number;
  readonly out: number;
}
interface Expected {
  readonly models: Readonly<
    Record<string, { readonly logits: readonly number[]; readonly layers: readonly ExpectedLayer[] }>
  >;
}

function norm(array: NamedArray): number {
  return Math.hypot(...array.data);
}

describe('the samples', () => {
  const expected = JSON.parse(readFileSync(samplePath('expected.json'), 'utf8')) as Expected;

  for (const sample of samples) {
    it(`${sample}: x, q, k, v, head outputs and logits are PyTorch's`, async () => {
      const request = await sampleRequest(sample, 'cpu', {
        nulls: 0,
        twins: 0,
        noise: { kinds: [], levels: {}, repeats: 1 },
      });
      const { result, tensors } = await runHere(sample, request);
      const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
      const model = expected.models[sample]!;
      for (const layer of model.layers) {
        for (const name of ['x', 'q', 'k', 'v', 'out'] as const) {
          const want = layer[name];
          if (want === undefined) continue;
          const got = norm(byName.get(`layer${layer.index}.${name}`)!);
          const error = Math.abs(got - want) / want;
          assert.ok(error < forwardTolerance, `layer ${layer.index} ||${name}||: ${got} instead of ${want} (${error})`);
        }
      }
      const logits = byName.get('logits')!.data;
      const largest = Math.max(...model.logits.map(Math.abs));
      model.logits.forEach((want, i) => {
        const error = Math.abs(logits[i]! - want) / largest;
        assert.ok(error < forwardTolerance, `logit ${i}: ${logits[i]} instead of ${want}`);
      });
      assert.equal(result.output.logitsTop[0]?.index, 3, 'the sample digit is a three');
    });

    it(`${sample}: says how far the fast kernels are from the plain ones on sampled heads of the run itself`, async () => {
      const none = { nulls: 0, twins: 0, noise: { kinds: [], levels: {}, repeats: 1 }, keepTensors: false } as const;
      const parityOf = async (backend: 'cpu' | 'reference', layers: readonly number[]): Promise<Parity> =>
        (await runHere(sample, await sampleRequest(sample, backend, { ...none, layers, heads: [1, 2] }))).result
          .provenance.parity;
      const { maxRelError, perTensor, sampledHeads } = await parityOf('cpu', [0, 2, 5]);
      const names = ['q', 'k', 'v', 'out'].filter((name) => name !== 'q' || sample !== 'digits-rpc.pt');
      assert.deepEqual([sampledHeads, Object.keys(perTensor)], [3, names.map((name) => `${name} against reference`)]);
      // Sums in another order; the last layers are as right as the first.
      assert.ok(maxRelError! > 0 && maxRelError! < 1e-13, JSON.stringify(perTensor));
      assert.equal((await parityOf('cpu', [4])).sampledHeads, 1);
      assert.equal((await parityOf('reference', [4])).reason, 'the backend itself computes in float64');
    });

    it(`${sample}: cpu gives the numbers of reference`, async () => {
      const some = { layers: [0, 5], heads: [0, 3] };
      const cpu = await runHere(sample, await sampleRequest(sample, 'cpu', some));
      const reference = await runHere(sample, await sampleRequest(sample, 'reference', some));
      const want = numbersOf(reference.result.layers);
      const got = numbersOf(cpu.result.layers);
      const alignment = /alignment\.(theory|plain)\.(overlap|energy|rayleigh)$|auc\.|eigenvalues\.|lg|shift/;
      let compared = 0;
      for (const [path, value] of want) {
        if (!alignment.test(path)) continue;
        compared += 1;
        const error = Math.abs(got.get(path)! - value);
        assert.ok(
          error < alignmentTolerance * Math.max(1, Math.abs(value)),
          `${path}: ${got.get(path)} instead of ${value}`,
        );
      }
      assert.ok(compared > 100, `only ${compared} numbers were compared`);
      assert.deepEqual(
        cpu.result.layers.map((layer) => layer.heads.map((head) => head.alignment.verdict)),
        reference.result.layers.map((layer) => layer.heads.map((head) => head.alignment.verdict)),
      );
    });
  }

  it('have nothing undefined without a reason, and no NaN', async () => {
    const { result } = await runHere('digits-rpc.pt', await sampleRequest('digits-rpc.pt', 'cpu', { layers: [0] }));
    for (const [path, value] of numbersOf(result)) assert.ok(Number.isFinite(value), `${path} is ${value}`);
  });

  it('keeps heads that are known already', async () => {
    const request = await sampleRequest('digits-softmax.safetensors', 'cpu', { layers: [0], nulls: 0, twins: 0 });
    const first = await runHere('digits-softmax.safetensors', request);
    const known = [{ layer: 0, head: { ...first.result.layers[0]!.heads[2]!, kvHead: 99 } }];
    const second = await runHere('digits-softmax.safetensors', { ...request, known });
    assert.deepEqual(
      second.result.layers[0]!.heads.map((head) => head.kvHead),
      [0, 1, 99, 3],
      'head 2 was computed again instead of being kept',
    );
    // Its pictures are whole: what they need is no part of a result.
    const pictured = async ({ traces }: InspectionOutcome): Promise<ValueDirections | null> =>
      (await traces.head(0, 2)).directions;
    const directions = await pictured(first);
    assert.ok(directions !== null && directions.theory.length > 0);
    assert.deepEqual(await pictured(second), directions);
  });
});
