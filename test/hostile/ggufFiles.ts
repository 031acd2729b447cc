// Broken and crafted GGUF files with the exact sentence each must give, behind "<file name>: ".

import { type Bytes, concat, u16, u32, u64 } from '../unit/checkpoint/crafted';
import { array, type CraftedTensor, describedTensor, gguf, ggufText, pair } from '../unit/checkpoint/ggufCrafted';
import type { HostileFile } from './cases';

const again = 'Copy or download the file again.';
const convert = 'Convert the model to GGUF again.';
const crafted = 'The file is damaged or crafted.';

const huge = 2n ** 63n;
const hugeText = 2n ** 60n;
const text = 8;
const list = 9;
const alignment = (type: number, ...value: readonly Bytes[]): Uint8Array =>
  gguf({ metadata: [pair('general.alignment', type, ...value)] });
const metadata = (...pairs: readonly Uint8Array[]): Uint8Array => gguf({ metadata: pairs });
/** Tensors over 64 bytes of data. */
const tensors = (...described: readonly CraftedTensor[]): Uint8Array =>
  gguf({ tensors: described, data: new Uint8Array(64) });
/** The header up to and with `count` tensors claimed, then these bytes as they are. */
const inTensors = (count: number, ...rest: readonly Bytes[]): Uint8Array =>
  concat('GGUF', u32(3), u64(count), u64(0), ...rest);

const alignmentError = (shown: string): string =>
  `general.alignment is ${shown}; it must be a power of 2 from 8 to 2,147,483,648. ${convert}`;

const file = (reason: string, message: string, make: () => Uint8Array): HostileFile => ({ make, reason, message });
const truncated = (message: string, make: () => Uint8Array): HostileFile => file('truncated', message, make);
const corrupt = (message: string, make: () => Uint8Array): HostileFile => file('corrupt', message, make);
const tooLarge = (message: string, make: () => Uint8Array): HostileFile => file('tooLarge', message, make);

export const hostileGguf: Readonly<Record<string, HostileFile>> = {
  // The first 24 bytes
  'magic-only': truncated(`the file ends inside the version of the GGUF header. ${again}`, () => concat('GGUF')),
  'cut-version': truncated(`the file ends inside the version of the GGUF header. ${again}`, () =>
    concat('GGUF', [3, 0, 0]),
  ),
  'version-0': file('unsupported', 'this is a GGUF file of version 0; Gramlens reads versions 2 and 3.', () =>
    gguf({ version: 0 }),
  ),
  'version-1': file(
    'unsupported',
    'this is a GGUF file of version 1, which was replaced in October 2023. Convert the original model with a current llama.cpp.',
    () => gguf({ version: 1 }),
  ),
  'version-4': file('unsupported', 'this is a GGUF file of version 4; Gramlens reads versions 2 and 3.', () =>
    gguf({ version: 4 }),
  ),
  'big-endian': file(
    'unsupported',
    'this GGUF file is big-endian (version 3). Turn it with gguf_convert_endian.py of llama.cpp: gguf-convert-endian FILE little.',
    () => gguf({ version: 0x03000000 }),
  ),
  'cut-counts': truncated(`the file ends inside the 24 bytes that begin a GGUF header. ${again}`, () =>
    gguf().subarray(0, 20),
  ),
  'tensor-count-2^63': tooLarge(
    `the GGUF header claims 9,223,372,036,854,775,808 tensors, more than the 65,536 Gramlens accepts. ${crafted}`,
    () => gguf({ tensorCount: huge }),
  ),
  'tensor-count-beyond-file': truncated(
    `the GGUF header claims 60,000 tensors, which do not fit the 32 bytes of the file. ${again}`,
    () => gguf({ tensorCount: 60_000 }),
  ),
  'key-count-2^63': tooLarge(
    `the GGUF header claims 9,223,372,036,854,775,808 metadata keys, more than the 65,536 Gramlens accepts. ${crafted}`,
    () => gguf({ keyCount: huge }),
  ),
  'key-count-beyond-file': truncated(
    `the GGUF header claims 60,000 metadata keys, which do not fit the 32 bytes of the file. ${again}`,
    () => gguf({ keyCount: 60_000 }),
  ),
  // Metadata
  'one-key-too-many': truncated(`the file ends inside metadata key 3 of 3. ${again}`, () =>
    gguf({ metadata: [pair('a', 10, u64(1)), pair('b', 10, u64(1))], keyCount: 3 }).subarray(0, 66),
  ),
  'cut-key-text': truncated(`the file ends inside metadata key 1 of 1. ${again}`, () =>
    concat('GGUF', u32(3), u64(0), u64(1), u64(50), 'general.arch'),
  ),
  'key-of-2^60-bytes': tooLarge(
    `metadata key 1 of 1 claims a text of 1,152,921,504,606,846,976 bytes, more than the 65,535 Gramlens accepts. ${crafted}`,
    () => metadata(concat(ggufText('key', hugeText), u32(4), u32(1))),
  ),
  'key-not-utf8': corrupt(`the name of metadata key 1 of 1 is not UTF-8 text. ${again}`, () =>
    metadata(pair([0xc0, 0xff], 4, u32(1))),
  ),
  'key-twice': corrupt(`the metadata names "a.b" twice. ${convert}`, () =>
    metadata(pair('a.b', 4, u32(1)), pair('a.b', 8, ggufText('x'))),
  ),
  'cut-value-type': truncated(`the file ends inside metadata "a.b". ${again}`, () =>
    metadata(pair('a.b', 12, u64(0))).subarray(0, 24 + 8 + 3 + 2),
  ),
  'cut-value': truncated(`the file ends inside metadata "a.b". ${again}`, () =>
    metadata(pair('a.b', 12, u64(0))).subarray(0, 24 + 8 + 3 + 4 + 5),
  ),
  'unknown-value-type': corrupt(`metadata "a.b" has a value of unknown type 13. ${convert}`, () =>
    metadata(pair('a.b', 13, u64(1))),
  ),
  'truth-value-7': corrupt(`metadata "a.b" has the truth value 7, not 0 or 1. ${convert}`, () =>
    metadata(pair('a.b', 7, [7])),
  ),
  'text-of-2^60-bytes': tooLarge(
    `metadata "a.b" claims a text of 1,152,921,504,606,846,976 bytes, more than the 67,108,864 Gramlens accepts. ${crafted}`,
    () => metadata(pair('a.b', text, ggufText('x', hugeText))),
  ),
  'text-beyond-file': truncated(`the file ends inside metadata "a.b". ${again}`, () =>
    metadata(pair('a.b', text, ggufText('x', 1_000_000))),
  ),
  'array-of-unknown-type': corrupt(`metadata "a.b" is an array of unknown type 99. ${convert}`, () =>
    metadata(pair('a.b', list, array(99, 1, [0]))),
  ),
  'array-of-2^63': tooLarge(
    `metadata "a.b" claims 9,223,372,036,854,775,808 values, more than the 2,097,152 Gramlens accepts in all. ${crafted}`,
    () => metadata(pair('a.b', list, array(0, huge))),
  ),
  'array-beyond-file': truncated(
    `metadata "tokenizer.ggml.tokens" claims 2,000,000 values, more than the 9 bytes behind it hold. ${again}`,
    () => concat('GGUF', u32(3), u64(0), u64(1), pair('tokenizer.ggml.tokens', list, array(text, 2e6, ggufText('x')))),
  ),
  'array-cut-in-item': truncated(`the file ends inside metadata "a.b". ${again}`, () =>
    metadata(pair('a.b', list, array(text, 2, ggufText('x'), ggufText('y', 500)))),
  ),
  'arrays-too-many-in-all': tooLarge(
    `metadata "b" claims 2,000,000 values after the 2,000,000 before them, more than the 2,097,152 Gramlens accepts in all. ${crafted}`,
    () =>
      metadata(
        pair('a', list, array(0, 2e6, new Uint8Array(2e6))),
        pair('b', list, array(0, 2e6, new Uint8Array(2e6))),
      ),
  ),
  'array-bomb-deep': tooLarge(`metadata "a.b" nests arrays deeper than 4 levels. ${crafted}`, () => {
    const level = array(list, 1);
    const levels = new Uint8Array(100_000 * level.length).map((_, i) => level[i % level.length]!);
    return metadata(pair('a.b', list, levels));
  }),
  'array-bomb-many': tooLarge(`metadata "a.b" has more than 65,536 arrays in arrays. ${crafted}`, () =>
    metadata(pair('a.b', list, array(list, 100_000, new Uint8Array(1_200_000)))),
  ),
  'array-with-text-of-5-MB': tooLarge(
    `metadata "a.b" claims a text of 5,000,000 bytes, more than the 1,048,576 Gramlens accepts. ${crafted}`,
    () => metadata(pair('a.b', list, array(text, 1, ggufText('x', 5_000_000)))),
  ),
  'text-beyond-header': tooLarge(
    `the GGUF header is longer than the 67,108,864 bytes Gramlens accepts; it passes them inside metadata "b". ${crafted}`,
    () => {
      const longText = concat(u64(34_000_000), new Uint8Array(34_000_000));
      return metadata(pair('a', text, longText), pair('b', text, longText));
    },
  ),
  'array-bomb-wide': truncated(
    `metadata "a.b" claims 100,000 values, more than the 12,001 bytes behind it hold. ${again}`,
    () => metadata(pair('a.b', list, array(list, 1000, ...Array.from({ length: 999 }, () => array(10, 100_000))))),
  ),
  'alignment-0': corrupt(alignmentError('0'), () => alignment(4, u32(0))),
  'alignment-odd': corrupt(alignmentError('33'), () => alignment(4, u32(33))),
  'alignment-4': corrupt(alignmentError('4'), () => alignment(4, u32(4))),
  'alignment-negative': corrupt(alignmentError('-32'), () => alignment(5, u32(0xffffffe0))),
  'alignment-fraction': corrupt(alignmentError('32.5'), () =>
    alignment(6, new Uint8Array(new Float32Array([32.5]).buffer)),
  ),
  'alignment-2^32': corrupt(alignmentError('4294967296'), () => alignment(10, u64(2n ** 32n))),
  'alignment-2^63': corrupt(alignmentError('9223372036854775808'), () => alignment(10, u64(huge))),
  'alignment-text': corrupt(alignmentError('"32"'), () => alignment(text, ggufText('32'))),
  'alignment-list': corrupt(alignmentError('no number'), () => alignment(list, array(2, 1, u16(32)))),
  // Tensor descriptions
  'one-tensor-too-many': truncated(`the file ends inside tensor 2 of 2. ${again}`, () =>
    inTensors(2, ggufText('w'.repeat(30)), u32(0), u32(0), u64(0)),
  ),
  'cut-tensor-name': truncated(`the file ends inside tensor 1 of 1. ${again}`, () =>
    inTensors(1, u64(60), 'blk.0.attn_q.weight'),
  ),
  'tensor-name-of-2^60-bytes': tooLarge(
    `tensor 1 of 1 claims a text of 1,152,921,504,606,846,976 bytes, more than the 65,535 Gramlens accepts. ${crafted}`,
    () => inTensors(1, u64(hugeText), new Uint8Array(40)),
  ),
  'tensor-name-not-utf8': corrupt(`the name of tensor 1 of 1 is not UTF-8 text. ${again}`, () =>
    tensors({ name: [0xff], sizes: [2], offset: 0 }),
  ),
  'tensor-name-twice': corrupt(`the GGUF header names tensor "w" twice. ${convert}`, () =>
    tensors({ name: 'w', sizes: [2], offset: 0 }, { name: 'w', sizes: [2], offset: 32 }),
  ),
  'cut-dimensions': truncated(`the file ends inside the description of tensor "w". ${again}`, () =>
    inTensors(1, ggufText('w'), u32(2), u64(4), u32(1), u32(1)),
  ),
  'cut-offset': truncated(`the file ends inside the description of tensor "w". ${again}`, () =>
    inTensors(1, ggufText('w'), u32(1), u64(4), u32(0), [0, 0, 0]),
  ),
  'dimensions-2^32': corrupt(
    `tensor "w": it has 4,294,967,295 dimensions, more than the 8 Gramlens accepts. ${convert}`,
    () => tensors({ name: 'w', sizes: [2], rank: 0xffffffff, offset: 0 }),
  ),
  'size-2^63': corrupt(
    `tensor "w": shape [2, 9223372036854775808] has more elements than a file can hold. ${convert}`,
    () => tensors({ name: 'w', sizes: [huge, 2], offset: 0 }),
  ),
  'sizes-overflow': corrupt(
    `tensor "w": shape [4294967296, 4294967296, 4294967296] has more elements than a file can hold. ${convert}`,
    () => tensors({ name: 'w', sizes: [2n ** 32n, 2n ** 32n, 2n ** 32n], offset: 0 }),
  ),
  'half-a-block': corrupt(`tensor "w": rows of 100 values are no whole number of Q4_K blocks of 256. ${convert}`, () =>
    tensors({ name: 'w', sizes: [100], type: 12, offset: 0 }),
  ),
  // Ranges
  'offset-2^63': corrupt(
    `tensor "w": its data begins at byte 9,223,372,036,854,775,808, which no file has. ${convert}`,
    () => tensors({ name: 'w', sizes: [2], offset: huge }),
  ),
  'offset-unaligned': corrupt(
    `tensor "w" begins at byte 8 of the data, which is no multiple of the alignment 32. ${convert}`,
    () => tensors({ name: 'w', sizes: [2], offset: 8 }),
  ),
  'offset-behind-file': truncated(
    `tensor "w" ends at byte 4,503,599,627,370,504 of the data, the file holds 64. ${again}`,
    () => tensors({ name: 'w', sizes: [2], offset: 2n ** 52n }),
  ),
  'size-beyond-file': truncated(
    `tensor "w" ends at byte 4,000,000,000,000 of the data, the file holds 64. ${again}`,
    () => tensors({ name: 'w', sizes: [1e12], offset: 0 }),
  ),
  'cut-data': truncated(`tensor "w" ends at byte 64 of the data, the file holds 63. ${again}`, () =>
    tensors({ name: 'w', sizes: [16], offset: 0 }).subarray(0, -1),
  ),
  'no-data-at-all': truncated(`tensor "w" ends at byte 64 of the data, the file holds 0. ${again}`, () =>
    gguf({ tensors: [{ name: 'w', sizes: [16], offset: 0 }] }).subarray(0, 24 + 33),
  ),
  'alignment-2^31-no-data': truncated(`tensor "w" ends at byte 8 of the data, the file holds 0. ${again}`, () =>
    gguf({
      metadata: [pair('general.alignment', 4, u32(2 ** 31))],
      tensors: [{ name: 'w', sizes: [2], offset: 0 }],
      data: new Uint8Array(64),
    }),
  ),
  overlap: corrupt(`tensors "a" and "b" overlap at byte 32 of the data. ${convert}`, () =>
    tensors({ name: 'b', sizes: [8], offset: 32 }, { name: 'a', sizes: [10], offset: 0 }),
  ),
  'same-bytes': corrupt(`tensors "a" and "b" overlap at byte 0 of the data. ${convert}`, () =>
    tensors({ name: 'a', sizes: [8], offset: 0 }, { name: 'b', sizes: [8], offset: 0 }),
  ),
  'overlap-inside': corrupt(`tensors "a" and "c" overlap at byte 32 of the data. ${convert}`, () =>
    tensors(
      { name: 'a', sizes: [16], offset: 0 },
      { name: 'empty', sizes: [0], offset: 32 },
      { name: 'c', sizes: [1], offset: 32 },
    ),
  ),
  'flooded-name': truncated(
    `tensor "${'w\ufffd'.repeat(100)}…" ends at byte 4,000,000 of the data, the file holds 64. ${again}`,
    () => tensors({ name: 'w\n'.repeat(30_000), sizes: [1e6], offset: 0 }),
  ),
};

/** Bytes of `count` texts of the same length. */
export function texts(count: number, text: string): Uint8Array {
  const one = ggufText(text);
  const all = new Uint8Array(count * one.length);
  for (let i = 0; i < count; i++) all.set(one, i * one.length);
  return all;
}

/** Files at the limits: legal, within time and memory. */
export const heavyGguf: Readonly<Record<string, () => Uint8Array>> = {
  'two-million-empty-texts': () =>
    gguf({ metadata: [pair('a', 9, array(8, 2_097_152, new Uint8Array(2_097_152 * 8)))] }),
  'two-million-short-texts': () =>
    gguf({ metadata: [pair('a', 9, array(8, 2_097_152, texts(2_097_152, '\xc3\xa9')))] }),
  'arrays-in-arrays': () => gguf({ metadata: [pair('a', 9, array(9, 65_536, new Uint8Array(65_536 * 12)))] }),
  'as-many-long-texts-as-fit': () => {
    const part = texts(1, '\xe4\xbd\xa0'.repeat(349_000));
    return gguf({ metadata: Array.from({ length: 60 }, (_, i) => pair(`a${i}`, 8, part)) });
  },
  'as-many-tensors-as-fit': () => {
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
  'as-many-keys-as-fit': () => {
    const count = 65_536;
    const all = new Uint8Array(count * 27);
    for (let i = 0; i < count; i++) all.set(pair(`key.${String(i).padStart(9, '0')}`, 2, u16(i)), i * 27);
    return concat('GGUF', u32(3), u64(0), u64(count), all);
  },
};
