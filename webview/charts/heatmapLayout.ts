// Where everything in a heatmap goes; shared by frame, pointer and keyboard cursor like linesLayout.ts.

import type { HeatmapFigure } from '../../src/report/figures/figure';
import { isWhole, wholeWindow, type CellWindow } from './cellWindow';
import type { Rect } from './linesLayout';
import { placeAxis, thinLabels, type PlacedAxis, type Tick } from './scales';
import { axisTitle, fitText, fontSize, textWidth, wrapText } from './svg';
import type { Size } from './theme';

/** Cells do not grow past this, so that a model of two layers does not become two slabs. */
const maxCell = 64;
export const barWidth = 12;

export interface HeatmapLayout {
  readonly title: readonly string[];
  /** The cells. */
  readonly plot: Rect;
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly rowTicks: readonly Tick[];
  readonly columnTicks: readonly Tick[];
  /** Colour legend; `value.place` gives pixels along it. */
  readonly bar: Rect;
  readonly value: PlacedAxis;
  readonly valueTitle: string;
}

/** Tick texts of `count` cells from `start`: the figure's labels where given, else tidy whole numbers. */
function cellTicks(
  start: number,
  count: number,
  cell: number,
  labels: readonly string[] | undefined,
  vertical: boolean,
): readonly Tick[] {
  const names = (name: (index: number) => string): readonly Tick[] =>
    Array.from({ length: count }, (_, i) => ({ value: start + i, text: name(start + i) }));
  const place = (value: number): number => value * cell;
  if (labels) {
    const stride = Math.max(1, Math.ceil((fontSize.tick + 3) / cell));
    // No two labels fit closer than that in either direction; of thousands, fewer are looked at.
    const ticks = names((index) => labels[index] ?? '').filter((tick) => tick.value % stride === 0);
    return vertical ? ticks : thinLabels(ticks, place);
  }
  const spaceFor = vertical ? 22 : 30;
  const wanted = Math.max(2, Math.floor((count * cell) / spaceFor));
  if (count <= wanted) return vertical ? names(String) : thinLabels(names(String), place);
  const axis = { label: '', unit: '', scale: 'linear', integer: true, domain: [start, start + count - 1] } as const;
  return placeAxis(axis, [], [0, count * cell], { ticks: wanted, nice: false }).ticks;
}

/** Height at which a heatmap of this width has no empty ground below its cells; at most `most`. */
export function fittingHeight(figure: HeatmapFigure, width: number, most: number): number {
  const { plot, bar } = layoutHeatmap(figure, { width, height: most });
  return Math.min(most, Math.ceil(Math.max(plot.y + plot.height + 40, bar.y + bar.height + 12)));
}

/** Layouts that were asked for last, a few sizes and windows a figure: the pointer asks for the same one at every move. */
const known = new WeakMap<HeatmapFigure, Map<string, HeatmapLayout>>();
const maxKnown = 4;

/**
 * Layout of a heatmap in a figure of this size; equal rows and columns give square cells. The plot is where it is whatever
 * `window` shows in it.
 */
export function layoutHeatmap(
  figure: HeatmapFigure,
  size: Size,
  window: CellWindow = wholeWindow(figure),
): HeatmapLayout {
  const layouts = known.get(figure) ?? new Map<string, HeatmapLayout>();
  known.set(figure, layouts);
  const { row, column, rows, columns } = window;
  const key = [size.width, size.height, row, column, rows, columns].join(' ');
  const found = layouts.get(key);
  if (found !== undefined) return found;
  const layout = isWhole(window, figure) ? layoutWhole(figure, size) : layoutWindow(figure, size, window);
  if (layouts.size === maxKnown) layouts.clear();
  layouts.set(key, layout);
  return layout;
}

function layoutWindow(figure: HeatmapFigure, size: Size, window: CellWindow): HeatmapLayout {
  const whole = layoutHeatmap(figure, size);
  const cellWidth = whole.plot.width / window.columns;
  const cellHeight = whole.plot.height / window.rows;
  return {
    ...whole,
    cellWidth,
    cellHeight,
    rowTicks: cellTicks(window.row, window.rows, cellHeight, figure.rowLabels, true),
    columnTicks: cellTicks(window.column, window.columns, cellWidth, figure.columnLabels, false),
  };
}

function layoutWhole(figure: HeatmapFigure, size: Size): HeatmapLayout {
  const title = wrapText(figure.title, size.width - 20, fontSize.title, 2, true);
  const top = 12 + title.length * 17;
  const longest = figure.rowLabels
    ? figure.rowLabels.reduce((widest, text) => Math.max(widest, textWidth(text, fontSize.tick)), 0)
    : textWidth(String(Math.max(0, figure.rows - 1)), fontSize.tick);
  const left = Math.ceil(10 + fontSize.label + 8 + Math.min(longest, size.width / 4) + 6);
  const valueAxis = { label: '', unit: '', scale: figure.value.scale, domain: figure.domain } as const;
  const probe = placeAxis(valueAxis, [], [100, 0], { ticks: 4, nice: false });
  const barText = probe.ticks.reduce((widest, tick) => Math.max(widest, textWidth(tick.text, fontSize.tick)), 0);
  const right = Math.ceil(14 + barWidth + 7 + barText + 10 + fontSize.label + 5);
  const maxWidth = Math.max(20, size.width - left - right);
  const maxHeight = Math.max(20, size.height - top - 40);
  let cellWidth = Math.min(maxCell, maxWidth / figure.columns);
  let cellHeight = Math.min(maxCell, maxHeight / figure.rows);
  if (figure.rows === figure.columns && figure.rows > 8) cellWidth = cellHeight = Math.min(cellWidth, cellHeight);
  // Wide flat cells are hard to compare; 2 : 1 is the most.
  cellWidth = Math.min(cellWidth, cellHeight * 2.2);
  cellHeight = Math.min(cellHeight, cellWidth * 2.2);
  const plot = { x: left, y: top, width: cellWidth * figure.columns, height: cellHeight * figure.rows };
  const barHeight = Math.max(plot.height, Math.min(maxHeight, 72));
  const bar = { x: plot.x + plot.width + 14, y: top, width: barWidth, height: barHeight };
  const value = placeAxis(valueAxis, [], [top + barHeight, top], {
    ticks: Math.max(2, Math.round(barHeight / 34)),
    nice: false,
  });
  return {
    title,
    plot,
    cellWidth,
    cellHeight,
    rowTicks: cellTicks(0, figure.rows, cellHeight, figure.rowLabels, true),
    columnTicks: cellTicks(0, figure.columns, cellWidth, figure.columnLabels, false),
    bar,
    value,
    valueTitle: fitText(axisTitle(figure.value), Math.max(barHeight + 20, 60), fontSize.label),
  };
}
