// Cells of a heatmap as pixels: RGBA for a canvas, an indexed PNG (a quarter of the bytes) inside exported SVG.

import { encode } from 'fast-png';
import type { HeatmapFigure } from '../../src/report/figures/figure';
import { wholeWindow, type CellWindow } from './cellWindow';
import { heatmapFrame } from './drawHeatmap';
import { CellPooling, colourSteps, poolingWords } from './poolCells';
import { element } from './svg';
import type { ChartTheme, Size } from './theme';

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGBA, row-major, 4 bytes a pixel; cells that were not measured are transparent. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** Colours of indexes 0..255 (poolCells.ts), RGBA packed as the memory of this machine has it; 0 is transparent. */
export function packedColours(figure: HeatmapFigure, theme: ChartTheme): Uint32Array {
  const map = figure.palette === 'diverging' ? theme.diverging : theme.sequential;
  const packed = new Uint32Array(1 + colourSteps);
  const bytes = new Uint8Array(packed.buffer);
  for (let step = 0; step < colourSteps; step++) {
    bytes.set(map[Math.round((step / (colourSteps - 1)) * 255)] ?? theme.notMeasured, 4 * (1 + step));
    bytes[4 * (1 + step) + 3] = 255;
  }
  return packed;
}

/** Pixels of a pooling, as far as it is done, from row `from`. */
export function pooledPixels(pooling: CellPooling, colours: Uint32Array, from = 0): Pixels {
  const { width, indexes, done } = pooling;
  const packed = new Uint32Array((done - from) * width);
  for (let i = 0; i < packed.length; i++) packed[i] = colours[indexes[from * width + i]!]!;
  return { width, height: done - from, rgba: new Uint8ClampedArray(packed.buffer) };
}

function pooled(figure: HeatmapFigure, window: CellWindow, most: number): CellPooling {
  const pooling = new CellPooling(figure, window, [most, most]);
  while (pooling.step());
  return pooling;
}

/** Palette entry 0 is transparent (not measured), 1..255 the colour map. */
export function pooledPng(
  figure: HeatmapFigure,
  { width, height, indexes }: CellPooling,
  theme: ChartTheme,
): Uint8Array {
  const bytes = new Uint8Array(packedColours(figure, theme).buffer);
  const palette = Array.from({ length: 1 + colourSteps }, (_, i) => Array.from(bytes.subarray(4 * i, 4 * i + 4)));
  return encode({ width, height, data: indexes, channels: 1, depth: 8, palette }, { zlib: { level: 9 } });
}

/** `data:image/png;base64,…` of bytes, without Node or DOM beyond `btoa`. */
export function pngDataUri(bytes: Uint8Array): string {
  const chunk = 0x8000;
  let text = '';
  for (let at = 0; at < bytes.length; at += chunk) text += String.fromCharCode(...bytes.subarray(at, at + chunk));
  return `data:image/png;base64,${btoa(text)}`;
}

/** More pixels a side than a saved picture has. */
export const maxPngSide = 1536;

/** Self-contained SVG: the frame with the cells of `window` as a PNG data URI. For reports. */
export function heatmapSvg(
  figure: HeatmapFigure,
  size: Size,
  theme: ChartTheme,
  window: CellWindow = wholeWindow(figure),
): string {
  const pooling = pooled(figure, window, maxPngSide);
  const href = pngDataUri(pooledPng(figure, pooling, theme));
  return heatmapSvgAround(figure, size, theme, window, { block: pooling.block, href });
}

/** The same around cells that are painted already; `block`: as of CellPooling. */
export function heatmapSvgAround(
  figure: HeatmapFigure,
  size: Size,
  theme: ChartTheme,
  window: CellWindow,
  { block, href }: { readonly block: readonly [number, number]; readonly href: string },
): string {
  const words = poolingWords(figure, block);
  const titled = words === '' ? figure : { ...figure, title: `${figure.title}. ${words}` };
  return heatmapFrame(
    titled,
    size,
    theme,
    (plot) => element('image', { ...plot, href, preserveAspectRatio: 'none', 'image-rendering': 'pixelated' }),
    window,
  ).svg;
}
