// One figure on a page: drawn by the shared charts, with tooltip, keyboard cursor, spoken cursor, captions, formula,
// table twin and the save buttons. Knows nothing of what the figure means.

import type { Figure, HeatmapFigure } from '../../src/report/figures/figure';
import {
  cursorMark,
  cursorPosition,
  describeCursor,
  firstCursor,
  hitTest,
  moveCursor,
  rowMarks,
} from '../charts/cursor';
import type { Cursor } from '../charts/cursor';
import { drawHeatmap } from '../charts/drawHeatmap';
import { drawLines } from '../charts/drawLines';
import { heatmapPixels, heatmapSvg } from '../charts/heatmapImage';
import { fittingHeight } from '../charts/heatmapLayout';
import type { ChartTheme, Size } from '../charts/theme';
import { toCsv } from '../charts/toCsv';
import { fill, h, setSvg } from './dom';
import { TableTwin } from './tableTwin';
import { iconButton } from './toolkit';
import { readTheme } from './theme';

export interface FigureOptions {
  /** Height for a given width, CSS pixels; a heatmap takes less where its cells leave ground below them. */
  readonly height: (width: number) => number;
  /** A cell or point was chosen by click or Enter. */
  readonly onPick?: (cursor: Cursor) => void;
  /** Save what a button made; absent: no buttons. */
  readonly save?: (name: string, bytes: Uint8Array) => void;
  /** Hears where the pointer or the keyboard cursor is; null: it left. */
  readonly onCursor?: (cursor: Cursor | null) => void;
  /** Words below it: default all; 'short' is what it shows and the table, 'none' neither (side panel). */
  readonly words?: 'all' | 'short' | 'none';
}

const exportSize: Size = { width: 720, height: 440 };

export class FigureView {
  readonly element: HTMLElement;
  private readonly stage: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly svg: HTMLElement;
  private readonly mark: HTMLElement;
  private readonly tooltip: HTMLElement;
  private readonly live: HTMLElement;
  private readonly shows = h('p', { class: 'shows' });
  private readonly caution = h('p', { class: 'caution' });
  private readonly formula = h('p', { class: 'formula' });
  private readonly table = new TableTwin();
  private figure: Figure;
  private cursor: Cursor | null = null;
  private chosen: Cursor | null = null;
  private marked: readonly number[] = [];
  private size: Size = { width: 0, height: 0 };

  constructor(
    figure: Figure,
    private readonly options: FigureOptions,
  ) {
    this.figure = figure;
    this.canvas = h('canvas', { class: 'cells' }) as HTMLCanvasElement;
    this.svg = h('div', { class: 'frame' });
    this.mark = h('div', { class: 'mark' });
    this.tooltip = h('div', { class: 'tooltip', attributes: { role: 'presentation', hidden: '' } });
    this.live = h('div', { class: 'sr-only', attributes: { 'aria-live': 'polite' } });
    this.stage = h(
      'div',
      { class: 'stage', attributes: { tabindex: '0', role: 'application', 'aria-roledescription': 'chart' } },
      this.canvas,
      this.svg,
      this.mark,
      this.tooltip,
    );
    this.stage.addEventListener('pointermove', (event) => {
      this.point(event);
    });
    this.stage.addEventListener('pointerleave', () => {
      this.tooltip.hidden = true;
      this.moveTo(null, false);
    });
    this.stage.addEventListener('click', (event) => {
      const hit = hitTest(this.figure, this.size, event.offsetX, event.offsetY);
      if (hit !== null) this.options.onPick?.(hit.cursor);
    });
    this.stage.addEventListener('keydown', (event) => {
      this.key(event);
    });
    this.stage.addEventListener('focus', () => {
      if (this.cursor === null && this.stage.matches(':focus-visible'))
        this.moveTo(this.chosen ?? firstCursor(this.figure), true);
    });
    this.stage.addEventListener('blur', () => {
      this.moveTo(null, false);
    });
    const formula = h('details', { class: 'formula-box' }, h('summary', {}, 'Formula and source'), this.formula);
    const words = {
      all: [this.shows, this.caution, formula, this.table.element],
      short: [this.shows, this.table.element],
      none: [],
    }[options.words ?? 'all'];
    this.element = h(
      'section',
      { class: 'figure', attributes: { 'data-figure': figure.id } },
      this.buttons(),
      this.stage,
      this.live,
      ...words,
    );
    // In the next frame: drawing sets the height, which the observer would report within its own round as an error.
    new ResizeObserver(() => {
      requestAnimationFrame(() => {
        this.draw();
      });
    }).observe(this.stage);
    this.update(figure);
  }

  /** Shows another figure in the same place; the keyboard cursor stays where it can. */
  update(figure: Figure): void {
    this.figure = figure;
    this.element.dataset['figure'] = figure.id;
    this.stage.setAttribute('aria-label', `${figure.title}. ${figure.shows} Arrow keys move, Escape leaves.`);
    this.shows.textContent = figure.shows;
    fill(this.caution, h('strong', {}, 'What it does not prove: '), figure.caution);
    this.formula.textContent = figure.formula;
    this.draw(true);
    this.table.show(figure);
  }

  /** Marks the datum that the rest of the page talks about. */
  choose(cursor: Cursor | null): void {
    this.chosen = cursor;
    this.drawMark();
  }

  /** Marks whole rows of a heatmap; none: []. */
  markRows(rows: readonly number[]): void {
    if (rows.length === 0 && this.marked.length === 0) return;
    this.marked = rows;
    this.drawMark();
  }

  focus(): void {
    this.stage.focus();
  }

  /** Draws again; unless `force`, only when the size changed. */
  draw(force = false): void {
    const width = Math.floor(this.stage.clientWidth);
    if (width < 40) return;
    const most = Math.round(this.options.height(width));
    const height = this.figure.kind === 'heatmap' ? fittingHeight(this.figure, width, most) : most;
    if (!force && width === this.size.width && height === this.size.height) return;
    this.size = { width, height };
    this.stage.style.height = `${height}px`;
    const theme = readTheme();
    if (this.figure.kind === 'heatmap') {
      const frame = drawHeatmap(this.figure, this.size, theme);
      setSvg(this.svg, frame.svg);
      this.canvas.hidden = false;
      this.canvas.style.left = `${frame.plot.x}px`;
      this.canvas.style.top = `${frame.plot.y}px`;
      this.canvas.style.width = `${frame.plot.width}px`;
      this.canvas.style.height = `${frame.plot.height}px`;
      this.paintCells(this.figure, theme);
    } else {
      this.canvas.hidden = true;
      setSvg(this.svg, drawLines(this.figure, this.size, theme));
    }
    this.drawMark();
  }

  private paintCells(figure: HeatmapFigure, theme: ChartTheme): void {
    const { width, height, rgba } = heatmapPixels(figure, theme);
    if (width === 0 || height === 0) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.canvas.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  }

  private point(event: PointerEvent): void {
    const hit = hitTest(this.figure, this.size, event.offsetX, event.offsetY);
    this.moveTo(hit?.cursor ?? null, false);
    this.tooltip.hidden = hit === null;
    if (hit !== null) this.placeTooltip(hit.text, hit.x, hit.y);
  }

  private placeTooltip(text: string, x: number, y: number): void {
    this.tooltip.textContent = text;
    this.tooltip.hidden = false;
    this.tooltip.classList.remove('under');
    const { offsetWidth, offsetHeight } = this.tooltip;
    const above = y - offsetHeight - 12;
    const below = y + 14;
    const end = this.size.height + 4;
    // A long text beside the datum would hide the figure it belongs to.
    const under = above < 0 && below + offsetHeight > end;
    this.tooltip.classList.toggle('under', under);
    this.tooltip.style.left = under ? '' : `${Math.max(0, Math.min(x + 14, this.size.width - offsetWidth))}px`;
    this.tooltip.style.top = `${under ? end : above >= 0 ? above : below}px`;
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      // The browser decides whether focus shows a cursor; Enter means the place where it would be.
      const at = this.cursor ?? this.chosen ?? firstCursor(this.figure);
      if (at !== null) this.options.onPick?.(at);
      return;
    }
    const next = moveCursor(this.figure, this.cursor, event.key);
    if (next === undefined) return;
    event.preventDefault();
    this.moveTo(next, true);
  }

  private moveTo(cursor: Cursor | null, spoken: boolean): void {
    this.cursor = cursor;
    this.drawMark();
    this.options.onCursor?.(cursor);
    if (cursor === null) {
      this.tooltip.hidden = true;
      return;
    }
    if (!spoken) return;
    const text = describeCursor(this.figure, cursor);
    this.live.textContent = text;
    const { x, y } = cursorPosition(this.figure, this.size, cursor);
    this.placeTooltip(text, x, y);
  }

  private drawMark(): void {
    const at = this.cursor ?? this.chosen;
    const { figure, size } = this;
    const drawn = size.width > 0;
    const theme = readTheme();
    const rows = drawn && figure.kind === 'heatmap' ? rowMarks(figure, size, this.marked, theme) : '';
    setSvg(this.mark, rows + (at === null || !drawn ? '' : cursorMark(figure, size, at, theme)));
  }

  private buttons(): HTMLElement | string {
    const { save } = this.options;
    if (save === undefined) return '';
    const text = (value: string): Uint8Array => new TextEncoder().encode(value);
    const svg = (): string =>
      this.figure.kind === 'heatmap'
        ? heatmapSvg(this.figure, exportSize, readTheme())
        : drawLines(this.figure, exportSize, readTheme());
    return h(
      'div',
      { class: 'figure-actions' },
      iconButton('file-media', 'Save as PNG', () => {
        void rasterise(svg(), exportSize).then((bytes) => {
          save(`${this.figure.id}.png`, bytes);
        });
      }),
      iconButton('file-code', 'Save as SVG', () => {
        save(`${this.figure.id}.svg`, text(svg()));
      }),
      iconButton('output', 'Save as CSV', () => {
        save(`${this.figure.id}.csv`, text(toCsv(this.figure)));
      }),
    );
  }
}

/** SVG text as PNG bytes at twice the size, for talks. */
async function rasterise(svg: string, size: Size): Promise<Uint8Array> {
  const picture = new Image();
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    picture.src = url;
    await picture.decode();
    const canvas = h('canvas') as HTMLCanvasElement;
    canvas.width = 2 * size.width;
    canvas.height = 2 * size.height;
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => {
      canvas.toBlob(resolve, 'image/png');
    });
    if (blob === null) throw new Error('the picture could not be made');
    return new Uint8Array(await blob.arrayBuffer());
  } finally {
    URL.revokeObjectURL(url);
  }
}
