// Broken and crafted GGUF files: one clear sentence each, exact text, in bounded time and memory; a file cut anywhere
// or damaged at random; a header in front of 30 GB.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { after, before, describe, it } from 'mocha';
import { bytesSource } from '../../src/checkpoint/byteSource';
import { CheckpointError } from '../../src/checkpoint/checkpointError';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import { readTensor } from '../../src/checkpoint/readTensor';
import { concat, fileOf, u16, u32, u64 } from '../unit/checkpoint/crafted';
import { array, describedTensor, gguf, ggufText, pair } from '../unit/checkpoint/ggufCrafted';
import { hostileGguf } from './ggufFiles';
import type { ListReport } from './listCheckpoint';

/** Bars of the issue: one file, the worst bomb in a process of its own. */
const maxMs = 2000;
const maxBombMB = 256;
/** Time for the header of a file of 30 GB. */
const maxListMs = 1000;
const rounds = 1500;

const folder = mkdtempSync(join(tmpdir(), 'gramlens-hostile-gguf-'));
const program = join(folder, 'list.cjs');
const fixture = (): Uint8Array => new Uint8Array(readFileSync('test/fixtures/checkpoint/gguf-types.gguf'));

function list(path: string, name?: string): ListReport {
  const args = name === undefined ? [program, path] : [program, path, name];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as ListReport;
}

/** The same, up to three times: the machine may be busy with other things. */
function listInTime(path: string, allowedMs: number, name?: string): ListReport {
  let best = list(path, name);
  for (let again = 0; again < 2 && best.listMs >= allowedMs; again++) {
    const next = list(path, name);
    if (next.listMs < best.listMs) best = next;
  }
  return best;
}

/** Bytes of `count` texts of the same length. */
function texts(count: number, text: string): Uint8Array {
  const one = ggufText(text);
  const all = new Uint8Array(count * one.length);
  for (let i = 0; i < count; i++) all.set(one, i * one.length);
  return all;
}

describe('hostile: gguf', () => {
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

  for (const [name, { make, reason, message }] of Object.entries(hostileGguf)) {
    it(name, async () => {
      const source = fileOf(make(), name);
      const started = performance.now();
      await assert.rejects(readCheckpoint(source), (error: unknown) => {
        assert.ok(error instanceof CheckpointError, String(error));
        assert.equal(error.message, `${name}: ${message}`);
        assert.equal(error.reason, reason);
        return true;
      });
      const elapsed = performance.now() - started;
      assert.ok(elapsed < maxMs, `${name} took ${elapsed.toFixed(0)} ms, allowed ${maxMs}`);
    });
  }

  it('names every place a file can be cut off', async () => {
    const whole = fixture();
    const { entries } = await readCheckpoint(bytesSource('whole.gguf', whole));
    const end = Math.max(...[...entries.values()].map(({ byteOffset, byteLength }) => byteOffset + byteLength));
    for (let length = 4; length < end; length++) {
      await assert.rejects(readCheckpoint(bytesSource('cut.gguf', whole.subarray(0, length))), (error: unknown) => {
        assert.ok(error instanceof CheckpointError, String(error));
        assert.equal(error.reason, 'truncated', `at ${length}: ${error.message}`);
        assert.match(error.message, /^cut\.gguf: .* Copy or download the file again\.$/);
        return true;
      });
    }
  });

  it(`survives random damage, ${rounds} times`, async () => {
    const whole = fixture();
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    let opened = 0;
    for (let round = 0; round < rounds; round++) {
      const bytes = whole.slice();
      // Half of the rounds hit the header, where it hurts.
      const reach = round % 2 === 0 ? 2240 : bytes.length;
      for (let i = random(4); i >= 0; i--) bytes[random(reach)] = random(256);
      try {
        const source = bytesSource('damaged.gguf', bytes);
        const { entries } = await readCheckpoint(source);
        for (const entry of entries.values()) if (entry.problem === undefined) await readTensor(source, entry);
        opened++;
      } catch (error) {
        assert.ok(
          error instanceof CheckpointError,
          `round ${round}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
        assert.match(error.message, /^damaged\.gguf: .*[.]$/s, `round ${round}`);
      }
    }
    assert.ok(opened > 0 && opened < rounds, `${opened} of ${rounds} opened`);
  });

  /** Files at the limits: legal or not, they must stay within time and memory. */
  const heavy: Readonly<Record<string, readonly [make: () => Uint8Array, error: string | null]>> = {
    'two-million-empty-texts': [
      () => gguf({ metadata: [pair('a', 9, array(8, 2_097_152, new Uint8Array(2_097_152 * 8)))] }),
      null,
    ],
    'two-million-short-texts': [
      () => gguf({ metadata: [pair('a', 9, array(8, 2_097_152, texts(2_097_152, '\xc3\xa9')))] }),
      null,
    ],
    'arrays-in-arrays': [() => gguf({ metadata: [pair('a', 9, array(9, 65_536, new Uint8Array(65_536 * 12)))] }), null],
    'as-many-long-texts-as-fit': [
      () => {
        const part = texts(1, '\xe4\xbd\xa0'.repeat(349_000));
        return gguf({ metadata: Array.from({ length: 60 }, (_, i) => pair(`a${i}`, 8, part)) });
      },
      null,
    ],
    'as-many-tensors-as-fit': [
      () => {
        const count = 65_536;
        const one = describedTensor({ name: 'tensor.000000', sizes: [0], offset: 0 });
        const all = new Uint8Array(count * one.length);
        for (let i = 0; i < count; i++) {
          all.set(one, i * one.length);
          const digits = String(i).padStart(6, '0');
          for (let d = 0; d < 6; d++) all[i * one.length + 15 + d] = digits.charCodeAt(d);
        }
        return concat('GGUF', u32(3), u64(count), u64(0), all, new Uint8Array(32));
      },
      null,
    ],
    'as-many-keys-as-fit': [
      () => {
        const count = 65_536;
        const all = new Uint8Array(count * 27);
        for (let i = 0; i < count; i++) all.set(pair(`key.${String(i).padStart(9, '0')}`, 2, u16(i)), i * 27);
        return concat('GGUF', u32(3), u64(0), u64(count), all);
      },
      null,
    ],
  };
  for (const [name, [make, message]] of Object.entries(heavy)) {
    it(`keeps ${name} within its time and memory`, () => {
      const path = join(folder, name);
      writeFileSync(path, make());
      const { peakMB, listMs, error } = listInTime(path, maxMs);
      rmSync(path);
      console.log(`      ${name}: ${listMs.toFixed(0)} ms, ${peakMB.toFixed(0)} MB`);
      assert.equal(error, message === null ? null : `${name}: ${message}`);
      assert.ok(peakMB < maxBombMB, `${name} took ${peakMB.toFixed(0)} MB, allowed ${maxBombMB}`);
      assert.ok(listMs < maxMs, `${name} took ${listMs.toFixed(0)} ms, allowed ${maxMs}`);
    });
  }

  it('lists a sparse LLaMA-shaped file of 30 GB with its vocabulary', () => {
    const width = 8192;
    const hidden = 22016;
    const vocabulary = 128_256;
    const matrices: [name: string, out: number, columns: number, type: number][] = [
      ['token_embd', vocabulary, width, 14],
    ];
    for (let i = 0; i < 52; i++) {
      for (const part of ['attn_q', 'attn_k', 'attn_v', 'attn_output'])
        matrices.push([`blk.${i}.${part}`, width, width, 13]);
      matrices.push([`blk.${i}.ffn_gate`, hidden, width, 13], [`blk.${i}.ffn_up`, hidden, width, 13]);
      matrices.push([`blk.${i}.ffn_down`, width, hidden, 14]);
    }
    const bytesOfType = new Map([
      [13, 176],
      [14, 210],
    ]);
    let offset = 0;
    const tensors = matrices.map(([name, out, columns, type]) => {
      const tensor = { name: `${name}.weight`, sizes: [columns, out], type, offset };
      offset += ((out * columns) / 256) * bytesOfType.get(type)!;
      return tensor;
    });
    const token = (i: number): string => `\u0120token${i}`;
    const words = concat(
      Array.from({ length: vocabulary }, (_, i) => new TextEncoder().encode(token(i)))
        .map((bytes) => `${String.fromCharCode(bytes.length)}${'\0'.repeat(7)}${String.fromCharCode(...bytes)}`)
        .join(''),
    );
    const merges = texts(280_000, '\xc4\xa0tok en');
    const header = gguf({
      metadata: [
        pair('general.architecture', 8, ggufText('llama')),
        pair('tokenizer.ggml.tokens', 9, array(8, vocabulary, words)),
        pair('tokenizer.ggml.token_type', 9, array(5, vocabulary, new Uint8Array(vocabulary * 4))),
        pair('tokenizer.ggml.merges', 9, array(8, 280_000, merges)),
      ],
      tensors: [...tensors, { name: 'output_norm.weight', sizes: [2], type: 0, offset }],
    });
    const path = join(folder, 'thirty.gguf');
    const handle = openSync(path, 'w');
    writeSync(handle, header, 0, header.length, 0);
    writeSync(handle, new Uint8Array(new Float32Array([1.5, -2]).buffer), 0, 8, header.length + offset);
    ftruncateSync(handle, header.length + offset + 32);
    closeSync(handle);
    const { listMs, peakMB, entries, values, error } = listInTime(path, maxListMs, 'output_norm.weight');
    const { size } = statSync(path);
    assert.equal(error, null);
    assert.ok(size > 30e9, `${size} bytes`);
    assert.equal(entries, tensors.length + 1);
    assert.deepEqual(values, [1.5, -2]);
    console.log(
      `      ${(size / 1e9).toFixed(1)} GB, header ${(header.length / 1e6).toFixed(1)} MB: ${listMs.toFixed(0)} ms, ${peakMB.toFixed(0)} MB`,
    );
    assert.ok(listMs < maxListMs, `${listMs.toFixed(0)} ms, allowed ${maxListMs}`);
    assert.ok(peakMB < maxBombMB, `${peakMB.toFixed(0)} MB, allowed ${maxBombMB}`);
  });
});
