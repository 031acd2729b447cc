// Where everything in a heatmap goes; shared by frame, pointer and keyboard cursor like linesLayout.ts.

import type { HeatmapFigure } from '../../src/report/figures/figure';
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

/** Tick texts of an axis of cells: the figure's labels where given, else tidy whole numbers. */
function cellTicks(
  count: number,
  cell: number,
  labels: readonly string[] | undefined,
  vertical: boolean,
): readonly Tick[] {
  if (labels) {
    const stride = Math.max(1, Math.ceil((fontSize.tick + 3) / cell));
    const ticks = labels.slice(0, count).map((text, value) => ({ value, text }));
    return vertical ? ticks.filter((tick) => tick.value % stride === 0) : thinLabels(ticks, (value) => value * cell);
  }
  const spaceFor = vertical ? 22 : 30;
  const wanted = Math.max(2, Math.floor((count * cell) / spaceFor));
  if (count <= wanted) {
    const all = Array.from({ length: count }, (_, value) => ({ value, text: String(value) }));
    return vertical ? all : thinLabels(all, (value) => value * cell);
  }
  const axis = { label: '', unit: '', scale: 'linear', integer: true, domain: [0, count - 1] } as const;
  return placeAxis(axis, [], [0, count * cell], { ticks: wanted, nice: false }).ticks;
}

/** Height at which a heatmap of this width has no empty ground below its cells; at most `most`. */
export function fittingHeight(figure: HeatmapFigure, width: number, most: number): number {
  const { plot, bar } = layoutHeatmap(figure, { width, height: most });
  return Math.min(most, Math.ceil(Math.max(plot.y + plot.height + 40, bar.y + bar.height + 12)));
}

/** Layout of a heatmap in a figure of this size; equal rows and columns give square cells. */
export function layoutHeatmap(figure: HeatmapFigure, size: Size): HeatmapLayout {
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
    rowTicks: cellTicks(figure.rows, cellHeight, figure.rowLabels, true),
    columnTicks: cellTicks(figure.columns, cellWidth, figure.columnLabels, false),
    bar,
    value,
    valueTitle: fitText(axisTitle(figure.value), Math.max(barHeight + 20, 60), fontSize.label),
  };
}
