// Cells of a heatmap as indexes into its colour map, pooled to the pixels that are there. Works through typed arrays in
// bands of rows, so that a page can paint 4,096 x 4,096 cells and stay awake.

import * as l10n from '@vscode/l10n';
import type { CoarserCells, HeatmapFigure } from '../../src/report/figures/figure';
import type { CellWindow } from './cellWindow';

/** Cells that one band reads: a millisecond, a few before the engine has compiled it. */
const bandCells = 1 << 17;
/** Cells that need no coarser ones: they are read in a slice or two. */
const directCells = 1 << 20;
/** Colours that a cell can have; index 0 is a cell without a number. */
export const colourSteps = 255;

/** Cells under the pixels of one axis: pixel p covers `first[p]` to `last[p]` (excluded), one at least. */
interface Cover {
  readonly first: Int32Array;
  readonly last: Int32Array;
  /** The most of them under one pixel. */
  readonly most: number;
}

/** `side`: cells come in blocks of so many; a pixel then covers every block that its cells touch. */
function cover(start: number, count: number, pixels: number, side: number): Cover {
  const first = new Int32Array(pixels);
  const last = new Int32Array(pixels);
  let most = 0;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const from = Math.floor((pixel * count) / pixels);
    const to = Math.ceil(((pixel + 1) * count) / pixels);
    first[pixel] = Math.floor((start + from) / side);
    last[pixel] = Math.ceil((start + to) / side);
    most = Math.max(most, to - from);
  }
  return { first, last, most };
}

/** Index 1..255 into the colour map as a linear function of the value, or of its logarithm. */
function colourScale({
  value,
  domain,
}: HeatmapFigure): (values: Float64Array, indexes: Uint8Array, at: number) => void {
  const log = value.scale === 'log10';
  const [low, high] = log ? domain.map(Math.log10) : domain;
  const factor = (colourSteps - 1) / (high - low);
  return (values, indexes, at) => {
    for (let i = 0; i < values.length; i++) {
      const one = values[i]!;
      const placed = ((log ? Math.log10(one) : one) - low) * factor;
      // What is no finite number, or has no logarithm, has no colour.
      if (!Number.isFinite(one) || Number.isNaN(placed) || placed === -Infinity) continue;
      indexes[at + i] = 1 + Math.round(Math.min(colourSteps - 1, Math.max(0, placed)));
    }
  };
}

export class CellPooling {
  readonly width: number;
  readonly height: number;
  /** The most rows and columns of cells that one pixel stands for; [1, 1]: each cell has pixels of its own. */
  readonly block: readonly [number, number];
  /** [height, width]: 0 for a pixel without a number, else 1..255. */
  readonly indexes: Uint8Array<ArrayBuffer>;
  /** Rows of pixels that are painted. */
  done = 0;
  private readonly rows: Cover;
  private readonly columns: Cover;
  private readonly scale: ReturnType<typeof colourScale>;
  private readonly source: Pick<CoarserCells, 'columns'> & Pick<HeatmapFigure, 'values'>;

  /**
   * A pixel a cell, where no more than `most` [rows, columns] are needed; else each pixel shows the cell under it that is
   * furthest from 0 (diverging) or largest (sequential). `coarser` (of the figure) reads blocks instead of cells: fewer, but
   * a pixel then sees a little beyond its edges.
   */
  constructor(
    private readonly figure: HeatmapFigure,
    window: CellWindow,
    most: readonly [number, number],
    coarser: CoarserCells | null = null,
  ) {
    const side = coarser?.side ?? 1;
    this.height = Math.max(0, Math.min(window.rows, most[0]));
    this.width = Math.max(0, Math.min(window.columns, most[1]));
    this.rows = cover(window.row, window.rows, this.height, side);
    this.columns = cover(window.column, window.columns, this.width, side);
    this.block = [this.rows.most, this.columns.most];
    this.indexes = new Uint8Array(this.width * this.height);
    this.scale = colourScale(figure);
    this.source = coarser ?? figure;
  }

  get isDone(): boolean {
    return this.done === this.height;
  }

  /** Paints the next band; false when none is left. */
  step(): boolean {
    const { width } = this;
    const { columns } = this.source;
    const best = new Float64Array(width);
    const reach = new Float64Array(width);
    let cells = 0;
    while (this.done < this.height && cells < bandCells) {
      const [from, to] = [this.rows.first[this.done]!, this.rows.last[this.done]!];
      best.fill(Number.NaN);
      reach.fill(-Infinity);
      for (let row = from; row < to; row++) this.pool(row * columns, best, reach);
      this.scale(best, this.indexes, this.done * width);
      this.done += 1;
      cells += (to - from) * columns;
    }
    return !this.isDone;
  }

  /** Takes the row of cells that begins at `start` into `best`, the values on show; `reach`: by what they were chosen. */
  private pool(start: number, best: Float64Array, reach: Float64Array): void {
    const { palette } = this.figure;
    const { values } = this.source;
    const { first, last } = this.columns;
    const fromZero = palette === 'diverging';
    for (let pixel = 0; pixel < best.length; pixel++) {
      const end = start + last[pixel]!;
      for (let cell = start + first[pixel]!; cell < end; cell++) {
        const value = values[cell]!;
        const size = fromZero ? Math.abs(value) : value;
        // Never true of a cell without a number.
        if (size > reach[pixel]!) {
          reach[pixel] = size;
          best[pixel] = value;
        }
      }
    }
  }
}

/** A picture that is there at once has no fewer pixels a side, and less than twice as many. */
const quickSide = 300;

/**
 * All of `window` at once, a pixel about a block of coarser cells; null where the cells themselves are few enough or there
 * are no coarser ones.
 */
export function quickPooling(figure: HeatmapFigure, window: CellWindow): CellPooling | null {
  const { rows, columns } = window;
  if (rows * columns <= directCells) return null;
  const coarser = figure.coarser?.filter(({ side }) => side * quickSide <= Math.min(rows, columns)).at(-1);
  if (coarser === undefined) return null;
  const { side } = coarser;
  const pooling = new CellPooling(figure, window, [Math.floor(rows / side), Math.floor(columns / side)], coarser);
  while (pooling.step());
  return pooling;
}

/** What a pixel stands for where it is more than a cell; '' where it is not. */
export function poolingWords(
  { palette }: Pick<HeatmapFigure, 'palette'>,
  [rows, columns]: readonly [number, number],
): string {
  if (rows <= 1 && columns <= 1) return '';
  return palette === 'diverging'
    ? l10n.t('Each pixel is the furthest from 0 of {0} × {1} cells.', rows, columns)
    : l10n.t('Each pixel is the largest of {0} × {1} cells.', rows, columns);
}
