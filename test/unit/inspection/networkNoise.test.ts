// Noise between the layers of the samples against PyTorch float64 (test/fixtures/inspection/make_network_noise.py), and
// where it is refused.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import type { NetworkNoise } from '../../../src/diagnostics/networkNoise';
import { createCpuBackend } from '../../../src/engine/cpu/backend';
import { noiseSettings } from '../../../src/inspection/defaults';
import { planInspection } from '../../../src/inspection/plan';
import { ChoiceError } from '../../../src/inspection/choiceError';
import { makeRequest, type Choices } from '../../../src/inspection/request';
import { resultFault } from '../../../src/inspection/resultSchema';
import type { RpcSettings } from '../../../src/model/modelSpec';
import { full } from '../../setup/full';
import { numbersOf, runHere, samples, sampleRequest } from './sampleRun';

/**
 * Float64: streams agree to 1e-9 of their largest and KL is quadratic in their differences; RPC amplifies to 1e-7 (spec
 * section 10). Float32 products: spec section 10.
 */
const tolerance = { float64: 1e-7, float32: 2e-4 } as const;

interface Golden extends Pick<NetworkNoise, 'places' | 'repeats' | 'rows' | 'clean'> {
  readonly rpc: RpcSettings;
  readonly samples: Readonly<Record<string, Pick<NetworkNoise, 'rows' | 'clean'>>>;
}

const kinds = ['token_gauss', 'token_replace', 'token_drop'] as const;
const quick = { nulls: 0, twins: 0, layers: [0], heads: [0], keepTensors: false } as const;

describe('noise between the layers', () => {
  const golden = JSON.parse(readFileSync('test/fixtures/inspection/network-noise.json', 'utf8')) as Golden;

  for (const sample of full ? samples : samples.slice(0, 1)) {
    for (const precision of ['float64', 'float32'] as const)
      it(`moves logits and streams of ${sample} as PyTorch says, in ${precision}, with softmax and with RPC`, async () => {
        const noise = noiseSettings(kinds, [0.1, 0.8], golden.repeats);
        const choices = { ...quick, noise, rpc: golden.rpc, networkNoise: golden.places };
        const request = await sampleRequest(sample, 'cpu', choices);
        const { result } = await runHere(sample, request, null, await createCpuBackend(precision));
        assert.equal(result.provenance.companions!.precision, precision);
        assert.equal(resultFault(JSON.parse(JSON.stringify(result))), null);
        const found = result.networkNoise!;
        const { rows, clean } = golden.samples[sample]!;
        const names = (list: NetworkNoise['rows']): string[] =>
          list.map(({ place, kind, level }) => `${place} ${kind} ${level}`);
        assert.deepEqual(names(found.rows), names(rows));
        assert.equal(found.clean?.topChanged, clean?.topChanged);
        const got = numbersOf({ clean: found.clean, rows: found.rows });
        const want = numbersOf({ clean, rows });
        assert.ok(want.size > 300, `only ${want.size} numbers were compared`);
        const wrong = [...want].filter(
          ([path, value]) => !(Math.abs(got.get(path)! - value) < tolerance[precision] * Math.max(1, Math.abs(value))),
        );
        assert.deepEqual(
          wrong.map(([path, value]) => `${path}: ${got.get(path)} instead of ${value}`).slice(0, 10),
          [],
          `${wrong.length} of ${want.size}`,
        );
        assert.equal(got.size, want.size);
      });
  }

  it('leaves every other number as it was, and runs softmax alone where RPC flows on nowhere', async () => {
    const noise = noiseSettings(['token_gauss'], [0.2], 1);
    const choices = { ...quick, noise, rpc: { ...golden.rpc, layers: 'none' } } as const;
    const [without, beside] = await Promise.all(
      [{}, { networkNoise: [5, 'input'] as const }].map(async (more) => {
        const request = await sampleRequest('digits-softmax.safetensors', 'cpu', { ...choices, ...more });
        return { request, result: (await runHere('digits-softmax.safetensors', request)).result };
      }),
    );
    const { networkNoise, ...rest } = beside!.result;
    const bare = ({ provenance, ...other }: typeof rest): unknown => ({
      ...other,
      elapsed: provenance.elapsedMs === -1,
    });
    assert.deepEqual(bare(rest), bare(without!.result));
    assert.deepEqual(
      networkNoise!.rows.map(({ place, softmax, rpc, reason }) => [place, softmax.stream.mean.length, rpc, reason]),
      [
        ['input', 6, null, 'An interval needs 2 repeats or more. RPC flows on in no layer, so there is no second run.'],
        [5, 0, null, 'An interval needs 2 repeats or more. RPC flows on in no layer, so there is no second run.'],
      ],
    );
    const [cheap, dear] = [without!, beside!].map(({ request }) => planInspection(request, 1, 1, ''));
    assert.ok(dear!.forwardFlops > 1.5 * cheap!.forwardFlops, 'the plan counts the clean and the noisy runs');
    assert.ok(dear!.peakByteLength > cheap!.peakByteLength);
  });

  it('is refused in one sentence where the model or the machine cannot have it', async () => {
    const { index, spec, input } = await sampleRequest('digits-softmax.safetensors', 'cpu');
    const refused = (changed: Partial<typeof spec>, more: Partial<Choices>, sentence: RegExp): void => {
      const choices: Choices = {
        ...quick,
        rpc: golden.rpc,
        forward: 'native',
        seed: 0,
        noise: noiseSettings(kinds, null, 8),
        networkNoise: ['input'],
        ...more,
      };
      assert.throws(
        () => makeRequest(index, { ...spec, ...changed }, input, { kind: 'cpu', reason: '' }, choices, '0.0.0-test'),
        (error: unknown) =>
          error instanceof ChoiceError && error.choice === 'networkNoise' && sentence.test(error.message),
      );
    };
    refused({}, { networkNoise: [6] }, /^The model has 6 layers \(0 to 5\); there is no layer 6\.$/);
    refused(
      {},
      { noise: noiseSettings(['key_gauss'], null, 8) },
      /^No kind of noise that has a place between the layers was chosen\. /,
    );
    refused(
      { attention: 'scaled' },
      {},
      /^What flows between these layers cannot do without tokens .* Leave token_drop out\.$/,
    );
    refused({ head: { ...spec.head, classifier: null } }, {}, /^The network gives away no logits, /);
    refused({ tokens: 2 }, {}, /^There is no other token to copy from\. Leave token_replace out\.$/);
    refused(
      {},
      { noise: noiseSettings(['token_gauss'], null, 1000), networkNoise: ['input', 0, 1, 2, 3, 4, 5] },
      /^Its runs would hold 1\.7 GiB of residual streams, more than 1\. Choose fewer places, kinds, levels or repeats\.$/,
    );
  });
});
