// Grouped queries: what depends on keys and values alone is computed once a kv head, and every query head has it.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { diagnoseHead, headJobs, headWork } from '../../../src/diagnostics/diagnoseHead';
import type { HeadInput } from '../../../src/diagnostics/headInput';
import type { HeadResult } from '../../../src/diagnostics/headResult';
import { permutedNull } from '../../../src/diagnostics/nulls';
import { normals } from '../../../src/diagnostics/random';
import { keySpectrum } from '../../../src/diagnostics/spectrum';
import { subspaceTarget } from '../../../src/diagnostics/subspace';
import { mean } from '../../../src/diagnostics/vector';
import type { HeadKernels } from '../../../src/engine/headKernels';
import { headInput, kernels, options } from './heads';

const tokens = 12;
const headDim = 4;
const kvHeads = 2;
const heads = 8;

/** Four query heads for each of two kv heads, as a layer with grouped queries has them. */
function layerOfGroups(): HeadInput[] {
  const part = (name: string): Float64Array => normals(`groups/${name}`, tokens * headDim);
  return Array.from({ length: heads }, (_, head) => {
    const kvHead = Math.floor(head / (heads / kvHeads));
    return headInput(tokens, headDim, {
      head,
      kvHead,
      firstHead: kvHead * (heads / kvHeads),
      q: part(`q${head}`),
      k: part(`k${kvHead}`),
      v: part(`v${kvHead}`),
      otherValues: [part(`v${1 - kvHead}`)],
    });
  });
}

const settings = options({ nulls: 20, studyNulls: 0, noise: { kinds: ['key_gauss'], levels: {}, repeats: 2 } });

async function run(inputs: readonly HeadInput[], by: HeadKernels = kernels): Promise<HeadResult[]> {
  const found: HeadResult[] = [];
  for (const job of headJobs(inputs, settings, (head) => found.push(head))) await job(headWork(by));
  return found.sort((a, b) => a.index - b.index);
}

describe('diagnostics: grouped queries', () => {
  it('forms the Gram matrix of each kv head once, and hands it to all its query heads', async () => {
    let grams = 0;
    const counting: HeadKernels = {
      ...kernels,
      matmulTransposed: (a, b, m, k, n) => {
        // Keys by keys, N x N: nothing but the Gram matrix is made so in a head with queries.
        if (a === b && m === tokens && n === tokens && k === headDim) grams += 1;
        return kernels.matmulTransposed(a, b, m, k, n);
      },
    };
    const found = await run(layerOfGroups(), counting);
    assert.equal(grams, kvHeads);
    assert.equal(found.length, heads);
    for (const part of ['spectrum', 'alignment', 'gamma', 'reproduction'] as const) {
      assert.deepEqual(found[3]![part], found[0]![part]);
      assert.notDeepEqual(found[4]![part], found[0]![part]);
    }
    for (const part of ['attention', 'projection', 'noise'] as const)
      assert.notDeepEqual(found[3]![part], found[0]![part]);
  });

  it('gives chosen heads the numbers they have in the whole layer', async () => {
    const inputs = layerOfGroups();
    const all = await run(inputs);
    assert.deepEqual(await run([inputs[2]!, inputs[7]!]), [all[2], all[7]]);
    assert.deepEqual(diagnoseHead(inputs[7]!, settings, kernels), all[7]);
  });

  it('names the streams of a kv head by its first query head, and of a head without groups by itself', () => {
    const drawn = (input: HeadInput): number =>
      diagnoseHead(input, settings, kernels).alignment.plain.nulls.permuted!.overlap.mean;
    const expected = (input: HeadInput, head: number): number => {
      const target = subspaceTarget(keySpectrum(input.k, tokens, headDim, kernels), kernels);
      const key = `0/null/permuted/plain/0/${head}`;
      const draws = permutedNull(target, { tokenWeights: null }, input.v, null, key, settings.nulls);
      return mean(draws.map(({ overlap }) => overlap));
    };
    const input = layerOfGroups()[6]!;
    const { firstHead, ...alone } = input;
    assert.equal(firstHead, 4);
    const close = (a: number, b: number): boolean => Math.abs(a - b) < 1e-12;
    assert.ok(close(drawn(input), expected(input, 4)));
    assert.ok(close(drawn(alone), expected(input, 6)));
    assert.ok(!close(expected(input, 4), expected(input, 6)));
  });
});
