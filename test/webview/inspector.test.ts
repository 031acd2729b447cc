// The inspector page: overview, one head, and what can be saved of it.

import assert from 'node:assert/strict';
import { decode } from 'fast-png';
import { after, before, describe } from 'mocha';
import type { HeadDetail } from '../../src/inspection/headDetail';
import type { InspectionResult } from '../../src/inspection/inspectionResult';
import { MeanResult } from '../../src/inspection/overInputs/meanResult';
import type { SessionSnapshot } from '../../src/protocol/messages';
import type { Figure } from '../../src/report/figures/figure';
import { headTables } from '../../src/report/headTables';
import { headFigures } from '../../src/report/figures/headFigures';
import { headPictures } from '../../src/report/figures/patternCells';
import { headFilters, rankHeads } from '../../src/report/figures/headFilters';
import { defaultMetricId, metricById } from '../../src/report/figures/metrics';
import { overviewMetricIds } from '../../src/report/figures/overviewFigures';
import { tokenNames } from '../../src/report/figures/tokenAxis';
import { formatNumber, verdictText } from '../../src/report/format';
import { planLines } from '../../src/report/planLines';
import { parseXml } from '../unit/charts/xml';
import { seriousFindings } from './axe';
import { cellCentre, cellColours, drawnText, figureOf, takeFromMenu } from './figures';
import { csvRows } from './csvRows';
import { pageTests, settle, startPageLab, until } from './openPage';
import type { OpenOptions, OpenPage, PageLab, SavedFigure } from './openPage';
import { runSample } from './sampleRun';
import type { SampleRun } from './sampleRun';

const rows = 6;
const columns = 4;
const address = { layer: 3, head: 2 };

/** What a head page shows when everything was measured, in reading order. */
const headFigureIds = [
  'pattern-softmax',
  'pattern-rpc',
  'pattern-difference',
  'pattern-scores',
  'class-map',
  'tensor-q',
  'tensor-k',
  'tensor-v',
  'tensor-out',
  'weights',
  'spectrum',
  'directions-theory',
  'angles-theory',
  'directions-plain',
  'angles-plain',
  'gamma-residual',
  'gamma-pairs',
  'rpc',
  'noise-token_gauss',
  'noise-key_gauss',
  'noise-key_sparse',
];

describe('the inspector page', () => {
  let run: SampleRun;
  let lab: PageLab;
  let view: OpenPage;
  let detail: HeadDetail;

  before(async () => {
    run = await runSample();
    detail = await run.headDetail(address.layer, address.head);
    lab = await startPageLab();
  });
  after(async () => {
    await lab.close();
    await run.stop();
  });
  const check = pageTests(() => view);
  const open = async (snapshot: SessionSnapshot, options: Partial<OpenOptions> = {}): Promise<OpenPage> => {
    view = await lab.open({ page: 'inspector', run, snapshot, ...options });
    return view;
  };
  const openHead = async (): Promise<OpenPage> => {
    await open({ ...run.done, selected: address });
    await figureOf(view.page, 'pattern-softmax').waitFor();
    await settle(view.page);
    return view;
  };
  const expectedFigures = (): Figure[] => {
    const model = run.done.model!;
    const head = run.result.layers[address.layer]!.heads[address.head]!;
    const { tokens, prefixTokens, headDim, attention, grid } = model;
    return headFigures(
      head,
      {
        layer: address.layer,
        tokens,
        prefixTokens,
        headDim,
        grid,
        trainedWith: attention,
        tokenNames: tokenNames({ ...model, suffixTokens: 0 }, run.result.provenance.inputs[0]!),
      },
      headPictures(detail),
    );
  };
  const saved = async (id: string, kind: 'PNG' | 'SVG' | 'CSV'): Promise<SavedFigure> => {
    const figure = figureOf(view.page, id);
    const before = view.saved.length;
    await takeFromMenu(figure, 'Save', kind);
    await until(() => view.saved.length > before, `a ${kind} file`);
    await until(async () => (await figure.locator('.said').innerText()) === `Saved as ${kind}.`, 'it is said');
    return view.saved.at(-1)!;
  };

  describe('loaded again', () => {
    const opened = { ...address, scrolled: 1500 };
    const scrolled = (page: OpenPage['page']): Promise<number> => page.evaluate(() => Math.round(window.scrollY));
    const loadAgain = async (): Promise<void> => {
      await openHead();
      await view.page.evaluate((to) => {
        window.scrollTo(0, to);
      }, opened.scrolled);
      await settle(view.page);
      assert.equal(await scrolled(view.page), opened.scrolled);
      await view.page.reload();
      await figureOf(view.page, 'pattern-softmax').waitFor();
    };

    check('goes down to where it was', async () => {
      await loadAgain();
      await until(async () => (await scrolled(view.page)) === opened.scrolled, 'the place of before');
    });

    check('stays on top where another inspection or head is shown', async () => {
      await loadAgain();
      await view.remote.snapshot({ ...run.done, selected: address, inspection: 'ffffffffffffffff' });
      await settle(view.page);
      await view.remote.select({ layer: 0, head: 0 });
      await settle(view.page);
      assert.equal(await scrolled(view.page), 0);
    });
  });

  describe('overview', () => {
    check('offers a checkpoint of one’s own and the sample while nothing is open', async () => {
      const { page, asked } = await open(run.empty);
      await page.getByText('Inspect Checkpoint…').click();
      await page.getByText('Inspect Sample Checkpoint').click();
      assert.deepEqual(asked.slice(1), [
        ['runCommand', 'inspect'],
        ['runCommand', 'inspectSample'],
      ]);
      assert.ok(!(await page.getByText('Export Report…').isVisible()), 'nothing to export yet');
    });

    check('can be cancelled while it plans and while it runs', async () => {
      const { page, remote, asked } = await open(run.planning);
      assert.match(await page.locator('.message').innerText(), /Reading the header/);
      await page.getByText('Cancel').click();
      assert.deepEqual(asked.at(-1), ['runCommand', 'cancel']);
      await remote.snapshot(run.running);
      await remote.progress({ label: 'Layer 2 of 6: forward pass', fraction: 0.25 });
      await settle(page);
      assert.equal(await page.locator('.message').innerText(), 'Layer 2 of 6: forward pass');
      assert.equal(await page.locator('progress').evaluate((bar) => (bar as HTMLProgressElement).value), 0.25);
      asked.length = 0;
      await page.getByText('Cancel').click();
      assert.deepEqual(asked, [['runCommand', 'cancel']]);
      await remote.snapshot(run.done);
      await settle(page);
      assert.ok(!(await page.getByText('Cancel').isVisible()), 'nothing to cancel any more');
      await page.getByText('Export Report…').click();
      assert.deepEqual(asked.at(-1), ['runCommand', 'export']);
    });

    check('fills its heatmaps while heads are done', async () => {
      const { page, remote } = await open(run.running);
      await remote.headDone(0, run.result.layers[0]!.heads[0]!);
      const figure = figureOf(page, 'overview-alignment.theory.overlap');
      await figure.waitFor();
      await settle(page);
      const filled = async (): Promise<number> =>
        (await cellColours(figure, rows, columns)).filter((colour) => colour[3] === 255).length;
      assert.equal(await filled(), 1);
      await remote.headDone(0, run.result.layers[0]!.heads[1]!);
      await remote.headDone(1, run.result.layers[1]!.heads[0]!);
      await settle(page);
      assert.equal(await filled(), 3);
    });

    check('keeps what a person has opened while heads come in', async () => {
      const { page, remote } = await open(run.running);
      await page.getByText('How this was recognised').click();
      await remote.headDone(0, run.result.layers[0]!.heads[0]!);
      await settle(page);
      assert.ok(await page.locator('.card details').evaluate((element) => (element as HTMLDetailsElement).open));
    });

    check('shows running means over several inputs, and stays where a person is', async () => {
      /** What the first `count` inputs would give, were they all the sample's. */
      const meansOver = (count: number): InspectionResult['layers'] => {
        const mean = new MeanResult();
        for (let k = 0; k < count; k++) mean.add(run.result);
        return mean.result().layers;
      };
      const inputs = { finished: 0, total: 12 };
      const { page, remote } = await open({ ...run.running, inputs });
      const line = page.locator('.several');
      assert.equal(await line.innerText(), 'Numbers of the first of 12 inputs to run, as they come; means follow.');
      const card = page.locator('.card', { has: page.getByRole('heading', { name: 'Inputs', exact: true }) });
      assert.match(await card.innerText(), /The first of 12 inputs, whichever runs now\./);
      await remote.headDone(0, run.result.layers[0]!.heads[0]!);
      await figureOf(page, 'overview-alignment.theory.overlap').locator('.stage').focus();
      for (const key of ['Home', 'ArrowDown']) await page.keyboard.press(key);
      await page.evaluate(() => {
        window.scrollTo(0, 300);
      });
      const place = (): Promise<unknown> =>
        page.evaluate(() => [
          Math.round(window.scrollY),
          document.activeElement?.getAttribute('aria-label')?.slice(0, 20),
          document.querySelector('.readout')?.textContent.slice(0, 16),
        ]);
      const before = await place();
      await remote.means({ finished: 3, total: 12 }, meansOver(3));
      await settle(page);
      assert.equal(await line.innerText(), 'Running means over 3 of 12 inputs; ± is their 95 % interval.');
      assert.deepEqual(await place(), before);
      await remote.select(address);
      await figureOf(page, 'spectrum').waitFor();
      assert.match(await page.locator('#app').innerText(), /Running means over 3 of 12 inputs/);
      const region = page.getByRole('region', { name: 'Alignment beside its nulls' });
      await page.setViewportSize({ width: 400, height: 700 });
      await region.evaluate((element) => {
        element.focus();
        element.scrollLeft = 60;
        window.scrollTo(0, 500);
      });
      const seen = (): Promise<unknown> =>
        page.evaluate(() => [
          Math.round(window.scrollY),
          document.activeElement?.scrollLeft,
          document.activeElement?.getAttribute('aria-label'),
        ]);
      const there = await seen();
      await remote.means({ finished: 4, total: 12 }, meansOver(4));
      await settle(page);
      assert.match(await page.locator('#app').innerText(), /Running means over 4 of 12 inputs/);
      assert.deepEqual(await seen(), there);
      assert.deepEqual(there, [500, 60, 'Alignment beside its nulls']);
    });

    check('shows model, input, plan, run and the main metrics', async () => {
      const { page } = await open(run.done);
      const text = await page.locator('.cards').innerText();
      const { model, plan, provenance } = run.done;
      assert.ok(model !== null && plan !== null && provenance !== null);
      for (const expected of [
        'softmax',
        `${rows} x ${columns}`,
        `${model.embedDim}, ${model.headDim}`,
        String(model.tokens),
        'digit-3.npy',
        provenance.inputs[0]!.sha256.slice(0, 16),
        'cpu, float64 forward pass',
        'chosen by the test',
        'seed',
        ...planLines(plan).flat(),
      ])
        assert.ok(text.includes(expected), `the cards say ${expected}: ${text}`);
      await page.getByText('How this was recognised').click();
      const facts = await page.locator('.card details dl').innerText();
      for (const { fact, value } of model.facts) assert.ok(facts.includes(fact) && facts.includes(value), fact);

      const colours = await page.locator('canvas.input-picture').evaluate((element) => {
        const canvas = element as HTMLCanvasElement;
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        return [canvas.width, canvas.height, new Set(data).size];
      });
      const { width, height } = run.done.picture!;
      assert.deepEqual(colours.slice(0, 2), [width, height]);
      assert.ok(colours[2]! > 8, `the picture has ${colours[2]} different values`);

      const ids = await page
        .locator('.figures .figure')
        .evaluateAll((all) => all.map((one) => one.getAttribute('data-figure')));
      const maps = overviewMetricIds.map((id) => `overview-${id}`);
      assert.deepEqual(ids, [...maps, 'rollout-spread', 'rollout-map', 'rollout-layers']);
      for (const id of maps) {
        const filled = await cellColours(figureOf(page, id), rows, columns);
        assert.ok(
          filled.every((colour) => colour[3] === 255),
          `every cell of ${id} is filled`,
        );
      }
    });

    check('paints its first map before it makes the others and any button of theirs', async () => {
      const { page } = await open(run.done, {
        prepare: async (fresh) => {
          await fresh.addInitScript(() => {
            const count = (what: string): number => document.querySelectorAll(what).length;
            new MutationObserver(() => {
              if (document.body.dataset['first'] !== undefined || count('canvas[data-painted="true"]') === 0) return;
              document.body.dataset['first'] = JSON.stringify([count('.figure'), count('.figure vscode-button')]);
            }).observe(document, { subtree: true, attributeFilter: ['data-painted'] });
          });
        },
      });
      assert.equal(await page.locator('body').getAttribute('data-first'), '[1,0]');
      const maps = await page
        .locator('[data-figure^="overview-"]')
        .evaluateAll((figures) => figures.map((figure) => (figure as HTMLElement).dataset['figure']!.slice(9)));
      assert.deepEqual(
        maps,
        overviewMetricIds.filter((id) => maps.includes(id)),
      );
      const buttons = page.locator('.figure').locator('vscode-button[aria-label="Copy"]');
      assert.equal(await buttons.count(), await page.locator('.figure').count());
    });

    check('opens the head whose cell is clicked', async () => {
      const { page, asked } = await open(run.done);
      const figure = figureOf(page, 'overview-alignment.theory.rayleigh');
      // At the lower edge of the window a long tooltip goes above its figure.
      await figure.locator('.stage').evaluate((stage) => {
        window.scrollBy(0, stage.getBoundingClientRect().bottom + 20 - window.innerHeight);
      });
      const at = await cellCentre(figure, rows, columns, 4, 3);
      await page.mouse.move(at.x, at.y);
      const tooltip = (await figure.locator('.tooltip').boundingBox())!;
      const { height } = page.viewportSize()!;
      const [tooltipAt, barAt] = await page.evaluate(() =>
        ['.tooltip', '.head-choice'].map((what) => Number(getComputedStyle(document.querySelector(what)!).zIndex)),
      );
      assert.ok(tooltipAt! > barAt!, 'in front of the bar of choices');
      assert.ok(
        tooltip.y > 0 && tooltip.y + tooltip.height < height,
        `${tooltip.y} and ${tooltip.height} of ${height}`,
      );
      await page.mouse.click(at.x, at.y);
      await page.getByRole('heading', { name: 'Layer 4, head 3' }).waitFor();
      assert.deepEqual(
        asked.filter(([method]) => method === 'selectHead'),
        [['selectHead', { layer: 4, head: 3 }, true]],
      );
    });

    check(
      'lights one head in every map, says it, dims what a filter leaves out, and keeps filter and order',
      async () => {
        const { page, asked } = await open(run.done);
        const overlap = figureOf(page, 'overview-alignment.theory.overlap');
        const entropy = figureOf(page, 'overview-attention.entropy');
        await overlap.locator('.stage').focus();
        for (const key of ['Home', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
        const readout = page.locator('.readout');
        const head = run.result.layers[1]!.heads[1]!;
        const { theory } = head.alignment;
        assert.equal(
          await readout.innerText(),
          `Layer 1, head 1: Alignment overlap (theory) ${formatNumber(theory.overlap)}, chance level ${formatNumber(theory.overlapChance)}. Verdict: ${verdictText(head)}.`,
        );
        assert.equal(await readout.getAttribute('aria-live'), 'polite');
        assert.equal(await entropy.locator('.mark rect').count(), 2, 'the same head is marked in another map');

        // Typing goes to a head of the ranking, whatever its rank; what is not there is said.
        await page.locator('.ranked summary').click();
        await page.locator('.ranking button').first().focus();
        const focused = (): Promise<string | undefined> => page.evaluate(() => document.activeElement?.textContent);
        for (const [layer, head] of [
          [4, 2],
          [0, 3],
        ]) {
          await page.keyboard.type(`${layer}.${head}`);
          assert.equal(await focused(), `Layer ${layer}, head ${head}`);
          // Letters that come later are another text.
          await page.waitForTimeout(1100);
        }
        await page.keyboard.type('9 9');
        assert.equal(await page.locator('.ranked [role="status"]').innerText(), 'No head "9 9" in this list.');
        await page.locator('.ranked summary').click();

        const all = run.result.layers.flatMap((layer) => layer.heads);
        const filter = headFilters(all).find((one) => one.id.startsWith('noise:'))!;
        const left = all.filter((one) => filter.matches(one)).length;
        assert.ok(left > 0 && left < all.length, `${left} heads pass ${filter.label}`);
        const shown = page.locator('vscode-dropdown[aria-label="Show heads"]');
        await shown.click();
        await shown.locator('vscode-option', { hasText: filter.label }).click();
        await settle(page);
        assert.match(await page.locator('.head-choice').innerText(), new RegExp(`${left} of ${all.length} heads`));
        assert.equal(await entropy.locator('.frame [fill-opacity]').count(), 1);
        await page.locator('.ranked summary').click();
        // The list is made when the browser says that it is unfolded.
        await until(async () => (await page.locator('.ranking li').count()) === left, `${left} heads in the ranking`);
        await page.reload();
        await page.locator('.head-choice').getByText(`${left} of ${all.length} heads`).waitFor();
        await page.locator('.ranked summary').click();
        const [best] = rankHeads(run.result.layers, filter, metricById(defaultMetricId), 'highest');
        const first = page.locator('.ranking button').first();
        assert.equal(await first.innerText(), `Layer ${best!.layer}, head ${best!.head.index}`);
        assert.deepEqual(await seriousFindings(page), []);
        await first.focus();
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { name: `Layer ${best!.layer}, head ${best!.head.index}` }).waitFor();
        const asking = asked.filter(([method]) => method === 'selectHead');
        assert.deepEqual(asking, [['selectHead', { layer: best!.layer, head: best!.head.index }, true]]);
      },
    );

    check('shows names from files as text, never as markup', async () => {
      const hostile = '<img src=x onerror="window.hacked = true">.safetensors';
      const { model, plan, provenance } = run.done;
      const { page } = await open({
        ...run.done,
        title: hostile,
        message: hostile,
        model: { ...model!, notes: [hostile], facts: [{ ...model!.facts[0]!, value: hostile }] },
        plan: { ...plan!, description: hostile },
        provenance: { ...provenance!, inputs: [{ ...provenance!.inputs[0]!, label: hostile }], backendReason: hostile },
        output: { kind: 'logits', logitsTop: [{ index: 0, label: hostile, logit: 1 }] },
      });
      assert.equal(await page.locator('h1').innerText(), hostile);
      assert.ok((await page.locator('.cards').innerText()).split(hostile).length > 5, 'the name is there as text');
      assert.equal(await page.locator('img').count(), 0);
      assert.equal(await page.evaluate(() => 'hacked' in window), false);
    });

    check('shows what went wrong, with and without a model', async () => {
      const message = 'The header is cut off. Copy the file again.';
      const { page, remote, asked } = await open({ ...run.planning, phase: 'failed', message });
      assert.equal(await page.locator('.message.failed').innerText(), message);
      await page.getByText('Inspect Checkpoint…').click();
      assert.deepEqual(asked.at(-1), ['runCommand', 'inspect']);
      await remote.snapshot({ ...run.running, phase: 'failed', message, progress: null });
      await settle(page);
      assert.equal(await page.locator('.message.failed').innerText(), message);
      assert.ok(!(await page.locator('progress').isVisible()));
    });

    check('draws again when the person switches the theme', async () => {
      const { page } = await open(run.done);
      const ground = (): Promise<string | null> =>
        figureOf(page, 'overview-rpc.cleanGap').locator('.frame path').first().getAttribute('fill');
      const before = await ground();
      await page.evaluate(() => {
        document.documentElement.style.setProperty('--vscode-editor-background', '#fdf6e3');
        document.body.dataset['vscodeThemeKind'] = 'vscode-light';
        document.body.className = 'vscode-light';
      });
      await settle(page);
      assert.notEqual(await ground(), before);
      assert.equal(await ground(), 'rgb(253, 246, 227)');
    });
  });

  describe('head', () => {
    check('says the verdict and every null beside it', async () => {
      const { page } = await openHead();
      const head = run.result.layers[address.layer]!.heads[address.head]!;
      assert.equal(await page.locator('.verdict').innerText(), `Verdict: ${verdictText(head)}`);
      const table = page.locator('table').first();
      const columnNames = await table.locator('thead th').allInnerTexts();
      assert.deepEqual(columnNames.slice(1), [
        'measured',
        'chance level',
        'random V',
        'permuted tokens',
        'untrained twins',
        'among the heads',
      ]);
      const lines = await table.locator('tbody tr').allInnerTexts();
      assert.equal(lines.length, 6);
      const { overlap, overlapChance, nulls } = head.alignment.theory;
      const first = lines[0]!;
      for (const value of [overlap, overlapChance, nulls.random!.overlap.mean, nulls.untrained!.overlap.z])
        assert.ok(first.includes(formatNumber(value)), `${formatNumber(value)} in ${first}`);
      assert.match(first, /^theory overlap/);
    });

    check('shows the tables of the head, each score beside its null, with note and formula', async () => {
      const { page } = await openHead();
      const head = run.result.layers[address.layer]!.heads[address.head]!;
      for (const { title, rows, note, formula } of headTables(head)) {
        const section = page.locator('section', { has: page.getByRole('heading', { name: title, exact: true }) });
        assert.deepEqual(
          await section.locator('tbody tr').allInnerTexts(),
          rows.map((row) => row.join('\t')),
          title,
        );
        const text = await section.innerText();
        assert.ok(text.includes(note) && text.includes(`Formula: ${formula}`), title);
      }
    });

    check('shows every figure in order with title, axes, units, legend and both captions', async () => {
      const { page, asked } = await openHead();
      assert.deepEqual(
        asked.filter(([method]) => method === 'getKeptHead'),
        [['getKeptHead', address]],
      );
      const ids = await page
        .locator('.figures .figure')
        .evaluateAll((all) => all.map((one) => one.getAttribute('data-figure')));
      assert.deepEqual(ids, headFigureIds);
      const withUnit = (axis: { readonly label: string; readonly unit: string }): string =>
        axis.unit === '' ? axis.label : `${axis.label} [${axis.unit}]`;
      for (const expected of expectedFigures()) {
        const figure = figureOf(page, expected.id);
        const drawn = await drawnText(figure);
        const words =
          expected.kind === 'heatmap'
            ? [expected.title, ...[expected.rowAxis, expected.columnAxis, expected.value].map(withUnit)]
            : [
                expected.title,
                withUnit(expected.x),
                withUnit(expected.y),
                ...expected.series.map((series) => series.name),
                ...expected.levels.map((level) => level.name),
                ...(expected.marks ?? []).map((mark) => mark.name),
              ];
        for (const word of words) assert.ok(drawn.includes(word), `${expected.id} says "${word}": ${drawn}`);
        assert.equal(await figure.locator('.shows').innerText(), expected.shows);
        const caution = await figure.locator('.caution').innerText();
        assert.ok(caution.startsWith('What it does not prove') && caution.includes(expected.caution), caution);
      }
    });

    check('draws bands where intervals and chance were measured', async () => {
      const { page } = await openHead();
      for (const expected of expectedFigures()) {
        if (expected.kind !== 'lines') continue;
        const banded = expected.series.filter((series) => series.low?.some((value) => value !== null)).length;
        const drawn = await figureOf(page, expected.id).locator('.frame [fill-opacity], .frame [opacity]').count();
        assert.ok(drawn >= banded, `${expected.id}: ${drawn} bands of ${banded}`);
        if (/^(angles|noise)/.test(expected.id)) assert.ok(banded > 0, `${expected.id} has a band`);
      }
    });

    check('paints the three patterns, each in its own colours', async () => {
      const { page } = await openHead();
      const { tokens } = run.done.model!;
      const pictures = await Promise.all(
        headFigureIds.slice(0, 3).map((id) => cellColours(figureOf(page, id), tokens, tokens)),
      );
      for (const cells of pictures) assert.ok(new Set(cells.map(String)).size > 10);
      assert.notDeepEqual(pictures[0], pictures[1]);
      assert.notDeepEqual(pictures[1], pictures[2]);
    });

    check('gives formula and numbers on demand', async () => {
      const { page } = await openHead();
      const expected = expectedFigures().find(({ id }) => id === 'angles-theory')!;
      assert.ok(expected.kind === 'lines');
      const figure = figureOf(page, expected.id);
      const formula = figure.locator('.formula');
      assert.ok(!(await formula.isVisible()));
      await figure.getByText('Formula and source').click();
      assert.equal((await formula.innerText()).trim(), expected.formula.trim());
      await figure.getByText('Numbers as a table').click();
      const cells = await figure
        .locator('.twin tbody tr')
        .evaluateAll((all) => all.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)));
      assert.equal(
        cells.length,
        expected.series.reduce((sum, series) => sum + series.x.length, 0),
      );
      const chance = expected.series[0]!;
      assert.deepEqual(cells[0], [
        chance.name,
        '1',
        String(chance.y[0]),
        String(chance.low![0]),
        String(chance.high![0]),
      ]);
      const headings = await figure.locator('.twin th').allInnerTexts();
      assert.equal(headings.length, 5);
    });

    check('speaks the point under the keyboard cursor of a line chart', async () => {
      const { page } = await openHead();
      const figure = figureOf(page, 'spectrum');
      await figure.locator('.stage').focus();
      for (const key of ['Home', 'ArrowRight', 'ArrowRight']) await page.keyboard.press(key);
      const eigenvalue = run.result.layers[address.layer]!.heads[address.head]!.spectrum.log10Eigenvalues[2]!;
      const spoken = (await figure.locator('[aria-live]').textContent()) ?? '';
      assert.match(spoken, /eigenvalue index 3/);
      assert.ok(
        spoken.includes(`eigenvalue ${Number(eigenvalue.toPrecision(Math.abs(eigenvalue) >= 1 ? 5 : 4))} log10`),
        spoken,
      );
    });

    check('saves SVG, CSV and PNG that other programs can read', async () => {
      await openHead();
      for (const [id, kind] of [
        ['pattern-softmax', 'heatmap'],
        ['noise-key_gauss', 'lines'],
      ] as const) {
        const expected = expectedFigures().find((figure) => figure.id === id)!;
        const svg = await saved(id, 'SVG');
        assert.equal(svg.name, `${id}.svg`);
        const elements = parseXml(new TextDecoder().decode(svg.bytes));
        assert.equal(elements[0]?.name, 'svg');
        assert.equal(elements[0].attributes.get('xmlns'), 'http://www.w3.org/2000/svg');
        assert.ok(elements.some(({ text }) => text.includes(expected.title)));

        const csv = await saved(id, 'CSV');
        assert.equal(csv.name, `${id}.csv`);
        const lines = csvRows(new TextDecoder().decode(csv.bytes));
        assert.ok(lines.every((line) => line.length === lines[0]!.length));
        if (expected.kind === 'heatmap') {
          assert.equal(lines.length, 1 + expected.values.length);
          const values = lines.slice(1).map((line) => Number(line[2]));
          assert.deepEqual(values, [...expected.values]);
        } else {
          const softmax = lines.filter(([name]) => name === 'softmax').map((line) => Number(line[2]));
          assert.deepEqual(softmax, expected.series[0]!.y);
        }

        const png = await saved(id, 'PNG');
        assert.equal(png.name, `${id}.png`);
        const picture = decode(png.bytes);
        assert.deepEqual([picture.width, picture.height], [1440, 880]);
        const colours = new Set<number>();
        for (let i = 0; i < picture.data.length; i += picture.channels)
          colours.add(picture.data[i]! * 65536 + picture.data[i + 1]! * 256 + picture.data[i + 2]!);
        assert.ok(colours.size > (kind === 'heatmap' ? 60 : 20), `${id}.png has ${colours.size} colours`);
      }
    });

    check('copies SVG, CSV and PNG from a menu that works by keyboard and mouse, and says so', async () => {
      const { page, asked } = await openHead();
      const figure = figureOf(page, 'spectrum');
      const said = figure.locator('.said');
      const copied = (): string => String(asked.filter(([method]) => method === 'copyText').at(-1)?.[1]);
      const button = figure.getByRole('button', { name: 'Copy', exact: true });
      const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');
      await button.focus();
      await page.keyboard.press('ArrowUp');
      assert.match(await focused(), /^CSV/);
      const tools = figure.locator('.figure-actions');
      assert.equal(await tools.evaluate((one) => getComputedStyle(one).opacity), '1', 'the buttons are seen');
      await page.screenshot({ path: 'out/screenshots/figure-menu.png' });
      assert.deepEqual(await seriousFindings(page), []);
      for (const [key, begins] of [
        ['ArrowDown', 'PNG'],
        ['ArrowUp', 'CSV'],
        ['Home', 'PNG'],
        ['s', 'SVG'],
        ['End', 'CSV'],
      ] as const) {
        await page.keyboard.press(key);
        assert.ok((await focused()).startsWith(begins), `${key} goes to ${begins}`);
      }
      await page.keyboard.press('Escape');
      assert.equal(await figure.locator('.menu:popover-open').count(), 0);
      assert.ok(
        await button.evaluate((one) => (one.getRootNode() as ShadowRoot).activeElement === one),
        'the focus is back',
      );
      await takeFromMenu(figure, 'Copy', 'CSV');
      await said.getByText('Copied as CSV.').waitFor();
      assert.match(copied(), /^series,eigenvalue index/);
      await button.click();
      await figure.getByRole('menuitem', { name: 'SVG' }).click();
      await said.getByText('Copied as SVG.').waitFor();
      assert.match(copied(), /^<svg /);
      // A press elsewhere, and on the button itself, closes it.
      await button.click();
      await page.mouse.click(4, 4);
      assert.equal(await page.locator('.menu:popover-open').count(), 0);
      await button.click();
      await button.click();
      assert.equal(await page.locator('.menu:popover-open').count(), 0);

      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await page.bringToFront();
      await takeFromMenu(figure, 'Copy', 'PNG');
      await said.getByText('Copied as PNG.').waitFor();
      const size = await page.evaluate(async () => {
        const [item] = await navigator.clipboard.read();
        const bitmap = await createImageBitmap(await item!.getType('image/png'));
        return [bitmap.width, bitmap.height];
      });
      assert.deepEqual(size, [1440, 880]);
      await page.evaluate(() => {
        navigator.clipboard.write = () => Promise.reject(new Error('Write permission denied.'));
      });
      await takeFromMenu(figure, 'Copy', 'PNG');
      await said
        .getByText('The editor does not let the picture be copied (Write permission denied.). Save it as PNG instead.')
        .waitFor();
      await page.context().clearPermissions();
    });

    check('goes to the next head, to the previous one and back to the overview', async () => {
      const { page, asked } = await openHead();
      await page.getByRole('button', { name: 'Next head' }).click();
      await page.getByRole('heading', { name: 'Layer 3, head 3' }).waitFor();
      await page.getByRole('button', { name: 'Next head' }).click();
      await page.getByRole('heading', { name: 'Layer 4, head 0' }).waitFor();
      await page.getByRole('button', { name: 'Previous head' }).click();
      await page.getByRole('heading', { name: 'Layer 3, head 3' }).waitFor();
      await page.getByText('Overview').click();
      await figureOf(page, 'overview-rpc.cleanGap').waitFor();
      assert.deepEqual(asked.filter(([method]) => method === 'selectHead').at(-1), ['selectHead', null, false]);
    });

    check('keeps the focus on the button that goes on to the next head', async () => {
      const { page } = await openHead();
      await page.getByRole('button', { name: 'Next head' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Layer 3, head 3' }).waitFor();
      await figureOf(page, 'pattern-softmax').waitFor();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Layer 4, head 0' }).waitFor();
    });

    check('shows a head of a running inspection without its patterns, and one that is not there in words', async () => {
      const { page, remote, asked } = await open({ ...run.running, selected: address });
      assert.match(await page.locator('#app').innerText(), /not been reached yet/);
      await remote.headDone(address.layer, run.result.layers[address.layer]!.heads[address.head]!);
      await figureOf(page, 'spectrum').waitFor();
      assert.equal(await figureOf(page, 'pattern-softmax').count(), 0);
      assert.ok(!asked.some(([method]) => method === 'getKeptHead'));
      await remote.snapshot({ ...run.done, selected: address });
      await figureOf(page, 'pattern-softmax').waitFor();
    });

    check('goes back to an overview that followed the window and the theme while it was out of sight', async () => {
      const { page, remote } = await open(run.done, { width: 1400 });
      const drawn = (): Promise<{ stage: number; picture: number; colours: (string | null)[] }> =>
        figureOf(page, 'overview-rpc.cleanGap').evaluate((figure) => {
          const svg = figure.querySelector('.frame svg')!;
          return {
            stage: Math.floor(figure.querySelector('.stage')!.clientWidth),
            picture: Math.round(svg.getBoundingClientRect().width),
            colours: [...svg.querySelectorAll('text')].map((text) => text.getAttribute('fill')),
          };
        });
      await figureOf(page, 'overview-rpc.cleanGap').waitFor();
      await settle(page);
      const { stage: before } = await drawn();
      const whileAway = async (change: () => Promise<void>): Promise<void> => {
        await remote.select(address);
        await figureOf(page, 'pattern-softmax').waitFor();
        await settle(page);
        await change();
        await remote.select(null);
      };
      await whileAway(() =>
        page.evaluate(() => {
          document.documentElement.style.setProperty('--vscode-editor-foreground', '#123456');
        }),
      );
      await until(async () => (await drawn()).colours.includes('#123456'), 'the maps are drawn in the theme of now');
      await whileAway(() => page.setViewportSize({ width: 640, height: 900 }));
      await until(async () => {
        const { stage, picture } = await drawn();
        return stage !== before && picture === stage;
      }, 'the maps are as wide as the window of now allows');
    });

    check('fits the narrowest editor, where what scrolls by itself is reached by keyboard', async () => {
      const { page, remote } = await open({ ...run.done, selected: address }, { width: 200 });
      const fits = async (id: string): Promise<void> => {
        await figureOf(page, id).waitFor();
        await settle(page);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= 200, `content with ${id} is ${width} px wide`);
      };
      await fits('pattern-softmax');
      assert.deepEqual(await seriousFindings(page), []);
      await remote.select(null);
      await fits('overview-rpc.cleanGap');
    });
  });
});
