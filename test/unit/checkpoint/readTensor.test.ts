// Reading tensors: all 16-bit codes against an independent formula, strides, chunks, limits.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ByteSource } from '../../../src/checkpoint/byteSource';
import { bytesSource } from '../../../src/checkpoint/byteSource';
import { readChunkBytes, readTensor } from '../../../src/checkpoint/readTensor';
import type { DType, TensorEntry } from '../../../src/checkpoint/tensorIndex';

function entry(
  dtype: DType,
  shape: readonly number[],
  byteLength: number,
  more: Partial<TensorEntry> = {},
): TensorEntry {
  return { name: 'w', dtype, dtypeName: dtype, shape, byteOffset: 0, byteLength, bigEndian: false, ...more };
}

/** IEEE half by its definition, written apart from the reader's table. */
function half(code: number): number {
  const e = (code & 0x7c00) / 1024;
  const m = code & 0x3ff;
  const value = e === 31 ? (m === 0 ? Infinity : NaN) : e === 0 ? m / 2 ** 24 : (1024 + m) * 2 ** (e - 25);
  return code & 0x8000 ? -value : value;
}

describe('checkpoint: readTensor', () => {
  it('converts all 65,536 codes of float16 and bfloat16', async () => {
    const codes = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const source = bytesSource('all', new Uint8Array(codes.buffer));
    const halves = await readTensor(source, entry('float16', [65536], 131072));
    const brains = await readTensor(source, entry('bfloat16', [65536], 131072));
    const word = new DataView(new ArrayBuffer(4));
    for (let i = 0; i < 65536; i++) {
      assert.ok(
        Object.is(halves[i], half(i)) || (Number.isNaN(halves[i]) && Number.isNaN(half(i))),
        `float16 code ${i}`,
      );
      word.setUint32(0, i * 65536);
      const brain = word.getFloat32(0);
      assert.ok(Object.is(brains[i], brain) || (Number.isNaN(brains[i]) && Number.isNaN(brain)), `bfloat16 code ${i}`);
    }
  });

  it('converts all codes of both float8 kinds', async () => {
    const source = bytesSource(
      'all',
      Uint8Array.from({ length: 256 }, (_, i) => i),
    );
    const e4m3 = await readTensor(source, entry('float8_e4m3fn', [256], 256));
    const e5m2 = await readTensor(source, entry('float8_e5m2', [256], 256));
    for (let i = 0; i < 256; i++) {
      // E5M2 is the upper byte of a half; E4M3FN has bias 7 and NaN only at S.1111.111.
      assert.ok(Object.is(e5m2[i], half(i << 8)) || (Number.isNaN(e5m2[i]) && Number.isNaN(half(i << 8))), `e5m2 ${i}`);
      const e = (i >> 3) & 15;
      const magnitude = (i & 127) === 127 ? NaN : e === 0 ? (i & 7) / 512 : (8 + (i & 7)) * 2 ** (e - 10);
      const wanted = i & 128 ? -magnitude : magnitude;
      assert.ok(Object.is(e4m3[i], wanted) || (Number.isNaN(e4m3[i]) && Number.isNaN(wanted)), `e4m3fn ${i}`);
    }
  });

  it('turns big-endian bytes and unaligned offsets', async () => {
    const bytes = new Uint8Array(1 + 8 + 4);
    const view = new DataView(bytes.buffer);
    view.setFloat64(1, -2.5);
    view.setInt16(9, -300);
    view.setInt16(11, 4660);
    const source = bytesSource('big', bytes);
    const f64 = await readTensor(source, entry('float64', [1], 8, { byteOffset: 1, bigEndian: true }));
    assert.deepEqual([...f64], [-2.5]);
    const i16 = await readTensor(source, entry('int16', [2], 4, { byteOffset: 9, bigEndian: true }));
    assert.deepEqual([...i16], [-300, 4660]);
  });

  it('reads a tensor larger than one chunk, in chunks, without a seam', async () => {
    const count = readChunkBytes / 2 + 5;
    const reads: [number, number][] = [];
    const source: ByteSource = {
      name: 'large',
      byteLength: count * 2 + 10,
      read: (offset, length) => {
        reads.push([offset, length]);
        const codes = new Int16Array(length / 2);
        const first = (offset - 10) / 2;
        for (let i = 0; i < codes.length; i++) {
          codes[i] = (first + i) % 30011;
          if (i === 150 && codes.length > 400) i = codes.length - 150;
        }
        return Promise.resolve(new Uint8Array(codes.buffer));
      },
    };
    const values = await readTensor(source, entry('int16', [count], count * 2, { byteOffset: 10 }));
    assert.deepEqual(reads, [
      [10, readChunkBytes],
      [10 + readChunkBytes, 10],
    ]);
    for (const i of [0, 1, 99, count - 106, count - 6, count - 5, count - 4, count - 1])
      assert.equal(values[i], i % 30011, `element ${i}`);
  });

  it('has a file fill the values themselves where they are float32, else one buffer', async () => {
    for (const [dtype, size] of [
      ['float32', 4],
      ['bfloat16', 2],
    ] as const) {
      const count = readChunkBytes / size + 3;
      const rooms: Uint8Array[] = [];
      const offsets: number[] = [];
      const source: ByteSource = {
        name: 'large',
        byteLength: count * size,
        read: (offset, length, into = new Uint8Array(length)) => {
          rooms.push(into);
          offsets.push(offset);
          // 1.0 in either type, at both ends of the piece.
          const one = size === 4 ? [0, 0, 0x80, 0x3f] : [0x80, 0x3f];
          into.set(one, 0);
          into.set(one, length - size);
          return Promise.resolve(into);
        },
      };
      const values = await readTensor(source, entry(dtype, [count], count * size));
      assert.deepEqual(offsets, [0, readChunkBytes]);
      assert.equal(rooms[0]!.buffer, rooms[1]!.buffer, 'no second buffer');
      assert.equal(rooms[0]!.buffer === values.buffer, dtype === 'float32');
      const last = readChunkBytes / size;
      for (const i of [0, last - 1, last, last + 2]) assert.equal(values[i], 1, `${dtype} ${i}`);
    }
  });

  it('says what is wrong with tensors it will not read', async () => {
    const source = bytesSource('a.pt', new Uint8Array(16));
    const cases: [TensorEntry, string][] = [
      [entry('float32', [5], 20), 'a.pt: tensor "w" ends at byte 20, the file at 16. Copy or download the file again.'],
      [
        entry('float32', [2 ** 31], 2 ** 33),
        'a.pt: tensor "w" has shape [2147483648], more than the 1,207,959,552 elements Gramlens holds in memory at once.',
      ],
      [
        entry('float32', [2 ** 20, 2 ** 8], 4, { strides: [0, 0] }),
        'a.pt: tensor "w" repeats 4 bytes to shape [1048576, 256]. Call .contiguous() in Python and save it again.',
      ],
      [
        entry('float32', [2], 2 ** 35, { strides: [2 ** 33] }),
        'a.pt: tensor "w" is spread over 34,359,738,368 bytes. Call .contiguous() in Python and save it again.',
      ],
    ];
    for (const [broken, message] of cases)
      await assert.rejects(readTensor(source, broken), { name: 'CheckpointError', message });
    const short: ByteSource = { name: 'b.pt', byteLength: 16, read: () => Promise.resolve(new Uint8Array(3)) };
    await assert.rejects(readTensor(short, entry('float32', [4], 16)), {
      message: 'b.pt: tensor "w": 3 of 16 bytes came back at byte 0. Copy or download the file again.',
    });
  });
});
