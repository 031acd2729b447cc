// The cells of a heatmap on a canvas: pooled to the pixels that are there, in slices of time where they are millions.

import type { HeatmapFigure } from '../../src/report/figures/figure';
import type { CellWindow } from '../charts/cellWindow';
import { packedColours, pooledPixels } from '../charts/heatmapImage';
import type { Rect } from '../charts/linesLayout';
import { CellPooling } from '../charts/poolCells';
import type { ChartTheme } from '../charts/theme';
import { h } from './dom';

/** One slice of painting, milliseconds: a frame has 16. */
const sliceMs = 8;

export class CellCanvas {
  readonly element = h('canvas', { class: 'cells' }) as HTMLCanvasElement;
  /** What is painted now; of an older painting the rest is dropped. */
  private painting: CellPooling | null = null;

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
    if (pooling.width === 0 || pooling.height === 0) return pooling.block;
    this.element.width = pooling.width;
    this.element.height = pooling.height;
    this.slice(pooling, packedColours(figure, theme));
    return pooling.block;
  }

  private slice(pooling: CellPooling, colours: Uint32Array): void {
    if (this.painting !== pooling) return;
    const from = pooling.done;
    const end = performance.now() + sliceMs;
    while (pooling.step() && performance.now() < end);
    const { width, height, rgba } = pooledPixels(pooling, colours, from);
    this.element.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, from);
    this.element.dataset['painted'] = String(pooling.isDone);
    if (!pooling.isDone) {
      setTimeout(() => {
        this.slice(pooling, colours);
      });
    }
  }
}
