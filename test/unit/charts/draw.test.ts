import assert from 'node:assert/strict';
import { decode } from 'fast-png';
import { describe, it } from 'mocha';
import type { Figure } from '../../../src/report/figures/figure';
import { headPictures } from '../../../src/report/figures/patternCells';
import { headFigures } from '../../../src/report/figures/headFigures';
import { overviewFigures } from '../../../src/report/figures/overviewFigures';
import { drawHeatmap } from '../../../webview/charts/drawHeatmap';
import { drawLines } from '../../../webview/charts/drawLines';
import { fittingHeight } from '../../../webview/charts/heatmapLayout';
import { wholeWindow } from '../../../webview/charts/cellWindow';
import { heatmapSvg, packedColours, pooledPixels, pooledPng } from '../../../webview/charts/heatmapImage';
import { CellPooling } from '../../../webview/charts/poolCells';
import { tickText } from '../../../webview/charts/scales';
import { textWidth } from '../../../webview/charts/svg';
import { darkTheme, reportTheme } from '../../../webview/charts/theme';
import { csvPieces, toCsv } from '../../../webview/charts/toCsv';
import { exampleDetail, exampleResult } from '../report/exampleResult';
import { heatmapFigure, lineFigure } from './figures';
import { parseXml, type XmlElement } from './xml';

const size = { width: 420, height: 300 };

function draw(figure: Figure, at = size): string {
  return figure.kind === 'lines' ? drawLines(figure, at, reportTheme) : heatmapSvg(figure, at, reportTheme);
}

function texts(elements: readonly XmlElement[]): string[] {
  return elements.filter((element) => element.name === 'text').map((element) => element.text);
}

/** Boxes of upright texts, by the estimate that the layout itself uses. */
function boxes(elements: readonly XmlElement[]): { text: string; x0: number; x1: number; y0: number; y1: number }[] {
  return elements
    .filter((element) => element.name === 'text' && !element.attributes.has('transform'))
    .map((element) => {
      const get = (name: string): number => Number(element.attributes.get(name));
      const width = textWidth(element.text, get('font-size'));
      const anchor = element.attributes.get('text-anchor') ?? 'start';
      const x0 = get('x') - (anchor === 'end' ? width : anchor === 'middle' ? width / 2 : 0);
      return { text: element.text, x0, x1: x0 + width, y0: get('y') - 0.75 * get('font-size'), y1: get('y') };
    });
}

function assertNoOverlap(svg: string): void {
  const all = boxes(parseXml(svg));
  for (const [index, a] of all.entries()) {
    for (const b of all.slice(index + 1)) {
      const apart = a.x1 <= b.x0 + 0.5 || b.x1 <= a.x0 + 0.5 || a.y1 <= b.y0 + 0.5 || b.y1 <= a.y0 + 0.5;
      assert.ok(apart, `"${a.text}" lies on "${b.text}"`);
    }
  }
}

const result = exampleResult({ layers: 3, heads: 4 });
const context = { layer: 1, tokens: 50, prefixTokens: 1, headDim: 16, trainedWith: 'softmax' } as const;
const everyFigure: Figure[] = [
  ...headFigures(result.layers[1]!.heads[1]!, context, headPictures(exampleDetail(result, 1, 1))),
  ...overviewFigures(result.layers, { layers: 3, heads: 5 }),
];

describe('charts draw functions', () => {
  it('write well-formed SVG without style attributes, scripts, ids or NaN, for every figure', () => {
    assert.ok(everyFigure.length >= 20, `${everyFigure.length} figures`);
    for (const figure of everyFigure) {
      for (const at of [size, { width: 300, height: 220 }, { width: 900, height: 520 }]) {
        const svg = draw(figure, at);
        const elements = parseXml(svg);
        assert.equal(elements[0]?.name, 'svg');
        for (const element of elements) {
          assert.ok(!['style', 'script', 'foreignObject'].includes(element.name), element.name);
          for (const [name, value] of element.attributes) {
            assert.ok(name !== 'style' && name !== 'id' && !name.startsWith('on'), `${figure.id}: ${name}`);
            if (name !== 'href') assert.doesNotMatch(value, /NaN|Infinity|undefined/, `${figure.id}: ${name}`);
          }
        }
        assertNoOverlap(svg);
      }
    }
  });

  it('thin out labels that would touch', () => {
    const columnLabels = Array.from({ length: 30 }, (_, index) => `token number ${index}`);
    assertNoOverlap(drawHeatmap(heatmapFigure(3, 30, { columnLabels }), size, reportTheme).svg);
    const wide = lineFigure({ x: { label: 'x', unit: '', scale: 'linear', domain: [100000, 100009] }, series: [] });
    assertNoOverlap(drawLines(wide, { width: 300, height: 220 }, reportTheme));
  });

  it('name axes with units, series and levels', () => {
    const found = texts(parseXml(drawLines(lineFigure(), size, reportTheme)));
    for (const text of ['A line figure', 'noise level [x rms]', 'deviation [relative]', 'softmax', 'RPC', 'chance']) {
      assert.ok(found.includes(text), `${text} is missing in ${found.join(' | ')}`);
    }
    const heat = texts(parseXml(drawHeatmap(heatmapFigure(3, 4), size, reportTheme).svg));
    for (const text of ['A heatmap', 'layer', 'head', 'entropy [nats]', '0', '1.0']) {
      assert.ok(heat.includes(text), `${text} is missing in ${heat.join(' | ')}`);
    }
  });

  it('leave a gap at null and show lonely values as points', () => {
    const elements = parseXml(drawLines(lineFigure(), size, reportTheme));
    const rpcLines = elements.filter(
      (element) => element.name === 'polyline' && element.attributes.get('stroke') === reportTheme.series.rpc,
    );
    assert.equal(rpcLines.length, 1, 'the run after the gap is a single point, not a line');
    assert.equal(rpcLines[0]?.attributes.get('points')?.split(' ').length, 2);
    const single = lineFigure({
      series: [{ name: 'one', role: 'softmax', x: [1], y: [2], draw: 'line' }],
      levels: [],
    });
    const drawn = parseXml(drawLines(single, size, reportTheme));
    assert.equal(drawn.filter((element) => element.name === 'circle').length, 1);
    assert.equal(drawn.filter((element) => element.name === 'polyline').length, 0);
  });

  it('draw log axes by decades and leave values without a logarithm out', () => {
    const log = lineFigure({
      y: { label: 'eigenvalue', unit: '', scale: 'log10' },
      series: [{ name: 'w', role: 'data', x: [1, 2, 3, 4], y: [1, 1e-5, 0, 1e-10], draw: 'line+points' }],
      levels: [],
    });
    const elements = parseXml(drawLines(log, size, reportTheme));
    assert.ok(texts(elements).some((text) => /^10⁻[⁰¹²³⁴⁵⁶⁷⁸⁹]+$/u.test(text)));
    // Three values and the legend's sample; 0 has no place on the axis.
    assert.equal(elements.filter((element) => element.name === 'circle').length, 4);
  });

  it('draw empty figures: no series, no values, all null', () => {
    for (const series of [
      [],
      [{ name: 'none', role: 'data' as const, x: [1, 2], y: [null, null], draw: 'line' as const }],
    ]) {
      parseXml(drawLines(lineFigure({ series, levels: [] }), size, reportTheme));
    }
    const empty = heatmapFigure(2, 2, { values: new Float64Array(4).fill(Number.NaN) });
    const svg = parseXml(heatmapSvg(empty, size, reportTheme));
    assert.ok(
      svg.some((element) => element.name === 'path' && (element.attributes.get('d') ?? '').includes('m0 ')),
      'crosses',
    );
  });

  it('escape hostile names', () => {
    const bad = '<script>alert("1")</script>&\u0000\u0007\'';
    const figure = lineFigure({ title: bad, x: { label: bad, unit: bad, scale: 'linear' } });
    const svg = drawLines(
      { ...figure, series: [{ ...figure.series[0]!, name: bad }] },
      { width: 900, height: 300 },
      reportTheme,
    );
    assert.ok(!svg.includes('<script'));
    assert.ok(texts(parseXml(svg)).some((text) => text.startsWith('<script>alert("1")')));
    parseXml(drawHeatmap(heatmapFigure(2, 2, { rowLabels: [bad, 'b'], title: bad }), size, reportTheme).svg);
  });

  it('place cells inside the figure, square for square patterns', () => {
    const { plot } = drawHeatmap(heatmapFigure(50, 50), size, reportTheme);
    assert.ok(plot.x >= 0 && plot.y >= 0 && plot.x + plot.width <= size.width && plot.y + plot.height <= size.height);
    assert.ok(Math.abs(plot.width - plot.height) < 1e-9);
    const height = fittingHeight(heatmapFigure(3, 4), 340, 310);
    assert.ok(height > 120 && height <= 310, String(height));
  });

  it('colour cells by value, transparent where nothing was measured, the same in PNG and canvas', () => {
    const figure = heatmapFigure(1, 3, { values: Float64Array.of(0, 1, Number.NaN) });
    const pooling = new CellPooling(figure, wholeWindow(figure), [3, 3]);
    while (pooling.step());
    for (const theme of [reportTheme, darkTheme]) {
      const { rgba } = pooledPixels(pooling, packedColours(figure, theme));
      assert.deepEqual([...rgba.slice(0, 8)], [...theme.sequential[0]!, 255, ...theme.sequential[255]!, 255]);
      assert.equal(rgba[11], 0);
    }
    const png = decode(pooledPng(figure, pooling, reportTheme));
    assert.deepEqual([png.width, png.height, png.channels], [3, 1, 1]);
    assert.deepEqual([...png.data], [1, 255, 0]);
    assert.deepEqual(png.palette?.[1]?.slice(0, 3), reportTheme.sequential[0]);
    assert.equal(png.palette?.[0]?.[3], 0);
  });

  it('format ticks tidily', () => {
    assert.equal(tickText(0.30000000000000004, 0.1), '0.3');
    assert.equal(tickText(-2, 1), '\u22122');
    assert.equal(tickText(1e-17, 0.1), '0');
    assert.equal(tickText(-0.03, 0.1), '0.0', 'no minus before a zero');
    assert.equal(tickText(2e-7, 1e-7), '2·10⁻⁷');
    assert.equal(tickText(100000, 50000), '10⁵');
  });

  it('give the numbers as CSV', () => {
    assert.equal(
      toCsv(lineFigure()),
      [
        'series,noise level [x rms],deviation [relative],low,high',
        'softmax,0,0,0,0',
        'softmax,1,1,0.5,1.5',
        'softmax,2,2,1.5,2.5',
        'softmax,3,3,2.5,3.5',
        'RPC,0,0,,',
        'RPC,1,2,,',
        'RPC,2,,,',
        'RPC,3,4,,',
        'chance,,2.2,,',
        '',
      ].join('\r\n'),
    );
    const heat = toCsv(
      heatmapFigure(1, 2, { values: Float64Array.of(0.1, Number.NaN), columnLabels: ['a,"b', '=1+1'] }),
    );
    assert.equal(heat, 'layer,head,entropy [nats]\r\n0,"a,""b",0.1\r\n0,\'=1+1,\r\n');
  });

  it('comes in pieces of few lines, which together are the whole', () => {
    const columns = 1000;
    const values = Float64Array.from({ length: 7 * columns }, (_, i) => i);
    const figure = heatmapFigure(7, columns, { values });
    const pieces = [...csvPieces(figure)];
    assert.equal(pieces.join(''), toCsv(figure));
    assert.equal(pieces.join('').split('\r\n').length, 1 + values.length + 1);
    const lines = pieces.map((piece) => piece.split('\r\n').length - 1);
    assert.deepEqual(lines, [1, 2000, 2000, 2000, 1000]);
  });
});
