// What is exported is what the command line writes for the same options, to the last digit.
import { after, afterEach, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { full, fullIt } from '../../setup/full';
import { repositoryRoot } from '../outer';
import { gramlens, quick, quickOptions, rpcSample, runSample, sample, softmaxSample, withSettings } from './drive';
import { withoutTimes } from './numbers';

function read(path: string): InspectionResult {
  return JSON.parse(readFileSync(path, 'utf8')) as InspectionResult;
}

function commandLine(file: string, out: string): void {
  const options = ['--input', `npy:${sample('digit-3.npy').fsPath}`, '--out', out, '--format', 'html,json', '--quiet'];
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(repositoryRoot(), 'dist', 'cli.js'), 'inspect', sample(file).fsPath, ...options, ...quickOptions],
    // On a desktop the host's own executable is Electron.
    { encoding: 'utf8', env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' } },
  );
  assert.equal(status, 0, stderr);
}

describe('Export Diagnostics Report', () => {
  let restore: () => Promise<void>;
  let folder: string;
  before(async () => {
    restore = await withSettings(quick);
  });
  after(async () => {
    await restore();
  });
  let html: string;
  let json: string;
  let inspected: string | null = null;
  const exported = async (file: string): Promise<readonly vscode.Uri[]> => {
    folder = mkdtempSync(join(tmpdir(), 'gramlens-export-'));
    html = join(folder, 'head report.html');
    json = join(folder, 'head report.gramlens.json');
    // One run is exported again and again.
    if (inspected !== file) await runSample(file);
    inspected = file;
    return (await gramlens()).exportReport(vscode.Uri.file(html));
  };
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  for (const file of full ? [softmaxSample, rpcSample] : [rpcSample]) {
    it(`writes the numbers of the command line for ${file}, and nothing half-written`, async () => {
      const written = await exported(file);
      assert.deepEqual(
        written.map((uri) => uri.fsPath),
        [html, json],
      );
      assert.deepEqual(readdirSync(folder).sort(), ['head report.gramlens.json', 'head report.html']);

      const out = join(folder, 'cli');
      commandLine(file, out);
      const [ours, theirs] = [withoutTimes(read(json)), withoutTimes(read(join(out, 'result.json')))];
      assert.deepEqual(ours['layers'], theirs['layers']);
      // Why a backend was taken is each place's own sentence; all the rest is the same too.
      const reason = { backendReason: '' };
      const same = (result: Record<string, unknown>): object => ({
        ...result,
        provenance: { ...(result['provenance'] as object), ...reason },
      });
      assert.deepEqual(same(ours), same(theirs));
      assert.notDeepEqual(read(json).provenance.checkpoint.sha256, null);
    });
  }

  it('writes a page that needs nothing from elsewhere', async () => {
    await exported(rpcSample);
    const text = readFileSync(html, 'utf8');
    assert.ok(text.length > 100_000, `${text.length} characters`);
    assert.ok((text.match(/<svg/g) ?? []).length > 20, 'figures are in the page');
    // Links that a person may follow and XML name spaces load nothing.
    const loading =
      /<(?:link|script|img|iframe|object|embed|source|video|audio|use|image)\b[^>]*?(?:src|href|data)\s*=\s*["']?(?!data:|#)[^"'\s>]+/gi;
    assert.deepEqual(text.match(loading) ?? [], []);
    assert.deepEqual(text.match(/@import|url\(\s*["']?(?!data:|#)/gi) ?? [], []);
    for (const [layer, { heads }] of read(json).layers.entries()) {
      assert.equal(heads.length, 4, `layer ${layer}`);
    }
  });

  // Hundreds of figures, half a minute on a slow disk.
  fullIt('writes Markdown with its figures, the table of heads or the result alone, by the suffix', async () => {
    await exported(rpcSample);
    const api = await gramlens();
    const inFolder = (name: string): string => join(folder, name);
    const markdown = await api.exportReport(vscode.Uri.file(inFolder('notes.md')));
    assert.deepEqual(
      markdown.slice(0, 2).map(({ fsPath }) => fsPath),
      [inFolder('notes.md'), inFolder('notes.gramlens.json')],
    );
    const text = readFileSync(inFolder('notes.md'), 'utf8');
    const shown = [...text.matchAll(/!\[[^\]]*\]\((notes-figures\/[^)]+)\)/g)].map((match) => decodeURI(match[1]!));
    assert.deepEqual(
      shown.map(inFolder).sort(),
      markdown
        .slice(2)
        .map(({ fsPath }) => fsPath)
        .sort(),
    );
    assert.ok(shown.length > 20 && shown.every((name) => readFileSync(inFolder(name)).length > 100));
    assert.equal(readFileSync(inFolder('notes.gramlens.json'), 'utf8'), readFileSync(json, 'utf8'));

    for (const [name, start] of [
      ['heads.csv', 'layer,head,'],
      ['alone.json', '{\n  "schema": "gramlens.inspection/1"'],
    ] as const) {
      const [only, ...rest] = await api.exportReport(vscode.Uri.file(inFolder(name)));
      assert.deepEqual([only!.fsPath, rest], [inFolder(name), []]);
      assert.ok(readFileSync(inFolder(name), 'utf8').startsWith(start), name);
    }
    const before = readdirSync(folder).sort();
    mkdirSync(inFolder('taken.gramlens.json'));
    await assert.rejects(
      api.exportReport(vscode.Uri.file(inFolder('taken.md'))),
      /^Error: taken\.gramlens\.json is already/,
    );
    writeFileSync(inFolder('blocked-figures'), '');
    await assert.rejects(
      api.exportReport(vscode.Uri.file(inFolder('blocked.md'))),
      /could not be written .* another folder/,
    );
    assert.deepEqual(readdirSync(folder).sort(), [...before, 'blocked-figures', 'taken.gramlens.json'].sort());
  });

  it('leaves nothing behind where it cannot write', async () => {
    await exported(rpcSample);
    const before = readdirSync(folder).sort();
    const api = await gramlens();
    await assert.rejects(
      api.exportReport(vscode.Uri.file(join(html, 'inside-a-file.html'))),
      /The report could not be written .* another folder/,
    );
    assert.deepEqual(readdirSync(folder).sort(), before);
  });

  it('writes over its own files, never over something else', async () => {
    await exported(rpcSample);
    const api = await gramlens();
    assert.equal((await api.exportReport(vscode.Uri.file(html))).length, 2, 'its own files may be replaced');
    writeFileSync(join(folder, 'config.gramlens.json'), '{ "mine": true }');
    mkdirSync(join(folder, 'folder.html', 'sub'), { recursive: true });
    for (const [name, taken] of [
      ['config.html', 'config\\.gramlens\\.json'],
      ['folder.html', 'folder\\.html'],
    ] as const) {
      await assert.rejects(
        api.exportReport(vscode.Uri.file(join(folder, name))),
        new RegExp(`^Error: ${taken} is already there and was not written by Gramlens\\.`),
      );
    }
    assert.equal(readFileSync(join(folder, 'config.gramlens.json'), 'utf8'), '{ "mine": true }');
    assert.deepEqual(readdirSync(folder).sort(), [
      'config.gramlens.json',
      'folder.html',
      'head report.gramlens.json',
      'head report.html',
    ]);
  });
});
