// Zooming into a heatmap: which cells are on show, what a pixel stands for, and where ticks and cursor are.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { HeatmapFigure } from '../../../src/report/figures/figure';
import { createRandom } from '../../../src/diagnostics/random';
import { coarserCells } from '../../../src/report/figures/coarserCells';
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
import { CellPooling, poolingWords, quickPooling } from '../../../webview/charts/poolCells';
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

  it('says with a bar how long so many cells are, where a cell is less than a pixel', () => {
    const many = heatmapFigure(4096, 4096, { values: new Float32Array(0) });
    const barOf = (of: HeatmapFigure, part?: CellWindow): { cells: number; pixels: number } | null => {
      const { svg } = drawHeatmap(of, { width: 560, height: 480 }, reportTheme, part);
      const words = />(\d+) cells</.exec(svg);
      const path = /d="M([\d.]+) [\d.]+v6m0 -3H([\d.]+)m0 -3v6"/.exec(svg);
      return words === null || path === null
        ? null
        : { cells: Number(words[1]), pixels: Number(path[2]) - Number(path[1]) };
    };
    const { plot, cellWidth } = layoutHeatmap(many, { width: 560, height: 480 });
    const whole = barOf(many)!;
    assert.equal(whole.cells, 500);
    assert.ok(Math.abs(whole.pixels - 500 * cellWidth) < 0.1, `${whole.pixels} pixels`);
    const half = barOf(many, { row: 0, column: 1024, rows: 2048, columns: 2048 })!;
    assert.equal(half.cells, 200);
    assert.ok(Math.abs(half.pixels - (200 * plot.width) / 2048) < 0.1, `${half.pixels} pixels`);
    assert.equal(barOf(many, { row: 0, column: 0, rows: 64, columns: 64 }), null, 'cells as large as pixels need none');
    assert.equal(barOf(figure), null);
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

  it('shows millions of cells at once from coarser ones, and misses none of them either', () => {
    const [rows, columns] = [1531, 1403];
    for (const palette of ['sequential', 'diverging'] as const) {
      const values = Float32Array.from(createRandom(palette).normals(rows * columns), (z, i) => (i % 7 < 3 ? NaN : z));
      values.fill(NaN, 0, 40 * columns);
      const cells = heatmapFigure(rows, columns, {
        values,
        palette,
        domain: palette === 'diverging' ? [-3, 3] : [0, 3],
      });
      const coarser = coarserCells(values, rows, columns, palette);
      assert.deepEqual(
        coarser.map((level) => [level.side, level.rows, level.columns]),
        [
          [2, 766, 702],
          [4, 383, 351],
          [8, 192, 176],
        ],
      );
      for (const level of coarser) {
        for (const [row, column] of [
          [0, 0],
          [level.rows - 1, level.columns - 1],
          [level.rows >> 1, level.columns >> 2],
        ] as const) {
          const block: number[] = [];
          for (let i = row * level.side; i < Math.min(rows, (row + 1) * level.side); i++)
            block.push(
              ...values.subarray(
                i * columns + column * level.side,
                i * columns + Math.min(columns, (column + 1) * level.side),
              ),
            );
          const numbers = block.filter((one) => !Number.isNaN(one));
          const size = palette === 'diverging' ? Math.abs : Number;
          const best = numbers.reduce((most, one) => (size(one) > size(most) ? one : most), numbers[0] ?? NaN);
          assert.equal(level.values[row * level.columns + column], best, `${palette} ${level.side} ${row} ${column}`);
        }
      }
      const window = { row: 5, column: 3, rows: 1500, columns: 1300 };
      const quick = quickPooling({ ...cells, coarser }, window)!;
      const exact = pooled(cells, window, [375, 325]);
      assert.deepEqual([quick.isDone, quick.width, quick.height], [true, 325, 375]);
      // A coarse pixel sees all of its own cells, and beyond them no farther than the pixels around it.
      const reach = (index: number): number => (palette === 'diverging' ? Math.abs(index - 128) : index);
      for (let row = 1; row < exact.height - 1; row++) {
        for (let column = 1; column < exact.width - 1; column++) {
          const at = row * exact.width + column;
          const around = [-1, 0, 1].flatMap((up) =>
            [-1, 0, 1].map((left) => exact.indexes[at + up * exact.width + left]!),
          );
          const most = Math.max(...around.map((index) => (index === 0 ? 0 : reach(index))));
          const [own, coarse] = [exact.indexes[at]!, quick.indexes[at]!];
          assert.ok(own === 0 || reach(coarse) >= reach(own), `pixel ${row}, ${column} misses a cell`);
          assert.ok(coarse === 0 || reach(coarse) <= most, `pixel ${row}, ${column} shows a cell from afar`);
        }
      }
    }
    const few = heatmapFigure(1000, 1000, { values: new Float32Array(1e6) });
    assert.deepEqual(coarserCells(new Float32Array(1e6), 1000, 1000, 'sequential'), []);
    assert.equal(quickPooling(few, wholeWindow(few)), null, 'a million cells are painted as they are');
  });
});
