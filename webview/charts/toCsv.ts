// A figure's numbers as CSV, for the copy button and for people who would rather have the table.

import * as l10n from '@vscode/l10n';
import type { Figure, HeatmapFigure } from '../../src/report/figures/figure';
import { csvText } from '../../src/report/csvCell';
import { axisTitle } from './svg';

export type Cell = string | number | null;

/** How many rows `tableRows` has below its header. */
export function tableLength(figure: Figure): number {
  return figure.kind === 'heatmap' ? figure.rows * figure.columns : tableRows(figure).length - 1;
}

/** `tableRows` as CSV, full precision. */
export function toCsv(figure: Figure): string {
  return [...csvPieces(figure)].join('');
}

/** Lines of a piece, about: less than a millisecond. */
const pieceLines = 2048;

/** The same piece by piece, of a heatmap so many rows at a time that a page can make millions of lines in slices. */
export function* csvPieces(figure: Figure): Generator<string> {
  if (figure.kind === 'lines') {
    yield csvText(tableRows(figure));
    return;
  }
  yield csvText([heatmapHeader(figure)]);
  const step = Math.max(1, Math.floor(pieceLines / figure.columns));
  for (let row = 0; row < figure.rows; row += step) {
    const rows = Array.from({ length: Math.min(step, figure.rows - row) }, (_, i) => heatmapCells(figure, row + i));
    yield csvText(rows.flat());
  }
}

const heatmapHeader = (figure: HeatmapFigure): Cell[] => [
  axisTitle(figure.rowAxis),
  axisTitle(figure.columnAxis),
  axisTitle(figure.value),
];

/** Row, column, value of every cell of a row. */
function heatmapCells(figure: HeatmapFigure, row: number): Cell[][] {
  return Array.from({ length: figure.columns }, (_, column) => [
    figure.rowLabels?.[row] ?? row,
    figure.columnLabels?.[column] ?? column,
    figure.values[row * figure.columns + column] ?? null,
  ]);
}

/**
 * Header and rows: lines as series, x, y, low, high (levels follow with x empty), heatmaps as row, column, value, of which
 * about `most` are made (a pattern of 4,096 tokens has 17 million).
 */
export function tableRows(figure: Figure, most = Infinity): readonly (readonly Cell[])[] {
  if (figure.kind === 'heatmap') {
    const rows: Cell[][] = [heatmapHeader(figure)];
    for (let row = 0; row < figure.rows && rows.length <= most; row++) rows.push(...heatmapCells(figure, row));
    return rows;
  }
  const rows: Cell[][] = [[l10n.t('series'), axisTitle(figure.x), axisTitle(figure.y), l10n.t('low'), l10n.t('high')]];
  for (const series of figure.series) {
    for (const [index, x] of series.x.entries()) {
      rows.push([series.name, x, series.y[index] ?? null, series.low?.[index] ?? null, series.high?.[index] ?? null]);
    }
  }
  for (const level of figure.levels) rows.push([level.name, null, level.y, null, null]);
  for (const mark of figure.marks ?? []) rows.push([mark.name, mark.x, null, null, null]);
  return rows;
}
