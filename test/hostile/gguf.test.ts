// Broken and crafted GGUF files: one clear sentence each, exact text, in bounded time and memory; a file cut anywhere;
// a header in front of 30 GB.

import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { bytesSource } from '../../src/checkpoint/byteSource';
import { CheckpointError } from '../../src/checkpoint/checkpointError';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import { concat } from '../unit/checkpoint/crafted';
import { array, gguf, ggufText, pair } from '../unit/checkpoint/ggufCrafted';
import { describeHeavy, describeTable, listCheckpoint, maxListMs, maxMB } from './bars';
import { heavyGguf, texts } from './ggufFiles';

const folder = mkdtempSync(join(tmpdir(), 'gramlens-hostile-gguf-'));
const fixture = (): Uint8Array => new Uint8Array(readFileSync('test/fixtures/checkpoint/gguf-types.gguf'));

describe('hostile: gguf', () => {
  after(() => rmSync(folder, { recursive: true }));
  describeTable('gguf');
  describeHeavy(heavyGguf);

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
    const { cpuMs, peakMB, entries, values } = listCheckpoint(path, 'output_norm.weight');
    const { size } = statSync(path);
    assert.ok(size > 30e9, `${size} bytes`);
    assert.equal(entries, tensors.length + 1);
    assert.deepEqual(values, [1.5, -2]);
    console.log(
      `      ${(size / 1e9).toFixed(1)} GB, header ${(header.length / 1e6).toFixed(1)} MB: ${cpuMs.toFixed(0)} ms, ${peakMB.toFixed(0)} MB`,
    );
    assert.ok(cpuMs < maxListMs, `${cpuMs.toFixed(0)} ms, allowed ${maxListMs}`);
    assert.ok(peakMB < maxMB, `${peakMB.toFixed(0)} MB, allowed ${maxMB}`);
  });
});
