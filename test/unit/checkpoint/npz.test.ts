// NumPy archives: what numpy wrote, read to exact numbers, stored and deflated; what cannot be read is shown. Broken
// files are in test/hostile/npz.test.ts.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'fflate';
import { describe, it } from 'mocha';
import type { ByteSource } from '../../../src/checkpoint/byteSource';
import { CheckpointError } from '../../../src/checkpoint/checkpointError';
import { readCheckpoint } from '../../../src/checkpoint/readCheckpoint';
import { maxInflatedBytes, readTensor } from '../../../src/checkpoint/readTensor';
import type { TensorEntry } from '../../../src/checkpoint/tensorIndex';
import { fileOf, zip } from './crafted';
import { npy } from './craftedNpy';

interface Golden {
  readonly numpy: string;
  readonly arrays: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: readonly string[] }>>;
}

const folder = 'test/fixtures/npz';
const golden = JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8')) as Golden;
const open = (name: string): ByteSource => fileOf(new Uint8Array(readFileSync(join(folder, name))), name);
const number = (text: string): number => (text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text));

/** Counts what is read, so that "headers only" can be held to. */
function counted(source: ByteSource): { source: ByteSource; bytes: () => number } {
  let total = 0;
  const read = (offset: number, length: number): Promise<Uint8Array> => {
    total += length;
    return source.read(offset, length);
  };
  return { source: { name: source.name, byteLength: source.byteLength, read }, bytes: () => total };
}

describe('checkpoint: npz', () => {
  for (const name of ['stored.npz', 'deflated.npz']) {
    it(`reads every array of ${name} exactly`, async () => {
      const source = open(name);
      const { format, entries, notes } = await readCheckpoint(source);
      assert.equal(format, 'npz');
      assert.deepEqual(notes, []);
      assert.deepEqual([...entries.keys()].sort(), Object.keys(golden.arrays).sort());
      for (const [key, { shape, values }] of Object.entries(golden.arrays)) {
        const entry = entries.get(key)!;
        assert.deepEqual([entry.shape, entry.problem], [shape, undefined], key);
        assert.deepEqual([...(await readTensor(source, entry))], values.map(number), key);
      }
    });
  }

  it('names dtypes as NumPy does, byte order and column order included', async () => {
    const { entries } = await readCheckpoint(open('stored.npz'));
    const facts = (name: string): unknown[] => {
      const { dtype, dtypeName, bigEndian, strides } = entries.get(name)!;
      return [dtype, dtypeName, bigEndian, strides];
    };
    assert.deepEqual(facts('bfloat16'), ['bfloat16', '|V2', false, undefined]);
    assert.deepEqual(facts('big/f2'), ['float16', '>f2', true, undefined]);
    assert.deepEqual(facts('dtype/b1'), ['bool', '|b1', false, undefined]);
    assert.deepEqual(facts('fortran/3d'), ['float32', '<f4', false, [1, 2, 6]]);
    assert.deepEqual(facts('fortran/row'), ['float32', '<f4', false, undefined]);
    assert.deepEqual(facts('fortran/big'), ['float64', '>f8', true, [1, 3]]);
  });

  it('reads versions 1 to 3, stored beside deflated, and says what it leaves out', async () => {
    const source = open('versions.npz');
    const { entries, notes } = await readCheckpoint(source);
    assert.deepEqual([...entries.keys()], ['v1', 'v2', 'v3']);
    assert.deepEqual(notes, ['Members that are no .npy arrays are left out: "readme.txt".']);
    assert.deepEqual(
      [...entries.values()].map((entry) => entry.deflated !== undefined),
      [false, true, false],
    );
    for (const [i, entry] of [...entries.values()].entries())
      assert.deepEqual([...(await readTensor(source, entry))], [i, i + 1, i + 2]);
  });

  it('shows objects, text, complex numbers and records, and reads what stands beside them', async () => {
    const source = open('odd.npz');
    const { entries } = await readCheckpoint(source);
    const problems = Object.fromEntries([...entries.values()].map(({ name, problem }) => [name, problem ?? null]));
    assert.deepEqual(problems, {
      objects: 'It holds pickled Python objects, which Gramlens never loads. Save plain float arrays.',
      text: `Gramlens cannot read dtype "<U7". Convert the array with .astype('float32').`,
      complex: `Gramlens cannot read dtype "<c16". Convert the array with .astype('float32').`,
      record: 'Gramlens cannot read structured arrays. Save each field as an array of its own.',
      plain: null,
    });
    assert.deepEqual([...(await readTensor(source, entries.get('plain')!))], [1.5]);
    await assert.rejects(readTensor(source, entries.get('objects')!), {
      message:
        'odd.npz: tensor "objects" cannot be read. It holds pickled Python objects, which Gramlens never loads. Save plain float arrays.',
    });
  });

  it('opens a single .npy as one array', async () => {
    const source = open('single.npy');
    const { format, entries } = await readCheckpoint(source);
    assert.equal(format, 'npy');
    assert.deepEqual([...entries.keys()], ['array']);
    assert.deepEqual([...(await readTensor(source, entries.get('array')!))], [0, 1, 2, 3, 4, 5]);
  });

  it('reads headers only, and of a stored array only its own bytes', async () => {
    const count = 500_000;
    const data = Float32Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i)));
    const bytes = npy({ shape: [count] }, new Uint8Array(data.buffer));
    const members = [
      { name: 'stored.npy', data: bytes },
      { name: 'deflated.npy', data: deflateSync(bytes), method: 8, bytes: bytes.length },
      { name: 'small.npy', data: npy({ shape: [2] }, new Uint8Array(8)) },
    ];
    const { source, bytes: read } = counted(fileOf(zip(members).bytes, 'big.npz'));
    const { entries } = await readCheckpoint(source);
    // The directory's search reads up to 64 KB, a compressed header 16 KB.
    assert.ok(read() < 100_000, `${read()} bytes read to list ${source.byteLength}`);
    const before = read();
    await readTensor(source, entries.get('small')!);
    assert.equal(read() - before, 8);
    for (const name of ['stored', 'deflated']) {
      const values = await readTensor(source, entries.get(name)!);
      assert.ok(
        values.every((value, i) => value === data[i]),
        name,
      );
    }
  });

  it('does not inflate more than fits in memory', async () => {
    const entry: TensorEntry = {
      name: 'w',
      dtype: 'uint8',
      dtypeName: '|u1',
      shape: [maxInflatedBytes],
      byteOffset: 0,
      byteLength: maxInflatedBytes,
      bigEndian: false,
      deflated: { compressedBytes: 2_000_000, inflatedBytes: maxInflatedBytes + 128, tensorOffset: 128 },
    };
    await assert.rejects(readTensor(fileOf(new Uint8Array(10), 'b.npz'), entry), (error: unknown) => {
      assert.ok(error instanceof CheckpointError);
      assert.equal(error.reason, 'tooLarge');
      assert.equal(
        error.message,
        'b.npz: tensor "w" is compressed and has 1,073,741,952 bytes, more than the 1,073,741,824 Gramlens inflates at once. Save it again uncompressed, with numpy.savez.',
      );
      return true;
    });
  });
});
