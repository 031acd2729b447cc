// Several files or none, whatever lies in the folder.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFiles } from '../../../src/inspection/node/writeFiles';

const files = [
  { name: 'a.json', content: 'new a' },
  { name: 'b.html', content: 'new b' },
];

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'gramlens-files-'));
}

describe('writing files', () => {
  it('replaces files of the same names and leaves nothing else', async () => {
    const out = folder();
    writeFileSync(join(out, 'a.json'), 'old a');
    writeFileSync(join(out, 'mine.txt'), 'mine');
    assert.deepEqual(await writeFiles(out, files), [join(out, 'a.json'), join(out, 'b.html')]);
    assert.deepEqual(readdirSync(out).sort(), ['a.json', 'b.html', 'mine.txt']);
    assert.equal(readFileSync(join(out, 'a.json'), 'utf8'), 'new a');
  });

  it('touches nothing where a folder stands in the place of the last file', async () => {
    const out = folder();
    writeFileSync(join(out, 'a.json'), 'old a');
    mkdirSync(join(out, 'b.html'));
    await assert.rejects(writeFiles(out, files), /b\.html is there already and is no file/);
    assert.equal(readFileSync(join(out, 'a.json'), 'utf8'), 'old a');
    assert.deepEqual(readdirSync(out).sort(), ['a.json', 'b.html']);
  });

  it('puts everything back when a later rename fails', async () => {
    const out = folder();
    writeFileSync(join(out, 'a.json'), 'old a');
    // The same name twice: the second rename finds its partial file gone.
    const twice = [...files, { name: 'b.html', content: 'again' }];
    await assert.rejects(writeFiles(out, twice), { name: 'WriteError', code: 'ENOENT' });
    assert.equal(readFileSync(join(out, 'a.json'), 'utf8'), 'old a');
    assert.deepEqual(readdirSync(out), ['a.json']);
  });

  it('removes the folders it made when it fails', async () => {
    const out = join(folder(), 'deep', 'deeper');
    await assert.rejects(writeFiles(out, [...files, { name: 'a.json/no/place', content: '' }]), /could not be written/);
    assert.equal(existsSync(join(out, '..')), false);
  });
});
