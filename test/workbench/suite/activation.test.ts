// The extension is there, wakes up, and registers every command that package.json names.
import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { outer } from '../outer';

const id = 'gramlens.gramlens';

interface Manifest {
  contributes?: { commands?: { command: string; title: string }[] };
}

describe('activation', () => {
  it('finds the extension under development and activates it', async () => {
    const extension = vscode.extensions.getExtension(id);
    assert.ok(extension, `${id} is not among ${vscode.extensions.all.length} extensions`);
    await extension.activate();
    assert.equal(extension.isActive, true);
  });

  it('registers every command of package.json', async () => {
    const manifest = vscode.extensions.getExtension(id)!.packageJSON as Manifest;
    const registered = new Set(await vscode.commands.getCommands(true));
    const missing = (manifest.contributes?.commands ?? [])
      .map(({ command }) => command)
      .filter((c) => !registered.has(c));
    assert.deepEqual(missing, []);
    // Titles stand in package.nls.json.
    const titles = (manifest.contributes?.commands ?? []).map(({ title }) => title);
    assert.ok(titles.includes('Inspect Checkpoint…') && titles.every((title) => !title.includes('%')), titles.join());
  });

  it('shows the workbench', async () => {
    await outer('waitFor', { selector: '.monaco-workbench .part.statusbar' });
    await outer('screenshot', { name: 'workbench-empty' });
  });
});
