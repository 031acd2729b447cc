// The RPC laboratory of the head page, turned by mouse and keyboard.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'mocha';
import type { Locator } from 'playwright-core';
import { defaultSweep, rpcSweep } from '../../src/diagnostics/rpcSweep';
import { defaultLevels } from '../../src/diagnostics/noiseLevels';
import { createCpuKernels } from '../../src/engine/cpu/kernels';
import { labInput, rpcLab, rpcLabRows } from '../../src/inspection/rpcLab';
import type { KeptHead } from '../../src/inspection/traceStore';
import type { HeadAddress } from '../../src/protocol/messages';
import { rpcLayerCells } from '../../src/report/figures/rpcLayerFigures';
import { formatNumber } from '../../src/report/format';
import { discrepancies } from '../../src/report/rpcHelp';
import { fullIt } from '../setup/full';
import { seriousFindings } from './axe';
import { cellCentre, figureOf, takeFromMenu } from './figures';
import { pageTests, settle, startPageLab, until } from './openPage';
import type { OpenPage, PageLab } from './openPage';
import { runSample } from './sampleRun';
import type { SampleRun } from './sampleRun';
import type { ThemeName } from './themeColours';

const address = { layer: 3, head: 2 };
const folder = join('out', 'screenshots');
const tokens = 50;
const headDim = 16;
/** Noise is drawn with the browser's logarithm and cosine, whose last bit may differ. */
const browserTolerance = 5e-10;

describe('the RPC laboratory', () => {
  let run: SampleRun;
  let lab: PageLab;
  let view: OpenPage;
  let kept: KeptHead;

  before(async () => {
    run = await runSample();
    kept = await run.keptHead(address.layer, address.head);
    lab = await startPageLab();
    mkdirSync(folder, { recursive: true });
  });
  after(async () => {
    await lab.close();
    await run.stop();
  });
  const section = (): Locator => view.page.locator('.laboratory');
  const shown = (settings: string): Promise<void> =>
    section()
      .and(view.page.locator(`[data-shown="${settings}"]`))
      .waitFor();
  const open = async (theme: ThemeName = 'dark'): Promise<void> => {
    view = await lab.open({ page: 'inspector', run, snapshot: { ...run.done, selected: address }, theme });
    await section().getByText('Open the laboratory').click();
    await shown('code/4/4/4');
  };
  const check = pageTests(() => view);
  /** Every help unfolded by keyboard, a picture of it all, and nothing serious for axe. */
  const looked = async (theme: ThemeName): Promise<void> => {
    const summaries = section().locator('.knob-help summary');
    let text = '';
    for (let i = 0; i < (await summaries.count()); i++) {
      await summaries.nth(i).focus();
      await view.page.keyboard.press('Enter');
      text += await section().locator('.knob-help').nth(i).innerText();
    }
    for (const { id, text: words, source } of Object.values(discrepancies))
      assert.ok(text.includes(`${id}: ${words} (${source})`), id);
    await settle(view.page);
    await section().screenshot({ path: join(folder, `laboratory-${theme}.png`) });
    assert.deepEqual(await seriousFindings(view.page), []);
  };
  const numbersOf = async (figure: string): Promise<number[]> => {
    const box = figureOf(view.page, figure);
    const count = view.saved.length;
    await box.hover();
    await takeFromMenu(box, 'Save', 'CSV');
    await until(() => view.saved.length > count, 'a CSV file');
    const rows = new TextDecoder().decode(view.saved.at(-1)!.bytes).trimEnd().split('\r\n').slice(1);
    // Row, column, value; the names of tokens may have commas in them.
    return rows.map((row) => Number(row.split(',').at(-1)));
  };

  check('shows what the inspection itself has for its settings, and the maps of the kernels', async () => {
    await open();
    const { rpc } = run.result.layers[address.layer]!.heads[address.head]!;
    const text = await section().locator('.setting').innerText();
    for (const value of [rpc!.cleanGap, rpc!.dispersion.rpc, rpc!.mu, rpc!.tau, rpc!.residual.at(-1)!])
      assert.ok(text.includes(formatNumber(value)), `${formatNumber(value)} in ${text}`);
    const kernels = await createCpuKernels();
    const { maps, maxScores } = rpcLab(kept, { variant: 'code', lambda: 4, iterations: 4, shown: 4 }, kernels);
    assert.ok(text.includes(`largest score ${formatNumber(maxScores.rpc[3])}`), text);
    const low = await numbersOf('lab-low');
    assert.equal(low.length, tokens * headDim);
    assert.deepEqual(Float32Array.from(low), maps!.low);
    assert.deepEqual(Float32Array.from(await numbersOf('lab-cleanedKeys')), maps!.cleanedKeys);
    assert.equal(view.asked.filter(([method]) => method === 'getKeptHead').length, 1);
    await looked('dark');
  });

  // Half a minute: native controls, which the mouse test has turned already.
  pageTests(() => view, fullIt)(
    'follows the keyboard in high contrast: iterations, pass, λ in steps and typed, variant',
    async () => {
      await open('hc-black');
      const { page } = view;
      await section().getByLabel('Iterations n').focus();
      await page.keyboard.press('ArrowLeft');
      await shown('code/4/3/3');
      await page.keyboard.press('Home');
      await shown('code/4/1/1');
      await page.keyboard.press('End');
      await shown('code/4/12/12');
      await section().getByLabel('Pass shown').focus();
      await page.keyboard.press('Home');
      await shown('code/4/12/1');
      await section().getByLabel('λ in steps').focus();
      await page.keyboard.press('ArrowLeft');
      await shown('code/3/12/1');
      const field = section().locator('vscode-text-field');
      await field.click();
      await page.keyboard.press('Control+a');
      await page.keyboard.type('0.3');
      await shown('code/0.3/12/1');
      await page.keyboard.press('Control+a');
      await page.keyboard.type('x');
      await section().getByText('λ is a number, 0 or more').waitFor();
      await page.keyboard.press('Control+a');
      await page.keyboard.type('0.7');
      await shown('code/0.7/12/1');
      await section().getByLabel('Variant of RPC').focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      await shown('paper/0.7/12/1');
      await section().getByText('n 1, λ 0').click();
      await shown('paper/0/1/1');
      assert.match(await section().locator('.setting').innerText(), /Collapse: its rows differ/);
      await looked('hc-black');
    },
  );

  check('fills the sweep with what a sweep in Node has; a cell sets the knobs; it can be stopped', async () => {
    await open();
    const { page } = view;
    await section().getByText('Fill the sweep').click();
    await section()
      .getByText(/30 settings: RPC deviates less in/)
      .waitFor();
    const noise = { kind: 'key_gauss', levels: defaultLevels('key_gauss'), repeats: 2 } as const;
    const kernels = await createCpuKernels();
    const wanted = rpcSweep(labInput(kept), { ...defaultSweep, variant: 'code', noise }, 0, kernels);
    const gains = await numbersOf('rpc-sweep-gain');
    const gaps = await numbersOf('rpc-sweep-gap');
    wanted.cells.forEach((cell, i) => {
      const errors = [gains[i]! - cell.gain!, gaps[i]! - cell.cleanGap!].map(Math.abs);
      assert.ok(Math.max(...errors) < browserTolerance, `cell ${i}: ${errors.join(', ')}`);
    });
    const figure = figureOf(page, 'rpc-sweep-gain');
    const at = await cellCentre(figure, 6, 5, 0, 0);
    await page.mouse.click(at.x, at.y);
    await shown('code/0/1/1');
    await figure.locator('.stage').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await shown('code/1/2/2');
    await page.screenshot({ path: join(folder, 'laboratory-sweep.png') });

    // Stopped half-way, and begun anew at the next head with the same settings.
    await section().getByText('Fill the sweep').click();
    // At once: waiting until the button stands still takes as long as the sweep.
    await section().getByText('Stop', { exact: true }).dispatchEvent('click');
    await section().getByText('Stopped; what was measured stays.').waitFor();
    await section().getByText('n 2, λ 4').click();
    await shown('code/4/2/2');
    await view.remote.select({ layer: 0, head: 1 });
    await until(() => view.asked.filter(([method]) => method === 'getKeptHead').length === 2, 'the next head is read');
    await shown('code/4/2/2');
    assert.equal(await figureOf(view.page, 'rpc-sweep-gain').count(), 0);
  });

  pageTests(() => view, fullIt)('turns the knobs of every head of the layer at once, and leads to each', async () => {
    await open();
    await section().getByText('Run it on every head of this layer').focus();
    await view.page.keyboard.press('Enter');
    const part = section().locator('.layer-table');
    const cells = async (): Promise<string[][]> =>
      Promise.all(
        (await part.locator('tbody tr').all()).map(async (row) =>
          (await row.locator('th, td').allInnerTexts()).map((one) => one.trim()),
        ),
      );
    const heads = run.result.layers[address.layer]!.heads;
    await part
      .locator('tbody tr')
      .nth(heads.length - 1)
      .waitFor();
    assert.deepEqual(
      await cells(),
      heads.map(({ index, rpc }) => [...rpcLayerCells({ head: index, numbers: rpc! })]),
    );
    assert.equal(await part.locator('[aria-current="true"]').innerText(), String(address.head));
    const all = await Promise.all(heads.map(({ index }) => run.keptHead(address.layer, index)));
    const settings = { variant: 'code', lambda: 4, iterations: 2, shown: 2 } as const;
    const wanted = rpcLabRows(all, settings, await createCpuKernels());
    await section().getByText('n 2, λ 4').click();
    await until(
      async () => JSON.stringify(await cells()) === JSON.stringify(wanted.map((row) => rpcLayerCells(row))),
      'the rows of n 2',
    );
    assert.deepEqual(
      await numbersOf('lab-layer-density'),
      wanted.flatMap(({ numbers }) => numbers.density),
    );
    await part.screenshot({ path: join(folder, 'laboratory-layer.png') });
    assert.deepEqual(await seriousFindings(view.page), []);
    await part.locator('tbody button').first().click();
    await until(
      () => view.asked.some(([method, to]) => method === 'selectHead' && (to as HeadAddress).head === 0),
      'head 0',
    );
  });

  check('says why a head has no laboratory', async () => {
    const reason = 'The graph computes something else than softmax(q k) v here.';
    const keptHead = (): Promise<KeptHead> => Promise.resolve({ ...kept, rpcContext: reason });
    view = await lab.open({
      page: 'inspector',
      run: { ...run, keptHead },
      snapshot: { ...run.done, selected: address },
    });
    await section().getByText('Open the laboratory').click();
    await section().getByText(`There is no laboratory for this head: ${reason}`).waitFor();
  });
});
