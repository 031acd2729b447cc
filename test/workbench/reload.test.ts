// A window that is closed and opened again: the inspector tab shows the same inspection, the same head, as far down.
// No suite runs inside: everything is done and seen as a person does it.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe } from 'mocha';
import { chromium } from 'playwright-core';
import type { Browser, Frame, Page } from 'playwright-core';
import { fullIt } from '../setup/full';
import { chromiumArgs, requireChromium } from '../setup/system.mjs';
import { startWorkbench } from '../setup/workbench.mjs';

const quick = {
  'gramlens.backend': 'cpu',
  'gramlens.nulls': 20,
  'gramlens.untrainedTwins': 2,
  'gramlens.noise.repeats': 2,
};
const waitMs = 90_000;

describe('a window that is closed and opened again', function () {
  this.timeout(300_000);
  let workbench: Awaited<ReturnType<typeof startWorkbench>>;
  let browser: Browser;
  let page: Page;
  before(async () => {
    workbench = await startWorkbench({ settings: quick });
    browser = await chromium.launch({ executablePath: requireChromium(), args: [...chromiumArgs] });
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(workbench.url({ folder: resolve('media/samples'), extension: resolve('.') }));
  });
  after(async () => {
    await browser.close();
    await workbench.stop();
  });

  /** The palette knows our commands a moment after the window is there. */
  const command = async (words: string): Promise<void> => {
    const row = page.locator(`.quick-input-list .monaco-list-row.focused[aria-label*=${JSON.stringify(words)}]`);
    const input = page.locator('.quick-input-widget input').first();
    for (const end = Date.now() + waitMs; ;) {
      try {
        await page.keyboard.press('F1');
        await input.waitFor({ timeout: 5000 });
        // A palette that was still open keeps what was typed into it.
        await page.keyboard.press('Control+A');
        await page.keyboard.type(`>${words}`);
        await row.waitFor({ timeout: 5000 });
        break;
      } catch (error) {
        if (Date.now() > end) throw error;
        await page.keyboard.press('Escape');
      }
    }
    await page.keyboard.press('Enter');
  };
  /** The inspector page once it is in this state. */
  const inspector = async (state: string): Promise<Frame> => {
    for (const end = Date.now() + waitMs; Date.now() < end;) {
      for (const frame of page.frames()) {
        const found = await frame.$(`main#app[data-worker]${state}`).catch(() => null);
        if (found !== null) return frame;
      }
      await page.waitForTimeout(200);
    }
    mkdirSync('out/screenshots', { recursive: true });
    await page.screenshot({ path: 'out/screenshots/workbench-reload-failed.png' });
    throw new Error(`waited ${waitMs / 1000} s for the inspector page ${state}`);
  };
  /** A frame of the tab in front that has this. */
  const frameWith = async (selector: string): Promise<Frame> => {
    for (const end = Date.now() + waitMs; Date.now() < end;) {
      for (const frame of page.frames()) {
        const found = await frame.$(selector).catch(() => null);
        if (found !== null && (await found.isVisible().catch(() => false))) return frame;
      }
      await page.waitForTimeout(200);
    }
    mkdirSync('out/screenshots', { recursive: true });
    await page.screenshot({ path: 'out/screenshots/workbench-report-failed.png' });
    throw new Error(`waited ${waitMs / 1000} s for a page with ${selector}`);
  };
  const reload = async (): Promise<void> => {
    const loaded = page.waitForEvent('load', { timeout: waitMs });
    await command('Developer: Reload Window');
    await loaded;
    await page.locator('.statusbar-item').first().waitFor({ timeout: waitMs });
  };
  interface Seen {
    readonly inspection: string | undefined;
    readonly heading: string | undefined;
    readonly scrolled: number;
  }
  const seen = (frame: Frame): Promise<Seen> =>
    frame.evaluate(() => ({
      inspection: document.getElementById('app')!.dataset['inspection'],
      heading: document.querySelectorAll('#app h1')[1]?.textContent,
      scrolled: Math.round(window.scrollY),
    }));

  // A second workbench: the suite in the first has the same from the list of recent inspections every time.
  fullIt('shows the same inspection and head, as far down, from disk', async () => {
    await page.locator('.statusbar-item').first().waitFor({ timeout: waitMs });
    await command('Gramlens: Inspect Sample Checkpoint');
    await page.locator('.quick-input-list .monaco-list-row.focused[aria-label*="Softmax ViT"]').waitFor();
    await page.keyboard.press('Enter');
    const overview = await inspector('[data-phase="done"]');
    // The cell of layer 3, head 2 of the first heatmap.
    await overview.locator('.stage').first().focus();
    for (const key of ['Home', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'Enter']) await page.keyboard.press(key);
    await overview.locator('[data-figure="spectrum"]').waitFor();
    await overview.locator('[data-figure="pattern-rpc"]').waitFor();
    await overview.locator('[data-figure="noise-key_gauss"]').scrollIntoViewIfNeeded();
    await page.waitForTimeout(1500);
    const before = await seen(overview);
    assert.match(before.inspection ?? '', /^[0-9a-f]{16}$/);
    assert.ok(before.scrolled > 500, `scrolled ${before.scrolled}`);

    // As a person does it: the window says goodbye first and writes down what its tabs remember.
    await reload();
    const again = await inspector('[data-phase="done"]');
    await again.locator('[data-figure="pattern-rpc"]').waitFor();
    await page.waitForTimeout(1500);
    mkdirSync('out/screenshots', { recursive: true });
    await page.screenshot({ path: 'out/screenshots/workbench-reloaded.png' });
    // The name holds the run's duration: had anything been computed again, it would be another one.
    assert.deepEqual(await seen(again), before);
  });

  fullIt('shows a comparison again, from what is kept', async () => {
    const compared = async (): Promise<string> => {
      for (const end = Date.now() + waitMs; Date.now() < end;) {
        for (const frame of page.frames()) {
          const found = await frame.$('main#app[data-phase="done"]:has(.maps)').catch(() => null);
          if (found !== null) return frame.locator('h1').innerText();
        }
        await page.waitForTimeout(200);
      }
      throw new Error(`waited ${waitMs / 1000} s for the comparison page`);
    };
    await command('Gramlens: Compare Checkpoints');
    const methods = page.locator('.quick-input-list .monaco-list-row[aria-label*="Softmax and RPC"]');
    await methods.waitFor();
    await methods.click();
    assert.equal(await compared(), 'softmax and RPC in digits-softmax.safetensors');
    await reload();
    assert.equal(await compared(), 'softmax and RPC in digits-softmax.safetensors');
    await (await frameWith('.maps.large')).locator('.maps.large .to-report').click();
    // It has the focus then, which would close the palette.
    await frameWith('section#difference-maps figure[tabindex="-1"]');
    await reload();
    const report = await frameWith('section#difference-maps');
    assert.match(await report.locator('h1').innerText(), /softmax and RPC in digits-softmax\.safetensors/);
    await command('View: Close All Editors');
  });

  fullIt('shows a report again at the same place, from disk; and says so where its inspection is gone', async () => {
    const overviewMap = '[data-figure="overview-alignment.theory.overlap"]';
    const figure = 'layer-2-head-1-spectrum';
    await command('Gramlens: Show Heads Heatmap');
    const kept = page.locator('.pane', { hasText: 'Recent Inspections' }).locator('.monaco-list-row').first();
    await kept.click();
    await (await frameWith(`${overviewMap} .to-report`)).locator(`${overviewMap} .to-report`).click();
    const shown = await frameWith(`figure[id="${figure}"]`);
    // Not where it was opened: where it was left.
    await shown.evaluate((id) => {
      document.getElementById(id)!.scrollIntoView({ block: 'start' });
    }, figure);
    await page.waitForTimeout(500);
    const place = (frame: Frame): Promise<{ scrolled: number; top: number; text: number }> =>
      frame.evaluate(
        (id) => ({
          scrolled: Math.round(window.scrollY),
          top: Math.round(document.getElementById(id)!.getBoundingClientRect().top),
          text: document.body.innerText.length,
        }),
        figure,
      );
    const left = await place(shown);
    assert.ok(left.scrolled > 2000, JSON.stringify(left));
    await reload();
    const again = await frameWith('section#heads-in-detail');
    await page.waitForTimeout(500);
    assert.deepEqual(await place(again), left);
    await page.screenshot({ path: 'out/screenshots/workbench-report-reloaded.png' });

    await command('Output: Show Output Channels');
    const channel = page.locator('.quick-input-list .monaco-list-row[aria-label*="Gramlens"]').first();
    await channel.waitFor();
    await channel.click();
    const output = page.locator('.output-view .view-lines', { hasText: /Report:.*shown.from.disk/ });
    await output.waitFor({ timeout: waitMs });
    const counts = [...(await output.innerText()).replace(/\s+/g, ' ').matchAll(/(\d+) layers, (\d+) heads\./g)];
    assert.ok(counts.length > 0);
    for (const [words, layers, heads] of counts) assert.deepEqual([layers, heads], ['0', '0'], words);
    await command('View: Toggle Panel Visibility');

    await kept.hover();
    await kept.locator('.action-label[aria-label*="Remove"]').click();
    await kept.waitFor({ state: 'detached', timeout: waitMs });
    await reload();
    const gone = await frameWith('p.sentence:has-text("no longer kept")');
    assert.equal(
      await gone.locator('p.sentence').innerText(),
      'This inspection is no longer kept on this machine. Inspect the checkpoint again.',
    );
    await page.screenshot({ path: 'out/screenshots/workbench-report-gone.png' });
    await command('View: Close All Editors');
  });

  fullIt('goes on with what is finished of several inputs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gramlens-reload-'));
    for (const name of ['digit-3.png', 'digit-5.png', 'digit-8.png'])
      copyFileSync(join('media', 'samples', name), join(folder, name));
    const dialog = page.locator('.quick-input-widget');
    /** Into a file dialog, which may answer Enter by opening a folder: then once more. */
    const takePath = async (title: string, path: string): Promise<void> => {
      const shown = dialog.filter({ hasText: title });
      await shown.waitFor({ timeout: waitMs });
      for (let attempt = 0; attempt < 8; attempt += 1) {
        await page.keyboard.press('Control+A');
        await page.keyboard.type(path);
        await page.keyboard.press('Enter');
        const gone = shown.waitFor({ state: 'hidden', timeout: 3000 });
        if (await gone.then(() => true).catch(() => false)) return;
      }
      throw new Error(`the dialog "${title}" did not take ${path}`);
    };
    const choose = async (words: string): Promise<void> => {
      const row = page.locator(`.quick-input-list .monaco-list-row[aria-label*=${JSON.stringify(words)}]`).first();
      await row.waitFor({ timeout: waitMs });
      await row.click();
    };
    const inspect = async (): Promise<void> => {
      await page.locator('.statusbar-item').first().waitFor({ timeout: waitMs });
      await command('View: Close All Editors');
      // Without the dots the sample's command, used before, comes first.
      await command('Gramlens: Inspect Checkpoint…');
      await takePath('Choose a checkpoint', resolve('media/samples/digits-softmax.safetensors'));
      await choose('Several inputs');
      await choose('A folder of pictures');
      await takePath('Choose the folder', `${folder}/`);
      await choose('Inspect');
    };
    try {
      await inspect();
      const running = await inspector('[data-phase="running"]');
      await running.locator('.several', { hasText: 'Running means over 1 of 3 inputs' }).waitFor({ timeout: waitMs });
      const loaded = page.waitForEvent('load', { timeout: waitMs });
      await command('Developer: Reload Window');
      await loaded;
      await inspect();
      // One, or two where the second was finished before the window was gone.
      await page
        .locator('.notification-list-item-message', {
          hasText: /^[12] of 3 inputs were finished before; their results in/,
        })
        .waitFor({ timeout: waitMs });
      const done = await inspector('[data-phase="done"]');
      assert.match(await done.locator('.cards').innerText(), /Means over 3 inputs ± 95 % interval/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
