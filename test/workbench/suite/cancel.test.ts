// Ending a run before its end: by the command, by the notification, by the page, by another run. Nothing stays behind.
import { after, afterEach, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { fullIt } from '../../setup/full';
import { outer, repositoryRoot, until } from '../outer';
import {
  assertComplete,
  clearNotifications,
  gramlens,
  inspectorPage,
  notifications,
  phase,
  quick,
  rpcSample,
  runSample,
  slow,
  softmaxSample,
  startSlowRun,
  threadCount,
  threadsBackTo,
  withSettings,
} from './drive';

function workspaceFiles(): string[] {
  return readdirSync(join(repositoryRoot(), 'media', 'samples')).sort();
}

describe('Cancel Inspection', () => {
  let restore: () => Promise<void>;
  let idle: number;
  let files: string[];
  before(async () => {
    restore = await withSettings(slow);
    files = workspaceFiles();
    // Threads that the host starts once and keeps are not the run's.
    const { ended } = await startSlowRun(softmaxSample);
    await vscode.commands.executeCommand('gramlens.cancelInspection');
    await ended;
    idle = threadCount();
  });
  after(async () => {
    await restore();
  });
  afterEach(async () => {
    await clearNotifications();
  });

  const cancelledBy = async (cancel: () => Promise<unknown>): Promise<void> => {
    const { ended } = await startSlowRun(softmaxSample);
    assert.ok(threadCount() > idle, 'a running inspection has worker threads');
    await cancel();
    const { message, progress } = await phase('cancelled');
    assert.equal(message, 'The inspection was cancelled; nothing was written.');
    assert.equal(progress, null);
    const error = await ended;
    assert.equal(error?.name, 'CancelledError', String(error));
    await threadsBackTo(idle);
    assert.deepEqual(workspaceFiles(), files);
    await until('the progress notification to go', async () =>
      (await notifications()).some((text) => text.startsWith('Inspecting')) ? undefined : true,
    );
  };

  it('ends a run by the command', async () => {
    await cancelledBy(async () => vscode.commands.executeCommand('gramlens.cancelInspection'));
  });

  it('ends a run by the notification’s button', async () => {
    await cancelledBy(async () => {
      const toast = '.notification-list-item:has-text("Inspecting")';
      await outer('hover', { selector: toast });
      await outer('click', { selector: `${toast} .monaco-button:has-text("Cancel")` });
    });
  });

  it('ends a run by the page’s button', async () => {
    await cancelledBy(() => outer('click', { inside: inspectorPage, selector: 'vscode-button:has-text("Cancel")' }));
    await outer('waitFor', {
      inside: inspectorPage,
      selector: '.message:text-is("The inspection was cancelled; nothing was written.")',
    });
  });

  it('ends a run by the status bar', async () => {
    await cancelledBy(() => outer('click', { selector: '.statusbar-item[id*="gramlens.status"] a' }));
  });

  it('offers nothing to export after it', async () => {
    const api = await gramlens();
    const { ended } = await startSlowRun(softmaxSample);
    await vscode.commands.executeCommand('gramlens.cancelInspection');
    await ended;
    const target = vscode.Uri.file(join(repositoryRoot(), 'media', 'samples', 'nothing.html'));
    assert.deepEqual(await api.exportReport(target), []);
    assert.deepEqual(workspaceFiles(), files);
  });

  it('lets a second run work', async () => {
    const back = await withSettings(quick);
    try {
      assertComplete(await runSample(softmaxSample));
      assert.equal((await phase('done')).message, `${softmaxSample}: every head inspected.`);
    } finally {
      await back();
    }
  });

  it('a run that another one replaces ends as cancelled, the other one completes', async () => {
    const { ended } = await startSlowRun(softmaxSample);
    const back = await withSettings(quick);
    try {
      const second = await runSample(rpcSample);
      const error = await ended;
      assert.equal(error?.name, 'CancelledError', String(error));
      assert.deepEqual([second.phase, second.title], ['done', rpcSample]);
      assertComplete(second);
      // The finished run keeps its one thread, for the patterns of its heads; the first one's are gone.
      await threadsBackTo(idle + 1);
    } finally {
      await back();
    }
  });

  fullIt('a replaced run that came from the palette does not disturb its successor', async () => {
    const first = vscode.commands.executeCommand('gramlens.inspectSample', softmaxSample);
    await until('the first run', async () =>
      (await gramlens()).snapshot().progress?.label.startsWith('Layer') === true ? true : undefined,
    );
    const phases: string[] = [];
    const api = await gramlens();
    const watch = setInterval(() => phases.push(api.snapshot().phase), 1);
    const back = await withSettings(quick);
    try {
      await vscode.commands.executeCommand('gramlens.inspectSample', rpcSample);
      assert.equal(await first, null);
      assert.equal(api.snapshot().phase, 'done');
      assert.deepEqual(
        [...new Set(phases)].filter((seen) => !['running', 'planning', 'done'].includes(seen)),
        [],
        'the second run was never shown as ended before it was',
      );
    } finally {
      clearInterval(watch);
      await back();
    }
  });
});
