// Every page from the narrowest editor to a 4K screen, and zoomed to 200 %: nothing goes over the side, no text is cut.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'mocha';
import type { Page } from 'playwright-core';
import type { CheckpointHostCalls, CheckpointPageCalls } from '../../src/protocol/checkpointMessages';
import type { ComparisonHostCalls, ComparisonPageCalls } from '../../src/protocol/comparisonMessages';
import type { MappingHostCalls, MappingPageCalls } from '../../src/protocol/mappingMessages';
import { comparisonOf, longCheckpoint } from '../bench/pageMaterial';
import { unknownFile } from '../unit/model/unknownCheckpoint';
import { exampleResult } from '../unit/report/exampleResult';
import { full, fullIt } from '../setup/full';
import { figureOf } from './figures';
import { settle, startPageLab } from './openPage';
import type { PageLab } from './openPage';
import { runSample } from './sampleRun';
import type { SampleRun } from './sampleRun';

const folder = 'out/screenshots';
/** CSS pixels; `zoom` 2 is what the editor's zoom makes of a window twice as wide. */
interface Window {
  readonly width: number;
  readonly zoom: number;
}

const narrowest: readonly Window[] = [{ width: 200, zoom: 1 }];
const wider: readonly Window[] = [
  { width: 480, zoom: 1 },
  { width: 720, zoom: 2 },
  { width: 1440, zoom: 1 },
  { width: 3840, zoom: 1 },
];

/** Runs in the page: what goes over its side, and texts that end before they are over without saying so. */
function misfits(): string[] {
  const found: string[] = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) {
    const isInBox = (one: Element): boolean => {
      for (let at = one.parentElement; at !== null && at.id !== 'app'; at = at.parentElement)
        if (getComputedStyle(at).overflowX !== 'visible') return true;
      return false;
    };
    const over = [...document.querySelectorAll('#app *')].filter(
      (one) => one.getBoundingClientRect().right > clientWidth + 1 && !isInBox(one),
    );
    const names = over.slice(0, 3).map((one) => `${one.tagName}.${one.getAttribute('class') ?? ''}`);
    found.push(`the page is ${scrollWidth} wide: ${names.join(', ')}`);
  }
  for (const element of document.querySelectorAll<HTMLElement>('#app *')) {
    const { overflowX, textOverflow } = getComputedStyle(element);
    if (!['hidden', 'clip'].includes(overflowX) || element.scrollWidth <= element.clientWidth + 1) continue;
    if (textOverflow === 'ellipsis' || element.title !== '' || element.textContent.trim() === '') continue;
    if (element.closest('.sr-only, svg') !== null || element.clientWidth <= 1) continue;
    found.push(`cut: ${element.className || element.tagName} '${element.textContent.trim().slice(0, 60)}'`);
  }
  return found;
}

const done = (): Promise<void> => Promise.resolve();

describe('widths', () => {
  let run: SampleRun;
  let lab: PageLab;
  before(async () => {
    mkdirSync(folder, { recursive: true });
    run = await runSample();
    lab = await startPageLab();
  });
  after(async () => {
    await lab.close();
    await run.stop();
  });

  const scenes: Readonly<Record<string, () => Promise<Page>>> = {
    overview: async () => (await lab.open({ page: 'inspector', run, snapshot: run.done })).page,
    head: async () => {
      const snapshot = { ...run.done, selected: { layer: 3, head: 2 } };
      const { page } = await lab.open({ page: 'inspector', run, snapshot });
      await figureOf(page, 'pattern-softmax').waitFor();
      return page;
    },
    'side panel': async () => (await lab.open({ page: 'heatmap', run, snapshot: run.done })).page,
    comparison: async () => {
      const wire = comparisonOf(exampleResult({ layers: 6, heads: 4 }));
      const host: ComparisonHostCalls = {
        compare: () => Promise.resolve(wire),
        ...{ openHead: done, exportReport: done, openInReport: done, copyText: done, log: done },
        ...{ writeFigureFile: done, closeFigureFile: done, openFigureFile: () => Promise.resolve(null) },
      };
      const { page } = await lab.show<ComparisonHostCalls, ComparisonPageCalls>({ page: 'comparison' }, host, []);
      await page.locator('#app[data-phase="done"]').waitFor();
      return page;
    },
    checkpoint: async () => {
      const wire = await longCheckpoint(400);
      const host: CheckpointHostCalls = {
        open: () => Promise.resolve(wire),
        statistics: () => Promise.reject(new Error('nobody asks')),
        ...{ cancelStatistics: done, copyName: done, inspect: done, map: done, log: done },
      };
      const { page } = await lab.show<CheckpointHostCalls, CheckpointPageCalls>({ page: 'checkpoint' }, host, []);
      await page.locator('#app[data-phase="done"]').waitFor();
      return page;
    },
    mapping: async () => {
      const host: MappingHostCalls = {
        open: () => Promise.resolve(unknownFile()),
        save: () => Promise.resolve('ours.safetensors.gramlens.json'),
        log: done,
      };
      const { page } = await lab.show<MappingHostCalls, MappingPageCalls>({ page: 'mapping' }, host, []);
      await page.locator('#app[data-phase="done"]').waitFor();
      return page;
    },
  };

  /** Every page at each of these; what does not fit. */
  async function misfitsAt(widths: readonly Window[]): Promise<readonly string[]> {
    const found: string[] = [];
    for (const [name, open] of Object.entries(scenes)) {
      const page = await open();
      const devtools = await page.context().newCDPSession(page);
      for (const { width, zoom } of widths) {
        const height = width > 2000 ? 2000 : 900;
        await devtools.send('Emulation.setDeviceMetricsOverride', {
          ...{ width, height, deviceScaleFactor: zoom, mobile: false },
        });
        await settle(page);
        await settle(page);
        const where = `${name}, ${width} px${zoom === 1 ? '' : `, ${100 * zoom} %`}`;
        found.push(...(await page.evaluate(misfits)).map((one) => `${where}: ${one}`));
        if (!full) continue;
        const { data } = await devtools.send('Page.captureScreenshot', { format: 'png' });
        writeFileSync(`${folder}/width-${name.replace(' ', '-')}-${width}.png`, Buffer.from(data, 'base64'));
      }
      await page.close();
    }
    return found;
  }

  it('leave every page whole at 200 px', async () => {
    assert.deepEqual(await misfitsAt(narrowest), []);
  });

  fullIt('leave every page whole from 480 px to a 4K screen, and at 200 %', async () => {
    assert.deepEqual(await misfitsAt(wider), []);
  });
});
