import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  cursorMark,
  cursorPosition,
  describeCursor,
  firstCursor,
  hitTest,
  moveCursor,
  type Cursor,
} from '../../../webview/charts/cursor';
import { drawHeatmap } from '../../../webview/charts/drawHeatmap';
import { reportTheme } from '../../../webview/charts/theme';
import { heatmapFigure, lineFigure } from './figures';
import { parseXml } from './xml';

const size = { width: 420, height: 300 };

describe('charts pointer and keyboard', () => {
  it('find the cell under the pointer and nothing outside', () => {
    const figure = heatmapFigure(3, 4, { cellNote: (cell) => `note ${cell}` });
    const { plot } = drawHeatmap(figure, size, reportTheme);
    const hit = hitTest(figure, size, plot.x + plot.width * 0.6, plot.y + plot.height * 0.5);
    assert.deepEqual(hit?.cursor, { kind: 'heatmap', row: 1, column: 2 });
    assert.equal(hit.text, 'layer 1, head 2\nnote 6');
    assert.equal(hitTest(figure, size, plot.x - 1, plot.y + 1), null);
    assert.equal(hitTest(figure, size, plot.x + plot.width + 1, plot.y + 1), null);
  });

  it('find the nearest point of a line figure, and come back to it from its own position', () => {
    const figure = lineFigure();
    for (const [series, one] of figure.series.entries()) {
      for (const [index, y] of one.y.entries()) {
        if (y === null || index === 0) continue;
        const { x, y: py } = cursorPosition(figure, size, { kind: 'lines', series, index });
        assert.deepEqual(hitTest(figure, size, x, py)?.cursor, { kind: 'lines', series, index });
      }
    }
    assert.equal(hitTest(figure, size, 2, 2), null);
  });

  it('say series, both numbers and the interval', () => {
    const text = describeCursor(lineFigure(), { kind: 'lines', series: 0, index: 1 });
    assert.equal(text, 'softmax\nnoise level 1 x rms\ndeviation 1 relative (0.5 to 1.5)');
    const missing = heatmapFigure(1, 1, { values: Float64Array.of(Number.NaN) });
    assert.match(describeCursor(missing, { kind: 'heatmap', row: 0, column: 0 }), /not measured/);
  });

  it('move by keys, stay inside, skip gaps, leave other keys alone', () => {
    const heat = heatmapFigure(3, 4);
    const walk = (keys: readonly string[], figure: Parameters<typeof moveCursor>[0]): Cursor | null =>
      keys.reduce<Cursor | null>((cursor, key) => moveCursor(figure, cursor, key) ?? null, null);
    assert.deepEqual(walk(['ArrowDown'], heat), { kind: 'heatmap', row: 0, column: 0 });
    assert.deepEqual(walk(['Home', 'ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowLeft'], heat), {
      kind: 'heatmap',
      row: 1,
      column: 0,
    });
    assert.deepEqual(walk(['Home', 'End', 'PageDown', 'ArrowDown'], heat), { kind: 'heatmap', row: 2, column: 3 });
    assert.equal(walk(['Home', 'Escape'], heat), null);
    assert.equal(moveCursor(heat, null, 'a'), undefined);
    assert.equal(moveCursor(heat, null, 'Tab'), undefined);
    const lines = lineFigure();
    const onRpc = walk(['Home', 'ArrowDown', 'ArrowRight'], lines);
    assert.deepEqual(onRpc, { kind: 'lines', series: 1, index: 1 });
    assert.deepEqual(moveCursor(lines, onRpc, 'ArrowRight'), { kind: 'lines', series: 1, index: 3 }, 'index 2 is null');
    assert.deepEqual(moveCursor(lines, onRpc, 'ArrowUp'), { kind: 'lines', series: 0, index: 1 });
    assert.equal(firstCursor(lineFigure({ series: [] })), null);
  });

  it('mark the cursor in an SVG of its own', () => {
    for (const [figure, cursor] of [
      [heatmapFigure(100, 100), { kind: 'heatmap', row: 99, column: 99 }],
      [lineFigure(), { kind: 'lines', series: 0, index: 2 }],
    ] as const) {
      const elements = parseXml(cursorMark(figure, size, cursor, reportTheme));
      assert.ok(elements.some((element) => element.attributes.get('stroke') === reportTheme.focus));
      assert.ok(!elements.some((element) => element.attributes.has('style')));
    }
  });
});
