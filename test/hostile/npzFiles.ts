// Broken and crafted NumPy archives with the exact sentence each must give, behind "<file name>: ".

import { deflateSync } from 'fflate';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import { readTensor } from '../../src/checkpoint/readTensor';
import { maxArrays } from '../../src/checkpoint/npz/npz';
import { type CraftedMember, concat, fileOf, zip } from '../unit/checkpoint/crafted';
import { npy } from '../unit/checkpoint/craftedNpy';
import { checkpointError, type HostileFile, type HostileTable } from './cases';

const again = 'Copy or download the file again.';
const rewrite = 'Write it again with numpy.';
const four = new Uint8Array(4);
const good = npy({}, four);
const one = (data: Uint8Array, more: Partial<CraftedMember> = {}): Uint8Array =>
  zip([{ name: 'w.npy', data, ...more }]).bytes;
const header = (text: string): Uint8Array => one(npy({ header: text }, four));
const deflated = (data: Uint8Array, more: Partial<CraftedMember> = {}): Uint8Array =>
  one(deflateSync(data), { method: 8, bytes: data.length, ...more });

const damaged = `array "w" has a damaged .npy header. ${rewrite}`;
const cut = `array "w" ends inside its .npy header. ${again}`;

/** name -> file, reason, message behind "<name>: ". */
const files: Readonly<Record<string, readonly [make: () => Uint8Array, reason: string, message: string]>> = {
  'no-magic': [
    () => one(concat('not an array')),
    'corrupt',
    `array "w" does not begin as a .npy array does. ${rewrite}`,
  ],
  'pickle-inside': [
    () => one(concat([0x80, 4], 'cos\nsystem\n(Vtouch gramlens-canary\ntR.')),
    'corrupt',
    `array "w" does not begin as a .npy array does. ${rewrite}`,
  ],
  'empty-member': [() => one(new Uint8Array(0)), 'truncated', cut],
  'cut-magic': [() => one(good.subarray(0, 4)), 'truncated', cut],
  'cut-version': [() => one(good.subarray(0, 7)), 'truncated', cut],
  'cut-length': [() => one(good.subarray(0, 9)), 'truncated', cut],
  'cut-header': [() => one(good.subarray(0, 40)), 'truncated', cut],
  'cut-data': [
    () => one(good.subarray(0, good.length - 1)),
    'truncated',
    `array "w" has shape [1] and dtype "<f4", which need 4 bytes; it holds 3. ${again}`,
  ],
  'more-data': [
    () => one(concat(good, [0])),
    'corrupt',
    `array "w" has shape [1] and dtype "<f4", which need 4 bytes; it holds 5. ${again}`,
  ],
  'version-0': [
    () => one(npy({ version: 0 }, four)),
    'unsupported',
    `array "w" has version 0 of the .npy format; Gramlens knows 1 to 3. ${rewrite}`,
  ],
  'version-4': [
    () => one(npy({ version: 4 }, four)),
    'unsupported',
    `array "w" has version 4 of the .npy format; Gramlens knows 1 to 3. ${rewrite}`,
  ],
  'header-4gb': [
    () => one(npy({ version: 2, headerBytes: 0xffffffff }, four)),
    'tooLarge',
    `array "w" has a .npy header of 4,294,967,295 bytes, more than the 10,000 NumPy itself reads. ${rewrite}`,
  ],
  'header-64kb': [
    () => one(npy({ headerBytes: 0xffff }, new Uint8Array(70_000))),
    'tooLarge',
    `array "w" has a .npy header of 65,535 bytes, more than the 10,000 NumPy itself reads. ${rewrite}`,
  ],
  'header-beyond': [() => one(npy({ headerBytes: 9000 }, four)), 'truncated', cut],
  'header-code': [
    () => header("{'descr': __import__('os').system('touch gramlens-canary'), 'fortran_order': False, 'shape': (1,)}"),
    'corrupt',
    damaged,
  ],
  'header-list': [() => header("['<f4', False, (1,)]"), 'corrupt', damaged],
  'header-no-shape': [() => header("{'descr': '<f4', 'fortran_order': False}"), 'corrupt', damaged],
  'header-shape-twice': [
    () => header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (2,)}"),
    'corrupt',
    damaged,
  ],
  'header-unknown-key': [
    () => header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'hook': 1}"),
    'corrupt',
    damaged,
  ],
  'header-open': [() => header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,"), 'corrupt', damaged],
  'header-brackets': [() => header(`{'descr': ${'['.repeat(9000)}, 'shape': (1,)}`), 'corrupt', damaged],
  'header-quotes': [() => header(`{'descr': '${'<f4'.repeat(3000)}`), 'corrupt', damaged],
  'header-commas': [() => header(`{'shape': (${'1,'.repeat(4900)}`), 'corrupt', damaged],
  'header-blanks': [() => header(`{${' '.repeat(9900)}`), 'corrupt', damaged],
  'order-number': [() => header("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}"), 'corrupt', damaged],
  'shape-negative': [() => one(npy({ shape: [-1] }, four)), 'corrupt', damaged],
  'shape-fraction': [() => one(npy({ shape: [1.5] }, four)), 'corrupt', damaged],
  'shape-words': [() => one(npy({ shape: ['True'] }, four)), 'corrupt', damaged],
  'shape-2e63': [
    () => one(npy({ shape: ['9223372036854775808'] }, four)),
    'corrupt',
    `array "w" has shape [9223372036854776000], more elements than a file can hold. ${again}`,
  ],
  'shape-overflow': [
    () => one(npy({ shape: [2 ** 40, 2 ** 40] }, four)),
    'corrupt',
    `array "w" has shape [1099511627776, 1099511627776], more elements than a file can hold. ${again}`,
  ],
  'shape-flood': [
    () => one(npy({ shape: new Array<number>(3000).fill(1) }, four)),
    'corrupt',
    `array "w" has 3,000 dimensions, more than the 64 any library makes. ${again}`,
  ],
  'shape-claims-1tb': [
    () => one(npy({ shape: [2 ** 38] }, four)),
    'truncated',
    `array "w" has shape [274877906944] and dtype "<f4", which need 1,099,511,627,776 bytes; it holds 4. ${again}`,
  ],
  'dtype-size-flood': [
    () => one(npy({ descr: "'<U999999999'" }, four)),
    'truncated',
    `array "w" has shape [1] and dtype "<U999999999", which need 3,999,999,996 bytes; it holds 4. ${again}`,
  ],
  'two-sizes': [
    () => one(good, { bytes: good.length + 100 }),
    'corrupt',
    `array "w" is stored in the archive but has two sizes, 72 and 172 bytes. ${again}`,
  ],
  'deflate-garbage': [
    () => one(concat('\xff\xff\xff\xff\xff'), { method: 8, bytes: 72 }),
    'corrupt',
    `"w" cannot be inflated. ${again}`,
  ],
  'deflate-cut': [
    () => one(deflateSync(good).subarray(0, 30), { method: 8, bytes: good.length }),
    'corrupt',
    `"w" cannot be inflated. ${again}`,
  ],
  'deflate-promise': [
    () => deflated(good, { bytes: 0xffffff00 }),
    'corrupt',
    `"w" promises 4,294,967,040 bytes, more than its 68 compressed bytes can hold. ${again}`,
  ],
  'deflate-promise-less': [
    () => deflated(concat(good, new Uint8Array(100_000)), { bytes: good.length }),
    'corrupt',
    `"w" inflates to more than the 72 bytes it promises. ${again}`,
  ],
  'deflate-claims-more': [
    () => deflated(npy({ shape: [100] }, four)),
    'truncated',
    `array "w" has shape [100] and dtype "<f4", which need 400 bytes; it holds 4. ${again}`,
  ],
  overlap: [
    () =>
      zip([
        { name: 'a.npy', data: good },
        { name: 'b.npy', data: good, headerOffset: 10 },
      ]).bytes,
    'corrupt',
    `the zip members "a.npy" and "b.npy" overlap. ${again}`,
  ],
  twice: [
    () =>
      zip([
        { name: 'a.npy', data: good },
        { name: 'a.npy', data: good },
      ]).bytes,
    'corrupt',
    `the zip directory lists "a.npy" twice. ${again}`,
  ],
  'no-local-header': [
    () => zip([{ name: 'w.npy', data: good, headerOffset: 2 }]).bytes,
    'corrupt',
    `there is no zip member "w.npy" at byte 2. ${again}`,
  ],
  'array-flood': [
    () => zip(Array.from({ length: maxArrays + 1 }, (_, i) => ({ name: `${i}.npy`, data: [] }))).bytes,
    'tooLarge',
    'the archive has 3,001 arrays, more than the 3,000 Gramlens lists. Gramlens opens safetensors, ONNX, GGUF and NumPy .npz files, checkpoints written by torch.save, and folders with one of them.',
  ],
  'npy-cut': [
    () => npy({ shape: [2] }, four),
    'truncated',
    `the array has shape [2] and dtype "<f4", which need 8 bytes; it holds 4. ${again}`,
  ],
  'npy-more': [
    () => concat(good, good),
    'corrupt',
    `the array has shape [1] and dtype "<f4", which need 4 bytes; it holds 76. ${again}`,
  ],
  'npy-magic-only': [() => concat([0x93], 'NUMPY'), 'truncated', `the array ends inside its .npy header. ${again}`],
};

export const hostileNpz: Readonly<Record<string, HostileFile>> = Object.fromEntries(
  Object.entries(files).map(([name, [make, reason, message]]) => [name, { make, reason, message }]),
);

/** The most arrays, each with the largest header compressed. */
export const heavyNpz: Readonly<Record<string, () => Uint8Array>> = {
  'as-many-compressed-headers-as-fit.npz': () => {
    const padded = `{'descr': '<f4', 'fortran_order': False, 'shape': (1,)${' '.repeat(9900)}}`;
    const array = npy({ header: padded }, four);
    const member = { data: deflateSync(array), method: 8, bytes: array.length };
    return zip(Array.from({ length: maxArrays }, (_, i) => ({ name: `${i}.npy`, ...member }))).bytes;
  },
};

/** 32 MB of zeros in 32 KB, with a promise of 32.3 MB of numbers: listed, and refused when they are read, with the memory unspent. */
export const bombNpz: HostileTable = {
  bomb: {
    prepare: () => {
      const count = 2 ** 23 + 2 ** 16;
      const bytes = concat(npy({ shape: [count] }), new Uint8Array(2 ** 25));
      const promised = npy({ shape: [count] }).length + count * 4;
      const source = fileOf(one(deflateSync(bytes), { method: 8, bytes: promised }), 'bomb');
      return async () => {
        const { entries } = await readCheckpoint(source);
        return readTensor(source, entries.get('w')!);
      };
    },
    error: checkpointError('corrupt', `bomb: "w" inflates to 33,554,506 of the 33,816,650 bytes it promises. ${again}`),
  },
};
