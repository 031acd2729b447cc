// A smaller heatmap of the same thing: blocks of cells averaged, so that a pattern of a thousand tokens prints.

import type { HeatmapFigure } from './figure';

/** The figure itself where it fits; else block means with at most `most` rows and columns, said in `shows`. */
export function shrinkHeatmap(figure: HeatmapFigure, most: number): HeatmapFigure {
  const block = Math.ceil(Math.max(figure.rows, figure.columns) / most);
  if (block <= 1) return figure;
  const rows = Math.ceil(figure.rows / block);
  const columns = Math.ceil(figure.columns / block);
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      let count = 0;
      for (let i = row * block; i < Math.min(figure.rows, (row + 1) * block); i++) {
        for (let j = column * block; j < Math.min(figure.columns, (column + 1) * block); j++) {
          const value = figure.values[i * figure.columns + j] ?? Number.NaN;
          if (Number.isNaN(value)) continue;
          sum += value;
          count += 1;
        }
      }
      values[row * columns + column] = count === 0 ? Number.NaN : sum / count;
    }
  }
  // Notes speak of single cells, of which there are none left.
  const rest = { ...figure };
  delete (rest as { cellNotes?: unknown }).cellNotes;
  const { rowLabels, columnLabels } = figure;
  const labels = (count: number, given: readonly string[] | undefined): string[] =>
    Array.from({ length: count }, (_, index) => given?.[index * block] ?? String(index * block));
  return {
    ...rest,
    title: `${figure.title} (means of ${block} x ${block} cells)`,
    rows,
    columns,
    values,
    rowLabels: labels(rows, rowLabels),
    columnLabels: labels(columns, columnLabels),
  };
}
