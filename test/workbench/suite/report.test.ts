// The report in a tab of the editor: opened from the overview and from a figure, leading back to a head; and figures copied in
// the real window, whose frames decide whether a picture may be.
import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { inFrame, outer, until } from '../outer';
import { closeEditors, gramlens, inspectorPage, quick, runSample, softmaxSample, withSettings } from './drive';

/** Only a report has it. */
const reportPage = 'section#heads-in-detail';
const spectrum = '[data-figure="spectrum"]';

describe('Open Report', () => {
  let restore: () => Promise<void>;
  before(async () => {
    restore = await withSettings(quick);
    await closeEditors();
    await runSample(softmaxSample);
  });
  after(async () => {
    await closeEditors();
    await restore();
  });

  it('shows what an export would write, and its links lead to the heads', async () => {
    await outer('click', { inside: inspectorPage, selector: 'header vscode-button:has-text("Open Report")' });
    await outer('waitFor', { inside: reportPage, selector: '#overview h2', timeoutMs: 30_000 });
    assert.equal(await outer('count', { inside: reportPage, selector: 'section.head' }), 24);
    assert.ok((await outer('count', { inside: reportPage, selector: 'thead button' })) > 0, 'its script runs');
    await outer('screenshot', { name: 'report-tab' });
    await outer('click', { inside: reportPage, selector: '#head-3-2 a.editor' });
    await outer('waitFor', { inside: inspectorPage, selector: 'h1:text-is("Layer 3, head 2")' });
    assert.deepEqual((await gramlens()).snapshot().selected, { layer: 3, head: 2 });
  });

  it('opens at a figure from its button, in the same tab, and marks it', async () => {
    await outer('waitFor', { inside: inspectorPage, selector: `${spectrum} .to-report` });
    await outer('press', { key: 'Enter', place: { inside: inspectorPage, selector: `${spectrum} .to-report` } });
    const id = 'layer-3-head-2-spectrum';
    await outer('waitFor', { inside: reportPage, selector: `figure.asked-for[id="${id}"]` });
    const shown = await inFrame(
      reportPage,
      (wanted: string) => {
        const { top, bottom } = document.getElementById(wanted)!.getBoundingClientRect();
        return { isInside: top >= 0 && bottom <= innerHeight, focused: document.activeElement?.id };
      },
      id,
    );
    assert.deepEqual(shown, { isInside: true, focused: id });
    await outer('screenshot', { name: 'report-figure' });
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs.map(({ label }) => label));
    assert.deepEqual(
      tabs.filter((label) => label.startsWith('Report')),
      [`Report: ${softmaxSample}`],
    );
  });

  it('lets a figure be copied: numbers and drawing as text, and the picture', async () => {
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    const button = { inside: inspectorPage, selector: `${spectrum} .menu-button:has(.codicon-copy) > vscode-button` };
    const said = { inside: inspectorPage, selector: `${spectrum} .said` };
    const take = async (letter: string, words: string): Promise<void> => {
      await outer('press', { key: 'Enter', place: button });
      await outer('type', letter);
      await outer('screenshot', { name: `copy-menu-${letter}` });
      await outer('press', { key: 'Enter' });
      await until(`the figure says "${words}"`, async () => ((await outer('text', said)) === words ? true : undefined));
    };
    await take('c', 'Copied as CSV.');
    assert.match(await vscode.env.clipboard.readText(), /^series,eigenvalue index/);
    await take('s', 'Copied as SVG.');
    assert.match(await vscode.env.clipboard.readText(), /^<svg /);
    await take('p', 'Copied as PNG.');
  });
});
