// A model's folder on a file system that only the editor can read: checkpoint, config.json and tokenizer come through
// vscode.workspace.fs, and the numbers are those of the same files on disk.
import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { repositoryRoot } from '../outer';
import { closeEditors, gramlens, quick, withSettings } from './drive';

const scheme = 'gramlens-memory';

/** Files by path, read only, as an extension for a remote repository gives them. */
class MemoryFiles implements vscode.FileSystemProvider {
  readonly read: string[] = [];
  readonly onDidChangeFile = new vscode.EventEmitter<vscode.FileChangeEvent[]>().event;

  constructor(private readonly files: ReadonlyMap<string, Uint8Array>) {}

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  stat({ path }: vscode.Uri): vscode.FileStat {
    const bytes = this.files.get(path);
    if (bytes !== undefined) return { type: vscode.FileType.File, ctime: 0, mtime: 0, size: bytes.byteLength };
    if ([...this.files.keys()].some((name) => name.startsWith(`${path}/`)))
      return { type: vscode.FileType.Directory, ctime: 0, mtime: 0, size: 0 };
    throw vscode.FileSystemError.FileNotFound(path);
  }

  readDirectory({ path }: vscode.Uri): [string, vscode.FileType][] {
    return [...this.files.keys()]
      .filter((name) => name.startsWith(`${path}/`))
      .map((name) => [name.slice(path.length + 1), vscode.FileType.File]);
  }

  readFile({ path }: vscode.Uri): Uint8Array {
    const bytes = this.files.get(path);
    if (bytes === undefined) throw vscode.FileSystemError.FileNotFound(path);
    this.read.push(path);
    return bytes;
  }

  createDirectory = refuse;
  writeFile = refuse;
  delete = refuse;
  rename = refuse;
}

function refuse(): never {
  throw vscode.FileSystemError.NoPermissions('read only');
}

describe('A virtual file system', () => {
  const folder = join(repositoryRoot(), 'test', 'fixtures', 'formats');
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  // 23 ids, one a letter.
  const vocabulary = Object.fromEntries(Array.from('abcdefghijklmnopqrstuvw', (letter, id) => [letter, id]));
  const provider = new MemoryFiles(
    new Map([
      ['/model/model.safetensors', new Uint8Array(readFileSync(join(folder, 'model.safetensors')))],
      ['/model/config.json', new Uint8Array(readFileSync(join(folder, 'config.json')))],
      ['/model/vocab.json', bytes(JSON.stringify(vocabulary))],
      ['/model/merges.txt', bytes('#version: 0.2\n')],
    ]),
  );
  let registered: vscode.Disposable;
  let restore: () => Promise<void>;

  before(async () => {
    registered = vscode.workspace.registerFileSystemProvider(scheme, provider, { isReadonly: true });
    restore = await withSettings(quick);
  });
  after(async () => {
    await closeEditors();
    await restore();
    registered.dispose();
  });

  it('gives checkpoint, config and tokenizer, and the numbers of the same files on disk', async () => {
    const api = await gramlens();
    const uri = vscode.Uri.from({ scheme, path: '/model' });
    const there = await api.inspect({ uri, input: 'text:cab', unasked: true });
    const [input] = there.provenance.inputs;
    assert.deepEqual(input?.tokenIds, [2, 0, 1]);
    assert.deepEqual(input.tokenLabels, ['c', 'a', 'b']);
    assert.deepEqual([there.model.heads, there.model.layers], [2, 2]);
    const heads = there.model.facts.find(({ fact }) => fact === 'heads');
    assert.match(heads?.source ?? '', /n_head/);
    const ofTokens = there.output.logitsTop.map(({ index, label }) => label === 'abcdefghijklmnopqrstuvw'[index]);
    assert.ok(ofTokens.length > 0 && ofTokens.every(Boolean), JSON.stringify(there.output.logitsTop));
    // The checkpoint once; the tokenizer again for the names of the logits.
    assert.equal(provider.read.filter((path) => path.endsWith('.safetensors')).length, 1);
    const names = [...new Set(provider.read)].sort();
    assert.deepEqual(
      names,
      ['config.json', 'merges.txt', 'model.safetensors', 'vocab.json'].map((name) => `/model/${name}`),
    );
    const onDisk = vscode.Uri.file(join(folder, 'model.safetensors'));
    const here = await api.inspect({ uri: onDisk, input: 'tokens:2,0,1', unasked: true });
    assert.deepEqual(there.layers, here.layers);
  });
});
