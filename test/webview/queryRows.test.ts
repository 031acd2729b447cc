// Rows of a pattern on the head page: under the pointer, under the keyboard cursor, pinned; over patches and over words.

import assert from 'node:assert/strict';
import { after, before, describe } from 'mocha';
import { headFigures } from '../../src/report/figures/headFigures';
import { queryFigure } from '../../src/report/figures/patternFigures';
import type { SessionSnapshot } from '../../src/protocol/messages';
import { seriousFindings } from './axe';
import { cellCentre, cellColours, figureOf } from './figures';
import { pageTests, settle, startPageLab } from './openPage';
import type { OpenPage, PageLab } from './openPage';
import { runSample } from './sampleRun';
import type { SampleRun } from './sampleRun';

const address = { layer: 3, head: 2 };

describe('rows of a pattern', () => {
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

  check('follow the pointer on the patch grid, and are pinned, said and taken off by keyboard', async () => {
    const page = await openHead(run.done);
    const { tokens, grid, prefixTokens } = run.done.model!;
    const pattern = figureOf(page, 'pattern-softmax');
    const at = await cellCentre(pattern, tokens, tokens, 20, 5);
    await page.mouse.move(at.x, at.y);
    await settle(page);
    const row = figureOf(page, 'pattern-softmax-row-20');
    const { model } = run.done;
    const head = run.result.layers[address.layer]!.heads[address.head]!;
    const context = { layer: 3, tokens, prefixTokens, headDim: model!.headDim, grid, trainedWith: 'softmax' } as const;
    const [softmax] = headFigures(head, context, await run.headDetail(address.layer, address.head));
    assert.ok(softmax?.kind === 'heatmap');
    const expected = queryFigure(softmax, context, 20);
    const colours = await cellColours(row, grid[0], grid[1]);
    const brightest = (values: readonly number[]): number => values.indexOf(Math.max(...values));
    const lightness = colours.map(([red, green, blue]) => red! + green! + blue!);
    assert.equal(brightest(lightness), brightest([...expected.values]), 'the largest weight has the lightest cell');
    assert.ok(await page.locator('.patch-frame').isVisible(), 'the patch is framed in the picture');

    const rpc = figureOf(page, 'pattern-rpc');
    await rpc.locator('.stage').focus();
    for (const key of ['Home', 'ArrowDown', 'ArrowDown', 'Enter', 'ArrowDown', 'Enter']) await page.keyboard.press(key);
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
  });

  check('shade the tokens of a text', async () => {
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
});
