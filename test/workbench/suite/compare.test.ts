// Two checkpoints selected in the explorer: one input, both inspected, a comparison tab, the way to a head of either side.

import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { comparisonJson } from '../../../src/comparison/comparisonFiles';
import { compareResults } from '../../../src/comparison/compareResults';
import { resultJson } from '../../../src/report/resultJson';
import { changed, sourceOf } from '../../unit/comparison/sources';
import { exampleResult } from '../../unit/report/exampleResult';
import { inFrame, outer, until } from '../outer';
import {
  answer,
  closeEditors,
  clearNotifications,
  gramlens,
  inspectorPage,
  notificationShown,
  phase,
  quick,
  rpcSample,
  sample,
  softmaxSample,
  withSettings,
} from './drive';

const comparisonPage = 'main#app:has(.maps)';

describe('Compare Checkpoints', function () {
  this.timeout(120_000);
  let restore: () => Promise<void>;
  before(async () => {
    // Noise alone: what is asked here does not depend on nulls.
    restore = await withSettings({ ...quick, 'gramlens.nulls': 0, 'gramlens.untrainedTwins': 0 });
    await closeEditors();
  });
  after(async () => {
    await closeEditors();
    await clearNotifications();
    await restore();
  });
  const tabs = (): string[] => vscode.window.tabGroups.all.flatMap(({ tabs: all }) => all.map(({ label }) => label));
  const shown = (): Promise<boolean> =>
    until('the comparison', async () =>
      (await inFrame(comparisonPage, () => document.getElementById('app')!.dataset['phase']).catch(() => '')) === 'done'
        ? true
        : undefined,
    );

  it('inspects both on one input, shows what changed, and opens a head of the other side', async () => {
    const uris = [sample(softmaxSample), sample(rpcSample)];
    // What the menu of a selection in the explorer hands over.
    void vscode.commands.executeCommand('gramlens.compareCheckpoints', uris[0], uris);
    await answer('Input for', 'Sample picture');
    await answer('Plan:', 'Inspect');
    await shown();
    assert.ok(tabs().includes(`Compare ${softmaxSample} → ${rpcSample}`), tabs().join());
    await outer('waitFor', { inside: comparisonPage, selector: '.ranked tr[data-head]' });
    const text = await outer('text', { inside: comparisonPage, selector: 'body' });
    assert.match(text, /Heads are matched by index/);
    assert.match(text, /digits-rpc\.pt was trained with RPC of .* lambda 1/);
    await inFrame(comparisonPage, () => {
      document.querySelector<HTMLElement>('.ranked button.link')!.click();
    });
    const [layer, head] = await inFrame(comparisonPage, () =>
      document.querySelector('.ranked button.link')!.textContent.split(' · ').map(Number),
    );
    await outer('click', { inside: comparisonPage, selector: `vscode-button:has-text("Open in ${rpcSample}")` });
    await outer('waitFor', { inside: inspectorPage, selector: '[data-figure="spectrum"]' });
    const { title, selected } = await phase('done');
    assert.deepEqual([title, selected], [rpcSample, { layer, head }]);
  });

  it('takes what is kept the second time', async () => {
    const api = await gramlens();
    const before = api.computedWork();
    assert.ok(before.layers > 0 && before.heads > 0, JSON.stringify(before));
    await closeEditors();
    const compare = (): Promise<unknown> =>
      api.compare({ uris: [sample(softmaxSample), sample(rpcSample)], input: 'sample:0' });
    // Two pages that open at once may take each other's files away in the browser workbench (see showSidePanel).
    await compare().catch(async () => {
      await closeEditors();
      await compare();
    });
    await shown();
    assert.deepEqual(api.computedWork(), before);
  });

  it('shows a figure in the report of the comparison, whose links lead to the heads', async () => {
    await outer('click', { inside: comparisonPage, selector: '.maps.large .to-report' });
    const reportPage = 'section#difference-maps';
    await outer('waitFor', { inside: reportPage, selector: 'figure.asked-for[id^="difference-"]' });
    assert.ok(tabs().includes(`Report: ${softmaxSample} → ${rpcSample}`), tabs().join());
    await outer('screenshot', { name: 'comparison-report' });
    const link = '#what-changed-most li a:last-of-type';
    const href = await inFrame(reportPage, (one: string) => document.querySelector<HTMLAnchorElement>(one)!.href, link);
    await outer('click', { inside: reportPage, selector: link });
    const { searchParams } = new URL(href);
    const selected = { layer: Number(searchParams.get('layer')), head: Number(searchParams.get('head')) };
    await until('the head of that link', async () => {
      const { title, selected: now } = (await gramlens()).snapshot();
      return title === rpcSample && JSON.stringify(now) === JSON.stringify(selected) ? true : undefined;
    });
  });

  describe('as a file', () => {
    let folder: string;
    let text: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'gramlens-comparison-'));
      // Of inspections that this machine never ran.
      const first = exampleResult({ layers: 2, heads: 3, name: 'step-1.pt' });
      const runs = [1, 2, 3].map((step) => sourceOf(changed(first, `step-${step}.pt`, (head) => head)));
      text = comparisonJson(compareResults(runs, 'index'));
    });
    after(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const written = (name: string, content = text): vscode.Uri => {
      writeFileSync(join(folder, name), content);
      return vscode.Uri.file(join(folder, name));
    };
    const pageSays = (words: string): Promise<true> =>
      until(`the page to say ${words}`, async () =>
        (await outer('text', { inside: 'main#app[data-phase]', selector: '#app' }).catch(() => '')).includes(words)
          ? true
          : undefined,
      );

    it('is refused beside a checkpoint that would not pair with it before the checkpoint is inspected', async () => {
      const api = await gramlens();
      const before = api.computedWork();
      const result = written('step-1.gramlens.json', resultJson(exampleResult({ layers: 2, heads: 3 })));
      await assert.rejects(
        api.compare({ uris: [sample(softmaxSample), result], input: 'sample:7' }),
        /step-1 has 2 layers of 3 heads, digits-softmax\.safetensors has 6 layers of 4 heads: /,
      );
      assert.deepEqual(api.computedWork(), before);
    });

    it('opens by double click and by the command, with all that needs no inspection', async () => {
      for (const open of [
        () => vscode.commands.executeCommand('vscode.open', written('steps.comparison.json')),
        () => vscode.commands.executeCommand('gramlens.openResult', written('other-name.json')),
      ]) {
        await closeEditors();
        await open();
        await shown();
        await pageSays('3 of its 3 inspections are not kept on this machine');
        const [heading, timelines] = await inFrame(comparisonPage, () => [
          document.querySelector('h1')!.textContent,
          document.querySelectorAll('.timelines .figure').length,
        ]);
        assert.deepEqual([heading, timelines], ['step-1.pt → step-3.pt, 3 runs', 2]);
      }
      await outer('screenshot', { name: 'comparison-file' });
    });

    it('is refused by a sentence where it is of a newer version or cut off, and nothing of it is shown', async () => {
      await closeEditors();
      const newer = written('newer.comparison.json', text.replace('gramlens.comparison/1', 'gramlens.comparison/2'));
      await vscode.commands.executeCommand('vscode.open', newer);
      await pageSays('newer.comparison.json is a comparison of another version');
      const rest = await inFrame('main#app[data-phase="failed"]', () =>
        document.querySelector('.maps')!.checkVisibility(),
      );
      assert.equal(rest, false);
      await vscode.commands.executeCommand('gramlens.openResult', written('cut.comparison.json', text.slice(0, 5000)));
      await notificationShown(/^cut\.comparison\.json is not JSON, or was cut off\. Choose the/);
      // Another program's file of that name is text.
      await closeEditors();
      await vscode.commands.executeCommand('vscode.open', written('theirs.comparison.json', '{"a": 1}'));
      await until('the text editor', () =>
        vscode.window.activeTextEditor?.document.fileName.endsWith('theirs.comparison.json'),
      );
    });
  });
});
