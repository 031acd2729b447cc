import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { describeCursor } from '../../../webview/charts/cursor';
import type { HeatmapFigure } from '../../../src/report/figures/figure';
import type { HeadResult } from '../../../src/diagnostics/headResult';
import { MeanResult } from '../../../src/inspection/overInputs/meanResult';
import { headFilters } from '../../../src/report/figures/headFilters';
import { headNumbers } from '../../../src/report/figures/headNumbers';
import { headFigures } from '../../../src/report/figures/headFigures';
import { metricDomain } from '../../../src/report/figures/headMetric';
import { availableMetrics, defaultMetricId, headMetrics, metricById } from '../../../src/report/figures/metrics';
import { overviewFigure, overviewFigures, overviewMetricIds } from '../../../src/report/figures/overviewFigures';
import { rolloutFigures } from '../../../src/report/figures/rolloutFigures';
import { colourScale, headPictures, scaleNote } from '../../../src/report/figures/patternCells';
import { createRandom } from '../../../src/diagnostics/random';
import { shrinkHeatmap } from '../../../src/report/figures/shrinkHeatmap';
import { formatInterval, formatNumber, formatP, median, verdictText } from '../../../src/report/format';
import { heatmapFigure } from '../charts/figures';
import { exampleDetail, exampleResult } from './exampleResult';

const result = exampleResult({ layers: 2, heads: 3 });
const head = result.layers[1]!.heads[2]!;
const context = { layer: 1, tokens: 50, prefixTokens: 1, headDim: 16, grid: [7, 7], trainedWith: 'softmax' } as const;

describe('report metrics', () => {
  it('have unique ids and every id of the overview exists', () => {
    const ids = headMetrics.map((metric) => metric.id);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of [...overviewMetricIds, defaultMetricId]) assert.ok(ids.includes(id), id);
    assert.equal(metricById('gone').id, defaultMetricId);
  });

  it('diverge only where zero means something', () => {
    const diverging = headMetrics.filter((metric) => metric.palette === 'diverging');
    for (const metric of diverging) {
      assert.match(metric.id, /difference$|Z$|logRatio$/);
      assert.equal(metric.domain.kind, 'symmetric');
    }
  });

  it('say the number, its chance level, p and the verdict', () => {
    const text = metricById('alignment.theory.overlap').describe(head);
    assert.ok(
      text.includes(`${formatNumber(head.alignment.theory.overlap)}; chance level ${formatNumber(16 / 49)}`),
      text,
    );
    for (const part of ['permuted tokens: mean', ', p ', 'random V', 'rank ', 'verdict: '])
      assert.ok(text.includes(part), text);
    const noise = metricById('noise.key_gauss.difference').describe(head);
    for (const part of ['±', 'verdict: ', 'clean gap', 'dispersion']) assert.ok(noise.includes(part), noise);
  });

  it('say the same of a head without the lists that only its own page draws', () => {
    const one = exampleResult({ layers: 2, heads: 3, headDim: 64 });
    const turned = (by: number): typeof one => ({
      ...one,
      layers: one.layers.map((layer) => ({
        ...layer,
        heads: layer.heads.map((_, index) => ({ ...layer.heads[(index + by) % 3]!, index, kvHead: index })),
      })),
    });
    const mean = new MeanResult();
    for (let by = 0; by < 3; by++) mean.add(turned(by));
    const heads = [...one.layers, ...mean.result().layers].flatMap((layer) => layer.heads);
    const filters = headFilters(heads);
    const said = (of: HeadResult): unknown => [
      verdictText(of),
      filters.map((filter) => filter.matches(of)),
      headMetrics.map((m) => [m.id, m.value(of), m.text(of), m.chance(of), m.band(of), m.describe(of)]),
    ];
    const length = (all: readonly HeadResult[]): number => JSON.stringify(all).length;
    for (const whole of heads) assert.deepEqual(said(headNumbers(whole)), said(whole));
    assert.deepEqual(
      headFilters(heads.map(headNumbers)).map(({ id }) => id),
      filters.map(({ id }) => id),
    );
    assert.ok(length(heads.map(headNumbers)) < 0.2 * length(heads));
  });

  it('are null, not 0, where nothing was measured', () => {
    const bare = { ...head, rpc: null, noise: [] };
    assert.equal(metricById('rpc.cleanGap').value(bare), null);
    assert.equal(metricById('noise.key_gauss.rpc').value(bare), null);
    assert.match(metricById('rpc.cleanGap').describe(bare), /not measured/);
    assert.ok(!availableMetrics([bare]).some((metric) => metric.group === 'Noise' || metric.group === 'RPC'));
  });

  it('give colour scales that are never empty', () => {
    assert.deepEqual(metricDomain({ kind: 'data' }, []), [0, 1]);
    assert.deepEqual(metricDomain({ kind: 'symmetric' }, [-3, 1, null]), [-3, 3]);
    const [low, high] = metricDomain({ kind: 'data' }, [2, 2]);
    assert.ok(low < 2 && high > 2);
  });
});

describe('report figures of a head', () => {
  const figures = headFigures(head, context, headPictures(exampleDetail(result, 1, 2)));
  const byId = new Map(figures.map((figure) => [figure.id, figure]));

  it('are all there, each with meaning, caution and formula', () => {
    assert.deepEqual(
      [...byId.keys()],
      [
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
        'angles-theory',
        'angles-plain',
        'gamma-residual',
        'gamma-pairs',
        'rpc',
        'noise-token_gauss',
        'noise-key_gauss',
        'noise-key_sparse',
      ],
    );
    for (const figure of figures) {
      for (const text of [figure.title, figure.shows, figure.caution, figure.formula])
        assert.ok(text.length > 3, figure.id);
      assert.ok(!`${figure.shows}${figure.caution}`.includes('NaN'), figure.id);
    }
  });

  it('put the row of the class token on the patch grid, where there are both', () => {
    const detail = exampleDetail(result, 1, 2);
    const map = byId.get('class-map');
    assert.ok(map?.kind === 'heatmap');
    assert.deepEqual([map.rows, map.columns, [...map.values]], [7, 7, [...detail.softmaxPattern.slice(1, 50)]]);
    for (const other of [{ grid: [0, 0] }, { prefixTokens: 0 }, { grid: [6, 7] }] as const)
      assert.ok(
        !headFigures(head, { ...context, ...other }, headPictures(detail)).some((figure) => figure.id === 'class-map'),
      );
  });

  it('share the colour scale of both patterns and centre the difference at 0', () => {
    const [softmax, rpc, difference] = figures;
    assert.ok(softmax?.kind === 'heatmap' && rpc?.kind === 'heatmap' && difference?.kind === 'heatmap');
    assert.deepEqual(softmax.domain, rpc.domain);
    assert.equal(difference.palette, 'diverging');
    assert.equal(difference.domain[0], -difference.domain[1]);
    assert.match(softmax.shows, /largest is/);
  });

  it('show q, k, v, output and scores in pairs of one scale, 0 in the middle', () => {
    const detail = exampleDetail(result, 1, 2);
    const { q, out, scores } = detail.tensors!;
    const heatmap = (id: string, of = byId): HeatmapFigure => {
      const figure = of.get(id);
      assert.ok(figure?.kind === 'heatmap', id);
      return figure;
    };
    const shown = (['q', 'k', 'v', 'out'] as const).map((name) => heatmap(`tensor-${name}`));
    assert.deepEqual([shown[0]!.values, shown[3]!.values, heatmap('pattern-scores').values], [q, out, scores]);
    assert.deepEqual([shown[0]!.domain, shown[2]!.domain], [shown[1]!.domain, shown[3]!.domain]);
    for (const { domain, palette, rows, columns } of shown)
      assert.deepEqual([-domain[0], palette, rows, columns], [domain[1], 'diverging', 50, 16]);
    const bare = { ...detail, tensors: { ...detail.tensors!, q: null, out: null, scores: null } };
    const ids = headFigures(head, context, headPictures(bare)).map(({ id }) => id);
    assert.deepEqual(
      ids.filter((id) => /^(tensor|pattern-scores)/.test(id)),
      ['tensor-k', 'tensor-v'],
    );
    const masked = { ...detail, rule: { causal: true, window: null, scale: null } };
    const later = new Map(headFigures(head, context, headPictures(masked)).map((figure) => [figure.id, figure]));
    assert.ok(Number.isNaN(heatmap('pattern-scores', later).values[1]!));
  });

  it('end a colour scale at the very quantile that sorting gives, where one cell stands far above', () => {
    const values = Float32Array.from(createRandom('scale').normals(4001), (z) => (z > 2.5 ? NaN : z));
    values[17] = -1e6;
    const sorted = values
      .filter((value) => !Number.isNaN(value))
      .map(Math.abs)
      .sort();
    const scale = colourScale(values);
    assert.equal(scale.end, sorted[Math.floor(0.995 * (sorted.length - 1))]);
    assert.match(scaleNote(scale), /the largest is 1e6/);
    assert.deepEqual(colourScale(new Float32Array(5).fill(NaN)), { end: 1, most: 1 });
    assert.equal(colourScale(Float32Array.of(2, -3, 2.5)).end, 3);
  });

  it('start noise curves at level 0: no deviation, or the clean gap against clean softmax', () => {
    const figure = byId.get('noise-token_gauss');
    assert.ok(figure?.kind === 'lines');
    assert.deepEqual(
      figure.series.map((series) => [series.x[0], series.y[0]]),
      [
        [0, 0],
        [0, 0],
        [0, head.rpc?.cleanGap],
      ],
    );
    assert.match(figure.shows, /Clean gap .* dispersion softmax/);
    assert.match(figure.caution, /what-if/);
    const trained = headFigures(head, { ...context, trainedWith: 'rpc' }, null).find(
      (one) => one.id === 'noise-token_gauss',
    );
    assert.doesNotMatch(trained?.caution ?? '', /what-if/);
  });

  it('leave out what was not measured', () => {
    const bare = exampleResult({ layers: 1, heads: 1, rpc: false }).layers[0]!.heads[0]!;
    const ids = headFigures(bare, context, null).map((figure) => figure.id);
    assert.ok(!ids.includes('rpc') && !ids.includes('pattern-softmax') && ids.includes('noise-key_gauss'));
  });

  it('fill the overview cell by cell', () => {
    const figure = overviewFigure(metricById(defaultMetricId), [{ index: 1, heads: [head] }], { layers: 2, heads: 3 });
    assert.equal(figure.values[5], head.alignment.theory.overlap);
    assert.equal([...figure.values].filter(Number.isNaN).length, 5);
    assert.equal(overviewFigures(result.layers, { layers: 2, heads: 3 }).length, overviewMetricIds.length);
    assert.equal(overviewFigures([], { layers: 2, heads: 3 }).length, 0);
  });

  it('shrink big patterns by block means', () => {
    const values = Float64Array.of(0, 1, 2, 3, 4, 5, 6, 7, Number.NaN);
    const small = shrinkHeatmap(heatmapFigure(3, 3, { values }), 2);
    assert.deepEqual([...small.values], [(0 + 1 + 3 + 4) / 4, (2 + 5) / 2, (6 + 7) / 2, Number.NaN]);
    assert.deepEqual(small.rowLabels, ['0', '2']);
    const tall = shrinkHeatmap(heatmapFigure(4, 2, { values: Float64Array.from({ length: 8 }, (_, i) => i) }), 2);
    assert.deepEqual([tall.rows, tall.columns, [...tall.values]], [2, 2, [1, 2, 5, 6]]);
    assert.match(tall.title, /means of 2 x 1 cells/);
    const same = heatmapFigure(3, 3);
    assert.equal(shrinkHeatmap(same, 3), same);
  });
});

describe('report number formats', () => {
  it('are short, tidy and never NaN', () => {
    assert.equal(formatNumber(0.123456), '0.123');
    assert.equal(formatNumber(1234.5), '1235');
    assert.equal(formatNumber(1.5e-9), '1.5e-9');
    assert.equal(formatNumber(4), '4');
    assert.equal(formatNumber(Number.NaN), 'not measured');
    assert.equal(formatInterval(0.41234, 0.0234), '0.412 ± 0.023');
    assert.equal(formatInterval(0.41234, null), '0.412');
    assert.equal(formatP(1 / 201, 200), '≤ 0.0050');
    assert.equal(formatP(0.3, 200), '0.30');
    assert.equal(median([3, null, 1]), 2);
    assert.equal(median([null]), null);
  });
});

describe('report figures of attention rollout', () => {
  const weights = Array.from({ length: 50 }, (_, i) => (i === 0 ? 0.51 : 0.01));
  const layer = { effectiveTokens: 30, uniformEffectiveTokens: 40 };
  const rollout = {
    from: 'the token that the output is read from (token 0)',
    firstLayer: 0,
    layers: [
      { ...layer, index: 0, weights },
      { ...layer, index: 1, effectiveTokens: 20, weights: [...weights].reverse() },
    ],
  };
  const figures = rolloutFigures({ ...result, rollout });

  it('show how many tokens beside uniform attention, where they are, and every layer', () => {
    assert.deepEqual(
      figures.map(({ id }) => id),
      ['rollout-spread', 'rollout-map', 'rollout-layers'],
    );
    const [spread, map, layers] = figures;
    assert.ok(spread?.kind === 'lines' && map?.kind === 'heatmap' && layers?.kind === 'heatmap');
    assert.deepEqual(
      spread.series.map(({ name, y }) => [name, y]),
      [
        ['this model', [30, 20]],
        ['uniform attention', [40, 40]],
      ],
    );
    assert.match(spread.shows, /; 20 behind layer 1, 40 with uniform attention/);
    assert.deepEqual([map.rows, map.columns, map.values.length, map.values[48]], [7, 7, 49, 0.51]);
    assert.match(map.shows, /0\.0100 of it comes from tokens that are no patches\. Equal shares would be 0\.0200/);
    assert.deepEqual(
      [layers.rows, layers.columns, layers.values[1], layers.values[98]],
      [2, 50, Math.fround(0.01), Math.fround(0.01)],
    );
    for (const { caution, formula } of figures) assert.ok(caution !== '' && formula.includes('2005.00928'));
  });

  it('are left out where there is nothing to show', () => {
    assert.deepEqual(rolloutFigures(result), []);
    const last = rollout.layers[1]!;
    const oneRow = { ...rollout, layers: [{ ...layer, index: 0 }, last] };
    const ids = rolloutFigures({ ...result, rollout: oneRow }).map(({ id }) => id);
    assert.deepEqual(ids, ['rollout-spread', 'rollout-map']);
  });
});

describe('report figures of causal models', () => {
  const prefix = { gram: 'prefix-16', gramKeys: { from: 8, to: 16 }, keys: 'pre-rope' } as const;
  const labelled = { ...head, spectrum: { ...head.spectrum, ...prefix } };
  const usesKeys = /^(spectrum|angles|gamma)/;

  it('say which Gram matrix they show, in title and words, and only those that use one', () => {
    const figures = headFigures(labelled, context, null);
    assert.equal(figures.filter(({ id }) => usesKeys.test(id)).length, 5);
    for (const figure of figures) {
      const named = figure.title.endsWith(', prefix-16, pre-RoPE keys');
      assert.equal(named, usesKeys.test(figure.id), figure.title);
      assert.equal(figure.shows.includes('keys 8 to 15, which are those that query 15 sees'), named, figure.shows);
    }
    assert.ok(headFigures(head, context, null).every(({ title }) => !title.includes('RoPE')));
  });

  it('say that keys were standardised, in every kind of model', () => {
    const standard = { ...head, spectrum: { ...head.spectrum, standardised: true } } as const;
    for (const { id, title, shows } of headFigures(standard, context, null)) {
      assert.equal(title.endsWith(', standardised keys'), usesKeys.test(id), title);
      assert.equal(shows.includes('(k - mean)/(sd + 1e-8), which the model itself does not do'), usesKeys.test(id));
    }
  });

  it('say it in the overview, whose projection loss is of no Gram matrix', () => {
    const layers = [{ index: 0, heads: [labelled] }];
    const title = (id: string): string => overviewFigure(metricById(id), layers, { layers: 1, heads: 3 }).title;
    assert.equal(title('alignment.theory.overlap'), 'Alignment overlap (theory), prefix-16, pre-RoPE keys');
    assert.equal(title('projection.besselViolation'), 'Bessel violation');
    assert.equal(title('attention.entropy'), 'Attention entropy');
  });

  it('leave masked cells of a pattern empty instead of drawing them as 0', () => {
    const tokens = 4;
    const rule = { causal: true, window: 2, scale: null };
    const softmaxPattern = Float32Array.from({ length: 16 }, (_, cell) => (cell % 4 <= cell / 4 ? 0.5 : 0));
    const detail = { layer: 1, head: 2, tokens, rule, softmaxPattern, rpcPattern: softmaxPattern };
    const patterns = headFigures(head, { ...context, tokens, prefixTokens: 0 }, headPictures(detail)).slice(0, 3);
    for (const figure of patterns) {
      assert.ok(figure.kind === 'heatmap');
      const seen = Array.from(figure.values, (value) => (Number.isNaN(value) ? ' ' : 'x')).join('');
      assert.equal(seen, 'x   ' + 'xx  ' + ' xx ' + '  xx', figure.id);
      assert.equal(describeCursor(figure, { kind: 'heatmap', row: 0, column: 3 }).split(': ')[1], 'masked');
    }
    assert.match(patterns[0]!.shows, /a query sees no later key, and the last 2 keys only\.$/);
    assert.ok(!patterns[0]!.shows.includes('class token'));
  });
});
