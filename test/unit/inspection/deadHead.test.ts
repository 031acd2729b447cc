// A pruned head (its keys are all zero) is one head without some numbers, not the end of the inspection.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startThreadRunner } from '../../../src/inspection/node/threadRunner';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { resultJson } from '../../../src/report/resultJson';
import { samplePath, sampleRequest, silentHost } from './sampleRun';

const sample = 'digits-softmax.safetensors';
const pruned = { layer: 0, head: 1 };
const [width, headDim] = [64, 16];

/** The sample with the key rows of one head set to zero, weight and bias. */
async function prunedSample(): Promise<string> {
  const { index } = await openCheckpoint(samplePath(sample));
  const bytes = readFileSync(samplePath(sample));
  const firstRow = width + pruned.head * headDim;
  const weight = index.entries.get(`blocks.${pruned.layer}.attn.qkv.weight`)!.byteOffset;
  const bias = index.entries.get(`blocks.${pruned.layer}.attn.qkv.bias`)!.byteOffset;
  bytes.fill(0, weight + 4 * firstRow * width, weight + 4 * (firstRow + headDim) * width);
  bytes.fill(0, bias + 4 * firstRow, bias + 4 * (firstRow + headDim));
  const path = join(mkdtempSync(join(tmpdir(), 'gramlens-pruned-')), sample);
  writeFileSync(path, bytes);
  return path;
}

describe('a head without keys', () => {
  it('has no RPC numbers and says why; the other heads have theirs', async () => {
    const path = await prunedSample();
    const request = await sampleRequest(sample, 'cpu', { layers: [0] });
    const runner = startThreadRunner(`${process.cwd()}/dist/runner.js`, silentHost);
    const result = await runner.run(request, { path }, 2);
    const heads = result.layers[0]!.heads;
    assert.deepEqual(
      heads.map((head) => head.rpc?.mu === null),
      [false, true, false, false],
    );
    assert.match(heads[1]!.rpc!.reason ?? '', /zero/);
    assert.doesNotThrow(() => resultJson(result), 'no NaN may reach the result');
    const detail = await runner.headDetail(0, 1);
    assert.equal(detail.rpcPattern, null);
    const rpc = (await runner.tensors()).find((tensor) => tensor.name === 'layer0.rpc')!;
    const size = rpc.data.length / 4;
    assert.deepEqual(
      [0, 1, 2, 3].map((h) => Array.from(rpc.data.subarray(h * size, (h + 1) * size)).every(Number.isNaN)),
      [false, true, false, false],
    );
    await runner.stop();
  });
});
