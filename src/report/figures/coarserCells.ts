// Cells of big pictures in ever coarser blocks, so that a page can show all of them while it is dragged or zoomed.

import type { CoarserCells, HeatmapFigure } from './figure';
import type { Cells, PatternCells } from './patternCells';

/** Pictures with fewer cells are painted at once. */
const leastCells = 1 << 20;
/** The coarsest has no more cells a side than a small screen has dots. */
const coarsestSide = 256;

type Palette = HeatmapFigure['palette'];

/** Of each block of 2 x 2 the cell that `CoarserCells` says; blocks at the far edges may be narrower. */
function halved(
  values: Float32Array,
  rows: number,
  columns: number,
  palette: Palette,
): Pick<CoarserCells, 'rows' | 'columns' | 'values'> {
  const [height, width] = [Math.ceil(rows / 2), Math.ceil(columns / 2)];
  const coarse = new Float32Array(height * width);
  const best = new Float32Array(width);
  for (let row = 0; row < height; row++) {
    best.fill(Number.NaN);
    for (let fine = 2 * row; fine < Math.min(2 * row + 2, rows); fine++) {
      for (let column = 0; column < columns; column++) {
        const value = values[fine * columns + column]!;
        const known = best[column >> 1]!;
        const further = palette === 'diverging' ? Math.abs(value) > Math.abs(known) : value > known;
        // A cell without a number is further than nothing.
        if (further || (Number.isNaN(known) && !Number.isNaN(value))) best[column >> 1] = value;
      }
    }
    coarse.set(best, row * width);
  }
  return { rows: height, columns: width, values: coarse };
}

/** [rows, columns] in blocks of side 2, 4, 8, …; none of pictures that need none. */
export function coarserCells(values: Float32Array, rows: number, columns: number, palette: Palette): CoarserCells[] {
  const levels: CoarserCells[] = [];
  if (rows * columns <= leastCells) return levels;
  let finest: Pick<CoarserCells, 'rows' | 'columns' | 'values'> = { rows, columns, values };
  for (let side = 2; Math.max(finest.rows, finest.columns) > coarsestSide; side *= 2) {
    finest = halved(finest.values, finest.rows, finest.columns, palette);
    levels.push({ side, ...finest });
  }
  return levels;
}

/** The same pictures with their coarser cells. */
export function withCoarserCells<Pictures extends PatternCells & { readonly scores?: Cells | null }>(
  pictures: Pictures,
): Pictures {
  const { tokens, softmax, rpc, difference, scores } = pictures;
  const coarse = <C extends Cells | null>(cells: C, palette: Palette): C =>
    cells === null ? cells : { ...cells, coarser: coarserCells(cells.values, tokens, tokens, palette) };
  return {
    ...pictures,
    softmax: coarse(softmax, 'sequential'),
    rpc: coarse(rpc, 'sequential'),
    difference: coarse(difference, 'diverging'),
    ...(scores === undefined ? {} : { scores: coarse(scores, 'diverging') }),
  };
}
