// A smaller heatmap of the same thing: blocks of cells averaged, so that a pattern of a thousand tokens prints.

import type { HeatmapFigure } from './figure';

/** The figure itself where it fits; else block means with at most `most` rows and columns, said in `shows`. */
export function shrinkHeatmap(figure: HeatmapFigure, most: number): HeatmapFigure {
  const rowBlock = Math.ceil(figure.rows / most);
  const columnBlock = Math.ceil(figure.columns / most);
  if (rowBlock <= 1 && columnBlock <= 1) return figure;
  const rows = Math.ceil(figure.rows / rowBlock);
  const columns = Math.ceil(figure.columns / columnBlock);
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      let count = 0;
      for (let i = row * rowBlock; i < Math.min(figure.rows, (row + 1) * rowBlock); i++) {
        for (let j = column * columnBlock; j < Math.min(figure.columns, (column + 1) * columnBlock); j++) {
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
  delete (rest as { cellNote?: unknown }).cellNote;
  const { rowLabels, columnLabels } = figure;
  const labels = (count: number, block: number, given: readonly string[] | undefined): string[] =>
    Array.from({ length: count }, (_, index) => given?.[index * block] ?? String(index * block));
  return {
    ...rest,
    title: `${figure.title} (means of ${rowBlock} x ${columnBlock} cells)`,
    rows,
    columns,
    values,
    rowLabels: labels(rows, rowBlock, rowLabels),
    columnLabels: labels(columns, columnBlock, columnLabels),
  };
}
