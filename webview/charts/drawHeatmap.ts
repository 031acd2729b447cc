// The frame of a heatmap as SVG text: title, axes, colour legend with units, numbers in cells that have the room.
// The cells themselves are pixels (heatmapImage.ts): a canvas below this frame in pages, a PNG in reports.

import * as l10n from '@vscode/l10n';
import type { HeatmapFigure } from '../../src/report/figures/figure';
import { colourIndex, rgbText, type Rgb } from './colormap';
import { hasCell, wholeWindow, type CellWindow } from './cellWindow';
import { layoutHeatmap, type HeatmapLayout } from './heatmapLayout';
import type { Rect } from './linesLayout';
import { tickText } from './scales';
import { axisTitle, coord, element, fitText, fontSize, svgRoot, textElement, textWidth } from './svg';
import type { ChartTheme, Size } from './theme';

export interface HeatmapFrame {
  /**
   * One `<svg>` with title, axes, colour legend with units, cell numbers and marks of unmeasured cells. Its ground has
   * a hole at `plot`, so it lies above the canvas.
   */
  readonly svg: string;
  /** Where the cells go, in the SVG's pixels: lay a canvas there (CSS `image-rendering: pixelated`). */
  readonly plot: Rect;
}

const legendSteps = 64;
/** Above this many cells the crosses of unmeasured cells would be a texture, not a sign. */
const maxCrosses = 4096;

/** Colour of a value; null where it was not measured. */
export function cellColour(figure: HeatmapFigure, value: number, theme: ChartTheme): Rgb | null {
  const index = cellColourIndex(figure, value);
  if (index === null) return null;
  return (figure.palette === 'diverging' ? theme.diverging : theme.sequential)[index] ?? theme.notMeasured;
}

/** Index 0..255 into the colour map; null where the value was not measured or has no logarithm. */
function cellColourIndex(figure: HeatmapFigure, value: number): number | null {
  if (!Number.isFinite(value)) return null;
  if (figure.value.scale === 'linear') return colourIndex(value, figure.domain);
  if (value <= 0) return null;
  return colourIndex(Math.log10(value), [Math.log10(figure.domain[0]), Math.log10(figure.domain[1])]);
}

function colourLegend(figure: HeatmapFigure, layout: HeatmapLayout, theme: ChartTheme): string {
  const { bar } = layout;
  const map = figure.palette === 'diverging' ? theme.diverging : theme.sequential;
  const step = bar.height / legendSteps;
  const blocks = Array.from({ length: legendSteps }, (_, index) => {
    const colour = map[Math.round(((legendSteps - 1 - index) / (legendSteps - 1)) * 255)] ?? theme.notMeasured;
    // A little overlap, or antialiasing shows the seams.
    const height = index === legendSteps - 1 ? step : step + 0.6;
    return element('rect', { x: bar.x, y: bar.y + index * step, width: bar.width, height, fill: rgbText(colour) });
  });
  const frame = element('rect', { ...bar, fill: 'none', stroke: theme.muted, 'stroke-width': 0.75 });
  const ticks = layout.value.ticks.map((tick) => {
    const at = layout.value.place(tick.value) ?? bar.y;
    const x = bar.x + bar.width;
    return (
      element('line', { x1: x, y1: at, x2: x + 4, y2: at, stroke: theme.muted, 'stroke-width': 1 }) +
      textElement(x + 7, at + 3.7, tick.text, { fill: theme.muted, size: fontSize.tick, font: theme.font })
    );
  });
  const widest = layout.value.ticks.reduce((most, tick) => Math.max(most, textWidth(tick.text, fontSize.tick)), 0);
  const titleX = bar.x + bar.width + 7 + widest + 15;
  const title = textElement(titleX, bar.y + bar.height / 2, layout.valueTitle, {
    fill: theme.foreground,
    size: fontSize.label,
    font: theme.font,
    anchor: 'middle',
    rotate: -90,
  });
  return blocks.join('') + frame + ticks.join('') + title;
}

function frameAxes(figure: HeatmapFigure, layout: HeatmapLayout, theme: ChartTheme, window: CellWindow): string {
  const { plot, cellWidth, cellHeight } = layout;
  const bottom = plot.y + plot.height;
  const look = { fill: theme.muted, size: fontSize.tick, font: theme.font };
  const rows = layout.rowTicks.map((tick) => {
    const text = fitText(tick.text, plot.x - 30, fontSize.tick);
    return textElement(plot.x - 5, plot.y + (tick.value - window.row + 0.5) * cellHeight + 3.7, text, {
      ...look,
      anchor: 'end',
    });
  });
  const columns = layout.columnTicks.map((tick) =>
    textElement(plot.x + (tick.value - window.column + 0.5) * cellWidth, bottom + 13, tick.text, {
      ...look,
      anchor: 'middle',
    }),
  );
  const label = { fill: theme.foreground, size: fontSize.label, font: theme.font, anchor: 'middle' } as const;
  const rowTitle = fitText(axisTitle(figure.rowAxis), Math.max(plot.height + 20, 60), fontSize.label);
  const middle = plot.y + Math.max(plot.height, textWidth(rowTitle, fontSize.label)) / 2;
  return (
    rows.join('') +
    columns.join('') +
    scaleBar(layout, theme) +
    element('rect', { ...plot, fill: 'none', stroke: theme.muted, 'stroke-width': 1 }) +
    textElement(plot.x + plot.width / 2, bottom + 29, axisTitle(figure.columnAxis), label) +
    textElement(16, middle, rowTitle, { ...label, rotate: -90 })
  );
}

/** Below plots less wide there is no room beside the axis title. */
const leastScaleWidth = 300;

/** How long so many cells are, where a cell is less than a pixel and no tick stands for a single one. */
function scaleBar({ plot, cellWidth }: HeatmapLayout, theme: ChartTheme): string {
  if (cellWidth >= 1 || plot.width < leastScaleWidth) return '';
  const most = plot.width / 5 / cellWidth;
  const decade = 10 ** Math.floor(Math.log10(most));
  const cells = decade * (most >= 5 * decade ? 5 : most >= 2 * decade ? 2 : 1);
  const [end, y] = [plot.x + plot.width, plot.y + plot.height + 21];
  const start = end - cells * cellWidth;
  const d = `M${coord(start)} ${coord(y - 3)}v6m0 -3H${coord(end)}m0 -3v6`;
  return (
    element('path', { d, fill: 'none', stroke: theme.muted, 'stroke-width': 1 }) +
    textElement((start + end) / 2, y + 13, l10n.t('{0} cells', cells), {
      fill: theme.muted,
      size: fontSize.tick,
      font: theme.font,
      anchor: 'middle',
    })
  );
}

/** Relative luminance (WCAG), to choose dark or light digits on a cell. */
function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((byte) => {
    const part = byte / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Black or white, whichever is read on a cell of this colour. */
export function inkOn(colour: Rgb): string {
  return luminance(colour) > 0.2 ? '#000000' : '#ffffff';
}

function cellText(value: number, figure: HeatmapFigure): string {
  const span = Math.abs(figure.domain[1] - figure.domain[0]);
  if (figure.value.scale === 'log10' || Math.abs(value) >= 1e5) return value.toPrecision(2);
  return tickText(value, span <= 2 ? 0.01 : span <= 40 ? 0.1 : 1);
}

/** Numbers in the cells where they fit, crosses where nothing was measured, a veil over dimmed cells. */
function cellMarks(figure: HeatmapFigure, layout: HeatmapLayout, theme: ChartTheme, window: CellWindow): string {
  const { plot, cellWidth, cellHeight } = layout;
  const withNumbers = cellHeight >= 15 && cellWidth >= 30;
  const crosses: string[] = [];
  const numbers: string[] = [];
  const dims: string[] = [];
  if (!withNumbers && window.rows * window.columns > maxCrosses) return '';
  for (let row = 0; row < window.rows; row++) {
    for (let column = 0; column < window.columns; column++) {
      const cell = (window.row + row) * figure.columns + window.column + column;
      const value = figure.values[cell] ?? Number.NaN;
      const colour = cellColour(figure, value, theme);
      const x = plot.x + column * cellWidth;
      const y = plot.y + row * cellHeight;
      if (figure.dimmed?.[cell] === true) {
        dims.push(rectPath({ x, y, width: cellWidth, height: cellHeight }));
        continue;
      }
      if (!colour) {
        if (figure.blank !== undefined) continue;
        const reach = Math.min(cellWidth, cellHeight, 14) / 4;
        const [cx, cy] = [x + cellWidth / 2, y + cellHeight / 2];
        crosses.push(
          `M${coord(cx - reach)} ${coord(cy - reach)}l${coord(2 * reach)} ${coord(2 * reach)}m0 ${coord(-2 * reach)}l${coord(-2 * reach)} ${coord(2 * reach)}`,
        );
      } else if (withNumbers) {
        const text = fitText(cellText(value, figure), cellWidth - 2, fontSize.tick);
        const look = { fill: inkOn(colour), size: fontSize.tick, font: theme.font, anchor: 'middle' } as const;
        numbers.push(textElement(x + cellWidth / 2, y + cellHeight / 2 + 3.7, text, look));
      }
    }
  }
  const crossPath =
    crosses.length === 0
      ? ''
      : element('path', { d: crosses.join(''), fill: 'none', stroke: theme.muted, 'stroke-width': 1 });
  const veil =
    dims.length === 0 ? '' : element('path', { d: dims.join(''), fill: theme.background, 'fill-opacity': 0.82 });
  return veil + crossPath + numbers.join('');
}

/** Signs of cells: two strokes of both grounds, so that they show on every colour. */
function cellSigns(figure: HeatmapFigure, layout: HeatmapLayout, theme: ChartTheme, window: CellWindow): string {
  const { plot, cellWidth, cellHeight } = layout;
  const size = Math.min(cellWidth, cellHeight);
  const shown = (figure.signs ?? []).filter((sign) => hasCell(window, sign));
  const paths = shown.map(({ row, column, shape }) => {
    const x = plot.x + (column - window.column) * cellWidth;
    const y = plot.y + (row - window.row) * cellHeight;
    const small = Math.min(size / 4, 7);
    if (shape === 'ring') {
      const inset = Math.min(2.5, size / 6);
      return rectPath({ x: x + inset, y: y + inset, width: cellWidth - 2 * inset, height: cellHeight - 2 * inset });
    }
    if (shape === 'cross') {
      const [left, top] = [x + cellWidth - small - 5, y + 5];
      return `M${coord(left)} ${coord(top)}l${coord(small)} ${coord(small)}m0 ${coord(-small)}l${coord(-small)} ${coord(small)}`;
    }
    const radius = small / 2;
    const [left, middle] = [x + 5, y + cellHeight - 5 - radius];
    return `M${coord(left)} ${coord(middle)}a${coord(radius)} ${coord(radius)} 0 1 0 ${coord(2 * radius)} 0a${coord(radius)} ${coord(radius)} 0 1 0 ${coord(-2 * radius)} 0`;
  });
  if (paths.length === 0) return '';
  const look = { d: paths.join(''), fill: 'none', 'stroke-linecap': 'round' } as const;
  return (
    element('path', { ...look, stroke: theme.background, 'stroke-width': 4 }) +
    element('path', { ...look, stroke: theme.foreground, 'stroke-width': 1.75 })
  );
}

function rectPath(rect: Rect): string {
  return `M${coord(rect.x)} ${coord(rect.y)}h${coord(rect.width)}v${coord(rect.height)}h${coord(-rect.width)}z`;
}

/** Frame of a heatmap; `cells` is drawn in the hole (the PNG of a report), '' leaves it open for a canvas. */
export function heatmapFrame(
  figure: HeatmapFigure,
  size: Size,
  theme: ChartTheme,
  cells: (plot: Rect) => string,
  window: CellWindow = wholeWindow(figure),
): HeatmapFrame {
  const layout = layoutHeatmap(figure, size, window);
  const { plot } = layout;
  const outer = { x: 0, y: 0, width: size.width, height: size.height };
  const ground = element('path', {
    d: rectPath(outer) + rectPath(plot),
    fill: theme.background,
    'fill-rule': 'evenodd',
  });
  const title = layout.title.map((line, index) =>
    textElement(10, 19 + index * 17, line, {
      fill: theme.foreground,
      size: fontSize.title,
      font: theme.font,
      weight: '600',
    }),
  );
  const svg = svgRoot(
    size.width,
    size.height,
    `${figure.title}. ${figure.shows}`,
    ground +
      cells(plot) +
      cellMarks(figure, layout, theme, window) +
      cellSigns(figure, layout, theme, window) +
      title.join('') +
      frameAxes(figure, layout, theme, window) +
      colourLegend(figure, layout, theme),
  );
  return { svg, plot };
}

/** Frame of a heatmap; the page lays the canvas of `heatmapPixels` into `plot`, below this SVG. */
export function drawHeatmap(
  figure: HeatmapFigure,
  size: Size,
  theme: ChartTheme,
  window: CellWindow = wholeWindow(figure),
): HeatmapFrame {
  return heatmapFrame(figure, size, theme, () => '', window);
}
