// Patterns on the head page: their rows under pointer and keyboard cursor, pinned, over patches and over words; and zooming
// into all of them together, with ticks, words and the way back.

import assert from 'node:assert/strict';
import { after, before, describe } from 'mocha';
import { headFigures } from '../../src/report/figures/headFigures';
import { headPictures } from '../../src/report/figures/patternCells';
import { queryFigure } from '../../src/report/figures/patternFigures';
import type { SessionSnapshot } from '../../src/protocol/messages';
import type { Locator } from 'playwright-core';
import { seriousFindings } from './axe';
import { cellCentre, cellColours, figureOf } from './figures';
import { pageTests, settle, startPageLab, until } from './openPage';
import type { OpenPage, PageLab } from './openPage';
import { runSample } from './sampleRun';
import type { SampleRun } from './sampleRun';

const address = { layer: 3, head: 2 };

describe('patterns of a head', () => {
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
  const openHead = async (snapshot: SessionSnapshot): Promise<OpenPage['page']> => {
    view = await lab.open({ page: 'inspector', run, snapshot: { ...snapshot, selected: address } });
    await figureOf(view.page, 'pattern-softmax').waitFor();
    await settle(view.page);
    return view.page;
  };

  check(
    'show the row under the pointer on the patch grid; rows are pinned, said and taken off by keyboard',
    async () => {
      const page = await openHead(run.done);
      const { tokens, grid, prefixTokens } = run.done.model!;
      const pattern = figureOf(page, 'pattern-softmax');
      const at = await cellCentre(pattern, tokens, tokens, 20, 5);
      await page.mouse.move(at.x, at.y);
      await settle(page);
      const row = figureOf(page, 'pattern-softmax-row-20');
      const { model } = run.done;
      const head = run.result.layers[address.layer]!.heads[address.head]!;
      const context = {
        layer: 3,
        tokens,
        prefixTokens,
        headDim: model!.headDim,
        grid,
        trainedWith: 'softmax',
      } as const;
      const [softmax] = headFigures(head, context, headPictures(await run.headDetail(address.layer, address.head)));
      assert.ok(softmax?.kind === 'heatmap');
      const expected = queryFigure(softmax, context, 20);
      const colours = await cellColours(row, grid[0], grid[1]);
      const brightest = (values: readonly number[]): number => values.indexOf(Math.max(...values));
      const lightness = colours.map(([red, green, blue]) => red! + green! + blue!);
      assert.equal(brightest(lightness), brightest([...expected.values]), 'the largest weight has the lightest cell');
      assert.ok(await page.locator('.patch-frame').isVisible(), 'the patch is framed in the picture');

      const rpc = figureOf(page, 'pattern-rpc');
      await rpc.locator('.stage').focus();
      for (const key of ['Home', 'ArrowDown', 'ArrowDown', 'Enter', 'ArrowDown', 'Enter'])
        await page.keyboard.press(key);
      const status = page.locator('.pin-status');
      assert.match(await status.innerText(), /^Pinned\. Attention pattern, RPC: query 3 .*2 of at most 8 pinned\.$/);
      assert.equal(await rpc.locator('.mark rect').count(), 2 * 2 + 2, 'two frames and the cursor');
      assert.deepEqual(await seriousFindings(page), []);
      const unpin = page.getByRole('button', { name: /^Unpin .*query 2 / });
      await unpin.focus();
      await page.keyboard.press('Enter');
      assert.match(await status.innerText(), /Query 2 is no longer pinned\. 1 of at most 8/);
      await page.keyboard.press('Enter');
      assert.match(
        await status.innerText(),
        /Query 3 is no longer pinned\. No row is pinned/,
        'the focus stayed in the list',
      );
    },
  );

  check('shade in the row the tokens of a text', async () => {
    const { model, provenance } = run.done;
    const tokenLabels = Array.from({ length: model!.tokens }, (_, i) => `·w${i}`);
    const page = await openHead({
      ...run.done,
      picture: null,
      model: { ...model!, grid: [0, 0], prefixTokens: 0 },
      provenance: { ...provenance!, inputs: [{ ...provenance!.inputs[0]!, tokenLabels }] },
    });
    const pattern = figureOf(page, 'pattern-difference');
    await pattern.locator('.stage').focus();
    for (const key of ['Home', 'ArrowDown']) await page.keyboard.press(key);
    await settle(page);
    const strip = page.locator('.query-rows .weights li');
    assert.deepEqual(await strip.allInnerTexts(), tokenLabels);
    const grounds = await strip.evaluateAll((all) => all.map((one) => getComputedStyle(one).backgroundColor));
    assert.ok(new Set(grounds).size > 5, `${new Set(grounds).size} colours`);
    assert.match((await strip.nth(1).getAttribute('title')) ?? '', /^1 "·w1": -?[\d.e-]+$/);
    assert.deepEqual(await page.locator('.query-rows .weights li.own').allInnerTexts(), ['·w1']);
  });

  check('zoom by dragging and by + and -, all of them, until Escape, a double click or the button', async () => {
    const page = await openHead(run.done);
    const softmax = figureOf(page, 'pattern-softmax');
    const rpc = figureOf(page, 'pattern-rpc');
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
    assert.deepEqual(await seriousFindings(page), []);

    await softmax.getByRole('button', { name: 'Show all' }).click();
    await settle(page);
    assert.deepEqual(await canvasSize(rpc), [tokens, tokens]);

    await softmax.locator('.stage').focus();
    for (const key of ['Home', 'ArrowDown', '+']) await page.keyboard.press(key);
    const live = softmax.locator('[aria-live]');
    assert.match((await live.textContent()) ?? '', /^Rows 1 to 25 of 50, columns 0 to 24 of 50\.$/);
    // The patterns beside it follow in the next frames.
    await settle(page);
    assert.deepEqual(await canvasSize(figureOf(page, 'pattern-difference')), [25, 25]);
    await page.keyboard.press('End');
    await settle(page);
    assert.match(await words(rpc), /columns 25 to 49/);
    await page.keyboard.press('-');
    assert.equal(await live.textContent(), 'All rows and columns.');
    await page.keyboard.press('+');
    await page.keyboard.press('Escape');
    await settle(page);
    assert.deepEqual(await canvasSize(rpc), [tokens, tokens]);
    assert.ok(await softmax.locator('.mark rect').count(), 'the cursor stays: Escape was for the zoom');

    await drag([5, 5], [20, 30]);
    assert.match(await words(rpc), /^Rows 5 to 20 of 50, columns 5 to 30 of 50\.$/);
    const middle = await softmax.locator('canvas').boundingBox();
    await page.mouse.dblclick(middle!.x + 40, middle!.y + 40);
    await until(async () => (await canvasSize(rpc))[0] === tokens, 'a double click shows all');
    assert.equal(await page.locator('.pins > li').count(), 0, 'two clicks pin and unpin');

    const scrolled = await page.evaluate(() => window.scrollY);
    await page.mouse.move(middle!.x + 2, middle!.y + 2);
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -100);
    await page.keyboard.up('Control');
    await until(async () => (await canvasSize(rpc))[0] === 40, 'Ctrl and the wheel go nearer');
    assert.match(await words(rpc), /^Rows 0 to 39 of 50, columns 0 to 39 of 50\.$/);
    assert.equal(await page.evaluate(() => window.scrollY), scrolled, 'the page stays where it is');
  });
});
