// The comparison page alone: linked maps, metric and matching, the ranked list, and how it looks in every theme.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, describe, it } from 'mocha';
import { compareResults } from '../../src/comparison/compareResults';
import type { MatchedBy } from '../../src/comparison/comparison';
import { signed } from '../../src/comparison/comparisonText';
import { rankTimeline } from '../../src/comparison/timelineRanking';
import { packComparison } from '../../src/protocol/comparisonMessages';
import type { ComparisonHostCalls, ComparisonPageCalls } from '../../src/protocol/comparisonMessages';
import { fullIt } from '../setup/full';
import { exampleResult } from '../unit/report/exampleResult';
import { changed, sourceOf } from '../unit/comparison/sources';
import { seriousFindings } from './axe';
import { cellCentre, cellColours, figureOf } from './figures';
import { ownPageTests, settle, startPageLab } from './openPage';
import type { PageLab, PagePlace, ShownPage } from './openPage';
import { shownThemes } from './themeColours';

const folder = 'out/screenshots';
const layers = 3;
const heads = 4;

const first = exampleResult({ layers, heads, name: 'step-100.pt' });
/** Entropy rises in one head, falls in another; in layer 1 heads 0 and 1 change places. */
const steps = [100, 500, 2500].map((step, run) => {
  const moved = changed(first, `step-${step}.pt`, (head, layer) => {
    const shift = layer === 2 && head.index === 3 ? run : layer === 0 && head.index === 1 ? -run : 0;
    return { ...head, attention: { ...head.attention, entropy: head.attention.entropy + shift } };
  });
  if (run === 0) return moved;
  const turned = moved.layers.map((layer) => {
    const [a, b, ...rest] = layer.heads;
    return layer.index === 1 ? { ...layer, heads: [{ ...b!, index: 0 }, { ...a!, index: 1 }, ...rest] } : layer;
  });
  return { ...moved, layers: turned };
});
const sources = steps.map(sourceOf);
const unchanged = [first, changed(first, 'copy.pt', (head) => head)].map(sourceOf);

interface View extends ShownPage<ComparisonPageCalls> {
  readonly asked: unknown[][];
}

describe('the comparison page', () => {
  let lab: PageLab;
  before(async () => {
    mkdirSync(folder, { recursive: true });
    lab = await startPageLab();
  });
  after(() => lab.close());

  /** `file`: of a comparison that was read from one, on a machine that keeps none of its inspections. */
  const open = async (
    place: Partial<PagePlace> = {},
    runs = 3,
    file: { readonly name?: string; readonly matchedBy?: MatchedBy } = {},
    given = sources,
  ): Promise<View> => {
    const asked: unknown[][] = [];
    const found: string[] = [];
    const note = (...call: unknown[]): Promise<void> => {
      asked.push(call);
      return Promise.resolve();
    };
    const handlers: ComparisonHostCalls = {
      compare: (by: MatchedBy | null) => {
        asked.push(['compare', by]);
        const comparison = compareResults(given.slice(0, runs), by ?? file.matchedBy ?? 'index');
        const kept = given.slice(0, runs).map(() => file.name === undefined);
        const all = ['index', 'permutation'] as const;
        const matchings = file.matchedBy === undefined ? all : [file.matchedBy];
        return Promise.resolve({ ...packComparison(comparison), file: file.name ?? null, kept, matchings });
      },
      openHead: (run, address) => note('openHead', run, address),
      exportReport: (by) => note('exportReport', by),
      openInReport: (by, figure) => note('openInReport', by, figure),
      copyText: (text) => note('copyText', text),
      openFigureFile: () => Promise.resolve(null),
      writeFigureFile: () => Promise.resolve(),
      closeFigureFile: () => Promise.resolve(),
      log: (level, message) => {
        found.push(`log ${level}: ${message}`);
        return Promise.resolve();
      },
    };
    const shown = await lab.show<ComparisonHostCalls, ComparisonPageCalls>(
      { page: 'comparison', width: 1280, height: 900, ...place },
      handlers,
      found,
    );
    await shown.page.locator('#app[data-phase="done"]').waitFor();
    await settle(shown.page);
    return { ...shown, asked };
  };
  const check = ownPageTests<View>();
  const comparison = compareResults(sources, 'index');
  const numberOf = (layer: number, head: number, id: string) => comparison.layers[layer]!.heads[head]!.metrics[id]!;

  check(
    'says that nothing has changed, where nothing has',
    () => open({}, 2, {}, unchanged),
    async ({ page }) => {
      assert.equal(
        await page.locator('.lead .ranked').first().innerText(),
        'What changed most\n\nNo number of any head has changed.',
      );
    },
  );

  check('lights the head under the pointer in every map, with its number, and chooses it', open, async (view) => {
    const { page, asked } = view;
    const entropy = figureOf(page, 'difference-attention.entropy');
    assert.equal(await page.locator('h1').innerText(), 'step-100.pt → step-2500.pt, 3 runs');
    // Rise and fall have the two ends of the palette, no change its middle.
    const [fall, rise, same] = (([a, b, c]) => [a, b, c])(
      await cellColours(entropy, layers, heads).then((cells) => [cells[1]!, cells[11]!, cells[0]!]),
    );
    assert.ok(rise![0]! > rise![2]! && fall![2]! > fall![0]!, `${String(rise)} ${String(fall)}`);
    assert.ok(Math.max(...same!.slice(0, 3)) - Math.min(...same!.slice(0, 3)) < 8, String(same));
    const { x, y } = await cellCentre(entropy, layers, heads, 2, 3);
    await page.mouse.move(x, y);
    await settle(page);
    const marks = await page.locator('.maps .mark svg').count();
    assert.equal(marks, await page.locator('.maps .figure').count());
    assert.ok(marks > 5);
    assert.match(await page.locator('.where').innerText(), /^Layer 2, head 3$/);
    const line = page.locator('.maps.small > div', { has: entropy }).locator('.lit');
    assert.equal(await line.innerText(), '+2');
    await page.mouse.click(x, y);
    await settle(page);
    const row = page.locator('.head-numbers tbody tr', { hasText: 'Attention entropy' });
    assert.match(await row.innerText(), /\+2\s/);
    await page.locator('.head-numbers').getByText('Open in step-2500.pt').click();
    assert.deepEqual(asked.at(-1), ['openHead', 2, { layer: 2, head: 3 }]);
  });

  check('goes through a map by keyboard, saying the cell, and stays after a reload', open, async ({ page }) => {
    await page.locator('.large .stage').focus();
    for (const key of ['End', 'ArrowDown', 'Enter']) await page.keyboard.press(key);
    await settle(page);
    const overlap = numberOf(1, 3, 'alignment.theory.overlap');
    const spoken = await page.locator('.large [aria-live]').innerText();
    assert.ok(spoken.startsWith('layer 1, head 3') && spoken.includes(signed(overlap.difference)), spoken);
    assert.equal(await page.locator('.head-numbers h2').innerText(), 'Layer 1, head 3');
    await page.reload();
    await page.locator('#app[data-phase="done"]').waitFor();
    await settle(page);
    assert.equal(await page.locator('.head-numbers h2').innerText(), 'Layer 1, head 3');
    const kept = JSON.parse((await page.evaluate(() => sessionStorage.getItem('tab'))) ?? '') as { runs: unknown[] };
    assert.deepEqual(kept.runs[1], { name: 'step-500.pt', inspection: '0123456789abcdef' });
  });

  check(
    'pairs heads anew, draws another metric and its timeline, and leads from the list to the head',
    open,
    async (view) => {
      const { page, asked } = view;
      const choose = async (name: string, keys: readonly string[]): Promise<void> => {
        await page.locator(`vscode-dropdown[aria-label="${name}"]`).focus();
        for (const key of [...keys, 'Enter']) await page.keyboard.press(key);
        await page.locator('#app[data-phase="done"]').waitFor();
        await settle(page);
      };
      assert.match(await page.locator('.ranked').first().innerText(), /outside their band/);
      await choose('How heads are matched', ['End']);
      assert.deepEqual(asked.at(-1), ['compare', 'permutation']);
      await choose('Metric of the large map', ['ArrowDown']);
      const id = comparison.metrics[1]!.id;
      assert.equal(await page.locator('.large .figure').getAttribute('data-figure'), `difference-${id}`);
      assert.equal(await figureOf(page, `timeline-${id}`).count(), 1);
      const link = page.locator('.ranked button.link', { hasText: '2 · 3' }).first();
      await link.click();
      await settle(page);
      assert.match(await page.locator('.head-numbers h2').innerText(), /^Layer 2, head 3$/);
      assert.match(await figureOf(page, `timeline-head-${id}`).locator('.frame').innerText(), /layer 2, head 3/);
      // The heads of the timeline by range, by step or by the whole change, each a button that leads to the head.
      await choose('How heads of the timeline are ranked', ['ArrowDown']);
      const ranked = page.locator('.timelines .ranked');
      const [largest] = rankTimeline(compareResults(sources, 'permutation'), id, 'step');
      const line = ranked.locator('tbody tr').first();
      assert.equal(await line.locator('td').nth(3).innerText(), signed(largest!.step));
      await line.locator('button').focus();
      await page.keyboard.press('Enter');
      await settle(page);
      const { layer, head } = largest!;
      assert.equal(await page.locator('.head-numbers h2').innerText(), `Layer ${layer}, head ${head}`);
      assert.equal(await line.getAttribute('class'), 'selected');
      assert.equal(await page.evaluate(() => document.activeElement?.textContent), `${layer} · ${head}`);
      assert.match(await page.locator('.cards').innerText(), /permutation under which their metrics are closest/);
      await page.getByText('Export Report…').click();
      assert.deepEqual(asked.at(-1), ['exportReport', 'permutation']);
      // The report has every figure but the line of one head, also of a metric that it would not choose itself.
      for (const figure of [`difference-${id}`, 'difference-attention.entropy', `timeline-${id}`]) {
        await figureOf(page, figure).first().locator('.to-report').click();
        assert.deepEqual(asked.at(-1), ['openInReport', 'permutation', figure]);
      }
      assert.equal(await figureOf(page, `timeline-head-${id}`).locator('.to-report').count(), 0);
    },
  );

  check('stays where the timeline is when a head of it is chosen, by cell or by typing', open, async ({ page }) => {
    const { id } = comparison.metrics[0]!;
    const map = figureOf(page, `timeline-${id}`);
    await map.locator('.stage').scrollIntoViewIfNeeded();
    const top = (): Promise<number> => map.evaluate((element) => Math.round(element.getBoundingClientRect().top));
    const before = await top();
    assert.equal(await page.locator('.head-numbers').isVisible(), false);
    const { x, y } = await cellCentre(map, layers * heads, 3, 6, 1);
    await page.mouse.click(x, y);
    await settle(page);
    assert.equal(await page.locator('.head-numbers h2').innerText(), 'Layer 1, head 2');
    assert.equal(await top(), before);
    await page.locator('.timelines .ranked button').first().focus();
    await page.keyboard.type('2 1');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), '2 · 1');
    const there = await top();
    await page.keyboard.press('Enter');
    await settle(page);
    assert.equal(await page.locator('.head-numbers h2').innerText(), 'Layer 2, head 1');
    assert.equal(await top(), there);
  });

  check(
    'shows a comparison of a file as it is, and offers nothing that its inspections are needed for',
    () => open({}, 3, { name: 'steps.comparison.json', matchedBy: 'permutation' }),
    async ({ page, asked }) => {
      assert.deepEqual(asked, [['compare', null]]);
      assert.equal(
        await page.locator('.cards .file').innerText(),
        'Read from steps.comparison.json, which has all numbers shown here. 3 of its 3 inspections are not kept on this machine: their head pages cannot be opened, and heads cannot be matched another way.',
      );
      assert.match(await page.locator('.cards').innerText(), /permutation under which their metrics are closest/);
      assert.equal(await page.locator('.choice.matching').isVisible(), false);
      await page.locator('.ranked button.link').first().click();
      await settle(page);
      assert.equal(await page.locator('.head-numbers table').isVisible(), true);
      assert.equal(await page.locator('.head-numbers vscode-button').count(), 0);
      await page.getByText('Export Report…').click();
      assert.deepEqual(asked.at(-1), ['exportReport', null]);
      await page.screenshot({ path: `${folder}/comparison-file.png` });
    },
  );

  for (const theme of shownThemes) {
    check(
      `looks right and is accessible: ${theme}`,
      () => open({ theme, ...(theme === 'hc-light' ? { width: 420 } : {}) }),
      async ({ page }) => {
        await page.locator('.ranked button.link').first().click();
        await settle(page);
        await page.screenshot({ path: `${folder}/comparison-${theme}.png`, fullPage: true });
        assert.deepEqual(await seriousFindings(page), []);
      },
      theme === 'dark' ? it : fullIt,
    );
  }
});
