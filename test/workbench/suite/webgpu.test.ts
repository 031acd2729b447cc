// The backend of the inspector page: the same numbers, what becomes of a closed tab, and when `auto` takes it.
import { after, afterEach, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { SessionSnapshot } from '../../../src/protocol/messages';
import { full, fullIt } from '../../setup/full';
import { inFrame, outer, until } from '../outer';
import {
  assertComplete,
  clearNotifications,
  closeEditors,
  gramlens,
  inspectorPage,
  notificationShown,
  phase,
  quick,
  rpcSample,
  runSample,
  slow,
  softmaxSample,
  startSlowRun,
  withSettings,
} from './drive';
import { paintedCells } from './figures';
import { worstDifference } from './numbers';

/** Spec section 10: tensors of a float32 forward pass, relative to max |.|. */
const float32Tolerance = 2e-4;
/** Spec section 10, alignment and CKA: metrics are float64 on both sides, only the two hosts' libm differs. */
const metricTolerance = 1e-7;

describe('backend webgpu', function () {
  // A software adapter on a machine whose cores others use, too.
  this.timeout(180_000);
  let restore: () => Promise<void>;
  before(async () => {
    restore = await withSettings({ ...quick, 'gramlens.backend': 'webgpu' });
  });
  after(async () => {
    await restore();
  });
  afterEach(async () => {
    await clearNotifications();
  });

  for (const file of full ? [softmaxSample, rpcSample] : [softmaxSample]) {
    it(`gives the cpu's metrics for ${file}`, async () => {
      const painted = await runSample(file);
      assertComplete(painted);
      const { provenance } = painted;
      assert.deepEqual([provenance?.backend, provenance?.precision], ['webgpu', 'float32']);
      assert.match(provenance?.adapter ?? '', /./);
      const parity = provenance!.parity.maxRelError!;
      assert.ok(parity > 0 && parity < float32Tolerance, `parity error ${parity}`);

      const back = await withSettings({ 'gramlens.backend': 'cpu' });
      let cpu: SessionSnapshot;
      try {
        cpu = await runSample(file);
      } finally {
        await back();
      }
      assert.equal(cpu.provenance?.backend, 'cpu');
      const worst = worstDifference(painted.layers, cpu.layers);
      await outer(
        'note',
        `${file}: parity ${parity.toExponential(1)}, metrics ${worst.error.toExponential(1)} (${worst.at})`,
      );
      assert.ok(worst.error <= metricTolerance, `${worst.at} differs by ${worst.error}`);
      assert.deepEqual(painted.provenance?.checkpoint, cpu.provenance.checkpoint);
    });
  }

  // That a page's worker gives patterns, the page tests have every time.
  fullIt('keeps the run’s patterns on the page that ran it', async () => {
    const { model } = await runSample(softmaxSample);
    const cell = '[data-figure="overview-alignment.theory.overlap"] .stage';
    await outer('press', { key: 'Enter', place: { inside: inspectorPage, selector: cell } });
    await paintedCells(inspectorPage, 'pattern-softmax', { rows: model!.tokens, columns: model!.tokens });
    await outer('click', { inside: inspectorPage, selector: 'vscode-button:has-text("Overview")' });
  });

  // The page tests cancel the worker and run it again every time.
  fullIt('cancels in the page, and the next run works', async () => {
    const back = await withSettings({ ...slow, 'gramlens.backend': 'webgpu' });
    try {
      const { ended } = await startSlowRun(softmaxSample);
      await vscode.commands.executeCommand('gramlens.cancelInspection');
      assert.equal((await ended)?.name, 'CancelledError');
      await phase('cancelled');
    } finally {
      await back();
    }
    assertComplete(await runSample(softmaxSample));
  });

  it('says so when the tab that runs it is closed', async () => {
    const back = await withSettings({ ...slow, 'gramlens.backend': 'webgpu' });
    try {
      const run = vscode.commands.executeCommand('gramlens.inspectSample', softmaxSample);
      const api = await gramlens();
      await until('a running inspection', () =>
        api.snapshot().progress?.label.startsWith('Layer') ? true : undefined,
      );
      assert.equal(api.snapshot().plan?.backend, 'webgpu');
      await closeEditors();
      assert.equal(await run, null);
      const { phase: ended, message } = api.snapshot();
      assert.equal(ended, 'failed');
      assert.match(message, /^The inspector tab was closed, and with it the WebGPU device that ran the inspection\./);
      await notificationShown(/^The inspector tab was closed/);
    } finally {
      await back();
    }
  });

  fullIt('runs again in a new tab after that', async () => {
    assertComplete(await runSample(softmaxSample));
  });

  fullIt('is not what auto takes on a software adapter, and the run says why', async () => {
    const back = await withSettings({ 'gramlens.backend': 'auto' });
    try {
      const { provenance } = await runSample(softmaxSample);
      assert.equal(provenance?.backend, 'cpu');
      assert.match(provenance.backendReason, /adapter is a software one .* auto uses cpu/);
      const run = await inFrame(inspectorPage, () => document.body.innerText);
      assert.ok(run.includes(provenance.backendReason), 'the Run card says it too');
    } finally {
      await back();
    }
  });
});
