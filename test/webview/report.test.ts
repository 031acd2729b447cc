// An exported report as its reader opens it: a file in a browser without a network, with and without script, and printed;
// and in a tab of the editor.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, it } from 'mocha';
import { chromium } from 'playwright-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { MeanResult } from '../../src/inspection/overInputs/meanResult';
import type { InspectionResult } from '../../src/inspection/inspectionResult';
import type { HeadAddress } from '../../src/protocol/messages';
import type { OpenedReport, ReportHostCalls, ReportPageCalls, ReportTab } from '../../src/protocol/reportMessages';
import { collectDetails } from '../../src/report/collectDetails';
import { selectHeads, type SelectedHead } from '../../src/report/headSelection';
import { headFigureId } from '../../src/report/reportFigures';
import { reportHtml } from '../../src/report/reportHtml';
import { full } from '../setup/full';
import { chromiumArgs, requireChromium } from '../setup/system.mjs';
import { seriousFindings } from './axe';
import { startPageLab, until } from './openPage';
import type { PageLab, ShownPage } from './openPage';
import { runSample } from './sampleRun';
import type { SampleRun } from './sampleRun';
import { shownThemes } from './themeColours';
import type { ThemeName } from './themeColours';

/** Between the margins of A4, CSS pixels. */
const paperWidth = Math.floor(((210 - 2 * 14) / 25.4) * 96);
const paperHeight = Math.floor(((297 - 2 * 14) / 25.4) * 96);

/** The file stays small; all heads are in the appendix. */
const maxHeads = 4;

/** Every head twice, as if a second input gave in each layer what the first gave in the next. */
function overTwoInputs(result: InspectionResult): InspectionResult {
  const mean = new MeanResult();
  mean.add(result);
  const { layers } = result;
  mean.add({
    ...result,
    layers: layers.map(({ index }, i) => ({ index, heads: layers[(i + 1) % layers.length]!.heads })),
  });
  return mean.result();
}

describe('an exported report', () => {
  let run: SampleRun;
  let browser: Browser;
  let folder: string;
  /** Address of the report of the sample. */
  let one: string;
  let severalInputs: string;
  let chosen: readonly SelectedHead[];

  before(async () => {
    run = await runSample();
    browser = await chromium.launch({ executablePath: requireChromium(), args: [...chromiumArgs] });
    folder = mkdtempSync(join(tmpdir(), 'gramlens-report-'));
    chosen = selectHeads(run.result, maxHeads);
    const details = await collectDetails(run.result, (layer, head) => run.headDetail(layer, head));
    const write = (name: string, result: InspectionResult): string => {
      const file = join(folder, name);
      writeFileSync(file, reportHtml(result, details, { maxHeads, picture: run.done.picture }));
      return pathToFileURL(file).href;
    };
    one = write('one.html', run.result);
    severalInputs = write('several.html', overTwoInputs(run.result));
  });
  after(async () => {
    await browser.close();
    await run.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens the file with the network cut, hands over its page, and fails where it asked for anything or complained. */
  async function opened(
    address: string,
    javaScriptEnabled: boolean,
    look: (page: Page) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext({ offline: true, javaScriptEnabled });
    const page = await context.newPage();
    const found: string[] = [];
    page.on('request', (request) => {
      if (request.url() !== address && !request.url().startsWith('data:')) found.push(`asked for ${request.url()}`);
    });
    page.on('console', (message) => found.push(`console ${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => found.push(`uncaught: ${error.message}`));
    try {
      await page.goto(address);
      await look(page);
      assert.deepEqual(found, []);
    } finally {
      await context.close();
    }
  }

  const column = (table: Locator, place: number): Promise<string[]> =>
    table.locator(`tbody tr > :nth-child(${place})`).allInnerTexts();

  for (const script of [true, false]) {
    it(`is complete from disk without a network ${script ? 'and' : 'or'} script`, () =>
      opened(one, script, async (page) => {
        const heads = run.result.layers.flatMap((layer) => layer.heads);
        assert.equal(await page.locator('section.head').count(), chosen.length);
        const svgs = page.locator('figure[id] > svg[aria-label]');
        assert.equal(await svgs.count(), await page.locator('figure').count());
        const { layer, head } = chosen[0]!;
        for (const id of [
          'overview-alignment.theory.overlap',
          headFigureId(layer, head.index, 'pattern-softmax'),
          'rollout-map',
        ])
          assert.ok(await page.locator(`[id="${id}"]`).isVisible(), id);
        const [alignment, noise] = [page.locator('table.heads').nth(-3), page.locator('table.heads').nth(-2)];
        assert.equal(await alignment.locator('tbody tr').count(), heads.length);
        assert.equal(
          await noise.locator('tbody tr').count(),
          heads.reduce((sum, head) => sum + head.noise.length, 0),
        );
        assert.equal((await page.locator('thead button').count()) > 0, script);
      }));
  }

  it('sorts a table of heads by a column, by numbers and words, both ways, the rest as it was', () =>
    opened(one, true, async (page) => {
      const table = page.locator('table.heads').nth(-2);
      const overlap = page.locator('table.heads').nth(-3);
      const untouched = await overlap.innerText();
      const press = async (heading: string): Promise<void> => {
        await table.getByRole('button', { name: heading, exact: true }).focus();
        await page.keyboard.press('Enter');
      };
      const sorted = (way: string): Locator => table.locator(`th[aria-sort="${way}"]`);
      // AUC of softmax: `0.41 ± 0.02`.
      await press('AUC softmax');
      const numbers = (await column(table, 4)).map(parseFloat);
      assert.deepEqual(
        numbers,
        [...numbers].sort((a, b) => a - b),
      );
      assert.match(await sorted('ascending').innerText(), /^AUC softmax/);
      await press('AUC softmax');
      const falling = (await column(table, 4)).map(parseFloat);
      assert.deepEqual(
        falling,
        [...falling].sort((a, b) => b - a),
      );
      assert.equal(await sorted('descending').count(), 1);
      await press('noise');
      const kinds = await column(table, 3);
      assert.deepEqual(kinds, [...kinds].sort());
      const first = (await column(table, 4)).map(parseFloat).slice(0, kinds.lastIndexOf(kinds[0]!) + 1);
      assert.deepEqual(
        first,
        [...first].sort((a, b) => b - a),
        'equal cells stay in the order they had',
      );
      assert.equal(await table.locator('[aria-sort]').count(), 1);
      assert.equal(await overlap.innerText(), untouched);
      // Axe takes long for a page of so many figures.
      if (full) assert.deepEqual(await seriousFindings(page), []);
    }));

  it('has what was not measured last, both ways', () =>
    opened(one, true, async (page) => {
      const table = page.locator('table.heads').nth(-3);
      await table.evaluate((element) => {
        const texts = ['0.30', '–', '≤ 0.0048', '0.0048', '1.2e-5', '−0.10', '2.0 *'];
        [...(element as HTMLTableElement).tBodies[0]!.rows].forEach((row, i) => {
          if (texts[i] === undefined) row.remove();
          else row.cells[2]!.textContent = texts[i];
        });
      });
      const button = table.getByRole('button', { name: 'overlap theory' });
      await button.click();
      assert.deepEqual(await column(table, 3), ['−0.10', '1.2e-5', '≤ 0.0048', '0.0048', '0.30', '2.0 *', '–']);
      await button.click();
      assert.deepEqual(await column(table, 3), ['2.0 *', '0.30', '0.0048', '≤ 0.0048', '1.2e-5', '−0.10', '–']);
    }));

  it('fits on A4: nothing is wider than the paper or higher than a page, tables repeat their headings', async () => {
    for (const address of [one, severalInputs]) {
      await opened(address, true, async (page) => {
        await page.setViewportSize({ width: paperWidth, height: paperHeight });
        await page.emulateMedia({ media: 'print' });
        const faults = await page.evaluate(
          ([width, height]) => {
            const name = (element: Element): string =>
              `${element.tagName} ${element.id} ${element.textContent.trim().slice(0, 40)}`;
            const all = [...document.body.querySelectorAll('*')];
            return [
              ...all
                .filter((one) => one.getBoundingClientRect().right > width + 0.5)
                .map((one) => `wide: ${name(one)}`),
              ...all
                .filter((one) => one.matches('figure, tr') && one.getBoundingClientRect().height > height)
                .map((one) => `high: ${name(one)}`),
              // Chromium repeats no heading that holds a control.
              ...[...document.querySelectorAll('thead button')]
                .filter((one) => getComputedStyle(one).display !== 'contents')
                .map((one) => `heading: ${name(one)}`),
            ].slice(0, 10);
          },
          [paperWidth, paperHeight] as const,
        );
        assert.deepEqual(faults, []);
      });
    }
  });

  describe('in a tab of the editor', () => {
    const inspection = '0123456789abcdef';
    let lab: PageLab;
    let html: string;
    /** Too few for the head that was asked for, which comes beside them. */
    const few = 2;
    let asked: HeadAddress;
    let tab: OpenedReport['tab'];
    before(async () => {
      lab = await startPageLab();
      const shown = selectHeads(run.result, few).map(({ head }) => head);
      const { index, heads } = run.result.layers.find(({ heads }) => heads.every((head) => !shown.includes(head)))!;
      asked = { layer: index, head: heads[1]!.index };
      tab = { source: { inspection }, place: { head: asked, figure: 'spectrum' } };
      const details = await collectDetails(run.result, (layer, head) => run.headDetail(layer, head), asked);
      html = reportHtml(run.result, details, { maxHeads: few, picture: run.done.picture, inspection, also: asked });
    });
    after(() => lab.close());

    interface Seen {
      readonly opened: (readonly [inspection: string, address: HeadAddress])[];
      ready: number;
      /** Where the page is sent the next time that it says ready. */
      figure: string | null;
    }

    async function open(
      seen: Seen,
      theme: ThemeName,
      look: (view: ShownPage<ReportPageCalls>) => Promise<void>,
    ): Promise<void> {
      const found: string[] = [];
      const handlers: ReportHostCalls = {
        ready: (): Promise<OpenedReport> => {
          seen.ready += 1;
          return Promise.resolve({ figure: seen.figure, tab });
        },
        openHead: (...head) => {
          seen.opened.push(head);
          return Promise.resolve();
        },
        log: (level, message) => {
          found.push(`log ${level}: ${message}`);
          return Promise.resolve();
        },
      };
      const view = await lab.showReport(html, { theme }, handlers, found);
      try {
        await until(() => seen.ready === 1, 'the report says ready');
        await look(view);
        assert.deepEqual(await view.problems(), []);
      } finally {
        await view.close();
      }
    }

    it('goes to a figure of a head that it has for that, remembers where it was left, and comes back there', async () => {
      const figure = headFigureId(asked.layer, asked.head, 'spectrum');
      const seen: Seen = { opened: [], ready: 0, figure };
      await open(seen, 'dark', async ({ page }) => {
        const head = page.locator(`section.head:has([id="${figure}"])`);
        assert.match(await head.innerText(), /Shown because the report was opened from its page\./);
        await page.locator(`figure.asked-for[id="${figure}"]`).waitFor();
        assert.equal(await page.evaluate(() => document.activeElement?.id), figure);
        await page.evaluate(() => {
          window.scrollBy(0, 150);
        });
        const place = (): Promise<number> => page.evaluate(() => window.scrollY);
        const left = await place();
        assert.ok(left > 1000, `scrolled ${left}`);
        const memory = (): Promise<ReportTab> =>
          page.evaluate(() => JSON.parse(sessionStorage.getItem('tab')!) as ReportTab);
        await until(async () => (await memory()).scroll === left, 'the place is remembered');
        assert.deepEqual(await memory(), { ...tab, scroll: left });
        // As the editor makes the page anew.
        seen.figure = null;
        await page.reload();
        await until(() => seen.ready === 2, 'the report says ready again');
        await until(async () => (await place()) === left, 'the same place', 5000);
        assert.equal(await page.locator('.asked-for').count(), 0);
        await head.locator('a.editor').click();
        await until(() => seen.opened.length === 1, 'the head is asked for');
        assert.deepEqual(seen.opened, [[inspection, asked]]);
      });
    });

    for (const theme of shownThemes) {
      // The report is paper in each; what the editor does to a page differs.
      if (!full && theme !== 'dark') continue;
      it(`has nothing that axe finds serious, ${theme}`, () =>
        open({ opened: [], ready: 0, figure: null }, theme, async ({ page }) => {
          assert.deepEqual(await seriousFindings(page), []);
        }));
    }
  });
});
