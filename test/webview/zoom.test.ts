// The patterns of a head zoomed by dragging and by keyboard: all of them together, with ticks, words and the way back.

import assert from 'node:assert/strict';
import { after, before, describe } from 'mocha';
import type { Locator } from 'playwright-core';
import { cellCentre, figureOf } from './figures';
import { pageTests, settle, startPageLab, until } from './openPage';
import type { OpenPage, PageLab } from './openPage';
import { runSample } from './sampleRun';
import type { SampleRun } from './sampleRun';

describe('zooming into the patterns', () => {
  let run: SampleRun;
  let lab: PageLab;
  let view: OpenPage;

  before(async () => {
    run = await runSample();
    lab = await startPageLab();
  });
  after(async () => {
    await lab.close();
    await run.stop();
  });
  const check = pageTests(() => view);

  check('by dragging and by + and -, in all of them, until Escape, a double click or the button', async () => {
    view = await lab.open({ page: 'inspector', run, snapshot: { ...run.done, selected: { layer: 3, head: 2 } } });
    const { page } = view;
    const softmax = figureOf(page, 'pattern-softmax');
    const rpc = figureOf(page, 'pattern-rpc');
    await softmax.waitFor();
    await settle(page);
    const { tokens } = run.done.model!;
    const canvasSize = (figure: Locator): Promise<number[]> =>
      figure
        .locator('canvas')
        .evaluate((canvas) => [(canvas as HTMLCanvasElement).height, (canvas as HTMLCanvasElement).width]);
    const words = (figure: Locator): Promise<string> => figure.locator('.zoom-words').innerText();
    const drag = async (from: readonly [number, number], to: readonly [number, number]): Promise<void> => {
      const start = await cellCentre(softmax, tokens, tokens, ...from);
      const end = await cellCentre(softmax, tokens, tokens, ...to);
      await page.mouse.move(start.x, start.y);
      await page.mouse.down();
      await page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2);
      assert.ok(await softmax.locator('.brush').isVisible(), 'what is being chosen is seen');
      await page.mouse.move(end.x, end.y);
      await page.mouse.up();
      await settle(page);
    };

    await drag([10, 20], [29, 20]);
    const rows = `Rows 10 to 29 of ${tokens}, columns 0 to ${tokens - 1} of ${tokens}.`;
    assert.deepEqual([await words(softmax), await words(rpc)], [rows, rows]);
    assert.deepEqual(await canvasSize(rpc), [20, tokens]);
    const ticks = await rpc.locator('.frame text').allTextContents();
    assert.ok(
      ticks.some((tick) => tick.startsWith('10 patch')) && !ticks.some((tick) => tick.startsWith('40 patch (5')),
    );
    assert.equal(await page.locator('.pins > li').count(), 0, 'a drag pins nothing');

    await softmax.getByRole('button', { name: 'Show all' }).click();
    await settle(page);
    assert.deepEqual(await canvasSize(rpc), [tokens, tokens]);

    await softmax.locator('.stage').focus();
    for (const key of ['Home', 'ArrowDown', '+']) await page.keyboard.press(key);
    const live = softmax.locator('[aria-live]');
    assert.match((await live.textContent()) ?? '', /^Rows 1 to 25 of 50, columns 0 to 24 of 50\.$/);
    assert.deepEqual(await canvasSize(figureOf(page, 'pattern-difference')), [25, 25]);
    await page.keyboard.press('End');
    assert.match(await words(rpc), /columns 25 to 49/);
    await page.keyboard.press('-');
    assert.equal(await live.textContent(), 'All rows and columns.');
    await page.keyboard.press('+');
    await page.keyboard.press('Escape');
    assert.deepEqual(await canvasSize(rpc), [tokens, tokens]);
    assert.ok(await softmax.locator('.mark rect').count(), 'the cursor stays: Escape was for the zoom');

    await drag([5, 5], [20, 30]);
    assert.match(await words(rpc), /^Rows 5 to 20 of 50, columns 5 to 30 of 50\.$/);
    const middle = await softmax.locator('canvas').boundingBox();
    await page.mouse.dblclick(middle!.x + 40, middle!.y + 40);
    await until(async () => (await canvasSize(rpc))[0] === tokens, 'a double click shows all');
    assert.equal(await page.locator('.pins > li').count(), 0, 'two clicks pin and unpin');
  });
});
