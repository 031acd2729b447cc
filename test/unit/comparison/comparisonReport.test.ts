// The files of a comparison: one well-nested page, the same numbers everywhere, equal bytes.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compareResults } from '../../../src/comparison/compareResults';
import {
  differenceFigure,
  headTimeline,
  shownMetricIds,
  timelineFigure,
} from '../../../src/comparison/comparisonFigures';
import { comparisonCsv, comparisonTable } from '../../../src/comparison/comparisonFiles';
import { comparisonHtml, comparisonMarkdown } from '../../../src/comparison/comparisonSections';
import { signed } from '../../../src/comparison/comparisonText';
import { formatNumber } from '../../../src/report/format';
import { reportScript } from '../../../src/report/reportScript';
import { describeCursor } from '../../../webview/charts/cursor';
import { fullIt } from '../../setup/full';
import { exampleResult } from '../report/exampleResult';
import { assertValidHtml } from '../report/validHtml';
import { changed, sourceOf } from './sources';

const hostile = '<b>&"x.pt';
const a = exampleResult({ layers: 2, heads: 3, name: hostile });
const steps = [200, 3000, 40].map((step) =>
  changed(a, `step-${step}.pt`, (head) => ({
    ...head,
    attention: { ...head.attention, entropy: head.attention.entropy + step },
    alignment: { ...head.alignment, verdict: step === 3000 ? 'no evidence' : 'not measurable' },
  })),
);
const pair = compareResults([sourceOf(a), sourceOf(steps[0]!)], 'permutation');
const timeline = compareResults(steps.map(sourceOf), 'index');

describe('comparison report', () => {
  it('is one valid file with the script of a report alone, in which a hostile name is text, with the same bytes every time', async () => {
    for (const one of [pair, timeline]) {
      const html = comparisonHtml(one);
      await assertValidHtml(html);
      assert.ok(html.split('<').length > 200);
      assert.doesNotMatch(html.replace(`<script>${reportScript}</script>`, ''), /<script|<b>/);
      assert.equal(comparisonHtml(structuredClone(one)), html);
    }
    assert.ok(comparisonHtml(pair).includes('Change of Attention entropy'));
    assert.ok(!comparisonHtml(pair).includes('<h2>Timelines</h2>'));
    for (const words of [
      '<h2>Timelines</h2>',
      '6 heads have another verdict on alignment',
      'not measurable → no evidence',
    ])
      assert.ok(comparisonHtml(timeline).includes(words), words);
  });

  it('has the figures of a metric that was asked for beside those it chooses, and is else the same', () => {
    const shown = shownMetricIds(timeline);
    const other = timeline.metrics.find(({ id }) => !shown.includes(id))!.id;
    const figures = (html: string): string[] => [...html.matchAll(/<figure id="([^"]+)"/g)].map(([, id]) => id!);
    const chosen = figures(comparisonHtml(timeline));
    assert.ok(!chosen.includes(`difference-${other}`));
    assert.deepEqual(
      figures(comparisonHtml(timeline, other)).filter((id) => !chosen.includes(id)),
      [`difference-${other}`, `timeline-${other}`],
    );
    assert.equal(comparisonHtml(timeline, shown[0]), comparisonHtml(timeline));
  });

  it('says the same in map, table, Markdown, CSV and terminal', () => {
    const head = timeline.layers[1]!.heads[2]!;
    const number = head.metrics['attention.entropy']!;
    const figure = differenceFigure(timeline, 'attention.entropy');
    assert.equal(figure.values[1 * 3 + 2], number.difference);
    assert.deepEqual([figure.palette, -figure.domain[0], figure.domain[1]], ['diverging', 2960, 2960]);
    const words = describeCursor(figure, { kind: 'heatmap', row: 1, column: 2 });
    assert.match(words, /^layer 1, head 2\nAttention entropy: \+2960 nats\nstep-40\.pt /);
    const row = comparisonCsv(timeline)
      .split('\r\n')
      .find((line) => line.startsWith('1,2,2,attention.entropy,'))!;
    assert.deepEqual(row.split(',').slice(4, 7).map(Number), number.values);
    for (const text of [
      comparisonHtml(timeline),
      comparisonMarkdown('comparison', timeline)[0]!.content as string,
      comparisonTable(timeline),
    ]) {
      assert.ok(text.includes(signed(number.difference)) && text.includes(formatNumber(number.values[0])));
    }
    assert.match(comparisonTable(timeline), /^step-40\.pt → step-3000\.pt, 3 runs\n/);
  });

  it('says that nothing has changed, where nothing has', () => {
    const same = compareResults([sourceOf(a), sourceOf(changed(a, 'copy.pt', (head) => head))], 'index');
    for (const text of [comparisonHtml(same), comparisonTable(same)])
      assert.ok(text.includes('No number of any head has changed.'));
    assert.ok(!comparisonTable(pair).includes('has changed.'));
  });

  it('shows every map as a picture beside the Markdown', () => {
    const [text, ...pictures] = comparisonMarkdown('comparison', timeline);
    assert.equal(pictures.length, 2 * shownMetricIds(timeline).length);
    for (const { name } of pictures) assert.ok((text!.content as string).includes(encodeURI(name)), name);
  });

  it('draws timelines a row a head, and one head over its steps', () => {
    const figure = timelineFigure(timeline, 'attention.entropy');
    assert.deepEqual([figure.rows, figure.columns, figure.columnLabels], [6, 3, ['40', '200', '3000']]);
    const line = headTimeline(timeline, 'alignment.theory.overlap', 1, 2);
    assert.deepEqual(line.series[0]!.x, [40, 200, 3000]);
    assert.deepEqual(
      line.series.map(({ role }) => role),
      ['data', 'chance'],
    );
    assert.equal(figure.values[5 * 3 + 1], timeline.layers[1]!.heads[2]!.metrics['attention.entropy']!.values[1]);
  });

  fullIt('stays below 10 MB for 32 x 32 heads', () => {
    const large = exampleResult({ layers: 32, heads: 32, name: 'a' });
    const other = changed(large, 'b', (head) => ({ ...head, rpc: null }));
    assert.ok(comparisonHtml(compareResults([sourceOf(large), sourceOf(other)], 'permutation')).length < 10e6);
  });
});
