// The inputs a person names: what is refused and how it is said.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { readInput } from '../../../src/inspection/node/readInput';
import { sampleRequest } from './sampleRun';

describe('naming an input', () => {
  it('says what a seed can be', async () => {
    const { spec } = await sampleRequest('digits-softmax.safetensors', 'cpu');
    for (const seed of ['-1', '99999999999', '4294967296', '', 'x', '1.5']) {
      await assert.rejects(readInput(`random:${seed}`, spec), {
        name: 'ModelSpecError',
        message: `The input random:${seed}: the seed must be a whole number from 0 to 4294967295.`,
      });
    }
    assert.equal((await readInput('random', spec)).label, 'random:0');
    assert.equal((await readInput('random:4294967295', spec)).label, 'random:4294967295');
  });
});
