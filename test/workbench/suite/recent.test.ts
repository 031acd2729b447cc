// A finished inspection is kept: in the list of recent ones, as a result file, behind the links of its report.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { inFrame, outer, until } from '../outer';
import {
  closeEditors,
  gramlens,
  inspectorPage,
  quick,
  rpcSample,
  runSample,
  showSidePanel,
  softmaxSample,
  withSettings,
} from './drive';
import { paintedCells } from './figures';

const recentRows = '[id="workbench.view.extension.gramlens"] .monaco-list-row[aria-label*="digits-"]';

describe('recent inspections', function () {
  this.timeout(240_000);
  let restore: () => Promise<void>;
  let folder: string;
  let first: string;
  before(async () => {
    restore = await withSettings(quick);
    folder = mkdtempSync(join(tmpdir(), 'gramlens-recent-'));
    await showSidePanel();
    first = (await runSample(softmaxSample)).inspection!;
  });
  after(async () => {
    await restore();
    await closeEditors();
    rmSync(folder, { recursive: true, force: true });
  });
  const shown = (id: string): Promise<true> =>
    until(`the inspection ${id} on the page`, async () =>
      (await inFrame(inspectorPage, () => document.getElementById('app')!.dataset['inspection'])) === id
        ? true
        : undefined,
    );

  it('come back from the list with their patterns, and nothing is computed again', async () => {
    const second = (await runSample(rpcSample)).inspection!;
    assert.match(first, /^[0-9a-f]{16}$/);
    assert.notEqual(first, second);
    await shown(second);
    await outer('waitFor', { selector: `${recentRows}[aria-label*="${softmaxSample}"]` });
    await outer('screenshot', { name: 'workbench-recent' });
    const api = await gramlens();
    const before = api.computedWork();
    await outer('click', { selector: `${recentRows}[aria-label*="${softmaxSample}"]` });
    await shown(first);
    assert.deepEqual(api.computedWork(), before);
    assert.equal(api.snapshot().inspection, first);
    assert.equal(api.snapshot().title, softmaxSample);
    assert.notEqual(api.snapshot().picture, null);
    await api.openLink(vscode.Uri.parse(`vscode://gramlens.gramlens/head?inspection=${first}&layer=2&head=3`));
    await paintedCells(inspectorPage, 'pattern-rpc', { rows: 50, columns: 50 });
    assert.deepEqual(api.snapshot().selected, { layer: 2, head: 3 });
  });

  it('open from the result beside a report by double click, and a link finds them', async () => {
    const api = await gramlens();
    const html = vscode.Uri.file(join(folder, 'a.html'));
    const [, json] = await api.exportReport(html);
    const exported = api.snapshot().inspection!;
    const link = new RegExp(`vscode://gramlens\\.gramlens/head\\?inspection=${exported}&amp;layer=0&amp;head=1`);
    assert.match(readFileSync(html.fsPath, 'utf8'), link);
    await runSample(rpcSample);
    await closeEditors();
    // What a double click in the explorer does.
    await vscode.commands.executeCommand('vscode.open', json);
    await shown(exported);
    const tabs = (): string[] => vscode.window.tabGroups.all.flatMap(({ tabs: all }) => all.map(({ label }) => label));
    await until('the inspector tab alone', () => (tabs().join() === 'Gramlens Inspector' ? true : undefined));
  });

  it('opens a result of another machine with everything that belongs to no head', async () => {
    const api = await gramlens();
    const [, json] = await api.exportReport(vscode.Uri.file(join(folder, 'here.html')));
    const { rollout } = api.snapshot().network;
    assert.ok(rollout !== undefined && rollout.layers.length > 1);
    // Another duration makes another inspection of it, which is not kept here.
    const result = JSON.parse(readFileSync(json!.fsPath, 'utf8')) as InspectionResult;
    const there = vscode.Uri.file(join(folder, 'there.gramlens.json'));
    const elapsedMs = result.provenance.elapsedMs! + 1;
    writeFileSync(there.fsPath, JSON.stringify({ ...result, provenance: { ...result.provenance, elapsedMs } }));
    const before = api.snapshot().inspection;
    await vscode.commands.executeCommand('vscode.open', there);
    await until('the other inspection', () => (api.snapshot().inspection === before ? undefined : true));
    assert.deepEqual(api.snapshot().network.rollout, rollout);
  });

  it('says what to do about a link to an inspection that is not here', async () => {
    const api = await gramlens();
    void api.openLink(vscode.Uri.parse('vscode://gramlens.gramlens/head?inspection=00000000000000ff&layer=0&head=0'));
    const words = 'The inspection of this link is not kept on this machine. Open the result.json beside the report.';
    await outer('waitFor', { selector: `.notification-list-item-message:has-text("${words}")` });
    await vscode.commands.executeCommand('notifications.clearAll');
  });
});
