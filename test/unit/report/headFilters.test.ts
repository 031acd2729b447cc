// Filters and rankings of heads, as the overview of the inspector offers them.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { HeadResult } from '../../../src/diagnostics/headResult';
import type { LayerResult } from '../../../src/inspection/inspectionResult';
import { allHeads, headFilters, rankHeads } from '../../../src/report/figures/headFilters';
import { metricById } from '../../../src/report/figures/metrics';
import { darkTheme } from '../../../webview/charts/theme';
import { drawHeatmap } from '../../../webview/charts/drawHeatmap';
import { heatmapFigure } from '../charts/figures';
import { parseXml } from '../charts/xml';
import { exampleResult } from './exampleResult';

const { layers } = exampleResult({ layers: 2, heads: 3 });
const overlap = metricById('alignment.theory.overlap');

/** The example's heads, each changed by its number in model order. */
function changed(change: (head: HeadResult, number: number) => HeadResult): LayerResult[] {
  return layers.map((layer) => ({
    ...layer,
    heads: layer.heads.map((head) => change(head, 3 * layer.index + head.index)),
  }));
}

const mixed = changed((head, number) => ({
  ...head,
  alignment: { ...head.alignment, verdict: number % 2 === 0 ? 'above token-shared baseline' : null },
  noise: head.noise.map((one, i) => ({
    ...one,
    verdict: i === 1 && number < 2 ? 'RPC deviates less' : 'no difference',
  })),
}));
const heads = mixed.flatMap((layer) => layer.heads);

describe('report: filters of heads', () => {
  it('are those that a head passes, each kind of noise by itself, all heads first', () => {
    const filters = headFilters(heads);
    const found = new Map(filters.map((filter) => [filter.label, heads.filter((head) => filter.matches(head)).length]));
    assert.deepEqual(
      [...found],
      [
        ['All heads', 6],
        ['Overlap above shared-token baseline', 3],
        ['No verdict on alignment yet: a null was not run', 3],
        ['RPC deviates less (Gaussian noise on keys)', 2],
        ['No difference between RPC and softmax (Gaussian noise on tokens)', 6],
        ['No difference between RPC and softmax (Gaussian noise on keys)', 4],
        ['No difference between RPC and softmax (sparse outliers in keys)', 6],
      ],
    );
    assert.equal(new Set(filters.map(({ id }) => id)).size, filters.length);
    assert.deepEqual(headFilters([]), [allHeads]);
  });

  it('rank what is left by any metric, either way round, the unmeasured last', () => {
    const above = headFilters(heads)[1]!;
    const places = (of: readonly LayerResult[], order: 'highest' | 'lowest', filter = allHeads): string[] =>
      rankHeads(of, filter, overlap, order).map(({ layer, head }) => `${layer}/${head.index}`);
    const values = rankHeads(mixed, above, overlap, 'highest').map(({ value }) => value!);
    assert.deepEqual(
      values,
      [...values].sort((a, b) => b - a),
    );
    assert.deepEqual(places(mixed, 'lowest', above), places(mixed, 'highest', above).reverse());
    const partly = changed((head, number) =>
      number === 0
        ? { ...head, alignment: { ...head.alignment, theory: { ...head.alignment.theory, overlap: null } } }
        : head,
    );
    for (const order of ['highest', 'lowest'] as const) assert.equal(places(partly, order).at(-1), '0/0');
  });

  it('dim the other cells of a map, whose numbers go', () => {
    const dimmed = [true, false, false, false];
    const draw = (change: object): ReturnType<typeof parseXml> =>
      parseXml(
        drawHeatmap(
          heatmapFigure(2, 2, { values: Float64Array.of(0.1, 0.2, 0.3, 0.4), ...change }),
          { width: 400, height: 300 },
          darkTheme,
        ).svg,
      );
    const numbers = (elements: ReturnType<typeof parseXml>): number =>
      elements.filter(({ name, text }) => name === 'text' && /^\d\.\d\d$/.test(text)).length;
    const veils = (elements: ReturnType<typeof parseXml>): number =>
      elements.filter(({ attributes }) => attributes.has('fill-opacity')).length;
    assert.deepEqual([numbers(draw({})), veils(draw({}))], [4, 0]);
    assert.deepEqual([numbers(draw({ dimmed })), veils(draw({ dimmed }))], [3, 1]);
  });
});
