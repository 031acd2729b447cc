// Left: the tensors of the file, those of the blocks one row for all layers, with the role each has.

import * as l10n from '@vscode/l10n';
import { fill, h, icon } from '../ui/dom';
import type { Draft, TensorRow } from './draft';

/** Rows drawn; a file with more distinct names than this is searched. */
const maxRows = 400;

export type SortKey = 'name' | 'shape' | 'role';
export interface ListView {
  query: string;
  sort: { key: SortKey; descending: boolean };
}

const headings: readonly (readonly [SortKey, string])[] = [
  ['name', l10n.t('Tensor')],
  ['shape', l10n.t('Shape')],
  ['role', l10n.t('Role')],
];
const collator = new Intl.Collator('en', { numeric: true });
/** Characters that break a line or turn its direction: a name with them could look like another. */
const deceiving = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export const shownName = (name: string): string =>
  name === '' ? l10n.t('(empty name)') : name.replace(deceiving, '\ufffd');

export class TensorList {
  readonly element = h('div', {
    class: 'tensors',
    attributes: { tabindex: '0', role: 'region', 'aria-label': l10n.t('Tensors of the checkpoint') },
  });
  readonly shown = h('span', { class: 'quiet', attributes: { role: 'status' } });
  private readonly head = h('tr');
  private readonly body = h('tbody');

  constructor(
    private readonly view: ListView,
    private readonly onSort: () => void,
  ) {
    fill(this.element, h('table', {}, h('thead', {}, this.head), this.body));
  }

  draw(draft: Draft): void {
    // Tied weights have two roles.
    const roles = new Map<string, string>();
    for (const [role, tensor] of Object.entries(draft.mapping.roles)) {
      if (tensor !== undefined) roles.set(tensor, roles.has(tensor) ? `${roles.get(tensor) ?? ''}, ${role}` : role);
    }
    const ignored = new Set(draft.mapping.ignore);
    const roleOf = ({ name }: TensorRow): string => roles.get(name) ?? (ignored.has(name) ? l10n.t('ignored') : '');
    const words = this.view.query.toLowerCase().split(/\s+/).filter(Boolean);
    const { key, descending } = this.view.sort;
    const text = (row: TensorRow): string =>
      key === 'name' ? row.name : key === 'shape' ? row.shape.join(' ') : roleOf(row) || '\uffff';
    const found = draft.rows
      .filter((row) => {
        const all = `${row.name} [${row.shape.join(', ')}] ${roleOf(row)}`.toLowerCase();
        return words.every((word) => all.includes(word));
      })
      .sort((a, b) => (descending ? -1 : 1) * collator.compare(text(a), text(b)));
    this.drawHead();
    fill(this.body, ...found.slice(0, maxRows).map((row) => line(row, roleOf(row))));
    const [count, all] = [found.length.toLocaleString('en-US'), draft.rows.length.toLocaleString('en-US')];
    this.shown.textContent =
      found.length > maxRows
        ? l10n.t('{0} of {1} rows, the first {2} are shown', count, all, maxRows)
        : l10n.t('{0} of {1} rows', count, all);
  }

  private drawHead(): void {
    const focused = this.head.contains(document.activeElement)
      ? document.activeElement?.getAttribute('data-key')
      : null;
    const { sort } = this.view;
    fill(
      this.head,
      ...headings.map(([key, label]) => {
        const on = sort.key === key;
        const arrow = on ? icon(sort.descending ? 'arrow-down' : 'arrow-up') : null;
        const button = h('button', { attributes: { type: 'button', 'data-key': key } }, label, arrow);
        button.addEventListener('click', () => {
          this.view.sort = { key, descending: on && !sort.descending };
          this.onSort();
        });
        const direction = !on ? 'none' : sort.descending ? 'descending' : 'ascending';
        return h('th', { attributes: { scope: 'col', 'aria-sort': direction } }, button);
      }),
    );
    if (focused !== null) this.head.querySelector<HTMLElement>(`[data-key="${focused ?? ''}"]`)?.focus();
  }
}

function line(row: TensorRow, role: string): HTMLElement {
  const many = row.count > 1 ? h('span', { class: 'count' }, `× ${row.count}`) : null;
  return h(
    'tr',
    { class: role === '' ? 'free' : 'used' },
    h('td', { class: 'name' }, shownName(row.name), many),
    h('td', { class: 'shape' }, `[${row.shape.join(', ')}]`),
    h('td', {}, role === '' ? l10n.t('no role') : role),
  );
}
