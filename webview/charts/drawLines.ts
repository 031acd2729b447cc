// Line charts as SVG text: grid, axes with units, legend, bands, lines, points, bars. Roles differ in dash and marker
// as well as in colour, so that print and colour-blind eyes can tell them apart.

import type { LineFigure, Series, SeriesRole } from '../../src/report/figures/figure';
import { layoutLines, sampleWidth, type LegendItem, type LinesLayout } from './linesLayout';
import { thinLabels } from './scales';
import { axisTitle, coord, element, fitText, fontSize, svgRoot, textElement } from './svg';
import type { ChartTheme, Size } from './theme';

const dashes: Partial<Record<SeriesRole, string>> = { rpc: '7 3', chance: '2 3', reference: '5 3 1 3', data2: '4 2' };

function dash(role: SeriesRole): Readonly<Record<string, string>> {
  const pattern = dashes[role];
  return pattern === undefined ? {} : { 'stroke-dasharray': pattern };
}

function marker(role: SeriesRole, x: number, y: number, colour: string): string {
  const paint = { fill: colour, stroke: 'none' };
  switch (role) {
    case 'rpc':
      return element('rect', { x: x - 2.4, y: y - 2.4, width: 4.8, height: 4.8, ...paint });
    case 'data2':
      return element('path', { d: `M${coord(x)} ${coord(y - 3.2)}l3 5.4h-6z`, ...paint });
    case 'difference':
      return element('path', { d: `M${coord(x)} ${coord(y - 3.2)}l3.2 3.2l-3.2 3.2l-3.2 -3.2z`, ...paint });
    case 'chance':
    case 'reference':
      return element('circle', { cx: x, cy: y, r: 2.2, fill: 'none', stroke: colour });
    default:
      return element('circle', { cx: x, cy: y, r: 2.5, ...paint });
  }
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Unbroken runs of a series; a null in between starts a new one. */
function runs(layout: LinesLayout, xs: readonly number[], ys: readonly (number | null)[]): Point[][] {
  const found: Point[][] = [];
  let open: Point[] = [];
  for (let index = 0; index < xs.length; index++) {
    const x = layout.x.place(xs[index]);
    const y = layout.y.place(ys[index]);
    if (x === null || y === null) {
      if (open.length > 0) found.push(open);
      open = [];
    } else {
      open.push({ x, y });
    }
  }
  if (open.length > 0) found.push(open);
  return found;
}

function band(layout: LinesLayout, series: Series, theme: ChartTheme): string {
  const { low, high } = series;
  if (!low || !high) return '';
  const usable = series.x.map((_, index) => {
    const ends = [layout.y.place(low[index]), layout.y.place(high[index])];
    return ends[0] !== null && ends[1] !== null;
  });
  const mask = (values: readonly (number | null)[]): (number | null)[] =>
    series.x.map((_, index) => (usable[index] ? (values[index] ?? null) : null));
  const lower = runs(layout, series.x, mask(low));
  const upper = runs(layout, series.x, mask(high));
  const colour = theme.series[series.role];
  return lower
    .map((run, index) => {
      const top = upper[index] ?? run;
      if (run.length === 1) {
        const { x } = run[0]!;
        return element('line', { x1: x, y1: run[0]!.y, x2: x, y2: top[0]!.y, stroke: colour, 'stroke-width': 1.5 });
      }
      const points = [...top, ...[...run].reverse()].map((point) => `${coord(point.x)},${coord(point.y)}`).join(' ');
      return element('polygon', { points, fill: colour, 'fill-opacity': '0.17', stroke: 'none' });
    })
    .join('');
}

function bars(layout: LinesLayout, series: Series, theme: ChartTheme): string {
  const steps = series.x
    .slice(1)
    .map((x, index) => Math.abs((layout.x.place(x) ?? 0) - (layout.x.place(series.x[index]) ?? 0)));
  const step = steps.reduce((a, b) => Math.min(a, b), steps.length === 0 ? 40 : Infinity);
  const width = Math.max(1, Math.min(40, step * 0.7));
  const base = layout.y.place(0) ?? layout.plot.y + layout.plot.height;
  return series.x
    .map((value, index) => {
      const x = layout.x.place(value);
      const y = layout.y.place(series.y[index]);
      if (x === null || y === null) return '';
      return element('rect', {
        x: x - width / 2,
        y: Math.min(y, base),
        width,
        height: Math.abs(y - base),
        fill: theme.series[series.role],
      });
    })
    .join('');
}

function marks(layout: LinesLayout, series: Series, theme: ChartTheme): string {
  if (series.draw === 'band') return '';
  if (series.draw === 'bars') return bars(layout, series, theme);
  const colour = theme.series[series.role];
  const everyPoint = series.draw !== 'line';
  return runs(layout, series.x, series.y)
    .map((run) => {
      const points = run.map((point) => `${coord(point.x)},${coord(point.y)}`).join(' ');
      const line =
        series.draw !== 'points' && run.length > 1
          ? element('polyline', {
              points,
              fill: 'none',
              stroke: colour,
              'stroke-width': 1.8,
              'stroke-linejoin': 'round',
              ...dash(series.role),
            })
          : '';
      const dots =
        everyPoint || run.length === 1
          ? run.map((point) => marker(series.role, point.x, point.y, colour)).join('')
          : '';
      return line + dots;
    })
    .join('');
}

function legendMark(item: LegendItem, theme: ChartTheme): string {
  const colour = theme.series[item.role];
  const { x, y } = item;
  const middle = x + sampleWidth / 2;
  const box = (opacity: string): string =>
    element('rect', { x, y: y - 5, width: sampleWidth, height: 10, fill: colour, 'fill-opacity': opacity });
  const upright = item.sample === 'mark';
  const line = element('line', {
    x1: upright ? middle : x,
    y1: upright ? y - 6 : y,
    x2: upright ? middle : x + sampleWidth,
    y2: upright ? y + 6 : y,
    stroke: colour,
    'stroke-width': item.sample === 'level' || upright ? 1.2 : 1.8,
    // A sample of 12 pixels has no room for the long dashes.
    ...(upright ? { 'stroke-dasharray': item.role === 'chance' ? '2 2' : '4 1.5 1 1.5' } : dash(item.role)),
  });
  if (item.sample === 'bars') return box('1');
  if (item.sample === 'band') return box('0.17');
  const under = item.band ? box('0.17') : '';
  const dot = item.sample === 'points' || item.sample === 'line+points' ? marker(item.role, middle, y, colour) : '';
  return under + (item.sample === 'points' ? '' : line) + dot;
}

function axes(figure: LineFigure, layout: LinesLayout, theme: ChartTheme): string {
  const { plot, x, y } = layout;
  const bottom = plot.y + plot.height;
  const tick = { fill: theme.muted, size: fontSize.tick, font: theme.font };
  const grid = y.ticks.map((one) => {
    const at = y.place(one.value) ?? bottom;
    return (
      element('line', { x1: plot.x, y1: at, x2: plot.x + plot.width, y2: at, stroke: theme.grid, 'stroke-width': 1 }) +
      textElement(plot.x - 6, at + 3.7, one.text, { ...tick, anchor: 'end' })
    );
  });
  const below = thinLabels(x.ticks, (value) => x.place(value)).map((one) => {
    const at = x.place(one.value) ?? plot.x;
    return (
      element('line', { x1: at, y1: bottom, x2: at, y2: bottom + 4, stroke: theme.muted, 'stroke-width': 1 }) +
      textElement(at, bottom + 15, one.text, { ...tick, anchor: 'middle' })
    );
  });
  const frame = element('path', {
    d: `M${coord(plot.x)} ${coord(plot.y)}V${coord(bottom)}H${coord(plot.x + plot.width)}`,
    fill: 'none',
    stroke: theme.muted,
    'stroke-width': 1,
  });
  const label = { fill: theme.foreground, size: fontSize.label, font: theme.font, anchor: 'middle' } as const;
  const xTitle = fitText(axisTitle(figure.x), plot.width + 20, fontSize.label);
  const yTitle = fitText(axisTitle(figure.y), plot.height + 24, fontSize.label);
  return (
    grid.join('') +
    below.join('') +
    frame +
    textElement(plot.x + plot.width / 2, bottom + 32, xTitle, label) +
    textElement(16, plot.y + plot.height / 2, yTitle, { ...label, rotate: -90 })
  );
}

/** One `<svg>` element with title, axes, units, legend, bands and series. Presentation attributes only (CSP). */
export function drawLines(figure: LineFigure, size: Size, theme: ChartTheme): string {
  const layout = layoutLines(figure, size);
  const { plot } = layout;
  const levels = figure.levels.map((level) => {
    const at = layout.y.place(level.y);
    if (at === null) return '';
    const ends = { x1: plot.x, y1: at, x2: plot.x + plot.width, y2: at };
    return element('line', { ...ends, stroke: theme.series[level.role], 'stroke-width': 1.2, ...dash(level.role) });
  });
  const uprights = (figure.marks ?? []).map((mark) => {
    const at = layout.x.place(mark.x);
    if (at === null) return '';
    const ends = { x1: at, y1: plot.y, x2: at, y2: plot.y + plot.height };
    return element('line', { ...ends, stroke: theme.series[mark.role], 'stroke-width': 1.2, ...dash(mark.role) });
  });
  // A nested viewport clips what a fixed domain leaves outside, without a clip id that other figures could clash with.
  const pad = 5;
  const box = { x: plot.x - pad, y: plot.y - pad, width: plot.width + 2 * pad, height: plot.height + 2 * pad };
  const inside = element(
    'svg',
    { ...box, viewBox: `${coord(box.x)} ${coord(box.y)} ${coord(box.width)} ${coord(box.height)}` },
    figure.series.map((series) => band(layout, series, theme)).join('') +
      levels.join('') +
      uprights.join('') +
      figure.series.map((series) => marks(layout, series, theme)).join(''),
  );
  const title = layout.title.map((line, index) =>
    textElement(10, 19 + index * 17, line, {
      fill: theme.foreground,
      size: fontSize.title,
      font: theme.font,
      weight: '600',
    }),
  );
  const legend = layout.legend.map(
    (item) =>
      legendMark(item, theme) +
      textElement(item.x + sampleWidth + 6, item.y + 3.8, item.text, {
        fill: theme.foreground,
        size: fontSize.label,
        font: theme.font,
      }),
  );
  const ground = element('rect', { x: 0, y: 0, width: size.width, height: size.height, fill: theme.background });
  const content = ground + title.join('') + legend.join('') + axes(figure, layout, theme) + inside;
  return svgRoot(size.width, size.height, `${figure.title}. ${figure.shows}`, content);
}
