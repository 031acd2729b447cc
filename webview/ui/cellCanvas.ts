// The cells of a heatmap on a canvas: pooled to the pixels that are there, in slices of time where they are millions.

import type { HeatmapFigure } from '../../src/report/figures/figure';
import type { CellWindow } from '../charts/cellWindow';
import { packedColours, pooledPixels, type Pixels } from '../charts/heatmapImage';
import type { Rect } from '../charts/linesLayout';
import { CellPooling, quickPooling } from '../charts/poolCells';
import type { ChartTheme } from '../charts/theme';
import { h } from './dom';

/** One slice of painting, milliseconds: a frame has 16. */
const sliceMs = 8;
/** While a person moves the picture a coarse one follows; so long after the last move it becomes exact. */
const restMs = 60;

export class CellCanvas {
  readonly element = h('canvas', { class: 'cells' }) as HTMLCanvasElement;
  /** What is painted now; of an older painting the rest is dropped. */
  private painting: CellPooling | null = null;
  /** When the last painting began. */
  private paintedAt = -Infinity;

  /** Paints `window` into `plot`; answers how many cells [rows, columns] a pixel stands for. The rest may come in later slices. */
  paint(figure: HeatmapFigure, theme: ChartTheme, window: CellWindow, plot: Rect): readonly [number, number] {
    const { style } = this.element;
    style.left = `${plot.x}px`;
    style.top = `${plot.y}px`;
    style.width = `${plot.width}px`;
    style.height = `${plot.height}px`;
    const dots = (cssPx: number): number => Math.max(1, Math.round(cssPx * devicePixelRatio));
    const pooling = new CellPooling(figure, window, [dots(plot.height), dots(plot.width)]);
    this.painting = pooling;
    this.element.dataset['painted'] = this.element.dataset['filled'] = 'false';
    if (pooling.width === 0 || pooling.height === 0) return pooling.block;
    const colours = packedColours(figure, theme);
    const quick = quickPooling(figure, window);
    if (quick === null) {
      this.resize(pooling);
      this.slice(pooling, colours);
    } else {
      this.resize(quick);
      this.put(pooledPixels(quick, colours), 0);
      this.element.dataset['filled'] = 'true';
      const isMoving = performance.now() - this.paintedAt < restMs;
      setTimeout(
        () => {
          this.refine(pooling, colours);
        },
        isMoving ? restMs : 0,
      );
    }
    this.paintedAt = performance.now();
    return pooling.block;
  }

  private resize({ width, height }: CellPooling): void {
    this.element.width = width;
    this.element.height = height;
  }

  private put({ width, height, rgba }: Pixels, row: number): void {
    this.element.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, row);
  }

  /** What is ready shows at once, from the top down. */
  private slice(pooling: CellPooling, colours: Uint32Array): void {
    if (this.painting !== pooling) return;
    const from = pooling.done;
    work(pooling);
    this.put(pooledPixels(pooling, colours, from), from);
    if (pooling.isDone) this.element.dataset['painted'] = this.element.dataset['filled'] = 'true';
    else {
      setTimeout(() => {
        this.slice(pooling, colours);
      });
    }
  }

  /** A coarse picture stays until all of the exact one is ready. */
  private refine(pooling: CellPooling, colours: Uint32Array): void {
    if (this.painting !== pooling) return;
    work(pooling);
    if (!pooling.isDone) {
      setTimeout(() => {
        this.refine(pooling, colours);
      });
      return;
    }
    this.resize(pooling);
    this.put(pooledPixels(pooling, colours), 0);
    this.element.dataset['painted'] = 'true';
  }
}

function work(pooling: CellPooling): void {
  const end = performance.now() + sliceMs;
  while (pooling.step() && performance.now() < end);
}
