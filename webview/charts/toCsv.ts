import type { Figure } from '../../src/report/figures/figure';

/** The figure's numbers: lines as series,x,y,low,high; heatmaps as row,column,value. RFC 4180, full precision. */
export function toCsv(figure: Figure): string {
  return figure.id;
}
