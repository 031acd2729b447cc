// Both pages in the editor's four themes: nothing complains, axe finds nothing serious, and pictures to look at.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, describe, it } from 'mocha';
import type { SessionSnapshot } from '../../src/protocol/messages';
import type { PageName } from '../../src/vscode/pageMarkup';
import { full } from '../setup/full';
import { seriousFindings } from './axe';
import { figureOf } from './figures';
import { settle, startPageLab } from './openPage';
import type { OpenPage, PageLab } from './openPage';
import { runSample } from './sampleRun';
import type { SampleRun } from './sampleRun';
import { editorThemes, shownThemes } from './themeColours';

const folder = 'out/screenshots';

/** '#1f1f1f' as the browser says it. */
function asRgb(hex: string): string {
  const channels = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  return `rgb(${channels.join(', ')})`;
}

describe('pages in every theme', () => {
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

  const head = { layer: 2, head: 1 };
  const views: readonly {
    readonly name: string;
    readonly page: PageName;
    readonly width: number;
    readonly height: number;
    readonly ground: string;
    readonly snapshot: () => SessionSnapshot;
    readonly ready: (view: OpenPage) => Promise<void>;
  }[] = [
    {
      name: 'empty',
      page: 'heatmap',
      width: 300,
      height: 400,
      ground: 'sideBar-background',
      snapshot: () => run.empty,
      ready: () => Promise.resolve(),
    },
    {
      name: 'heatmap',
      page: 'heatmap',
      width: 300,
      height: 620,
      ground: 'sideBar-background',
      snapshot: () => ({ ...run.done, selected: head }),
      ready: async ({ page }) => {
        await page.locator('.stage').focus();
        await page.keyboard.press('ArrowDown');
      },
    },
    {
      name: 'running',
      page: 'inspector',
      width: 1280,
      height: 900,
      ground: 'editor-background',
      snapshot: () => ({
        ...run.running,
        layers: run.result.layers.slice(0, 3),
        progress: { label: 'Layer 4 of 6: spectra, nulls and noise', fraction: 0.55 },
      }),
      ready: () => Promise.resolve(),
    },
    {
      name: 'overview',
      page: 'inspector',
      width: 1280,
      height: 900,
      ground: 'editor-background',
      snapshot: () => run.done,
      ready: async ({ page }) => {
        await page.getByText('How this was recognised').click();
      },
    },
    {
      name: 'head',
      page: 'inspector',
      width: 1280,
      height: 900,
      ground: 'editor-background',
      snapshot: () => ({ ...run.done, selected: head }),
      ready: async ({ page }) => {
        await figureOf(page, 'pattern-softmax').waitFor();
        await figureOf(page, 'spectrum').getByText('Formula and source').click();
        await figureOf(page, 'spectrum').getByText('Numbers as a table').click();
        await figureOf(page, 'noise-key_gauss').locator('.stage').focus();
        for (const key of ['Home', 'End']) await page.keyboard.press(key);
      },
    },
  ];

  for (const theme of shownThemes) {
    for (const { name, page: pageName, width, height, ground, snapshot, ready } of views) {
      // Of a run the overview has every part in both.
      if (!full && name === 'running' && theme !== 'dark') continue;
      it(`${name}, ${theme}`, async () => {
        const view = await lab.open({ page: pageName, run, snapshot: snapshot(), theme, width, height });
        try {
          const { page } = view;
          await ready(view);
          await settle(page);
          await page.evaluate(() => {
            window.scrollTo(0, 0);
          });
          await page.screenshot({ path: `${folder}/webview-${name}-${theme}.png`, fullPage: true });
          assert.deepEqual(await view.problems(), []);
          const colour = asRgb(editorThemes[theme].colours[ground]!);
          assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), colour);
          for (const frame of await page.locator('.figure .frame').all())
            assert.equal(await frame.locator('path, rect').first().getAttribute('fill'), colour);
          assert.deepEqual(await seriousFindings(page), []);
        } finally {
          await view.close();
        }
      });
    }
  }
});
