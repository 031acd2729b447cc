// The part of a heatmap that is on show: pure arithmetic of zooming, for the brush and the keyboard alike.

import type { HeatmapFigure } from '../../src/report/figures/figure';

/** Rows `row` to `row + rows` (excluded) and columns likewise, in cells of the figure. */
export interface CellWindow {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
}

interface Cell {
  readonly row: number;
  readonly column: number;
}

/** Fewer cells a side are not zoomed into: one cell fills the picture then. */
const fewest = 2;

export function wholeWindow({ rows, columns }: Pick<HeatmapFigure, 'rows' | 'columns'>): CellWindow {
  return { row: 0, column: 0, rows, columns };
}

export function isWhole(window: CellWindow, figure: HeatmapFigure): boolean {
  return window.rows === figure.rows && window.columns === figure.columns;
}

/** `window` where it lies in the figure, else the whole of it (another figure has come in its place). */
export function windowIn(figure: HeatmapFigure, window: CellWindow | null): CellWindow {
  const fits =
    window !== null && window.row + window.rows <= figure.rows && window.column + window.columns <= figure.columns;
  return fits ? window : wholeWindow(figure);
}

/** One axis: `count` of `all` cells from `start`, scaled by `factor` with `at` kept where it is on the screen. */
function scaled(start: number, count: number, all: number, at: number, factor: number): [number, number] {
  const next = Math.min(all, Math.max(Math.min(fewest, all), Math.round(count * factor)));
  const place = (at + 0.5 - start) / count;
  const first = Math.round(at + 0.5 - place * next);
  return [Math.min(all - next, Math.max(0, first)), next];
}

/** The window scaled around a cell; `factor` below 1 goes nearer. */
export function zoomAround(window: CellWindow, figure: HeatmapFigure, at: Cell, factor: number): CellWindow {
  const [row, rows] = scaled(window.row, window.rows, figure.rows, at.row, factor);
  const [column, columns] = scaled(window.column, window.columns, figure.columns, at.column, factor);
  return { row, column, rows, columns };
}

/** Cells between two of them, both included; an axis that is not `along` keeps the extent of `window`. */
export function windowBetween(
  window: CellWindow,
  from: Cell,
  to: Cell,
  along: { readonly rows: boolean; readonly columns: boolean },
): CellWindow {
  const [top, left] = [Math.min(from.row, to.row), Math.min(from.column, to.column)];
  return {
    row: along.rows ? top : window.row,
    rows: along.rows ? Math.abs(from.row - to.row) + 1 : window.rows,
    column: along.columns ? left : window.column,
    columns: along.columns ? Math.abs(from.column - to.column) + 1 : window.columns,
  };
}

/** The window moved just so far that the cell is in it. */
export function windowWith(window: CellWindow, { row, column }: Cell): CellWindow {
  const moved = (start: number, count: number, at: number): number =>
    at < start ? at : at >= start + count ? at - count + 1 : start;
  return {
    ...window,
    row: moved(window.row, window.rows, row),
    column: moved(window.column, window.columns, column),
  };
}

export function hasCell(window: CellWindow, { row, column }: Cell): boolean {
  return (
    row >= window.row &&
    row < window.row + window.rows &&
    column >= window.column &&
    column < window.column + window.columns
  );
}
