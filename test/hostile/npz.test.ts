// Broken and crafted NumPy archives: one clear sentence each, exact text, in bounded time and memory, nothing loaded.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import { fileOf, zip } from '../unit/checkpoint/crafted';
import { npy } from '../unit/checkpoint/craftedNpy';
import { describeHeavy, describeTable } from './bars';
import { heavyNpz } from './npzFiles';

const good = npy({}, new Uint8Array(4));

describe('hostile: npz', () => {
  describeTable('npz');
  describeHeavy(heavyNpz);

  it('shows members it cannot read: encrypted, or compressed in a way it does not know', async () => {
    const members = [
      { name: 'locked.npy', data: good, flags: 1 },
      { name: 'lzma.npy', data: good, method: 14 },
      { name: '../../up.npy', data: good },
      { name: '__proto__.npy', data: good },
    ];
    const { entries } = await readCheckpoint(fileOf(zip(members).bytes, 'odd'));
    assert.deepEqual(
      [...entries.values()].map(({ name, problem }) => [name, problem]),
      [
        ['locked', 'The archive member is encrypted. Save it again with numpy.savez.'],
        [
          'lzma',
          'The archive member is compressed with zip method 14, which Gramlens does not read. Save it again with numpy.savez.',
        ],
        // A name is only a name here; nothing is unpacked.
        ['../../up', undefined],
        ['__proto__', undefined],
      ],
    );
  });
});
