// What single queries see: the row of a pattern under the pointer or the keyboard cursor, and rows that were pinned, on the
// patch grid beside the input picture or over the tokens of a text. The head page tells it where the cursor is.

import * as l10n from '@vscode/l10n';
import type { HeatmapFigure } from '../../src/report/figures/figure';
import type { HeadContext } from '../../src/report/figures/headFigures';
import { queryFigure } from '../../src/report/figures/patternFigures';
import type { FigureCalls, InputPicture } from '../../src/protocol/messages';
import { fill, h } from '../ui/dom';
import { FigureView } from '../ui/figureView';
import { inFrame } from '../ui/frame';
import { iconButton } from '../ui/toolkit';
import { inputPicture, type PictureView } from './inputPicture';
import { WeightStrip } from './weightStrip';

/** A row of one of the patterns. */
export interface PatternRow {
  /** Id of the pattern's figure. */
  readonly pattern: string;
  readonly query: number;
}

/** Each pinned row is a figure that follows from head to head. */
const maxPins = 8;

interface RowView {
  readonly element: HTMLElement;
  show(figure: HeatmapFigure, query: number): void;
  redraw(): void;
}

function isSame(a: PatternRow, b: PatternRow): boolean {
  return a.pattern === b.pattern && a.query === b.query;
}

export class QueryRows {
  readonly element: HTMLElement;
  private readonly hint = h('p', { class: 'quiet' });
  private readonly picturePlace = h('div');
  private readonly under = h('div');
  private readonly list = h('ul', { class: 'pins', attributes: { 'aria-label': l10n.t('Pinned rows') } });
  private readonly status = h('p', { class: 'pin-status', attributes: { role: 'status' } });
  private picture: { readonly of: InputPicture; readonly view: PictureView } | null = null;
  private patterns: readonly HeatmapFigure[] = [];
  private context: HeadContext | null = null;
  private current: PatternRow | null = null;
  private currentView: RowView | null = null;
  private readonly pins: { readonly row: PatternRow; readonly view: RowView; readonly item: HTMLElement }[] = [];
  private readonly drawCurrent = (): void => {
    this.draw();
  };

  constructor(private readonly calls: FigureCalls) {
    this.element = h(
      'aside',
      { class: 'query-rows', attributes: { 'aria-label': l10n.t('What single queries see'), tabindex: '0' } },
      h('h2', {}, l10n.t('One query')),
      this.hint,
      this.picturePlace,
      this.under,
      this.status,
      this.list,
    );
  }

  /** Set by the page: the rows of this pattern that are pinned changed. */
  onPins: () => void = () => undefined;

  /** Patterns of the head on show; rows that stand (pinned ones, and the last under the cursor) are drawn from them. */
  show(patterns: readonly HeatmapFigure[], context: HeadContext, picture: InputPicture | null): void {
    if (context.tokens !== this.context?.tokens) this.reset();
    this.patterns = patterns;
    this.context = context;
    this.element.hidden = patterns.length === 0;
    this.hint.textContent = l10n.t(
      'Point at a row of a pattern, or go there by keyboard: this is where that query looks. Click or Enter pins the row, and takes it off again.',
    );
    if (picture === null) {
      this.picture = null;
      fill(this.picturePlace);
    } else if (this.picture?.of !== picture) {
      this.picture = { of: picture, view: inputPicture(picture) };
      fill(this.picturePlace, this.picture.view.element);
    }
    this.draw();
    for (const { row, view } of this.pins) this.drawRow(row, view);
  }

  reset(): void {
    this.current = null;
    this.currentView = null;
    this.pins.length = 0;
    this.patterns = [];
    this.context = null;
    this.status.textContent = '';
    fill(this.under);
    fill(this.list);
    this.element.hidden = true;
  }

  redraw(): void {
    this.currentView?.redraw();
    for (const { view } of this.pins) view.redraw();
  }

  /** Shows this row in the next frame: pointers move faster than that. */
  point(row: PatternRow): void {
    if (this.current !== null && isSame(this.current, row)) return;
    this.current = row;
    inFrame(this.drawCurrent);
  }

  /** Pins the row, or takes it off where it is pinned. */
  toggle(row: PatternRow): void {
    const found = this.pins.find((pin) => isSame(pin.row, row));
    if (found !== undefined) {
      this.unpin(row);
      return;
    }
    const figure = this.figureOf(row);
    if (figure === null) return;
    if (this.pins.length === maxPins) {
      this.status.textContent = l10n.t('{0} rows are pinned, which is all that are kept. Take one off first.', maxPins);
      return;
    }
    const view = this.rowView(230);
    const off = iconButton('close', l10n.t('Unpin {0}', figure.title), () => {
      this.unpin(row);
    });
    const item = h('li', {}, off, view.element);
    this.pins.push({ row, view, item });
    this.list.append(item);
    this.drawRow(row, view);
    this.say(`${l10n.t('Pinned. {0}.', figure.title)} ${figure.shows}`);
  }

  /** Queries of this pattern that are pinned. */
  pinned(pattern: string): readonly number[] {
    return this.pins.filter(({ row }) => row.pattern === pattern).map(({ row }) => row.query);
  }

  private unpin(row: PatternRow): void {
    const at = this.pins.findIndex((pin) => isSame(pin.row, row));
    const [gone] = this.pins.splice(at, 1);
    if (gone === undefined) return;
    const hadFocus = gone.item.contains(document.activeElement);
    gone.item.remove();
    // Whoever goes through the list by keyboard stays in it.
    if (hadFocus)
      this.pins[Math.min(at, this.pins.length - 1)]?.item.querySelector<HTMLElement>('vscode-button')?.focus();
    this.say(l10n.t('Query {0} is no longer pinned.', row.query));
  }

  private say(words: string): void {
    const count = this.pins.length;
    this.status.textContent = `${words} ${count === 0 ? l10n.t('No row is pinned.') : l10n.t('{0} of at most {1} pinned.', count, maxPins)}`;
    this.onPins();
  }

  private figureOf({ pattern, query }: PatternRow): HeatmapFigure | null {
    const found = this.patterns.find(({ id }) => id === pattern);
    if (found === undefined || this.context === null || query >= found.rows) return null;
    return queryFigure(found, this.context, query);
  }

  private draw(): void {
    const { current, context } = this;
    if (current === null || context === null) return;
    if (this.currentView === null) {
      this.currentView = this.rowView(300);
      fill(this.under, this.currentView.element);
    }
    this.drawRow(current, this.currentView);
    const [rows, columns] = context.grid ?? [0, 0];
    const patch = current.query - context.prefixTokens;
    const isPatch = patch >= 0 && patch < rows * columns;
    this.picture?.view.frame(
      isPatch ? { row: Math.floor(patch / columns), column: patch % columns, grid: [rows, columns] } : null,
    );
  }

  private drawRow(row: PatternRow, view: RowView): void {
    const figure = this.figureOf(row);
    view.element.hidden = figure === null;
    if (figure !== null) view.show(figure, row.query);
  }

  private rowView(most: number): RowView {
    const place = h('div');
    let map: FigureView | null = null;
    let strip: WeightStrip | null = null;
    return {
      element: place,
      show: (figure, query) => {
        if (figure.rows === 1) {
          strip ??= new WeightStrip();
          strip.update(figure, query);
          if (strip.element.parentElement !== place) fill(place, strip.element);
          return;
        }
        if (map === null) {
          map = new FigureView(figure, {
            height: (width) => Math.min(width * 0.86, most),
            calls: this.calls,
            words: 'short',
          });
          fill(place, map.element);
        } else {
          map.update(figure);
        }
      },
      redraw: () => {
        map?.draw(true);
        strip?.redraw();
      },
    };
  }
}
