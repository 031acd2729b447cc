// Head ablation of the sample against PyTorch float64 (test/fixtures/inspection/make_ablation.py), and where it is refused.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import type { AblationNumbers } from '../../../src/diagnostics/headResult';
import { createCpuBackend } from '../../../src/engine/cpu/backend';
import { ablationBytes } from '../../../src/inspection/ablation';
import { largestBranchBytes } from '../../../src/inspection/branches';
import { ChoiceError } from '../../../src/inspection/choiceError';
import { makeRequest } from '../../../src/inspection/request';
import { planInspection } from '../../../src/inspection/plan';
import { planLines } from '../../../src/report/planLines';
import { headTables } from '../../../src/report/headTables';
import { runHere, sampleRequest } from './sampleRun';

/**
 * Relative. Float64: differences of logits that agree to 1e-9 of their largest; KL is quadratic in them, and as small as 1e-3.
 * Float32: spec section 10.
 */
const tolerance = { float64: 1e-7, float32: 2e-4 } as const;

const quick = { nulls: 0, twins: 0, noise: { kinds: [], levels: {}, repeats: 1 }, keepTensors: false } as const;

describe('head ablation', () => {
  const golden = JSON.parse(readFileSync('test/fixtures/inspection/ablation.json', 'utf8')) as {
    readonly effects: Readonly<Record<string, AblationNumbers>>;
  };

  for (const precision of ['float64', 'float32'] as const)
    it(`changes the sample's logits as PyTorch says, in ${precision}: head 0, its mean, noise of its size`, async () => {
      const choices = { ...quick, layers: [0, 3, 5], heads: [0, 2], ablation: true };
      const request = await sampleRequest('digits-softmax.safetensors', 'cpu', choices);
      const { result } = await runHere('digits-softmax.safetensors', request, null, await createCpuBackend(precision));
      const { companions } = result.provenance;
      assert.deepEqual([companions!.precision, companions!.float64From], [precision, null]);
      const heads = result.layers.flatMap(({ index, heads: all }) =>
        all.map((head) => [`${index}/${head.index}`, head] as const),
      );
      assert.deepEqual(heads.map(([key]) => key).sort(), Object.keys(golden.effects).sort());
      for (const [key, head] of heads) {
        for (const kind of ['zero', 'mean', 'random'] as const) {
          const want = golden.effects[key]![kind];
          const got = head.ablation![kind];
          assert.equal(got.topChanged, want.topChanged, `${key} ${kind}`);
          for (const name of ['kl', 'relChange'] as const) {
            const error = Math.abs(got[name]! - want[name]!) / want[name]!;
            assert.ok(
              error < tolerance[precision],
              `${key} ${kind} ${name}: ${got[name]} instead of ${want[name]} (${error})`,
            );
          }
        }
        assert.equal(headTables(head).find(({ id }) => id === 'ablation')!.rows.length, 3);
      }
    });

  it('is left out unless it is asked for, and leaves every other number as it was', async () => {
    const choices = { ...quick, layers: [1], heads: [1] };
    const [without, with_] = await Promise.all(
      [false, true].map(async (ablation) => {
        const request = await sampleRequest('digits-softmax.safetensors', 'cpu', { ...choices, ablation });
        return (await runHere('digits-softmax.safetensors', request)).result;
      }),
    );
    const [head] = without!.layers[0]!.heads;
    assert.equal(head!.ablation, undefined);
    const { ablation, ...rest } = with_!.layers[0]!.heads[0]!;
    assert.ok(ablation !== undefined);
    assert.deepEqual(rest, head);
    assert.deepEqual(with_!.output, without!.output);
    const plans = await Promise.all(
      [false, true].map(async (ablation) => {
        const request = await sampleRequest('digits-softmax.safetensors', 'cpu', { ...choices, ablation });
        return planLines(planInspection(request, 1, 1, ''))[2]![1];
      }),
    );
    assert.deepEqual(plans, ['1 layers, 1 heads each', '1 layers, 1 heads each, and the output without each of them']);
  });

  it('is refused where its residual streams would not fit, and where there is no output to change', async () => {
    const { index, spec, input } = await sampleRequest('digits-softmax.safetensors', 'cpu');
    const wide = { ...spec, embedDim: 2 ** 20 };
    assert.ok(ablationBytes(wide, 6, 4) > largestBranchBytes);
    const choices = {
      ...quick,
      layers: null,
      heads: null,
      rpc: { variant: 'code', iterations: 1, lambda: 1, layers: 'none' },
      forward: 'native',
      seed: 0,
      ablation: true,
    } as const;
    const of = (changed: typeof spec): void => {
      makeRequest(index, changed, input, { kind: 'cpu', reason: 'test' }, choices, '0.0.0-test');
    };
    assert.throws(() => {
      of({ ...spec, head: { ...spec.head, classifier: null } });
    }, /^ModelSpecError: The checkpoint has no classifier, so there is no output that taking a head out could change\. Leave it out\.$/);
    assert.throws(
      () => makeRequest(index, wide, input, { kind: 'cpu', reason: 'test' }, choices, '0.0.0-test'),
      (error: unknown) =>
        error instanceof ChoiceError &&
        error.choice === 'ablation' &&
        /^Taking the heads out of 6 layers with 4 heads each would hold 28\.1 GiB .* Choose fewer layers or heads\.$/.test(
          error.message,
        ),
    );
  });
});
