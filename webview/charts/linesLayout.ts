// Where everything in a line chart goes. The draw function, the pointer and the keyboard cursor share it, so that
// they can never disagree about a pixel.

import type { LineFigure, SeriesRole } from '../../src/report/figures/figure';
import { placeAxis, type PlacedAxis } from './scales';
import { fitText, fontSize, textWidth, wrapText } from './svg';
import type { Size } from './theme';

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface LegendItem {
  readonly x: number;
  /** Middle of the row. */
  readonly y: number;
  readonly text: string;
  readonly role: SeriesRole;
  readonly sample: 'line' | 'points' | 'line+points' | 'band' | 'bars' | 'level' | 'mark';
  readonly band: boolean;
}

export interface LinesLayout {
  readonly plot: Rect;
  readonly x: PlacedAxis;
  readonly y: PlacedAxis;
  readonly title: readonly string[];
  readonly legend: readonly LegendItem[];
}

export const sampleWidth = 22;
const rowHeight = 16;

/** Legend items flow below the title, left to right, and wrap. */
function flowLegend(figure: LineFigure, size: Size, top: number): { items: LegendItem[]; bottom: number } {
  const entries = [
    ...figure.series.map((series) => ({
      name: series.name,
      role: series.role,
      sample: series.draw,
      band: series.low !== undefined && series.high !== undefined && series.draw !== 'band',
    })),
    ...figure.levels.map((level) => ({ name: level.name, role: level.role, sample: 'level' as const, band: false })),
    ...(figure.marks ?? []).map((mark) => ({ name: mark.name, role: mark.role, sample: 'mark' as const, band: false })),
  ];
  const items: LegendItem[] = [];
  const right = size.width - 8;
  let x = 10;
  let y = top + rowHeight / 2;
  for (const entry of entries) {
    const text = fitText(entry.name, right - 10 - sampleWidth - 6, fontSize.label);
    const width = sampleWidth + 6 + textWidth(text, fontSize.label) + 12;
    if (x > 10 && x + width - 12 > right) {
      x = 10;
      y += rowHeight;
    }
    items.push({ x, y, text, role: entry.role, sample: entry.sample, band: entry.band });
    x += width;
  }
  return { items, bottom: entries.length === 0 ? top : y + rowHeight / 2 };
}

/** Layout of a line chart in a figure of this size. */
export function layoutLines(figure: LineFigure, size: Size): LinesLayout {
  const title = wrapText(figure.title, size.width - 20, fontSize.title, 2, true);
  const { items, bottom } = flowLegend(figure, size, 8 + title.length * 17);
  const plotTop = bottom + 10;
  const plotHeight = Math.max(30, size.height - plotTop - 40);
  const yValues = [
    ...figure.series.flatMap((series) => [...series.y, ...(series.low ?? []), ...(series.high ?? [])]),
    ...figure.levels.map((level) => level.y),
    ...(figure.series.some((series) => series.draw === 'bars') && figure.y.scale === 'linear' ? [0] : []),
  ];
  const tickCount = Math.max(2, Math.round(plotHeight / 42));
  const y = placeAxis(figure.y, yValues, [plotTop + plotHeight, plotTop], { ticks: tickCount, nice: true });
  const tickWidth = y.ticks.reduce((widest, tick) => Math.max(widest, textWidth(tick.text, fontSize.tick)), 0);
  const plotLeft = Math.ceil(10 + fontSize.label + 8 + tickWidth + 6);
  const plotWidth = Math.max(30, size.width - plotLeft - 16);
  const x = placeAxis(
    figure.x,
    [...figure.series.flatMap((series) => series.x), ...(figure.marks ?? []).map((mark) => mark.x)],
    [plotLeft, plotLeft + plotWidth],
    { ticks: Math.max(2, Math.round(plotWidth / 64)), nice: false },
  );
  return { plot: { x: plotLeft, y: plotTop, width: plotWidth, height: plotHeight }, x, y, title, legend: items };
}
