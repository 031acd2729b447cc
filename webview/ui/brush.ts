// Dragging over a heatmap chooses rows, columns or both; a double click gives it up. Knows no figure: cells are asked for.

import type { CellCursor } from '../charts/cursor';
import { h } from './dom';

/** So far the pointer goes along an axis before the drag means it, CSS pixels: less is a click. */
const least = 8;

export interface BrushTarget {
  /** The cell nearest to a point of the stage; null: there are none. */
  cellAt(x: number, y: number): CellCursor | null;
  /** A drag may begin here. */
  starts(x: number, y: number): boolean;
  zoom(from: CellCursor, to: CellCursor, along: { readonly rows: boolean; readonly columns: boolean }): void;
  reset(): void;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

export class Brush {
  private readonly band = h('div', { class: 'brush', attributes: { hidden: '' } });
  private start: Point | null = null;
  private wasDragged = false;

  constructor(
    stage: HTMLElement,
    private readonly target: BrushTarget,
  ) {
    stage.append(this.band);
    stage.addEventListener('pointerdown', (event) => {
      this.wasDragged = false;
      if (event.button !== 0 || !target.starts(event.offsetX, event.offsetY)) return;
      this.start = { x: event.offsetX, y: event.offsetY };
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener('pointermove', (event) => {
      this.show({ x: event.offsetX, y: event.offsetY });
    });
    stage.addEventListener('pointerup', (event) => {
      this.finish({ x: event.offsetX, y: event.offsetY });
    });
    stage.addEventListener('pointercancel', () => {
      this.drop();
    });
    stage.addEventListener('dblclick', () => {
      target.reset();
    });
    stage.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.drop();
    });
  }

  /** The click that just came was the end of a drag; asked once. */
  ended(): boolean {
    const { wasDragged } = this;
    this.wasDragged = false;
    return wasDragged;
  }

  /** An axis along which the pointer hardly moved is not meant. */
  private along(to: Point): { readonly rows: boolean; readonly columns: boolean } {
    const { x, y } = this.start ?? to;
    return { rows: Math.abs(to.y - y) >= least, columns: Math.abs(to.x - x) >= least };
  }

  private show(to: Point): void {
    const { start } = this;
    if (start === null) return;
    const { rows, columns } = this.along(to);
    this.band.hidden = !rows && !columns;
    const { style } = this.band;
    style.left = columns ? `${Math.min(start.x, to.x)}px` : '0';
    style.width = columns ? `${Math.abs(to.x - start.x)}px` : '100%';
    style.top = rows ? `${Math.min(start.y, to.y)}px` : '0';
    style.height = rows ? `${Math.abs(to.y - start.y)}px` : '100%';
  }

  private finish(to: Point): void {
    const { start } = this;
    const along = this.along(to);
    this.drop();
    if (start === null || (!along.rows && !along.columns)) return;
    this.wasDragged = true;
    const [first, last] = [this.target.cellAt(start.x, start.y), this.target.cellAt(to.x, to.y)];
    if (first !== null && last !== null) this.target.zoom(first, last, along);
  }

  private drop(): void {
    this.start = null;
    this.band.hidden = true;
  }
}
