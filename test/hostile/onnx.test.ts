// Broken and crafted ONNX files: one clear sentence each, exact text, in bounded time and memory; a file cut anywhere.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { bytesSource } from '../../src/checkpoint/byteSource';
import { CheckpointError } from '../../src/checkpoint/checkpointError';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import { readTensor } from '../../src/checkpoint/readTensor';
import { readCheckpointIn } from '../../src/checkpoint/shards/openFolder';
import { fileOf } from '../unit/checkpoint/crafted';
import { memoryFolder } from '../unit/checkpoint/memoryFolder';
import { external, initializer, len, onnx, varint, zeros } from '../unit/checkpoint/onnxCrafted';
import { describeHeavy, describeTable } from './bars';
import { heavyOnnx } from './onnxFiles';

const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(join('test/fixtures/onnx', name)));

describe('hostile: onnx', () => {
  describeTable('onnx');
  describeHeavy(heavyOnnx);

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
});
