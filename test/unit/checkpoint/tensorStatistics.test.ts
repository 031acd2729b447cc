// Statistics of tensors against numpy in long double (test/fixtures/checkpoint/make_statistics_golden.py), and what
// streaming promises: small reads, and an end when it is asked for.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { describe, it } from 'mocha';
import { bytesSource, type ByteSource } from '../../../src/checkpoint/byteSource';
import { dtypeBytes } from '../../../src/checkpoint/dtypes';
import type { TensorStatistics } from '../../../src/checkpoint/moments';
import { openFileSource } from '../../../src/checkpoint/node/fileSource';
import { readCheckpoint } from '../../../src/checkpoint/readCheckpoint';
import { readTensor } from '../../../src/checkpoint/readTensor';
import type { DType, TensorEntry } from '../../../src/checkpoint/tensorIndex';
import { computeTensorStatistics, statisticsPieceBytes } from '../../../src/checkpoint/tensorStatistics';
import { concat, u16 } from './crafted';

/** Of max(|expected|, sd): float64 sums of up to 3 million values against long double. */
const tolerance = 1e-13;

interface Golden {
  readonly name: string;
  readonly dtype: DType;
  readonly maker: 'wave' | 'noise';
  readonly count: number;
  readonly scale: number;
  readonly shift: number;
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
  readonly bigEndian?: boolean;
  readonly expected: Omit<TensorStatistics, 'reason'>;
}
const { cases } = JSON.parse(readFileSync('test/fixtures/checkpoint/statistics.json', 'utf8')) as { cases: Golden[] };

/** The bytes that the generator made. */
function madeBytes({ dtype, maker, count, scale, shift }: Golden): Uint8Array {
  if (maker === 'noise')
    return Uint8Array.from({ length: count * dtypeBytes[dtype] }, (_, i) => (i * 167 + (i >> 8) * 13 + 5) & 255);
  const wave = Float64Array.from({ length: count }, (_, i) => (((i * 7919) % 10007) / 10007 - 0.5) * scale + shift);
  if (dtype === 'float64') return new Uint8Array(wave.buffer);
  if (dtype === 'float32') return new Uint8Array(Float32Array.from(wave).buffer);
  if (dtype === 'int32') return new Uint8Array(Int32Array.from(wave).buffer);
  assert.equal(dtype, 'int64');
  return new Uint8Array(BigInt64Array.from(Array.from(wave, (x) => BigInt(Math.trunc(x)))).buffer);
}

function entry(dtype: DType, shape: readonly number[], more: Partial<TensorEntry> = {}): TensorEntry {
  const byteLength = shape.reduce((a, b) => a * b, dtypeBytes[dtype]);
  return { name: 'w', dtype, dtypeName: dtype, shape, byteOffset: 0, byteLength, bigEndian: false, ...more };
}

describe('checkpoint: tensor statistics', () => {
  for (const golden of cases) {
    it(`agree with numpy: ${golden.name}`, async () => {
      const { dtype, shape, strides, expected, bigEndian = false } = golden;
      const source = bytesSource('made', madeBytes(golden));
      const reads: number[] = [];
      const counting: ByteSource = {
        ...source,
        read: (offset, length) => {
          reads.push(length);
          return source.read(offset, length);
        },
      };
      const more = strides === undefined ? {} : { strides, byteLength: source.byteLength };
      const found = await computeTensorStatistics(counting, entry(dtype, shape, { bigEndian, ...more }));
      const { mean, sd, reason, ...exact } = found;
      const { mean: wantedMean, sd: wantedSd, ...wantedExact } = expected;
      assert.deepEqual(exact, wantedExact);
      assert.ok(Math.max(0, ...reads) <= statisticsPieceBytes, `reads of ${Math.max(...reads)} bytes`);
      if (wantedMean === null || wantedSd === null) {
        assert.deepEqual([mean, sd], [null, null]);
        assert.ok(reason !== null);
        return;
      }
      const scale = Math.max(Math.abs(wantedMean), wantedSd) || 1;
      const errors = [Math.abs(mean! - wantedMean) / scale, Math.abs(sd! - wantedSd) / (wantedSd || 1)];
      assert.ok(Math.max(...errors) <= tolerance, `mean off by ${errors[0]}, sd by ${errors[1]} (relative)`);
      assert.equal(reason, null);
    });
  }

  it('gives equal values no spread, and says why there is no number', async () => {
    const of = (values: number[], dtype: 'float32' | 'float64' = 'float64'): Promise<TensorStatistics> => {
      const array = dtype === 'float64' ? Float64Array.from(values) : Float32Array.from(values);
      return computeTensorStatistics(bytesSource('w', new Uint8Array(array.buffer)), entry(dtype, [values.length]));
    };
    const equal = await of(new Array<number>(10_000).fill(0.1));
    assert.deepEqual([equal.mean, equal.sd], [0.1, 0]);
    const none = await of([NaN, Infinity, -Infinity, NaN], 'float32');
    assert.deepEqual([none.nan, none.positiveInfinity, none.negativeInfinity], [2, 1, 1]);
    assert.deepEqual([none.min, none.mean, none.reason], [null, null, 'the tensor has no finite value']);
    const huge = await of([1.7e308, -1.7e308]);
    assert.deepEqual([huge.min, huge.max, huge.mean], [-1.7e308, 1.7e308, null]);
    assert.equal(huge.reason, 'the values are too large for float64 sums');
    assert.deepEqual((await of([1e200, 1e200])).sd, 0);
  });

  it('reads quantised, strided and offset tensors as readTensor does', async () => {
    for (const file of ['gguf-types.gguf', 'small.legacy.pt', 'odd.zip.pt']) {
      const source = await openFileSource(`test/fixtures/checkpoint/${file}`);
      try {
        const index = await readCheckpoint(source);
        let compared = 0;
        for (const tensor of index.entries.values()) {
          if (tensor.problem !== undefined) {
            await assert.rejects(computeTensorStatistics(source, tensor), /cannot be read\./);
            continue;
          }
          const values = [...(await readTensor(source, tensor))];
          const finite = values.filter(Number.isFinite);
          const found = await computeTensorStatistics(source, tensor);
          const mean = finite.reduce((a, b) => a + b, 0) / finite.length;
          assert.equal(found.count, values.length, tensor.name);
          if (finite.length === 0) continue;
          compared += 1;
          assert.deepEqual(
            [found.min, found.max],
            [finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))],
            `${file} ${tensor.name}`,
          );
          const size = Math.max(Math.abs(found.min!), Math.abs(found.max!)) || 1;
          assert.ok(Math.abs(found.mean! - mean) <= 1e-12 * size, `${file} ${tensor.name}: ${found.mean} and ${mean}`);
        }
        assert.ok(compared > 0, `${file}: nothing compared`);
      } finally {
        await source.close();
      }
    }
  });

  it('inflates what a compressed archive holds', async () => {
    const header = "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2)}\n";
    const values = Float32Array.from([1, 2, 3, 4, 5, NaN]);
    const npy = concat('\x93NUMPY\x01\x00', u16(header.length), header, new Uint8Array(values.buffer));
    const source = bytesSource('w.npz', zipSync({ 'w.npy': [npy, { level: 9 }] }));
    const tensor = (await readCheckpoint(source)).entries.get('w')!;
    assert.ok(tensor.deflated !== undefined);
    const { count, nan, mean, max } = await computeTensorStatistics(source, tensor);
    assert.deepEqual({ count, nan, mean, max }, { count: 6, nan: 1, mean: 3, max: 5 });
  });

  it('refuses with the reader’s sentences', async () => {
    const source = bytesSource('cut.safetensors', new Uint8Array(16));
    await assert.rejects(
      computeTensorStatistics(source, entry('float32', [5])),
      /cut\.safetensors: tensor "w" ends at byte 20, the file at 16\. Copy or download/,
    );
    await assert.rejects(
      computeTensorStatistics(source, entry('float32', [2], { problem: 'Its storage is on the GPU.' })),
      /tensor "w" cannot be read\. Its storage is on the GPU\./,
    );
    // Windows of one element's shift: 2^40 values out of 8 MB.
    const overlapping = entry('uint8', [2 ** 20, 2 ** 20], { strides: [1, 1], byteLength: 2 ** 21 - 1 });
    await assert.rejects(
      computeTensorStatistics(bytesSource('w', new Uint8Array(2 ** 21)), overlapping),
      /Call \.contiguous\(\)/,
    );
    await assert.rejects(
      computeTensorStatistics(source, entry('uint8', [2 ** 30, 2 ** 30], { byteLength: 16 })),
      /more elements than any file can hold/,
    );
  });

  it('reads 5 GB in small pieces, and stops in between when it is aborted', async () => {
    const controller = new AbortController();
    let bytesRead = 0;
    const source: ByteSource = {
      name: 'huge',
      byteLength: 5e9,
      read: (_offset, length) => {
        bytesRead += length;
        if (bytesRead > 20e6) controller.abort(new Error('enough'));
        return Promise.resolve(new Uint8Array(length));
      },
    };
    const fractions: number[] = [];
    await assert.rejects(
      computeTensorStatistics(source, entry('float32', [1.25e9]), controller.signal, (fraction) => {
        fractions.push(fraction);
      }),
      /enough/,
    );
    assert.ok(bytesRead < 30e6, `${bytesRead} bytes read`);
    assert.ok(fractions.length >= 4 && fractions.every((fraction, i) => i === 0 || fraction > fractions[i - 1]!));
  });
});
