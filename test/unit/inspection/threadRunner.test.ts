// The runner thread: same numbers as in this thread, and nothing left of it when it is stopped.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startThreadRunner } from '../../../src/inspection/node/threadRunner';
import { CancelledError } from '../../../src/inspection/cancelledError';
import { numbersOf, runHere, samplePath, sampleRequest, silentHost } from './sampleRun';

const sample = 'digits-softmax.safetensors';
const script = 'dist/runner.js';

/** Handles that keep the process alive; worker threads are MessagePort or Worker entries. */
function liveWorkers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'MessagePort' || name === 'Worker').length;
}

describe('runner thread', () => {
  it('computes what this thread computes, then draws patterns, then ends', async () => {
    const before = liveWorkers();
    const request = await sampleRequest(sample, 'cpu', { layers: [1] });
    const runner = startThreadRunner(`${process.cwd()}/${script}`, silentHost);
    const result = await runner.run(request, { path: samplePath(sample) }, 2);
    const here = await runHere(sample, request);
    assert.deepEqual(numbersOf(result.layers), numbersOf(here.result.layers));
    assert.match(result.provenance.checkpoint.sha256 ?? '', /^[0-9a-f]{64}$/);
    const detail = await runner.headDetail(1, 3);
    assert.equal(detail.softmaxPattern.length, detail.tokens ** 2);
    for (const pattern of [detail.softmaxPattern, detail.rpcPattern!]) {
      for (let row = 0; row < detail.tokens; row += 1) {
        const sum = pattern.subarray(row * detail.tokens, (row + 1) * detail.tokens).reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - 1) < 1e-5, `row ${row} sums to ${sum}`);
      }
    }
    await assert.rejects(runner.headDetail(0, 0), /layer 0, head 0 was not inspected/);
    await runner.stop();
    assert.equal(liveWorkers(), before);
  });

  it('stops at once when cancelled, and leaves no thread', async () => {
    const before = liveWorkers();
    const request = await sampleRequest(sample, 'cpu', { nulls: 2000 });
    let seen = 0;
    let reached: () => void = () => undefined;
    const firstHead = new Promise<void>((resolve) => (reached = resolve));
    const runner = startThreadRunner(`${process.cwd()}/${script}`, {
      ...silentHost,
      head: () => {
        seen += 1;
        reached();
        return Promise.resolve();
      },
    });
    const twinFolder = join(mkdtempSync(join(tmpdir(), 'gramlens-stopped-')), 'twins');
    const run = runner.run(request, { path: samplePath(sample) }, 2, { twinFolder });
    await firstHead;
    const seenAtStop = seen;
    const [, outcome] = await Promise.all([runner.stop(), run.catch((error: unknown) => error)]);
    assert.ok(outcome instanceof CancelledError, String(outcome));
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(seen <= seenAtStop + 1, 'heads went on arriving');
    assert.equal(existsSync(twinFolder), false, 'twins of a run that was stopped');
    assert.equal(liveWorkers(), before);
    await assert.rejects(runner.run(request, { path: samplePath(sample) }, 2), CancelledError);
  });

  it('says what is wrong with the file in its own words', async () => {
    const request = await sampleRequest(sample, 'cpu', { layers: [0] });
    const runner = startThreadRunner(`${process.cwd()}/${script}`, silentHost);
    await assert.rejects(runner.run(request, { path: 'media/samples/gone.safetensors' }, 1), /gone\.safetensors/);
    await runner.stop();
  });
});
