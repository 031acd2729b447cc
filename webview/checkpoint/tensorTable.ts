// The table of tensors: a grid of which only the rows in sight exist, with one keyboard stop (arrows, Page, Home,
// End; Enter computes) and columns that sort. Row heights are fixed, which is what makes 100,000 rows cheap.

import * as l10n from '@vscode/l10n';
import type { TensorColumns } from '../../src/inspection/checkpointSummary';
import { readableBytes } from '../../src/report/planLines';
import { fill, h, icon } from '../ui/dom';
import { inFrame } from '../ui/frame';
import { nextMatch, TypeAhead } from '../ui/typeAhead';
import { rowWindow, scrollTo, shownName, textAt } from './tensorOrder';
import type { Sort, SortKey } from './tensorOrder';

/** CSS pixels; checkpoint.css says the same. */
const rowHeight = 24;

const headings: readonly { readonly key: SortKey; readonly label: string }[] = [
  { key: 'name', label: l10n.t('Name') },
  { key: 'dtype', label: l10n.t('Type') },
  { key: 'shape', label: l10n.t('Shape') },
  { key: 'bytes', label: l10n.t('Bytes') },
  { key: 'problem', label: l10n.t('Problem') },
];

export interface TableEvents {
  readonly onSort: (sort: Sort | null) => void;
  readonly onSelect: (row: number) => void;
  /** Enter or a double click. */
  readonly onOpen: (row: number) => void;
  readonly onCopy: (row: number) => void;
  /** Letters were typed; null: no name has them. */
  readonly onTyped: (text: string, row: number | null) => void;
}

export class TensorTable {
  readonly element: HTMLElement;
  private readonly body = h('div', { class: 'rows', attributes: { role: 'rowgroup' } });
  private readonly window = h('div', { class: 'window', attributes: { role: 'presentation' } });
  private readonly head: HTMLElement;
  private columns: TensorColumns | null = null;
  private problems: ReadonlyMap<number, string> = new Map();
  private order = new Uint32Array(0);
  private selected: number | null = null;
  private sort: Sort | null = null;
  private readonly typing = new TypeAhead();

  constructor(private readonly events: TableEvents) {
    this.head = h('div', { class: 'row head', attributes: { role: 'row', 'aria-rowindex': '1' } });
    this.body.append(this.window);
    this.element = h(
      'div',
      {
        class: 'tensors',
        attributes: {
          role: 'grid',
          tabindex: '0',
          'aria-label': l10n.t(
            'Tensors. Arrow keys move, letters go to a name that has them, Enter computes statistics.',
          ),
        },
      },
      h('div', { class: 'head-group', attributes: { role: 'rowgroup' } }, this.head),
      this.body,
    );
    this.element.addEventListener('scroll', () => {
      this.draw();
    });
    this.element.addEventListener('keydown', (event) => {
      this.key(event);
    });
    this.body.addEventListener('click', (event) => {
      const row = this.rowOf(event);
      if (row === null) return;
      this.events.onSelect(row);
      // Not `dblclick`: the row of the first click has been drawn anew.
      if (event.detail === 2) this.events.onOpen(row);
    });
    const draw = (): void => {
      this.draw();
    };
    new ResizeObserver(() => {
      inFrame(draw);
    }).observe(this.element);
  }

  show(columns: TensorColumns): void {
    this.columns = columns;
    this.problems = new Map(columns.problems);
    this.element.classList.toggle('no-problems', columns.problems.length === 0);
    this.element.setAttribute('aria-colcount', String(columns.problems.length === 0 ? 4 : 5));
  }

  /** Rows to show, in order. */
  update(order: Uint32Array, sort: Sort | null): void {
    this.order = Uint32Array.from(order);
    this.sort = sort;
    this.element.setAttribute('aria-rowcount', String(order.length + 1));
    this.drawHead();
    this.draw();
  }

  /** Marks a row, and brings it into view where it is shown at all. */
  select(row: number | null, reveal = true): void {
    this.selected = row;
    const place = row === null ? -1 : this.order.indexOf(row);
    if (reveal && place >= 0) {
      const { scrollTop } = this.element;
      const wanted = scrollTo(place, this.order.length, rowHeight, this.viewport(), scrollTop);
      if (wanted !== scrollTop) this.element.scrollTop = wanted;
    }
    this.draw();
  }

  get scrolled(): number {
    return this.element.scrollTop;
  }

  /** To where it was, in rows that have just been shown. */
  scroll(to: number): void {
    if (to === 0) return;
    this.element.scrollTop = to;
    this.draw();
  }

  /** The part of the grid that is not covered by its heading. */
  private viewport(): number {
    return Math.max(0, this.element.clientHeight - this.head.offsetHeight);
  }

  private rowOf(event: Event): number | null {
    const target = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-row]') : null;
    return target === null ? null : Number(target.dataset['row']);
  }

  private key(event: KeyboardEvent): void {
    // Keys of the heading's buttons are theirs.
    if (event.target !== this.element) return;
    const { selected } = this;
    const place = selected === null ? -1 : this.order.indexOf(selected);
    if (event.key === 'Enter' && place >= 0 && selected !== null) {
      event.preventDefault();
      this.events.onOpen(selected);
      return;
    }
    if (event.key === 'c' && (event.ctrlKey || event.metaKey) && place >= 0 && selected !== null) {
      event.preventDefault();
      this.events.onCopy(selected);
      return;
    }
    const text = this.typing.typed(event);
    if (text !== null) {
      event.preventDefault();
      this.goTo(text, place);
      return;
    }
    const last = this.order.length - 1;
    const page = Math.max(1, Math.floor(this.viewport() / rowHeight) - 1);
    const targets: Readonly<Record<string, number>> = {
      ArrowDown: place + 1,
      ArrowUp: place < 0 ? 0 : place - 1,
      PageDown: place + page,
      PageUp: place - page,
      Home: 0,
      End: last,
    };
    const target = Object.hasOwn(targets, event.key) ? targets[event.key] : undefined;
    if (target === undefined || last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.events.onSelect(this.order[Math.max(0, Math.min(target, last))]!);
  }

  /** To the next name that has `text` in it: names of a checkpoint begin alike. */
  private goTo(text: string, place: number): void {
    const { columns, order } = this;
    if (columns === null) return;
    const found = nextMatch(order.length, place, text, (one, wanted) =>
      shownName(columns, order[one]!).toLowerCase().includes(wanted),
    );
    const row = found < 0 ? null : order[found]!;
    if (row !== null) this.events.onSelect(row);
    this.events.onTyped(text, row);
  }

  private drawHead(): void {
    const focused = document.activeElement?.closest<HTMLElement>('.tensors .head [data-key]')?.dataset['key'];
    const cells = headings.map(({ key, label }, i) => {
      const on = this.sort?.key === key;
      const direction = !on ? 'none' : this.sort?.descending === true ? 'descending' : 'ascending';
      const arrow = direction === 'none' ? null : icon(direction === 'ascending' ? 'arrow-up' : 'arrow-down');
      const button = h('button', { attributes: { type: 'button', 'data-key': key } }, h('span', {}, label), arrow);
      button.addEventListener('click', () => {
        // Up, down, back to the order of the file.
        this.events.onSort(
          !on ? { key, descending: false } : direction === 'ascending' ? { key, descending: true } : null,
        );
      });
      return h(
        'div',
        {
          class: `cell ${key}`,
          attributes: { role: 'columnheader', 'aria-colindex': String(i + 1), 'aria-sort': direction },
        },
        button,
      );
    });
    fill(this.head, ...cells);
    if (focused !== undefined) this.head.querySelector<HTMLElement>(`[data-key="${focused}"]`)?.focus();
  }

  private draw(): void {
    const { columns } = this;
    if (columns === null) return;
    const view = rowWindow(this.order.length, rowHeight, this.viewport(), this.element.scrollTop);
    this.body.style.height = `${view.height}px`;
    this.window.style.transform = `translateY(${view.top}px)`;
    const places = Array.from({ length: Math.max(0, view.rows) }, (_, i) => view.first + i);
    fill(this.window, ...places.map((place) => this.row(columns, place, this.order[place]!)));
    const marked = this.selected !== null && this.window.querySelector(`#tensor-${this.selected}`) !== null;
    if (marked) this.element.setAttribute('aria-activedescendant', `tensor-${this.selected ?? ''}`);
    else this.element.removeAttribute('aria-activedescendant');
  }

  private row(columns: TensorColumns, place: number, row: number): HTMLElement {
    const problem = this.problems.get(row);
    const on = row === this.selected;
    const texts: readonly [SortKey, string][] = [
      ['name', shownName(columns, row)],
      ['dtype', textAt(columns.dtypes, row)],
      ['shape', textAt(columns.shapes, row)],
      ['bytes', readableBytes(columns.byteLengths[row] ?? 0)],
      ['problem', problem ?? ''],
    ];
    const cells = texts.map(([key, text], i) =>
      h(
        'div',
        { class: `cell ${key}`, attributes: { role: 'gridcell', 'aria-colindex': String(i + 1) } },
        key === 'problem' && problem !== undefined ? icon('warning') : null,
        h('span', { attributes: { title: text } }, text),
      ),
    );
    return h(
      'div',
      {
        class: `row${on ? ' selected' : ''}${problem === undefined ? '' : ' broken'}`,
        attributes: {
          role: 'row',
          id: `tensor-${row}`,
          'data-row': String(row),
          'aria-rowindex': String(place + 2),
          'aria-selected': String(on),
        },
      },
      ...cells,
    );
  }
}
