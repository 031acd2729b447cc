// The thread that computes tensor statistics: from disk and from memory, one after the other, cancelled at once.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { openFileSource } from '../../../src/checkpoint/node/fileSource';
import { readCheckpoint } from '../../../src/checkpoint/readCheckpoint';
import { computeTensorStatistics } from '../../../src/checkpoint/tensorStatistics';
import type { TensorEntry } from '../../../src/checkpoint/tensorIndex';
import { StatisticsRunner } from '../../../src/inspection/node/statisticsRunner';

const script = join(process.cwd(), 'dist', 'statistics.js');
const path = join(process.cwd(), 'media', 'samples', 'digits-rpc.pt');
const never = new AbortController().signal;
const quiet = (): void => undefined;

describe('statistics thread', () => {
  it('computes what this thread computes, from disk, memory and shards', async () => {
    const source = await openFileSource(path);
    const runner = new StatisticsRunner(script);
    try {
      const entries = [...(await readCheckpoint(source)).entries.values()];
      const bytes = new Uint8Array(readFileSync(path));
      const memory = { name: 'digits-rpc.pt', bytes };
      const shards = { name: 'index.json', bytes: new Uint8Array(0), shards: new Map([['one.pt', bytes]]) };
      for (const entry of [entries[3]!, entries.at(-1)!]) {
        const here = await computeTensorStatistics(source, entry);
        assert.deepEqual(await runner.compute({ path }, entry, never, quiet), here);
        assert.deepEqual(await runner.compute(memory, entry, never, quiet), here);
        assert.deepEqual(await runner.compute(shards, { ...entry, shard: 'one.pt' }, never, quiet), here);
      }
    } finally {
      await runner.dispose();
      await source.close();
    }
  });

  it('ends a tensor that is cancelled, skips one that waits, and goes on with the next', async () => {
    // Larger than its file: a person who waits for it hears that.
    const huge: TensorEntry = {
      name: 'huge',
      dtype: 'uint8',
      dtypeName: 'U8',
      shape: [5e9],
      strides: [1],
      byteOffset: 0,
      byteLength: 5e9,
      bigEndian: false,
    };
    const runner = new StatisticsRunner(script);
    try {
      const [first, second] = [new AbortController(), new AbortController()];
      const running = runner.compute({ path }, { ...huge, shape: [700_000], strides: [1] }, first.signal, quiet);
      const waiting = runner.compute({ path }, huge, second.signal, quiet);
      second.abort(new Error('not wanted'));
      first.abort(new Error('enough'));
      await assert.rejects(running, /enough/);
      await assert.rejects(waiting, /not wanted/);
      await assert.rejects(runner.compute({ path }, huge, never, quiet), /ends at byte 5,000,000,000, the file at/);
      await runner.dispose();
      await assert.rejects(runner.compute({ path }, huge, never, quiet), /page was closed/);
    } finally {
      await runner.dispose();
    }
  });
});
