// Pointer and keyboard on a figure, without a page: what is nearest, where the cursor goes, what it says, how it
// looks. Pages only wire events to these.

import * as l10n from '@vscode/l10n';
import type { Figure, HeatmapFigure, LineFigure } from '../../src/report/figures/figure';
import { notMeasured } from '../../src/report/format';
import { wholeWindow, type CellWindow } from './cellWindow';
import { layoutHeatmap } from './heatmapLayout';
import { layoutLines, type Rect } from './linesLayout';
import { element, svgRoot } from './svg';
import type { ChartTheme, Size } from './theme';

/** A datum of a figure: what the pointer is nearest to, or where the keyboard stands. */
export type Cursor = { readonly kind: 'lines'; readonly series: number; readonly index: number } | CellCursor;

/** A cell of a heatmap. */
export interface CellCursor {
  readonly kind: 'heatmap';
  readonly row: number;
  readonly column: number;
}

export interface Hit {
  readonly cursor: Cursor;
  /** Tooltip text, same as `describeCursor`; lines separated by \n. */
  readonly text: string;
  /** Anchor of the tooltip in the figure's pixels. */
  readonly x: number;
  readonly y: number;
}

/** Pixels that a pointer may be outside the plot of a line chart and still mean a point at its edge. */
const reach = 12;

function inside(rect: Rect, px: number, py: number, slack: number): boolean {
  return (
    px >= rect.x - slack &&
    px < rect.x + rect.width + slack &&
    py >= rect.y - slack &&
    py < rect.y + rect.height + slack
  );
}

/** Nearest datum to a pointer at (px, py) in the figure's pixels; null outside the plot. */
export function hitTest(figure: Figure, size: Size, px: number, py: number, window?: CellWindow): Hit | null {
  const cursor = figure.kind === 'heatmap' ? hitCell(figure, size, px, py, window) : hitPoint(figure, size, px, py);
  if (!cursor) return null;
  return { cursor, text: describeCursor(figure, cursor), ...cursorPosition(figure, size, cursor, window) };
}

function hitCell(figure: HeatmapFigure, size: Size, px: number, py: number, window?: CellWindow): CellCursor | null {
  const { plot } = layoutHeatmap(figure, size, window);
  return inside(plot, px, py, 0) ? nearestCell(figure, size, px, py, window) : null;
}

/** The cell at a point, or at the edge where the point lies outside the plot. */
export function nearestCell(
  figure: HeatmapFigure,
  size: Size,
  px: number,
  py: number,
  window: CellWindow = wholeWindow(figure),
): CellCursor {
  const { plot, cellWidth, cellHeight } = layoutHeatmap(figure, size, window);
  const clamp = (at: number, count: number): number => Math.max(0, Math.min(count - 1, Math.floor(at)));
  return {
    kind: 'heatmap',
    row: window.row + clamp((py - plot.y) / cellHeight, window.rows),
    column: window.column + clamp((px - plot.x) / cellWidth, window.columns),
  };
}

function hitPoint(figure: LineFigure, size: Size, px: number, py: number): Cursor | null {
  const layout = layoutLines(figure, size);
  if (!inside(layout.plot, px, py, reach)) return null;
  let best: Cursor | null = null;
  let bestDistance = Infinity;
  for (const [series, one] of figure.series.entries()) {
    for (const [index, value] of one.x.entries()) {
      const x = layout.x.place(value);
      const y = layout.y.place(one.y[index]);
      if (x === null || y === null) continue;
      const distance = Math.hypot(x - px, y - py);
      if (distance < bestDistance) {
        bestDistance = distance;
        best = { kind: 'lines', series, index };
      }
    }
  }
  return best;
}

/** Index of the nearest datum with a number, from `start` in steps of `step`; null when there is none that way. */
function nextKnown(values: readonly (number | null)[], start: number, step: 1 | -1): number | null {
  for (let index = start; index >= 0 && index < values.length; index += step) {
    if (values[index] !== null && values[index] !== undefined) return index;
  }
  return null;
}

/** First datum with a number; null in a figure without any. */
export function firstCursor(figure: Figure): Cursor | null {
  if (figure.kind === 'heatmap') return figure.values.length === 0 ? null : { kind: 'heatmap', row: 0, column: 0 };
  for (const [series, one] of figure.series.entries()) {
    const index = nextKnown(one.y, 0, 1);
    if (index !== null) return { kind: 'lines', series, index };
  }
  return null;
}

const ourKeys = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown', 'Escape'];

/**
 * Where the keyboard cursor goes. Keys as in KeyboardEvent.key. Heatmap: arrows move a cell, Home/End to the ends of
 * the row, PageUp/PageDown to the first/last row. Lines: left/right along the series, up/down and PageUp/PageDown to
 * the next series, Home/End to its ends. From null any of them starts at the first datum; Escape gives null.
 * `undefined`: not a key of ours, leave the event alone.
 */
export function moveCursor(figure: Figure, cursor: Cursor | null, key: string): Cursor | null | undefined {
  if (!ourKeys.includes(key)) return undefined;
  if (key === 'Escape') return null;
  if (cursor?.kind !== figure.kind) return firstCursor(figure);
  if (figure.kind === 'heatmap' && cursor.kind === 'heatmap') return moveCell(figure, cursor, key);
  if (figure.kind === 'lines' && cursor.kind === 'lines') return movePoint(figure, cursor, key);
  return cursor;
}

function moveCell(figure: HeatmapFigure, cursor: CellCursor, key: string): Cursor {
  const clamp = (value: number, count: number): number => Math.min(count - 1, Math.max(0, value));
  let { row, column } = cursor;
  if (key === 'ArrowLeft') column -= 1;
  else if (key === 'ArrowRight') column += 1;
  else if (key === 'ArrowUp') row -= 1;
  else if (key === 'ArrowDown') row += 1;
  else if (key === 'Home') column = 0;
  else if (key === 'End') column = figure.columns - 1;
  else row = key === 'PageUp' ? 0 : figure.rows - 1;
  return { kind: 'heatmap', row: clamp(row, figure.rows), column: clamp(column, figure.columns) };
}

function movePoint(figure: LineFigure, cursor: Extract<Cursor, { kind: 'lines' }>, key: string): Cursor {
  const here = figure.series[cursor.series];
  if (!here) return cursor;
  const along = (start: number, step: 1 | -1): Cursor => {
    const index = nextKnown(here.y, start, step);
    return index === null ? cursor : { ...cursor, index };
  };
  if (key === 'ArrowRight') return along(cursor.index + 1, 1);
  if (key === 'ArrowLeft') return along(cursor.index - 1, -1);
  if (key === 'Home') return along(0, 1);
  if (key === 'End') return along(here.y.length - 1, -1);
  const step = key === 'ArrowDown' || key === 'PageDown' ? 1 : -1;
  for (let hop = 1; hop < figure.series.length; hop++) {
    const series = (cursor.series + step * hop + figure.series.length * hop) % figure.series.length;
    const nearest = nearestAt(figure, series, here.x[cursor.index] ?? 0);
    if (nearest !== null) return { kind: 'lines', series, index: nearest };
  }
  return cursor;
}

/** Datum of the series whose x is closest. */
function nearestAt(figure: LineFigure, series: number, x: number): number | null {
  const one = figure.series[series];
  let best: number | null = null;
  for (const [index, value] of (one?.x ?? []).entries()) {
    if (one?.y[index] === null || one?.y[index] === undefined) continue;
    if (best === null || Math.abs(value - x) < Math.abs((one.x[best] ?? 0) - x)) best = index;
  }
  return best;
}

/** Up to five significant digits without trailing zeros. */
function shortNumber(value: number): string {
  return String(Number(value.toPrecision(Math.abs(value) >= 1 ? 5 : 4)));
}

function withUnit(axis: { readonly label: string; readonly unit: string }, value: number): string {
  return `${axis.label} ${shortNumber(value)}${axis.unit === '' ? '' : ` ${axis.unit}`}`;
}

/** The words for the live region and the tooltip; lines separated by \n. */
export function describeCursor(figure: Figure, cursor: Cursor): string {
  if (figure.kind === 'heatmap' && cursor.kind === 'heatmap') {
    const row = figure.rowLabels?.[cursor.row] ?? String(cursor.row);
    const column = figure.columnLabels?.[cursor.column] ?? String(cursor.column);
    const place = `${figure.rowAxis.label} ${row}, ${figure.columnAxis.label} ${column}`;
    const cell = cursor.row * figure.columns + cursor.column;
    const note = figure.cellNote?.(cell) ?? '';
    if (note !== '') return `${place}\n${note}`;
    const value = figure.values[cell] ?? Number.NaN;
    return `${place}\n${Number.isFinite(value) ? withUnit(figure.value, value) : `${figure.value.label}: ${figure.blank ?? notMeasured}`}`;
  }
  if (figure.kind === 'lines' && cursor.kind === 'lines') {
    const series = figure.series[cursor.series];
    const x = series?.x[cursor.index];
    const y = series?.y[cursor.index];
    if (!series || x === undefined) return figure.title;
    const low = series.low?.[cursor.index];
    const high = series.high?.[cursor.index];
    const band =
      typeof low === 'number' && typeof high === 'number'
        ? ` (${l10n.t('{0} to {1}', shortNumber(low), shortNumber(high))})`
        : '';
    const value = typeof y === 'number' ? `${withUnit(figure.y, y)}${band}` : `${figure.y.label}: ${notMeasured}`;
    return `${series.name}\n${withUnit(figure.x, x)}\n${value}`;
  }
  return figure.title;
}

/** Where the datum lies in the figure's pixels (centre of the point or cell). */
export function cursorPosition(
  figure: Figure,
  size: Size,
  cursor: Cursor,
  window?: CellWindow,
): { readonly x: number; readonly y: number } {
  if (figure.kind === 'heatmap' && cursor.kind === 'heatmap') {
    const { row, column } = window ?? wholeWindow(figure);
    const { plot, cellWidth, cellHeight } = layoutHeatmap(figure, size, window);
    return {
      x: plot.x + (cursor.column - column + 0.5) * cellWidth,
      y: plot.y + (cursor.row - row + 0.5) * cellHeight,
    };
  }
  if (figure.kind === 'lines' && cursor.kind === 'lines') {
    const layout = layoutLines(figure, size);
    const series = figure.series[cursor.series];
    return {
      x: layout.x.place(series?.x[cursor.index]) ?? layout.plot.x,
      y: layout.y.place(series?.y[cursor.index]) ?? layout.plot.y + layout.plot.height,
    };
  }
  return { x: size.width / 2, y: size.height / 2 };
}

/** An `<svg>` of the figure's size with only the mark of the cursor; lay it over the figure. */
export function cursorMark(figure: Figure, size: Size, cursor: Cursor, theme: ChartTheme, window?: CellWindow): string {
  const { x, y } = cursorPosition(figure, size, cursor, window);
  let mark: string;
  if (figure.kind === 'heatmap') {
    const { cellWidth, cellHeight } = layoutHeatmap(figure, size, window);
    // Small cells get a ring that can still be seen.
    const [width, height] = [Math.max(cellWidth, 7), Math.max(cellHeight, 7)];
    const box = { x: x - width / 2, y: y - height / 2, width, height, fill: 'none' };
    mark =
      element('rect', { ...box, stroke: theme.background, 'stroke-width': 4 }) +
      element('rect', { ...box, stroke: theme.focus, 'stroke-width': 2 });
  } else {
    const { plot } = layoutLines(figure, size);
    mark =
      element('line', {
        x1: x,
        y1: plot.y,
        x2: x,
        y2: plot.y + plot.height,
        stroke: theme.focus,
        'stroke-width': 1,
        'stroke-dasharray': '2 2',
      }) +
      element('circle', { cx: x, cy: y, r: 6, fill: 'none', stroke: theme.background, 'stroke-width': 4 }) +
      element('circle', { cx: x, cy: y, r: 6, fill: 'none', stroke: theme.focus, 'stroke-width': 2 });
  }
  return svgRoot(size.width, size.height, describeCursor(figure, cursor).replaceAll('\n', ', '), mark);
}

/** An `<svg>` of the figure's size with a frame around each of these rows, as far as they are on show; '' where none is. */
export function rowMarks(
  figure: HeatmapFigure,
  size: Size,
  rows: readonly number[],
  theme: ChartTheme,
  window: CellWindow = wholeWindow(figure),
): string {
  const { plot, cellHeight } = layoutHeatmap(figure, size, window);
  const height = Math.max(cellHeight, 3);
  const frames = rows
    .filter((row) => row >= window.row && row < window.row + window.rows)
    .map((row) => ({
      x: plot.x - 1,
      y: plot.y + (row - window.row + 0.5) * cellHeight - height / 2,
      width: plot.width + 2,
      height,
      fill: 'none',
    }));
  if (frames.length === 0) return '';
  const marks = [
    ...frames.map((box) => element('rect', { ...box, stroke: theme.background, 'stroke-width': 3 })),
    ...frames.map((box) => element('rect', { ...box, stroke: theme.foreground, 'stroke-width': 1 })),
  ];
  return svgRoot(size.width, size.height, l10n.t('Pinned rows: {0}', rows.join(', ')), marks.join(''));
}
