// GGUF: every tensor type against values made elsewhere, metadata of every type, and what is shown of a file that is
// only half understood. Broken files are in test/hostile.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import type { ByteSource } from '../../../src/checkpoint/byteSource';
import { blockSizes } from '../../../src/checkpoint/gguf/ggmlTypes';
import { readCheckpoint } from '../../../src/checkpoint/readCheckpoint';
import { readChunkBytes, readTensor } from '../../../src/checkpoint/readTensor';
import type { Quantisation, TensorEntry } from '../../../src/checkpoint/tensorIndex';
import { concat, fileOf, u16, u32, u64 } from './crafted';
import { array, describedTensor, gguf, ggufText, pair } from './ggufCrafted';

interface Golden {
  readonly tensors: Readonly<
    Record<string, { type: string; shape: readonly number[]; dtype: 'float32' | 'float64'; base64: string }>
  >;
}

const folder = 'test/fixtures/checkpoint';
const golden = JSON.parse(readFileSync(join(folder, 'gguf-golden.json'), 'utf8')) as Golden;
const typesFile = (): Uint8Array => new Uint8Array(readFileSync(join(folder, 'gguf-types.gguf')));

function goldenValues({ base64, dtype }: { base64: string; dtype: string }): Float32Array | Float64Array {
  const { buffer } = Uint8Array.from(Buffer.from(base64, 'base64'));
  return dtype === 'float64' ? new Float64Array(buffer) : new Float32Array(buffer);
}

/** A source that notes what is read. */
function watched(source: ByteSource): ByteSource & { readonly reads: [offset: number, length: number][] } {
  const reads: [number, number][] = [];
  return {
    ...source,
    reads,
    read: (offset, length) => {
      reads.push([offset, length]);
      return source.read(offset, length);
    },
  };
}

describe('checkpoint: gguf', () => {
  for (const [name, expected] of Object.entries(golden.tensors)) {
    it(`reads ${name} bit for bit`, async () => {
      const source = fileOf(typesFile(), 'types.gguf');
      const entry = (await readCheckpoint(source)).entries.get(name)!;
      assert.equal(entry.dtypeName, expected.type);
      assert.deepEqual(entry.shape, expected.shape);
      assert.equal(entry.quantisation, name.startsWith('plain.') ? undefined : expected.type);
      const values = await readTensor(source, entry);
      const wanted = goldenValues(expected);
      assert.equal(values.constructor, wanted.constructor);
      assert.equal(values.length, wanted.length);
      for (let i = 0; i < wanted.length; i++) {
        assert.ok(Object.is(values[i], wanted[i]), `value ${i} is ${values[i]}, expected ${wanted[i]}`);
      }
    });
  }

  it('has every block format in the fixture', () => {
    const fixture = new Set(Object.values(golden.tensors).map(({ type }) => type));
    for (const quantisation of Object.keys(blockSizes)) assert.ok(fixture.has(quantisation), quantisation);
  });

  it('lists shapes slowest axis first, absolute offsets, and stored bytes', async () => {
    const bytes = typesFile();
    const { format, entries, notes, byteLength } = await readCheckpoint(fileOf(bytes, 'types.gguf'));
    assert.equal(format, 'gguf');
    assert.equal(byteLength, bytes.length);
    assert.deepEqual(notes, []);
    assert.deepEqual([...entries.keys()], Object.keys(golden.tensors));
    const { byteOffset, ...rest } = entries.get('random.Q4_K')!;
    assert.equal(byteOffset % 64, 0);
    assert.deepEqual(rest, {
      name: 'random.Q4_K',
      dtype: 'float32',
      dtypeName: 'Q4_K',
      quantisation: 'Q4_K',
      shape: [2, 256],
      byteLength: 288,
      bigEndian: false,
    });
    assert.deepEqual(entries.get('plain.I8')!.shape, [2, 1, 2]);
  });

  it('keeps metadata of every type: scalars as text too, arrays in the tree', async () => {
    const { metadata, tree } = await readCheckpoint(fileOf(typesFile(), 'types.gguf'));
    assert.deepEqual(tree, {
      'general.architecture': 'llama',
      'general.alignment': 64,
      'llama.block_count': 2,
      'llama.attention.head_count': 4,
      'llama.attention.layer_norm_rms_epsilon': Math.fround(1e-5),
      'llama.rope.freq_base': 10000,
      'tokenizer.ggml.tokens': ['<s>', '\u2581a', '\u4f60\u597d', ''],
      'tokenizer.ggml.scores': [0, -1.5, -2.25, 0],
      'tokenizer.ggml.add_bos_token': true,
      'test.u8': 255,
      'test.i8': -128,
      'test.u16': 65535,
      'test.i16': -32768,
      'test.i32': -(2 ** 31),
      'test.u64': 2 ** 53 - 1,
      'test.u64.big': 2n ** 64n - 1n,
      'test.i64': -(2n ** 63n),
      'test.f64': 0.1,
      'test.false': false,
      'test.bools': [true, false],
      'test.empty': [],
    });
    assert.equal(metadata['llama.attention.layer_norm_rms_epsilon'], '0.00001');
    assert.equal(metadata['test.u64.big'], '18446744073709551615');
    assert.equal(metadata['tokenizer.ggml.add_bos_token'], 'true');
    assert.equal(Object.hasOwn(metadata, 'tokenizer.ggml.tokens'), false);
  });

  it('reads rows of a quantised matrix by their byte range', async () => {
    const source = fileOf(typesFile(), 'types.gguf');
    const entry = (await readCheckpoint(source)).entries.get('random.Q6_K')!;
    const second: TensorEntry = { ...entry, shape: [1, 256], byteOffset: entry.byteOffset + 210, byteLength: 210 };
    assert.deepEqual(await readTensor(source, second), (await readTensor(source, entry)).slice(256));
    await assert.rejects(readTensor(source, { ...entry, shape: [1, 100] }), {
      message: 'types.gguf: tensor "random.Q6_K" has 100 values, no whole number of Q6_K blocks.',
    });
  });

  it('cuts long tensors between blocks', async () => {
    // Q6_K: 210 bytes do not divide the 64 MB of a chunk; the last block of the second chunk has a scale of its own.
    const blocks = Math.floor(readChunkBytes / 210) + 2;
    const data = new Uint8Array(blocks * 210);
    const last = data.subarray(-210);
    last.fill(0xff, 0, 192);
    last.fill(1, 192, 208);
    last.set(u16(0x3c00), 208);
    const bytes = concat(gguf({ tensors: [{ name: 'w', sizes: [256, blocks], type: 14, offset: 0 }] }));
    const source: ByteSource = {
      name: 'long.gguf',
      byteLength: bytes.length + data.length,
      read: (offset, length) =>
        Promise.resolve(
          offset >= bytes.length
            ? data.slice(offset - bytes.length, offset - bytes.length + length)
            : concat(bytes, data.subarray(0, 1 << 20)).slice(offset, offset + length),
        ),
    };
    const values = await readTensor(source, (await readCheckpoint(source)).entries.get('w')!);
    assert.equal(values.length, blocks * 256);
    assert.equal(values.at(-257), -0);
    assert.ok(values.subarray(-256).every((value) => value === 31));
  });

  it('lists types it cannot read with their bytes and a reason', async () => {
    const source = fileOf(
      gguf({
        version: 2,
        tensors: [
          { name: 'iq', sizes: [256, 2], type: 23, offset: 0 },
          { name: 'future', sizes: [7], type: 99, offset: 288 },
          { name: 'good', sizes: [2], offset: 320 },
          { name: 'scalar', sizes: [], offset: 352 },
          { name: 'none', sizes: [0, 4], offset: 384 },
        ],
        data: concat(new Uint8Array(320), new Uint8Array(new Float32Array([1.5, -2]).buffer), new Uint8Array(24 + 32)),
      }),
      'x.gguf',
    );
    const { entries, notes } = await readCheckpoint(source);
    assert.deepEqual(notes, []);
    const shown = (name: string): unknown[] => {
      const { dtype, dtypeName, byteLength, problem } = entries.get(name)!;
      return [dtype, dtypeName, byteLength, problem];
    };
    assert.deepEqual(shown('iq'), [
      null,
      'IQ4_XS',
      272,
      'Gramlens cannot read IQ4_XS blocks. Use a file with F16, Q8_0 or Q2_K to Q6_K weights.',
    ]);
    assert.deepEqual(shown('future'), [
      null,
      'type 99',
      0,
      'Gramlens does not know GGUF tensor type 99. Use a file with F16 or Q8_0 weights.',
    ]);
    await assert.rejects(readTensor(source, entries.get('iq')!), {
      message: `x.gguf: tensor "iq" cannot be read. ${entries.get('iq')!.problem!}`,
    });
    assert.deepEqual([...(await readTensor(source, entries.get('good')!))], [1.5, -2]);
    assert.deepEqual([...(await readTensor(source, entries.get('scalar')!))], [0]);
    assert.deepEqual(entries.get('none')!.shape, [4, 0]);
    assert.deepEqual([...(await readTensor(source, entries.get('none')!))], []);
  });

  it('is not taken for safetensors with 123 tensors, whose count is a "{"', async () => {
    const tensors = Array.from({ length: 123 }, (_, i) => ({ name: `t${i}`, sizes: [8], offset: i * 32 }));
    const { format, entries } = await readCheckpoint(fileOf(gguf({ tensors, data: new Uint8Array(123 * 32) })));
    assert.equal(format, 'gguf');
    assert.equal(entries.size, 123);
  });

  it('says what a split model, unused bytes and broken text are', async () => {
    const { notes, tree } = await readCheckpoint(
      fileOf(
        gguf({
          metadata: [
            pair('split.no', 2, u16(1)),
            pair('split.count', 2, u16(3)),
            pair('tokens', 9, array(8, 3, ggufText('ok'), ggufText([0xff, 0x41]), ggufText('\xef\xbb\xbfx'))),
            pair('__proto__', 4, u32(7)),
            pair('nested', 9, array(9, 2, array(0, 2, [1, 2]), array(8, 0))),
          ],
          tensors: [{ name: 'w', sizes: [8], offset: 64 }],
          data: new Uint8Array(200),
        }),
      ),
    );
    assert.deepEqual(notes, [
      'Metadata "tokens" has texts that are not UTF-8 (1 of them); the bytes that are not show as U+FFFD.',
      'This is part 2 of 3 of a split GGUF model; only the tensors of this part are listed. Join the parts with llama-gguf-split --merge to inspect the whole model.',
      '168 bytes between or behind the tensors belong to none of them.',
    ]);
    assert.deepEqual(tree!['tokens'], ['ok', '\ufffdA', '\ufeffx']);
    assert.deepEqual(tree!['nested'], [[1, 2], []]);
    assert.equal(Object.getPrototypeOf(tree), Object.prototype);
    assert.equal(Object.getOwnPropertyDescriptor(tree, '__proto__')?.value, 7);
  });

  it('passes over a text too long to be anything but a whole file', async () => {
    const bytes = 2_000_000;
    const long = concat(u64(bytes), new Uint8Array(bytes));
    const source = watched(
      fileOf(gguf({ metadata: [pair('tokenizer.huggingface.json', 8, long), pair('n', 4, u32(7))] })),
    );
    const { metadata, tree } = await readCheckpoint(source);
    assert.deepEqual(tree, {
      'tokenizer.huggingface.json': { kind: 'opaque', className: 'a text of 2,000,000 bytes' },
      n: 7,
    });
    assert.deepEqual(metadata, { n: '7' });
    const read = source.reads.reduce((sum, [, length]) => sum + length, 0);
    assert.ok(read < 200_000, `${read} bytes read`);
  });

  it('reads a header with a large vocabulary in few growing reads, and no tensor byte', async () => {
    const count = 100_000;
    const tokens = Array.from({ length: count }, (_, i) => `token${i}`);
    const written = tokens.map((token) => `${String.fromCharCode(token.length)}${'\0'.repeat(7)}${token}`).join('');
    const header = gguf({
      metadata: [pair('tokenizer.ggml.tokens', 9, array(8, count, written))],
      tensors: [{ name: 'w', sizes: [16, 1024], offset: 0 }],
    });
    const source = watched(fileOf(concat(header, new Uint8Array(65536)), 'v.gguf'));
    const { tree } = await readCheckpoint(source);
    const read = tree!['tokenizer.ggml.tokens'] as readonly string[];
    assert.equal(read.length, count);
    assert.equal(read[99_999], 'token99999');
    assert.ok(source.reads.length < 10, `${source.reads.length} reads`);
    const small = watched(fileOf(concat(gguf(), new Uint8Array(1e6))));
    await readCheckpoint(small);
    assert.ok(small.reads.every(([, length]) => length <= 65_536));
  });

  it('gives the same index wherever the chunks end', async () => {
    // A text in front of everything shifts each field across the end of the first chunk.
    const whole = typesFile();
    const count = Number(new DataView(whole.buffer).getBigUint64(16, true));
    const expected = await readCheckpoint(fileOf(whole, 'a'));
    for (let shift = 0; shift < 700; shift += 7) {
      const filler = pair('filler', 8, ggufText('x'.repeat(65_536 - 24 - 26 - shift)));
      const end = expected.entries.get('plain.F32')!.byteOffset;
      const head = concat(whole.subarray(0, 16), u64(count + 1), filler, whole.subarray(24, end));
      const padding = (64 - ((head.length - end) % 64)) % 64;
      const moved = concat(head, new Uint8Array(padding), whole.subarray(end));
      const { entries, tree } = await readCheckpoint(fileOf(moved, 'a'));
      assert.equal(entries.size, expected.entries.size, `shift ${shift}`);
      for (const [name, { shape, byteLength }] of expected.entries) {
        assert.deepEqual([entries.get(name)!.shape, entries.get(name)!.byteLength], [shape, byteLength]);
      }
      assert.deepEqual({ ...tree, filler: '' }, { ...expected.tree, filler: '' });
    }
  });

  it('knows the bytes of a block of every format', () => {
    const bits: Readonly<Record<Quantisation, number>> = {
      Q4_0: 4.5,
      Q4_1: 5,
      Q5_0: 5.5,
      Q5_1: 6,
      Q8_0: 8.5,
      Q2_K: 2.625,
      Q3_K: 3.4375,
      Q4_K: 4.5,
      Q5_K: 5.5,
      Q6_K: 6.5625,
      Q8_K: 9.125,
    };
    for (const [name, { values, bytes }] of Object.entries(blockSizes)) {
      assert.equal((bytes * 8) / values, bits[name as Quantisation], name);
    }
    assert.equal(describedTensor({ name: 'w', sizes: [], offset: 0 }).length, 25);
  });
});
