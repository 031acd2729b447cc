// Broken and crafted ONNX files: one clear sentence each, exact text, in bounded time and memory; a file cut anywhere
// or damaged at random.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { after, before, describe, it } from 'mocha';
import { bytesSource } from '../../src/checkpoint/byteSource';
import { CheckpointError } from '../../src/checkpoint/checkpointError';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import { readTensor } from '../../src/checkpoint/readTensor';
import { readCheckpointIn } from '../../src/checkpoint/shards/openFolder';
import { fileOf } from '../unit/checkpoint/crafted';
import { memoryFolder } from '../unit/checkpoint/memoryFolder';
import { external, initializer, len, onnx, raw, varint, zeros } from '../unit/checkpoint/onnxCrafted';
import type { ListReport } from './listCheckpoint';
import { heavyOnnx, hostileOnnx } from './onnxFiles';

/** Bars of the issue: every file, the heavy ones in a process of their own. */
const maxMs = 2000;
const maxMB = 256;
const rounds = 1500;
/** Files of this size and more are measured in a process of their own. */
const largeBytes = 500_000;

const folder = mkdtempSync(join(tmpdir(), 'gramlens-hostile-onnx-'));
const program = join(folder, 'list.cjs');
const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(join('test/fixtures/onnx', name)));

/** Lists a file in another process, whose processor time counts: the machine may be busy with other things. */
function listWithin(name: string, bytes: Uint8Array): ListReport {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const report = JSON.parse(execFileSync(process.execPath, [program, path], { encoding: 'utf8' })) as ListReport;
  rmSync(path);
  const { peakMB, cpuMs } = report;
  console.log(`      ${name}: ${cpuMs.toFixed(0)} ms, ${peakMB.toFixed(0)} MB`);
  assert.ok(peakMB < maxMB, `${name} took ${peakMB.toFixed(0)} MB, allowed ${maxMB}`);
  assert.ok(cpuMs < maxMs, `${name} took ${cpuMs.toFixed(0)} ms, allowed ${maxMs}`);
  return report;
}

describe('hostile: onnx', () => {
  before(async () => {
    await build({
      entryPoints: ['test/hostile/listCheckpoint.ts'],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile: program,
      logLevel: 'error',
    });
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const [name, { make, reason, message }] of Object.entries(hostileOnnx)) {
    it(name, async () => {
      const bytes = make();
      if (bytes.length > largeBytes) {
        assert.equal(listWithin(name, bytes).error, `${name}: ${message}`);
        return;
      }
      // Opened in a folder, so that external data is looked at.
      const files = memoryFolder({ [name]: bytes, 'w.bin': zeros(64) });
      const started = performance.now();
      await assert.rejects(readCheckpointIn(files, name), (error: unknown) => {
        assert.ok(error instanceof CheckpointError, String(error));
        assert.equal(error.message, `${name}: ${message}`);
        assert.equal(error.reason, reason);
        return true;
      });
      const elapsed = performance.now() - started;
      assert.ok(elapsed < maxMs, `${name} took ${elapsed.toFixed(0)} ms, allowed ${maxMs}`);
    });
  }

  for (const [name, make] of Object.entries(heavyOnnx)) {
    it(`keeps ${name} within its time and memory`, () => {
      assert.equal(listWithin(name, make()).error, null);
    });
  }

  it('says where external data ends too early', async () => {
    const model = onnx(initializer('w', [4], 1, external({ location: 'w.bin', offset: '8' })));
    await assert.rejects(readCheckpointIn(memoryFolder({ 'm.onnx': model, 'w.bin': zeros(20) }), 'm.onnx'), {
      reason: 'truncated',
      message: 'm.onnx: tensor "w" ends at byte 24 of "w.bin", which has 20. Copy or download the file again.',
    });
  });

  for (const [what, values, message] of [
    ['too few values', [1, 2, 0x80, 0x80], 'holds 2 values, its shape [3] needs 3'],
    ['too many values', [1, 2, 3, 4], 'holds more values than its shape [3]'],
    ['a value of 11 bytes', [...new Array<number>(10).fill(0x80), 1, 2, 3], 'has a value of more than 64 bits'],
  ] as const) {
    it(`says of packed integers: ${what}`, async () => {
      const source = fileOf(onnx(initializer('w', [3], 7, len(7, [...values]))), 'm.onnx');
      const { entries } = await readCheckpoint(source);
      await assert.rejects(readTensor(source, entries.get('w')!), {
        message: `m.onnx: tensor "w" ${message}. The file is damaged or crafted; copy or download it again.`,
      });
    });
  }

  it('keeps a million values that one byte each could not hold out of memory', async () => {
    const source = fileOf(onnx(initializer('w', [2 ** 28], 7, len(7, varint(1)))), 'm.onnx');
    await assert.rejects(readCheckpoint(source), { reason: 'corrupt' });
  });

  it('names every place a file can be cut off', async () => {
    const whole = fixture('types.onnx');
    const cuts = [...whole.keys()].slice(3).filter((_, i) => i % 7 === 0 || i < 60 || i > whole.length - 120);
    for (const length of cuts) {
      try {
        // The last fields may be missing without a trace.
        const { graph } = await readCheckpoint(bytesSource('cut.onnx', whole.subarray(0, length)));
        assert.equal(graph?.nodes.length, 6);
      } catch (error) {
        assert.ok(error instanceof CheckpointError, String(error));
        assert.equal(error.reason, 'truncated', `at ${length}: ${error.message}`);
        assert.match(error.message, /^cut\.onnx: .* Copy or download the file again\.$/);
      }
    }
  });

  it(`survives random damage, ${rounds} times`, async () => {
    const files = [fixture('types.onnx'), fixture('external.onnx'), onnx(initializer('w', [4], 1, raw(16)))];
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    let opened = 0;
    for (let round = 0; round < rounds; round++) {
      const whole = files[round % files.length]!;
      const bytes = whole.slice(0, round % 5 === 0 ? random(whole.length) : whole.length);
      for (let i = random(4); i >= 0; i--) if (bytes.length > 0) bytes[random(bytes.length)] = random(256);
      try {
        const source = bytesSource('damaged.onnx', bytes);
        const { entries } = await readCheckpoint(source);
        for (const entry of entries.values()) if (entry.problem === undefined) await readTensor(source, entry);
        opened++;
      } catch (error) {
        assert.ok(
          error instanceof CheckpointError,
          `round ${round}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
        assert.match(error.message, /^damaged\.onnx: .*[.]$/s, `round ${round}`);
      }
    }
    assert.ok(opened > 0 && opened < rounds, `${opened} of ${rounds} opened`);
  });
});
