// One number in every place: what overview, side panel and head pages show of the sample is what result.json, heads.csv and
// the report say, for every head and column; a column that stands in one place only is named here with its reason.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Page } from 'playwright-core';
import { availableMetrics } from '../../src/report/figures/metrics';
import { formatNumber, formatTest, verdictText } from '../../src/report/format';
import { headsCsv } from '../../src/report/headsCsv';
import { reportHtml } from '../../src/report/reportHtml';
import { resultJson } from '../../src/report/resultJson';
import type { InspectionResult } from '../../src/inspection/inspectionResult';
import { csvRows } from './csvRows';
import { pageTests, settle, startPageLab } from './openPage';
import type { OpenPage, PageLab } from './openPage';
import { runSample } from './sampleRun';
import type { SampleRun } from './sampleRun';

/** Metrics of the maps that have no column: each is made of an array, which stands in result.json only. */
const ofArrays: Readonly<Record<string, string>> = {
  'gamma.learned.eigenResidual': 'median over the columns of V',
  'spectrum.topEigenvalue': 'first of the eigenvalues',
  'rpc.density': 'last of the iterations',
};

/** The column of a metric where it is called otherwise. */
function columnOf(metric: string): string {
  return metric
    .replace(/\.overlapZ$/, '.nulls.permuted.overlap.z')
    .replace(/^(noise\.\w+)\.(softmax|rpc|difference)$/, '$1.auc.$2');
}

/** A scalar of result.json as heads.csv writes it. */
function asCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

type Cells = readonly (readonly string[])[];

/** Rows of every table below `selector`, by caption or heading. */
function tablesOf(page: Page, selector: string): Promise<Readonly<Record<string, Cells>>> {
  return page.evaluate((wanted) => {
    const tables = [...document.querySelectorAll<HTMLTableElement>(`${wanted} table`)];
    const named = tables.map((table) => {
      const name = table.caption?.textContent ?? table.closest('section')?.querySelector('h2')?.textContent ?? '';
      return [name, [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()))] as const;
    });
    return Object.fromEntries(named);
  }, selector);
}

describe('every number of the sample', function () {
  this.timeout(240_000);
  let run: SampleRun;
  let lab: PageLab;
  let view: OpenPage;
  let result: InspectionResult;
  /** `layer head` -> column -> cell. */
  const csv = new Map<string, ReadonlyMap<string, string>>();
  let columns: readonly string[];

  before(async () => {
    run = await runSample();
    lab = await startPageLab();
    result = JSON.parse(resultJson(run.result)) as InspectionResult;
    const [names, ...rows] = csvRows(headsCsv(run.result));
    columns = names!;
    for (const row of rows) csv.set(`${row[0]} ${row[1]}`, new Map(row.map((cell, i) => [columns[i]!, cell])));
  });
  after(async () => {
    await lab.close();
    await run.stop();
  });
  const check = pageTests(() => view);

  check('is the same in result.json, heads.csv, the maps of the overview and the side panel', async () => {
    view = await lab.open({ page: 'inspector', run, snapshot: run.done });
    const { page } = view;
    await page.evaluate(() => {
      for (const twin of document.querySelectorAll<HTMLDetailsElement>('[data-figure^="overview-"] details.twin'))
        twin.open = true;
    });
    await settle(page);
    const maps = await page.locator('[data-figure^="overview-"]').evaluateAll((figures) =>
      figures.map((figure) => ({
        id: figure.getAttribute('data-figure')!.slice('overview-'.length),
        rows: [...figure.querySelectorAll('.twin tbody tr')].map((row) =>
          [...row.querySelectorAll('td')].map((cell) => cell.textContent),
        ),
      })),
    );
    const panel = await lab.open({ page: 'heatmap', run, snapshot: run.done });
    const heads = result.layers.flatMap(({ index, heads: all }) => all.map((head) => ({ layer: index, head })));
    try {
      const metrics = availableMetrics(heads.map(({ head }) => head));
      assert.ok(maps.length > 4 && metrics.length > 20);
      for (const metric of metrics) {
        const map = maps.find(({ id }) => id === metric.id);
        await panel.remote.setMetric(metric.id);
        const stage = panel.page.locator(`[data-figure="overview-${metric.id}"] .stage`);
        await stage.waitFor();
        for (const [at, { layer, head }] of heads.entries()) {
          const value = metric.value(head);
          const place = `${metric.id} of layer ${layer}, head ${head.index}`;
          if (map !== undefined)
            assert.deepEqual(
              map.rows[at],
              [String(layer), String(head.index), value === null ? '' : String(value)],
              place,
            );
          const cell = csv.get(`${layer} ${head.index}`)!.get(columnOf(metric.id));
          const expected = ofArrays[metric.id] === undefined ? (value === null ? '' : String(value)) : undefined;
          assert.equal(cell, expected, place);
        }
        // Row by row with the arrow keys, as a person reads them.
        const keys = result.layers.flatMap((_, layer) => [
          layer === 0 ? ['Escape', 'Home', 'Home'] : ['Home', 'ArrowDown'],
          ...Array.from({ length: result.model.heads - 1 }, () => ['ArrowRight']),
        ]);
        const said = await stage.evaluate(
          (target, pressed) =>
            pressed.map((some) => {
              for (const key of some) target.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }));
              return document.querySelector('[aria-live]')?.textContent ?? '';
            }),
          keys,
        );
        const expected = heads.map(({ layer, head }) => `layer ${layer}, head ${head.index}\n${metric.describe(head)}`);
        assert.deepEqual(said, expected, metric.id);
      }
    } finally {
      assert.deepEqual(await panel.problems(), []);
      await panel.close();
    }
  });

  check('is the same on the page of every head and in the report', async () => {
    // As it is while the last head is still out: all tables, and no patterns, which hold no table.
    const snapshot = { ...run.running, layers: run.result.layers, selected: { layer: 0, head: 0 } };
    view = await lab.open({ page: 'inspector', run, snapshot });
    const report = await lab.plain(reportHtml(result, () => null));
    try {
      const whole = await tablesOf(report, 'main > section');
      const named = (start: string): Cells => Object.entries(whole).find(([name]) => name.startsWith(start))![1];
      const alignment = named('Alignment of every head');
      const noise = named('Noise and RPC of every head');
      const sections = await report.evaluate(() =>
        [...document.querySelectorAll('section.head')].map((section) => section.textContent),
      );
      assert.equal(sections.length, 24);
      for (const [layer, { heads }] of result.layers.entries()) {
        for (const head of heads) {
          const place = `layer ${layer}, head ${head.index}`;
          await view.remote.select({ layer, head: head.index });
          await view.page.getByRole('heading', { name: `Layer ${layer}, head ${head.index}` }).waitFor();
          await view.page.locator(`div[data-head="${layer} ${head.index}"] table`).first().waitFor();
          const shown = await tablesOf(view.page, '#app');
          // The page's alignment table: each cell from result.json, formatted.
          const [, ...rows] = shown['Alignment of the value matrix with the Gram eigenvectors, beside each null']!;
          const expected = (['theory', 'plain'] as const).flatMap((mode) =>
            (['overlap', 'energy', 'rayleigh'] as const).map((statistic) => {
              const numbers = head.alignment[mode];
              const chance = { overlap: numbers.overlapChance, energy: numbers.energyChance, rayleigh: undefined }[
                statistic
              ];
              const others = numbers.nulls.otherHeads;
              return [
                `${mode} ${statistic}`,
                formatNumber(numbers[statistic]),
                chance === undefined ? 'see random V' : formatNumber(chance),
                ...(['random', 'permuted', 'untrained'] as const).map((name) => {
                  const found = numbers.nulls[name];
                  if (found === null) return 'not run';
                  const { mean, z } = found[statistic];
                  return `${formatNumber(mean)} (z ${formatNumber(z)}, ${formatTest(found[statistic], found.draws)})`;
                }),
                others === null || statistic === 'energy'
                  ? 'not ranked'
                  : `${others[statistic].rank} of ${others[statistic].of}`,
              ];
            }),
          );
          assert.deepEqual(rows, expected, place);
          // The report has a line a head of it, and all other tables of the page in the head's section.
          const at = layer * heads.length + heads.indexOf(head);
          const line = alignment[at + 1]!;
          const permuted = head.alignment.theory.nulls.permuted!.overlap;
          assert.deepEqual(line.slice(0, 2), [String(layer), String(head.index)]);
          assert.equal(line[2], rows[0]![1], place);
          assert.equal(line[3]!.replace(' *', ''), rows[0]![2], place);
          assert.equal(line[5], formatNumber(permuted.z), place);
          assert.equal(line[8], rows[3]![1], place);
          assert.equal(line[9], rows[2]![1], place);
          assert.ok(line[11]!.startsWith(verdictText(head).split(';')[0]!), `${line[11]} of ${place}`);
          const kinds = noise.filter(([l, h]) => l === String(layer) && h === String(head.index));
          assert.equal(kinds.length, head.noise.length, place);
          for (const [name, table] of Object.entries(shown)) {
            if (name.startsWith('Alignment of the value matrix') || name.startsWith('Numbers of')) continue;
            for (const cell of table.flat())
              assert.ok(sections[at]!.includes(cell), `"${cell}" of ${name}, ${place} is not in the report`);
          }
        }
      }
    } finally {
      await report.close();
    }
  });

  it('has its column in heads.csv, and nothing else has one', () => {
    const scalars = new Set<string>();
    const walk = (value: unknown, name: string): void => {
      if (Array.isArray(value)) {
        for (const item of value as unknown[])
          if (typeof item === 'object' && item !== null && 'kind' in item) {
            const { kind, ...rest } = item;
            walk(rest, `${name}.${String(kind)}`);
          }
      } else if (typeof value === 'object' && value !== null)
        for (const [key, inner] of Object.entries(value)) walk(inner, name === '' ? key : `${name}.${key}`);
      else if (value !== undefined) scalars.add(name);
    };
    for (const { heads } of result.layers) for (const head of heads) walk({ ...head, index: undefined }, '');
    const leaves = [...scalars].filter((name) => ![...scalars].some((other) => other.startsWith(`${name}.`)));
    assert.deepEqual([...columns].sort(), ['head', 'layer', ...leaves].sort());
    for (const { index, heads } of result.layers)
      for (const head of heads)
        for (const [name, cell] of csv.get(`${index} ${head.index}`)!) {
          if (name === 'layer' || name === 'head') continue;
          let value: unknown = head;
          for (const key of name.split('.')) {
            const here: unknown = value;
            value = Array.isArray(here)
              ? (here as { kind: string }[]).find(({ kind }) => kind === key)
              : (here as Record<string, unknown> | null | undefined)?.[key];
          }
          assert.equal(cell, asCell(value), `${name} of ${index} ${head.index}`);
        }
  });
});
