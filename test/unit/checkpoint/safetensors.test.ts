// safetensors: every dtype to exact numbers, and what is shown of a file that is only half understood. Broken files
// are in test/hostile.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { CheckpointError } from '../../../src/checkpoint/checkpointError';
import { readCheckpoint } from '../../../src/checkpoint/readCheckpoint';
import { readTensor } from '../../../src/checkpoint/readTensor';
import { type Bytes, fileOf, safetensors } from './crafted';

const bytesOf = (array: { readonly buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(array.buffer);

/** dtype, ours, bytes of one tensor, its values, whether they come as float64. */
const dtypes: readonly [string, string, Uint8Array, readonly number[], boolean][] = [
  ['F64', 'float64', bytesOf(new Float64Array([Math.PI, -1e300])), [Math.PI, -1e300], true],
  ['F32', 'float32', bytesOf(new Float32Array([1.5, -0, Infinity])), [1.5, -0, Infinity], false],
  [
    'F16',
    'float16',
    bytesOf(new Uint16Array([0x3c00, 0x0001, 0x7bff, 0xfc00, 0x3555])),
    [1, 2 ** -24, 65504, -Infinity, 0.333251953125],
    false,
  ],
  [
    'BF16',
    'bfloat16',
    bytesOf(new Uint16Array([0x3f80, 0xc049, 0x0001, 0x7f80])),
    [1, -3.140625, 2 ** -133, Infinity],
    false,
  ],
  ['F8_E4M3', 'float8_e4m3fn', Uint8Array.of(0x38, 0x7e, 0x01, 0xfe, 0x7f), [1, 448, 2 ** -9, -448, NaN], false],
  ['F8_E5M2', 'float8_e5m2', Uint8Array.of(0x3c, 0x7b, 0x01, 0xfc, 0x7e), [1, 57344, 2 ** -16, -Infinity, NaN], false],
  ['I64', 'int64', bytesOf(new BigInt64Array([-3n, 2n ** 53n - 1n])), [-3, 2 ** 53 - 1], true],
  ['I32', 'int32', bytesOf(new Int32Array([-(2 ** 31), 2 ** 31 - 1])), [-(2 ** 31), 2 ** 31 - 1], true],
  ['I16', 'int16', bytesOf(new Int16Array([-32768, 7])), [-32768, 7], false],
  ['I8', 'int8', bytesOf(new Int8Array([-128, 127])), [-128, 127], false],
  ['U64', 'uint64', bytesOf(new BigUint64Array([2n ** 63n, 2n ** 53n - 1n])), [2 ** 63, 2 ** 53 - 1], true],
  ['U32', 'uint32', bytesOf(new Uint32Array([2 ** 32 - 1, 1])), [2 ** 32 - 1, 1], true],
  ['U16', 'uint16', bytesOf(new Uint16Array([65535, 1])), [65535, 1], false],
  ['U8', 'uint8', Uint8Array.of(0, 255), [0, 255], false],
  ['BOOL', 'bool', Uint8Array.of(0, 1, 2), [0, 1, 1], false],
];

const one = (dtype: string, count: number, data: Bytes): Uint8Array =>
  safetensors({ w: { dtype, shape: [count], data_offsets: [0, data.length] } }, data);

describe('checkpoint: safetensors', () => {
  for (const [spelling, dtype, data, values, wide] of dtypes) {
    it(`reads ${spelling} exactly`, async () => {
      const source = fileOf(one(spelling, values.length, data));
      const entry = (await readCheckpoint(source)).entries.get('w')!;
      assert.equal(entry.dtype, dtype);
      assert.equal(entry.dtypeName, spelling);
      const read = await readTensor(source, entry);
      assert.equal(read instanceof Float64Array, wide);
      assert.deepEqual([...read], values);
    });
  }

  it('lists entries in file order with absolute offsets, metadata apart', async () => {
    const header = {
      __metadata__: { format: 'pt', note: 'ü' },
      '10': { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
      b: { dtype: 'F16', shape: [2, 2], data_offsets: [0, 8] },
      none: { dtype: 'F32', shape: [0, 3], data_offsets: [12, 12] },
      scalar: { dtype: 'U8', shape: [], data_offsets: [12, 13] },
    };
    const bytes = safetensors(header, new Uint8Array(13));
    const index = await readCheckpoint(fileOf(bytes));
    assert.equal(index.format, 'safetensors');
    assert.deepEqual(index.metadata, { format: 'pt', note: 'ü' });
    assert.equal(index.tree, null);
    assert.deepEqual([...index.entries.keys()], ['b', '10', 'none', 'scalar']);
    const start = bytes.length - 13;
    assert.deepEqual(
      [...index.entries.values()].map((e) => [e.byteOffset - start, e.byteLength]),
      [
        [0, 8],
        [8, 4],
        [12, 0],
        [12, 1],
      ],
    );
    assert.equal((await readTensor(fileOf(bytes), index.entries.get('none')!)).length, 0);
  });

  it('shows dtypes it cannot read and says so only when they are read', async () => {
    const source = fileOf(one('C64', 1, [1, 0, 0, 0, 0, 0, 0, 0]), 'odd.safetensors');
    const entry = (await readCheckpoint(source)).entries.get('w')!;
    assert.equal(entry.dtype, null);
    assert.equal(entry.problem, 'Gramlens cannot read dtype "C64". Convert the tensor to F32 in Python.');
    await assert.rejects(readTensor(source, entry), (error: CheckpointError) => {
      assert.equal(
        error.message,
        'odd.safetensors: tensor "w" cannot be read. Gramlens cannot read dtype "C64". Convert the tensor to F32 in Python.',
      );
      assert.equal(error.reason, 'unsupported');
      return true;
    });
    const unknown = (await readCheckpoint(fileOf(one('F4_NEW', 3, [1, 2])))).entries.get('w')!;
    assert.equal(unknown.dtype, null);
  });

  it('keeps odd names and non-string metadata out of harm', async () => {
    const header = '{"__metadata__":{"a":1,"b":"x"},"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}   ';
    const index = await readCheckpoint(fileOf(safetensors(header, [7])));
    assert.deepEqual([...index.entries.keys()], ['__proto__']);
    assert.deepEqual(index.metadata, { b: 'x' });
    assert.deepEqual(index.notes, ['__metadata__ entry "a" is not a string and is left out.']);
  });
});
