// Broken and crafted checkpoints: one clear sentence each, exact text, in bounded time and memory, nothing executed.

import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import {
  concat,
  dict,
  fileOf,
  int,
  legacyHead,
  long,
  pickle,
  text,
  tensor,
  u16,
  u32,
  u64,
} from '../unit/checkpoint/crafted';
import { describeTable, listCheckpoint, maxListMB, maxListMs } from './bars';
import type { ListReport } from './list.program';

const folder = mkdtempSync(join(tmpdir(), 'gramlens-hostile-'));

/** A sparse file: pieces at offsets, holes between them. */
function sparse(name: string, byteLength: number, pieces: readonly (readonly [number, Uint8Array])[]): string {
  const path = join(folder, name);
  const handle = openSync(path, 'w');
  for (const [offset, bytes] of pieces) writeSync(handle, bytes, 0, bytes.length, offset);
  ftruncateSync(handle, byteLength);
  closeSync(handle);
  return path;
}

describe('hostile: safetensors', () => {
  describeTable('safetensors');
});

describe('hostile: files of torch.save', () => {
  describeTable('torch');
});

describe('hostile: files of other kinds', () => {
  describeTable('others');
});

describe('hostile: large checkpoints', () => {
  after(() => rmSync(folder, { recursive: true }));

  it('lists a sparse safetensors file of 10 GB from its header', () => {
    const layers = 100;
    const each = 100_000_000;
    const header: Record<string, unknown> = {};
    for (let i = 0; i < layers; i++) {
      header[`blocks.${i}.weight`] = {
        dtype: 'F32',
        shape: [each / 4000, 1000],
        data_offsets: [i * each, (i + 1) * each],
      };
    }
    header['last'] = { dtype: 'F32', shape: [2], data_offsets: [layers * each, layers * each + 8] };
    const bytes = new TextEncoder().encode(JSON.stringify(header));
    const end = 8 + bytes.length + layers * each;
    const path = sparse('ten.safetensors', end + 8, [
      [0, concat(u64(bytes.length), bytes)],
      [end, new Uint8Array(new Float32Array([1.5, -2]).buffer)],
    ]);
    const { cpuMs, peakMB, entries, values } = listCheckpoint(path, 'last');
    assert.equal(entries, layers + 1);
    assert.deepEqual(values, [1.5, -2]);
    assert.ok(cpuMs < maxListMs, `${cpuMs.toFixed(0)} ms, allowed ${maxListMs}`);
    assert.ok(peakMB < maxListMB, `${peakMB.toFixed(0)} MB, allowed ${maxListMB}`);
    console.log(`      10 GB safetensors: ${cpuMs.toFixed(0)} ms, ${peakMB.toFixed(0)} MB`);
  });

  // 1.5e9 floats, then a small tensor behind them: 6 GB.
  const bigCount = 1_500_000_000;
  const bigPickle = pickle(
    dict(
      text('big'),
      tensor('0', bigCount, 0, [1500, 1_000_000], [1_000_000, 1]),
      text('last'),
      tensor('1', 2, 0, [2], [1]),
    ),
  );
  const lastValues = new Uint8Array(new Float32Array([1.5, -2]).buffer);

  it('lists a sparse .pt of 6 GB with zip64 sizes and offsets', () => {
    const local = (name: string, bytes: number) =>
      concat(
        'PK\x03\x04',
        u16(45),
        u16(0),
        u16(0),
        u32(0),
        u32(0),
        u32(bytes),
        u32(bytes),
        u16(name.length),
        u16(0),
        name,
      );
    const pickleHeader = local('a/data.pkl', bigPickle.length);
    const bigHeader = local('a/data/0', 0xffffffff);
    const bigAt = pickleHeader.length + bigPickle.length;
    const lastAt = bigAt + bigHeader.length + bigCount * 4;
    const lastHeader = local('a/data/1', lastValues.length);
    const directoryAt = lastAt + lastHeader.length + lastValues.length;
    const wide = 0xffffffff;
    const listed = (name: string, bytes: number, offset: number, extra: Uint8Array) =>
      concat(
        'PK\x01\x02',
        u16(45),
        u16(45),
        u16(0),
        u16(0),
        u32(0),
        u32(0),
        u32(bytes),
        u32(bytes),
        u16(name.length),
        u16(extra.length),
        u16(0),
        u16(0),
        u16(0),
        u32(0),
        u32(offset),
        name,
        extra,
      );
    const directory = concat(
      listed('a/data.pkl', bigPickle.length, 0, new Uint8Array(0)),
      listed('a/data/0', wide, bigAt, concat(u16(1), u16(16), u64(bigCount * 4), u64(bigCount * 4))),
      listed('a/data/1', lastValues.length, wide, concat(u16(0x5455), u16(1), [0], u16(1), u16(8), u64(lastAt))),
    );
    const recordAt = directoryAt + directory.length;
    const tail = concat(
      directory,
      concat(
        'PK\x06\x06',
        u64(44),
        u16(45),
        u16(45),
        u32(0),
        u32(0),
        u64(3),
        u64(3),
        u64(directory.length),
        u64(directoryAt),
      ),
      concat('PK\x06\x07', u32(0), u64(recordAt), u32(1)),
      concat('PK\x05\x06', u16(0), u16(0), u16(0xffff), u16(0xffff), u32(wide), u32(wide), u16(0)),
    );
    const path = sparse('six.pt', directoryAt + tail.length, [
      [0, concat(pickleHeader, bigPickle, bigHeader)],
      [lastAt, concat(lastHeader, lastValues)],
      [directoryAt, tail],
    ]);
    checkBig(listCheckpoint(path, 'last'), 'zip64');
  });

  it('lists a sparse legacy .pt of 6 GB without reading its storages', () => {
    const keys = pickle(']', text('0'), 'a', text('1'), 'a');
    const head = concat(legacyHead, bigPickle, keys, u64(bigCount));
    const lastAt = head.length + bigCount * 4;
    const path = sparse('six-legacy.pt', lastAt + 16, [
      [0, head],
      [lastAt, concat(u64(2), lastValues)],
    ]);
    checkBig(listCheckpoint(path, 'last'), 'legacy');
  });

  function checkBig({ cpuMs, peakMB, entries, values }: ListReport, kind: string): void {
    assert.equal(entries, 2);
    assert.deepEqual(values, [1.5, -2]);
    assert.ok(cpuMs < maxListMs, `${cpuMs.toFixed(0)} ms, allowed ${maxListMs}`);
    assert.ok(peakMB < maxListMB, `${peakMB.toFixed(0)} MB, allowed ${maxListMB}`);
    console.log(`      6 GB ${kind}: ${cpuMs.toFixed(0)} ms, ${peakMB.toFixed(0)} MB`);
  }

  it('opens what is odd but harmless', async () => {
    const huge = long([0, 0, 0, 0, 0, 0, 0, 0x80, 0]);
    const itself = concat(']q\x00', 'h\x00', 'a');
    const index = await readCheckpoint(
      fileOf(
        concat(legacyHead, pickle(dict(text('n'), huge, text('__proto__'), int(1), text('loop'), itself)), pickle(']')),
      ),
    );
    assert.equal(index.tree!['n'], 2n ** 63n);
    assert.deepEqual(index.tree!['loop'], [{ kind: 'opaque', className: 'a value that contains itself' }]);
    assert.equal(Object.getPrototypeOf(index.tree), Object.prototype);
    assert.equal(Object.getOwnPropertyDescriptor(index.tree, '__proto__')?.value, 1);
  });
});
