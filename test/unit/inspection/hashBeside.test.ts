// Hashing beside a run: large files on a thread of their own, which ends with the hash, or when the run does.

import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashFile } from '../../../src/checkpoint/node/fileSource';
import { hashBeside } from '../../../src/inspection/node/hashBeside';

const script = `${process.cwd()}/dist/runner.js`;
const size = 66 * 2 ** 20;

const liveWorkers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;

describe('hash beside a run', () => {
  let folder = '';
  let path = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gramlens-hash-'));
    path = join(folder, 'large.safetensors');
    writeFileSync(path, 'gramlens');
    truncateSync(path, size);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('leaves this thread free while a large file is hashed, and nothing behind', async () => {
    const before = liveWorkers();
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 1);
    const read = hashBeside(script, { path }, size, new AbortController().signal);
    assert.equal(liveWorkers(), before + 1);
    const hash = await read;
    clearInterval(ticking);
    assert.ok(turns > 10, `${turns} turns of this thread's loop meanwhile`);
    assert.equal(hash, await hashFile(path));
    assert.equal(liveWorkers(), before);
  });

  it('ends the thread when the run is over, and tells what could not be read', async () => {
    const before = liveWorkers();
    const controller = new AbortController();
    const hash = hashBeside(script, { path }, size, controller.signal);
    controller.abort(new Error('the run is over'));
    await assert.rejects(hash, { message: 'the run is over' });
    assert.equal(liveWorkers(), before);
    const missing = join(folder, 'missing.safetensors');
    await assert.rejects(hashBeside(script, { path: missing }, size, new AbortController().signal), {
      name: 'CheckpointError',
      message: `${missing}: there is no such file. Check the path.`,
    });
  });
});
