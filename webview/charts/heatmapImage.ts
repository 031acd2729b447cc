// Cells of a heatmap as pixels: RGBA for a canvas, an indexed PNG (a quarter of the bytes) inside exported SVG.

import { encode } from 'fast-png';
import type { HeatmapFigure } from '../../src/report/figures/figure';
import { cellColour, cellColourIndex, heatmapFrame } from './drawHeatmap';
import { element } from './svg';
import type { ChartTheme, Size } from './theme';

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGBA, row-major, 4 bytes a pixel; cells that were not measured are transparent. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** One pixel a cell [rows, columns]; for `new ImageData(rgba, width, height)` and PNG. */
export function heatmapPixels(figure: HeatmapFigure, theme: ChartTheme): Pixels {
  const cells = figure.rows * figure.columns;
  const rgba = new Uint8ClampedArray(cells * 4);
  for (let cell = 0; cell < cells; cell++) {
    const colour = cellColour(figure, figure.values[cell] ?? Number.NaN, theme);
    if (!colour) continue;
    rgba.set(colour, cell * 4);
    rgba[cell * 4 + 3] = 255;
  }
  return { width: figure.columns, height: figure.rows, rgba };
}

/** PNG with one pixel a cell: palette entry 0 is transparent (not measured), 1..255 the colour map. */
export function heatmapPng(figure: HeatmapFigure, theme: ChartTheme): Uint8Array {
  const map = figure.palette === 'diverging' ? theme.diverging : theme.sequential;
  const palette: number[][] = [[0, 0, 0, 0]];
  for (let index = 0; index < 255; index++) {
    const [red, green, blue] = map[Math.round((index / 254) * 255)] ?? theme.notMeasured;
    palette.push([red, green, blue, 255]);
  }
  const data = new Uint8Array(figure.rows * figure.columns);
  for (let cell = 0; cell < data.length; cell++) {
    const index = cellColourIndex(figure, figure.values[cell] ?? Number.NaN);
    data[cell] = index === null ? 0 : 1 + Math.round((index / 255) * 254);
  }
  return encode(
    { width: figure.columns, height: figure.rows, data, channels: 1, depth: 8, palette },
    { zlib: { level: 9 } },
  );
}

/** `data:image/png;base64,…` of bytes, without Node or DOM beyond `btoa`. */
export function pngDataUri(bytes: Uint8Array): string {
  const chunk = 0x8000;
  let text = '';
  for (let at = 0; at < bytes.length; at += chunk) text += String.fromCharCode(...bytes.subarray(at, at + chunk));
  return `data:image/png;base64,${btoa(text)}`;
}

/** Self-contained SVG: the frame with the cells as a PNG data URI. For reports and export. */
export function heatmapSvg(figure: HeatmapFigure, size: Size, theme: ChartTheme): string {
  const href = pngDataUri(heatmapPng(figure, theme));
  return heatmapFrame(figure, size, theme, (plot) =>
    element('image', { ...plot, href, preserveAspectRatio: 'none', 'image-rendering': 'pixelated' }),
  ).svg;
}
