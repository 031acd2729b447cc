// Files on disk: ranges, the sentences for what cannot be opened, the hash.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { hashFile, openFileSource } from '../../../src/checkpoint/node/fileSource';

const folder = mkdtempSync(join(tmpdir(), 'gramlens-source-'));
const file = join(folder, 'a.bin');

describe('checkpoint: files', () => {
  after(() => rmSync(folder, { recursive: true }));

  it('reads ranges and notices a file that shrinks', async () => {
    writeFileSync(
      file,
      Uint8Array.from({ length: 100 }, (_, i) => i),
    );
    const source = await openFileSource(file);
    assert.equal(source.name, 'a.bin');
    assert.equal(source.byteLength, 100);
    assert.deepEqual([...(await source.read(97, 3))], [97, 98, 99]);
    truncateSync(file, 50);
    await assert.rejects(source.read(40, 20), {
      message:
        'a.bin: the file ends at byte 50, in the middle of a read; it became shorter after it was opened. Copy or download the file again.',
    });
    await source.close();
  });

  it('says what is wrong with a path', async () => {
    const missing = join(folder, 'missing.pt');
    await assert.rejects(openFileSource(missing), {
      reason: 'unreadable',
      message: `${missing}: there is no such file. Check the path.`,
    });
    await assert.rejects(openFileSource(folder), {
      reason: 'unreadable',
      message: `${folder}: this is a folder; open the checkpoint file inside it.`,
    });
    await assert.rejects(hashFile(missing), { message: `${missing}: there is no such file. Check the path.` });
  });

  it('hashes a file and stops when asked', async () => {
    writeFileSync(file, 'abc');
    assert.equal(await hashFile(file), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    await assert.rejects(hashFile(file, AbortSignal.abort(new Error('cancelled'))), { message: 'cancelled' });
  });
});
