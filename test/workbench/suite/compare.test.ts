// Two checkpoints selected in the explorer: one input, both inspected, a comparison tab, the way to a head of either side.

import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { inFrame, outer, until } from '../outer';
import {
  answer,
  closeEditors,
  clearNotifications,
  gramlens,
  inspectorPage,
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
    const before = api.snapshot();
    await closeEditors();
    await api.compare({ uris: [sample(softmaxSample), sample(rpcSample)], input: 'sample:0' });
    await shown();
    // The name holds the run's duration: had it been computed again, it would be another one.
    assert.equal(api.snapshot().inspection, before.inspection);
  });
});
