// One figure on a page: drawn by the shared charts, with tooltip, keyboard cursor, spoken cursor, captions, formula,
// table twin and the buttons to copy and save it. Knows nothing of what the figure means.

import * as l10n from '@vscode/l10n';
import type { FigureCalls } from '../../src/protocol/messages';
import type { Figure } from '../../src/report/figures/figure';
import { hasCell, isWhole, windowBetween, windowIn, windowWith, zoomAround } from '../charts/cellWindow';
import type { CellWindow } from '../charts/cellWindow';
import {
  cursorMark,
  cursorPosition,
  describeCursor,
  firstCursor,
  hitTest,
  moveCursor,
  nearestCell,
  rowMarks,
} from '../charts/cursor';
import type { Cursor, Hit } from '../charts/cursor';
import { drawHeatmap } from '../charts/drawHeatmap';
import { drawLines } from '../charts/drawLines';
import { fittingHeight } from '../charts/heatmapLayout';
import { poolingWords } from '../charts/poolCells';
import type { Size } from '../charts/theme';
import { Brush } from './brush';
import { CellCanvas } from './cellCanvas';
import { fill, h, setSvg } from './dom';
import { afterDrawing, drawSoon, type Waiting } from './drawQueue';
import { FigureTools, type OnShow } from './figureTools';
import { TableTwin } from './tableTwin';
import { iconButton } from './toolkit';
import { readTheme } from './theme';

export interface FigureOptions {
  /** Height for a given width, CSS pixels; a heatmap takes less where its cells leave ground below them. */
  readonly height: (width: number) => number;
  /** A cell or point was chosen by click or Enter. */
  readonly onPick?: (cursor: Cursor) => void;
  /** For copy and save; absent: no buttons. */
  readonly calls?: FigureCalls;
  /** Shows the figure of this id in the report; absent where the report has none such. */
  readonly openInReport?: (figure: string) => void;
  /** Hears where the pointer or the keyboard cursor is; null: it left. */
  readonly onCursor?: (cursor: Cursor | null, byKeyboard: boolean) => void;
  /** Whoever hears the cursor says it; the figure itself is silent. */
  readonly silent?: boolean;
  /** Makes parts of a heatmap choosable by dragging, + and -; hears what was chosen, null for all of it. */
  readonly onZoom?: (window: CellWindow | null) => void;
  /** Words below it: default all; 'short' is what it shows and the table, 'none' neither (side panel). */
  readonly words?: 'all' | 'short' | 'none';
}

/** A place narrower than this shows nothing, CSS pixels. */
const narrowest = 40;

export class FigureView implements Waiting {
  readonly element: HTMLElement;
  private readonly stage: HTMLElement;
  private readonly canvas = new CellCanvas();
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
  private byKeyboard = false;
  private chosen: Cursor | null = null;
  /** null: the whole figure. */
  private window: CellWindow | null = null;
  private readonly brush: Brush | null;
  private readonly zoomWords = h('p', { class: 'quiet zoom-words', attributes: { hidden: '' } });
  /** null: its buttons are yet to be made. */
  private zoomOut: HTMLElement | null = null;
  private marked: readonly number[] = [];
  /** Of what is drawn; width 0: nothing yet. */
  private size: Size = { width: 0, height: 0 };
  /** Width of its place when it was last read, CSS pixels. */
  private width = 0;
  /** What is drawn is not what is to be shown. */
  private isStale = true;

  constructor(
    figure: Figure,
    private readonly options: FigureOptions,
  ) {
    this.figure = figure;
    this.svg = h('div', { class: 'frame' });
    this.mark = h('div', { class: 'mark' });
    this.tooltip = h('div', { class: 'tooltip', attributes: { role: 'presentation', hidden: '' } });
    this.live = h('div', { class: 'sr-only', attributes: { 'aria-live': 'polite' } });
    this.stage = h(
      'div',
      { class: 'stage', attributes: { tabindex: '0', role: 'application', 'aria-roledescription': l10n.t('chart') } },
      this.canvas.element,
      this.svg,
      this.mark,
      this.tooltip,
    );
    this.stage.addEventListener('pointermove', (event) => {
      this.point(event);
    });
    this.stage.addEventListener('pointerleave', () => {
      // A button that comes up below a resting pointer takes no cursor from the keyboard.
      if (!this.byKeyboard) this.moveTo(null, false);
    });
    this.stage.addEventListener('click', (event) => {
      if (this.brush?.ended() === true) return;
      const hit = this.hit(event.offsetX, event.offsetY);
      if (hit !== null) this.options.onPick?.(hit.cursor);
    });
    this.brush = options.onZoom === undefined ? null : this.makeBrush();
    if (this.brush !== null) {
      this.stage.addEventListener('wheel', (event) => {
        this.wheel(event);
      });
    }
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
    const formula = h(
      'details',
      { class: 'formula-box' },
      h('summary', {}, l10n.t('Formula and source')),
      this.formula,
    );
    const words = {
      all: [this.shows, this.caution, formula, this.table.element],
      short: [this.shows, this.table.element],
      none: [],
    }[options.words ?? 'all'];
    this.element = h(
      'section',
      { class: 'figure', attributes: { 'data-figure': figure.id } },
      this.stage,
      this.zoomWords,
      this.live,
      ...words,
    );
    if (options.calls !== undefined) this.element.prepend(this.tools(options.calls).element);
    // In the next frame: drawing sets the height, which the observer would report within its own round as an error.
    new ResizeObserver(() => {
      drawSoon(this);
    }).observe(this.stage);
    this.updateSoon(figure);
  }

  /** Shows another figure in the same place; the keyboard cursor stays where it can. */
  update(figure: Figure): void {
    this.tell(figure);
    this.draw(true);
  }

  /** The same in one of the next frames, for whoever has many of them. */
  updateSoon(figure: Figure): void {
    this.tell(figure);
    this.drawSoon();
  }

  private tell(figure: Figure): void {
    this.figure = figure;
    this.element.dataset['figure'] = figure.id;
    const keys =
      this.brush === null
        ? l10n.t('Arrow keys move, Escape leaves.')
        : l10n.t('Arrow keys move, plus and minus zoom, Escape leaves.');
    this.stage.setAttribute('aria-label', `${figure.title}. ${figure.shows} ${keys}`);
    this.shows.textContent = figure.shows;
    fill(this.caution, h('strong', {}, `${l10n.t('What it does not prove:')} `), figure.caution);
    this.formula.textContent = figure.formula;
    this.table.show(figure);
  }

  /** Marks the datum that the rest of the page talks about. */
  choose(cursor: Cursor | null): void {
    if (JSON.stringify(cursor) === JSON.stringify(this.chosen)) return;
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
    this.isStale ||= force;
    this.measure();
    this.paint();
  }

  /** Draws again in one of the next frames. */
  drawSoon(): void {
    this.isStale = true;
    this.element.setAttribute('aria-busy', 'true');
    drawSoon(this);
  }

  measure(): void {
    this.width = this.element.isConnected ? Math.floor(this.stage.clientWidth) : 0;
  }

  reserve(): void {
    if (this.width >= narrowest) this.stage.style.height = `${this.heightNow()}px`;
  }

  private heightNow(): number {
    const most = Math.round(this.options.height(this.width));
    return this.figure.kind === 'heatmap' ? fittingHeight(this.figure, this.width, most) : most;
  }

  paint(): void {
    this.element.removeAttribute('aria-busy');
    const { width } = this;
    if (width < narrowest) return;
    const height = this.heightNow();
    if (!this.isStale && width === this.size.width && height === this.size.height) return;
    this.isStale = false;
    this.size = { width, height };
    this.stage.style.height = `${height}px`;
    const theme = readTheme();
    const { figure } = this;
    this.canvas.element.hidden = figure.kind !== 'heatmap';
    if (figure.kind === 'heatmap') {
      const window = windowIn(figure, this.window);
      const frame = drawHeatmap(figure, this.size, theme, window);
      setSvg(this.svg, frame.svg);
      const block = this.canvas.paint(figure, theme, window, frame.plot);
      this.sayWindow([this.windowText(), poolingWords(figure, block)].filter((words) => words !== '').join(' '));
    } else {
      setSvg(this.svg, drawLines(figure, this.size, theme));
    }
    this.drawMark();
  }

  /** Shows this part of a heatmap in one of the next frames; null: all of it. */
  showWindow(window: CellWindow | null): void {
    if (this.setWindow(window)) this.drawSoon();
  }

  /** false: it is what is on show. */
  private setWindow(window: CellWindow | null): boolean {
    if (this.figure.kind !== 'heatmap') return false;
    const { row, column, rows, columns } = windowIn(this.figure, this.window);
    this.window = window;
    const next = windowIn(this.figure, window);
    return next.row !== row || next.column !== column || next.rows !== rows || next.columns !== columns;
  }

  /** As the person said it here: whoever shows the same cells follows. */
  private zoomTo(window: CellWindow | null): void {
    if (this.figure.kind !== 'heatmap') return;
    const next = window !== null && isWhole(window, this.figure) ? null : window;
    if (this.setWindow(next)) this.draw(true);
    this.options.onZoom?.(next);
    this.live.textContent = this.windowText() === '' ? l10n.t('All rows and columns.') : this.zoomWords.textContent;
  }

  private windowText(): string {
    const { figure } = this;
    if (figure.kind !== 'heatmap') return '';
    const window = windowIn(figure, this.window);
    if (isWhole(window, figure)) return '';
    const span = (start: number, count: number, all: number): string =>
      l10n.t('{0} to {1} of {2}', start, start + count - 1, all);
    return l10n.t(
      'Rows {0}, columns {1}.',
      span(window.row, window.rows, figure.rows),
      span(window.column, window.columns, figure.columns),
    );
  }

  private sayWindow(words: string): void {
    this.zoomWords.hidden = words === '';
    this.zoomWords.textContent = words;
    if (this.zoomOut !== null) this.zoomOut.hidden = this.windowText() === '';
  }

  private makeBrush(): Brush {
    return new Brush(this.stage, {
      cellAt: (x, y) =>
        this.figure.kind === 'heatmap'
          ? nearestCell(this.figure, this.size, x, y, windowIn(this.figure, this.window))
          : null,
      starts: (x, y) => this.hit(x, y) !== null,
      zoom: (from, to, along) => {
        if (this.figure.kind !== 'heatmap') return;
        this.zoomTo(windowBetween(windowIn(this.figure, this.window), from, to, along));
      },
      reset: () => {
        this.zoomTo(null);
      },
    });
  }

  private hit(x: number, y: number): Hit | null {
    return hitTest(this.figure, this.size, x, y, this.shownWindow());
  }

  private point(event: PointerEvent): void {
    const hit = this.hit(event.offsetX, event.offsetY);
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
    this.tooltip.style.top = `${under ? this.outside(end) : above >= 0 ? above : below}px`;
  }

  /** Top of a tooltip as wide as its figure: at `end`, unless the window ends before it and has more room above. */
  private outside(end: number): number {
    const { offsetHeight } = this.tooltip;
    const { top } = this.stage.getBoundingClientRect();
    const room = window.innerHeight - top - end;
    return room < offsetHeight && top > room ? -offsetHeight - 4 : end;
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      // The browser decides whether focus shows a cursor; Enter means the place where it would be.
      const at = this.cursor ?? this.chosen ?? firstCursor(this.figure);
      if (at !== null) this.options.onPick?.(at);
      return;
    }
    if (this.brush !== null && this.zoomKey(event)) return;
    const next = moveCursor(this.figure, this.cursor, event.key);
    if (next === undefined) return;
    event.preventDefault();
    if (next?.kind === 'heatmap' && this.window !== null) {
      const window = windowWith(this.window, next);
      if (this.setWindow(window)) this.draw(true);
      this.options.onZoom?.(window);
    }
    this.moveTo(next, true);
  }

  /** With Ctrl (a pinch says so, too): nearer or farther around the pointer. The plain wheel scrolls the page. */
  private wheel(event: WheelEvent): void {
    const { figure } = this;
    if (!(event.ctrlKey || event.metaKey) || figure.kind !== 'heatmap') return;
    event.preventDefault();
    const window = windowIn(figure, this.window);
    const at = nearestCell(figure, this.size, event.offsetX, event.offsetY, window);
    this.zoomTo(zoomAround(window, figure, at, event.deltaY < 0 ? 0.8 : 1.25));
  }

  /** + and - around the cursor, Escape back to the whole; true where the key was one of these. */
  private zoomKey(event: KeyboardEvent): boolean {
    const { figure, window } = this;
    const isReset = event.key === 'Escape' && window !== null;
    const factor = { '+': 0.5, '=': 0.5, '-': 2 }[event.key];
    if (figure.kind !== 'heatmap' || event.ctrlKey || event.metaKey || (factor === undefined && !isReset)) return false;
    event.preventDefault();
    const at = this.cursor?.kind === 'heatmap' ? this.cursor : firstCursor(figure);
    if (factor === undefined || at?.kind !== 'heatmap') this.zoomTo(null);
    else this.zoomTo(zoomAround(windowIn(figure, window), figure, at, factor));
    return true;
  }

  private moveTo(cursor: Cursor | null, spoken: boolean): void {
    this.cursor = cursor;
    this.byKeyboard = spoken && cursor !== null;
    this.drawMark();
    this.options.onCursor?.(cursor, this.byKeyboard);
    if (cursor === null) {
      this.tooltip.hidden = true;
      return;
    }
    if (!spoken) return;
    const text = describeCursor(this.figure, cursor);
    if (this.options.silent !== true) this.live.textContent = text;
    const { x, y } = cursorPosition(this.figure, this.size, cursor, this.shownWindow());
    this.placeTooltip(text, x, y);
  }

  private shownWindow(): CellWindow | undefined {
    return this.figure.kind === 'heatmap' ? windowIn(this.figure, this.window) : undefined;
  }

  private drawMark(): void {
    const at = this.cursor ?? this.chosen;
    const { figure, size } = this;
    const window = this.shownWindow();
    const isShown = at?.kind !== 'heatmap' || window === undefined || hasCell(window, at);
    const drawn = size.width > 0;
    const theme = readTheme();
    const rows = drawn && figure.kind === 'heatmap' ? rowMarks(figure, size, this.marked, theme, window) : '';
    setSvg(this.mark, rows + (at === null || !drawn || !isShown ? '' : cursorMark(figure, size, at, theme, window)));
  }

  private tools(calls: FigureCalls): FigureTools {
    const onShow = (): OnShow => ({ figure: this.figure, window: this.shownWindow() });
    const tools = new FigureTools(calls, onShow, this.options.openInReport);
    // Behind all drawing, or when somebody comes for them.
    const make = (): void => {
      this.makeTools(tools);
    };
    afterDrawing(make);
    for (const kind of ['pointerenter', 'focusin']) this.element.addEventListener(kind, make, { once: true });
    return tools;
  }

  private makeTools(tools: FigureTools): void {
    if (this.zoomOut !== null) return;
    this.zoomOut = iconButton('zoom-out', l10n.t('Show all'), () => {
      this.zoomTo(null);
      this.stage.focus();
    });
    this.zoomOut.hidden = this.windowText() === '';
    tools.make(this.zoomOut);
  }
}
