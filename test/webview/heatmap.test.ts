// The side-panel page: from the empty view to a picked head.

import assert from 'node:assert/strict';
import { decode } from 'fast-png';
import { after, before, describe } from 'mocha';
import type { SessionSnapshot } from '../../src/protocol/messages';
import { defaultMetricId, metricById } from '../../src/report/figures/metrics';
import { formatNumber } from '../../src/report/format';
import { cellCentre, cellColours, drawnText, figureOf } from './figures';
import { pageTests, settle, startPageLab, until } from './openPage';
import type { OpenOptions, OpenPage, PageLab } from './openPage';
import { runSample } from './sampleRun';
import type { SampleRun } from './sampleRun';
import { editorThemes } from './themeColours';

const rows = 6;
const columns = 4;

/** Whether a PNG has pixels of exactly this colour, '#0078d4'. */
function hasColour(png: Uint8Array, hex: string): boolean {
  const { data, channels } = decode(png);
  const wanted = Number.parseInt(hex.slice(1), 16);
  for (let i = 0; i < data.length; i += channels)
    if (data[i]! * 65536 + data[i + 1]! * 256 + data[i + 2]! === wanted) return true;
  return false;
}

describe('the side panel page', () => {
  let run: SampleRun;
  let lab: PageLab;
  let view: OpenPage;

  before(async () => {
    run = await runSample();
    assert.deepEqual([run.done.model?.layers, run.done.model?.heads], [rows, columns]);
    lab = await startPageLab();
  });
  after(async () => {
    await lab.close();
    await run.stop();
  });
  const check = pageTests(() => view);
  const open = async (snapshot: SessionSnapshot, options: Partial<OpenOptions> = {}): Promise<OpenPage> => {
    view = await lab.open({ page: 'heatmap', run, snapshot, width: 300, height: 600, ...options });
    return view;
  };
  const figure = (): ReturnType<typeof figureOf> => view.page.locator('.figure');

  check('offers a checkpoint of one’s own and the sample while nothing is open', async () => {
    const { page, asked } = await open(run.empty);
    await page.getByText('Inspect Checkpoint…').click();
    await page.getByText('Inspect Sample').click();
    assert.deepEqual(asked, [
      ['ready', 'heatmap'],
      ['runCommand', 'inspect'],
      ['runCommand', 'inspectSample'],
    ]);
    assert.equal(await page.locator('canvas').count(), 0);
  });

  check('says what it is doing while it plans', async () => {
    const { page } = await open(run.planning);
    assert.match(await page.locator('.message').innerText(), /Reading the header/);
    assert.match(await page.locator('.title').innerText(), /digits-softmax\.safetensors/);
  });

  check('fills one cell with every head that is done, and shows how far it is', async () => {
    const { page, remote } = await open(run.running);
    assert.ok((await cellColours(figure(), rows, columns)).every((colour) => colour[3] === 0));
    for (const [count, [layer, index]] of [
      [0, 0],
      [0, 3],
      [2, 1],
    ].entries()) {
      const head = run.result.layers[layer!]!.heads[index!]!;
      await remote.headDone(layer!, head);
      await settle(page);
      const filled = (await cellColours(figure(), rows, columns)).flatMap((colour, i) =>
        colour[3] === 255 ? [i] : [],
      );
      assert.equal(filled.length, count + 1);
      assert.ok(filled.includes(layer! * columns + index!));
    }
    await remote.progress({ label: 'Layer 3 of 6: spectra and noise', fraction: 0.42 });
    await settle(page);
    assert.match(await page.locator('.message').innerText(), /Layer 3 of 6/);
    assert.equal(await page.locator('progress').evaluate((bar) => (bar as HTMLProgressElement).value), 0.42);
    const bar = await page.locator('progress').screenshot();
    assert.ok(hasColour(bar, editorThemes.dark.colours['progressBar-background']!), 'the bar has the theme’s colour');
    await remote.snapshot(run.done);
    await settle(page);
    const colours = await cellColours(figure(), rows, columns);
    assert.ok(colours.every((colour) => colour[3] === 255));
    assert.ok(new Set(colours.map(String)).size > rows, 'heads that differ look different');
    assert.ok(!(await page.locator('progress').isVisible()), 'no progress bar when done');
  });

  check('changes the figure with the metric and says so to the host', async () => {
    const { page, asked } = await open(run.done);
    const before = await cellColours(figure(), rows, columns);
    const wanted = metricById('attention.entropy');
    await page.locator('vscode-dropdown').click();
    await page.locator('vscode-option', { hasText: wanted.label }).first().click();
    await until(() => asked.some(([method]) => method === 'setMetric'), 'setMetric is called');
    assert.deepEqual(asked.at(-1), ['setMetric', wanted.id]);
    await settle(page);
    assert.notDeepEqual(await cellColours(figure(), rows, columns), before);
    assert.ok((await drawnText(figure())).includes(wanted.label), await drawnText(figure()));
    assert.ok((await page.locator('#app').innerText()).includes(wanted.explanation));
    assert.equal(await figure().getAttribute('data-figure'), `overview-${wanted.id}`);
  });

  check('follows a metric that was chosen elsewhere', async () => {
    const { page, remote } = await open(run.done);
    await remote.setMetric('rpc.cleanGap');
    await settle(page);
    const shown = await page.locator('vscode-dropdown').evaluate((element) => (element as HTMLSelectElement).value);
    assert.equal(shown, 'rpc.cleanGap');
    assert.equal(await figure().getAttribute('data-figure'), 'overview-rpc.cleanGap');
  });

  check('shows numbers and chance level of the cell under the pointer', async () => {
    const { page } = await open(run.done);
    const at = await cellCentre(figure(), rows, columns, 4, 2);
    await page.mouse.move(at.x, at.y);
    const tooltip = figure().locator('.tooltip');
    const text = await tooltip.innerText();
    const metric = metricById(defaultMetricId);
    const head = run.result.layers[4]!.heads[2]!;
    assert.match(text, /^layer 4, head 2\n/);
    assert.ok(text.includes(`${metric.label}: ${formatNumber(metric.value(head))}`), text);
    assert.ok(text.includes(`chance level ${formatNumber(metric.chance(head))}`), text);
    assert.match(text, /permuted tokens/);
    const box = await tooltip.boundingBox();
    assert.ok(box !== null && box.x >= 0 && box.x + box.width <= 300, 'the tooltip stays on the page');
    const cells = await figure().locator('canvas').boundingBox();
    assert.ok(cells !== null && box.y >= cells.y + cells.height, 'the tooltip leaves the cells free');
    await page.mouse.move(2, 590);
    assert.ok(!(await tooltip.isVisible()));
  });

  check('opens the head that is clicked', async () => {
    const { page, asked } = await open(run.done);
    const at = await cellCentre(figure(), rows, columns, 5, 1);
    await page.mouse.click(at.x, at.y);
    await until(() => asked.some(([method]) => method === 'selectHead'), 'selectHead is called');
    assert.deepEqual(asked.at(-1), ['selectHead', { layer: 5, head: 1 }, true]);
  });

  check('opens a head by keyboard alone and speaks the cell it stands on', async () => {
    const { page, asked } = await open(run.done);
    for (let i = 0; i < 6; i++) {
      if (await page.evaluate(() => document.activeElement?.classList.contains('stage') ?? false)) break;
      await page.keyboard.press('Tab');
    }
    const live = figure().locator('[aria-live]');
    assert.match((await live.textContent()) ?? '', /^layer 0, head 0\n/);
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowRight', 'ArrowLeft'])
      await page.keyboard.press(key);
    const spoken = (await live.textContent()) ?? '';
    assert.match(spoken, /^layer 2, head 1\n/);
    assert.match(spoken, /chance level/);
    await page.keyboard.press('Enter');
    await until(() => asked.some(([method]) => method === 'selectHead'), 'selectHead is called');
    assert.deepEqual(asked.at(-1), ['selectHead', { layer: 2, head: 1 }, true]);
  });

  check('marks the head that is open in the inspector', async () => {
    const { page, remote } = await open(run.done);
    assert.equal(await figure().locator('.mark rect').count(), 0);
    await remote.select({ layer: 1, head: 3 });
    await settle(page);
    const mark = await figure().locator('.mark rect').last().boundingBox();
    const cell = await cellCentre(figure(), rows, columns, 1, 3);
    assert.ok(mark !== null);
    assert.ok(Math.abs(mark.x + mark.width / 2 - cell.x) < 2 && Math.abs(mark.y + mark.height / 2 - cell.y) < 2);
  });

  check('can be used 200 pixels wide', async () => {
    const { page } = await open(run.done, { width: 200 });
    const widest = await page.evaluate(() =>
      Math.max(
        document.documentElement.scrollWidth,
        ...[...document.querySelectorAll('#app > *, .stage, vscode-dropdown')].map(
          (element) => element.getBoundingClientRect().right,
        ),
      ),
    );
    assert.ok(widest <= 200, `content is ${widest} px wide`);
    const box = await figure().locator('canvas').boundingBox();
    await page.screenshot({ path: 'out/screenshots/webview-heatmap-200px.png', fullPage: true });
    assert.ok(box !== null && box.width / columns >= 12, `cells are ${(box?.width ?? 0) / columns} px wide`);
  });

  check('shows names from files as text, never as markup', async () => {
    const hostile = '<img src=x onerror="window.hacked = true">.safetensors';
    const { page } = await open({ ...run.running, title: hostile, message: hostile, progress: null });
    assert.equal(await page.locator('.title').innerText(), hostile);
    assert.equal(await page.locator('img').count(), 0);
    assert.equal(await page.evaluate(() => 'hacked' in window), false);
  });

  check('shows what went wrong, with a way on', async () => {
    const { page, asked } = await open({
      ...run.planning,
      phase: 'failed',
      message: 'The header is cut off. Copy the file again.',
    });
    const message = page.locator('.message.failed');
    assert.equal(await message.innerText(), 'The header is cut off. Copy the file again.');
    await page.getByText('Inspect Sample').click();
    assert.deepEqual(asked.at(-1), ['runCommand', 'inspectSample']);
  });
});
