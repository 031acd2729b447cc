// Zooming into a heatmap: which cells are on show, what a pixel stands for, and where ticks and cursor are.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  hasCell,
  isWhole,
  wholeWindow,
  windowBetween,
  windowIn,
  windowWith,
  zoomAround,
} from '../../../webview/charts/cellWindow';
import type { CellWindow } from '../../../webview/charts/cellWindow';
import { cursorPosition, hitTest, nearestCell, rowMarks } from '../../../webview/charts/cursor';
import { drawHeatmap } from '../../../webview/charts/drawHeatmap';
import { layoutHeatmap } from '../../../webview/charts/heatmapLayout';
import { CellPooling, poolingWords } from '../../../webview/charts/poolCells';
import { reportTheme } from '../../../webview/charts/theme';
import { heatmapFigure } from './figures';

const size = { width: 420, height: 400 };
const figure = heatmapFigure(100, 60);
const window: CellWindow = { row: 40, column: 10, rows: 20, columns: 30 };

function pooled(...[of, part, most]: ConstructorParameters<typeof CellPooling>): CellPooling {
  const pooling = new CellPooling(of, part, most);
  while (pooling.step());
  return pooling;
}

describe('charts zoom', () => {
  it('goes nearer and farther around a cell, inside the figure, and never under two cells', () => {
    const near = zoomAround(wholeWindow(figure), figure, { row: 50, column: 0 }, 0.5);
    assert.deepEqual(near, { row: 25, column: 0, rows: 50, columns: 30 });
    assert.ok(isWhole(zoomAround(near, figure, { row: 25, column: 0 }, 2), figure));
    let window = near;
    for (let i = 0; i < 10; i++) window = zoomAround(window, figure, { row: 99, column: 59 }, 0.5);
    assert.deepEqual([window.rows, window.columns], [2, 2]);
    assert.ok(hasCell(zoomAround(near, figure, { row: 33, column: 7 }, 0.5), { row: 33, column: 7 }));
  });

  it('takes rows, columns or both of a drag in any direction', () => {
    const [from, to] = [
      { row: 55, column: 30 },
      { row: 45, column: 12 },
    ];
    const rows = windowBetween(window, from, to, { rows: true, columns: false });
    assert.deepEqual(rows, { row: 45, rows: 11, column: 10, columns: 30 });
    const columns = windowBetween(window, from, to, { rows: false, columns: true });
    assert.deepEqual(columns, { row: 40, rows: 20, column: 12, columns: 19 });
  });

  it('follows a cursor that walks out of it, and is dropped by a figure that it does not fit', () => {
    assert.deepEqual(windowWith(window, { row: 60, column: 9 }), { ...window, row: 41, column: 9 });
    assert.equal(windowIn(figure, window), window);
    assert.deepEqual(windowIn(heatmapFigure(50, 50), window), { row: 0, column: 0, rows: 50, columns: 50 });
  });

  it('keeps the plot and puts ticks, pointer and cursor where the cells are', () => {
    const whole = layoutHeatmap(figure, size);
    const layout = layoutHeatmap(figure, size, window);
    assert.deepEqual(layout.plot, whole.plot);
    const ticks = layout.rowTicks.map(({ value }) => value);
    assert.ok(ticks.length > 1 && ticks.every((value) => value >= 40 && value < 60), ticks.join());
    const labelled = heatmapFigure(100, 60, { rowLabels: Array.from({ length: 100 }, (_, i) => `t${i}`) });
    for (const { value, text } of layoutHeatmap(labelled, size, window).rowTicks) assert.equal(text, `t${value}`);
    for (const cursor of [
      { kind: 'heatmap', row: 40, column: 10 },
      { kind: 'heatmap', row: 59, column: 39 },
    ] as const) {
      const { x, y } = cursorPosition(figure, size, cursor, window);
      assert.deepEqual(hitTest(figure, size, x, y, window)?.cursor, cursor);
    }
    assert.deepEqual(nearestCell(figure, size, 1e4, -5, window), { kind: 'heatmap', row: 40, column: 39 });
    assert.equal(rowMarks(figure, size, [39, 60], reportTheme, window), '', 'rows out of sight have no frame');
    assert.match(rowMarks(figure, size, [45], reportTheme, window), /<rect/);
    const { svg } = drawHeatmap(figure, size, reportTheme, window);
    assert.ok(svg.includes(`>${ticks[0]!}<`), 'the first tick is drawn');
  });

  it('shows under each pixel the largest cell, or the one furthest from 0, and says of how many', () => {
    const values = new Float32Array(64).fill(0.1);
    values[3 * 8 + 5] = 0.9;
    values[7 * 8 + 7] = Number.NaN;
    values[7 * 8 + 6] = values[6 * 8 + 6] = values[6 * 8 + 7] = Number.NaN;
    const cells = heatmapFigure(8, 8, { values });
    const quarter = pooled(cells, wholeWindow(cells), [4, 4]);
    const low = 1 + Math.round(254 * 0.1);
    const expected = Array<number>(16).fill(low);
    expected[1 * 4 + 2] = 1 + Math.round(254 * 0.9);
    expected[15] = 0;
    assert.deepEqual([...quarter.indexes], expected);
    assert.equal(poolingWords(cells, quarter.block), 'Each pixel is the largest of 2 × 2 cells.');
    const signed = heatmapFigure(1, 4, {
      values: Float32Array.of(0.2, -0.8, Number.NaN, 0.4),
      palette: 'diverging',
      domain: [-1, 1],
    });
    const halves = pooled(signed, wholeWindow(signed), [1, 2]);
    assert.deepEqual([...halves.indexes], [1 + Math.round(127 - 127 * 0.8), 1 + Math.round(127 + 127 * 0.4)]);
    assert.equal(poolingWords(signed, halves.block), 'Each pixel is the furthest from 0 of 1 × 2 cells.');
    assert.equal(poolingWords(signed, pooled(signed, wholeWindow(signed), [9, 9]).block), '');
  });

  it('misses no cell where pixels and cells do not divide, and paints bands until the last row', () => {
    const cells = heatmapFigure(2300, 700, { values: new Float32Array(2300 * 700) });
    const spots = [0, 699, 1150 * 700 + 351, 2299 * 700, 2300 * 700 - 1];
    for (const spot of spots) cells.values[spot] = 1;
    const pooling = new CellPooling(cells, wholeWindow(cells), [301, 97]);
    assert.equal(pooling.step(), true, 'a first band');
    assert.ok(pooling.done > 0 && pooling.done < 301);
    while (pooling.step());
    assert.ok(pooling.isDone);
    for (const spot of spots) {
      const row = Math.floor((Math.floor(spot / 700) * 301) / 2300);
      const column = Math.floor(((spot % 700) * 97) / 700);
      assert.equal(pooling.indexes[row * 97 + column], 255, `cell ${spot}`);
    }
    const part = pooled(cells, { row: 1150, column: 350, rows: 2, columns: 3 }, [301, 97]);
    assert.deepEqual([...part.indexes], [1, 255, 1, 1, 1, 1]);
  });
});
