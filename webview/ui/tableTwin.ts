// The numbers of a figure as a table that unfolds below it; filled only while it is open.

import * as l10n from '@vscode/l10n';
import type { Figure } from '../../src/report/figures/figure';
import { tableLength, tableRows } from '../charts/toCsv';
import type { Cell } from '../charts/toCsv';
import { fill, h, scrollRegion } from './dom';

/** Rows that are shown; a 200 x 200 pattern is for the CSV button. */
const maxTableRows = 2000;

export class TableTwin {
  readonly element = h('details', { class: 'twin' }) as HTMLDetailsElement;
  private figure: Figure | null = null;

  constructor() {
    this.element.addEventListener('toggle', () => {
      this.write();
    });
  }

  show(figure: Figure): void {
    this.figure = figure;
    this.write();
  }

  private write(): void {
    const { figure } = this;
    const summary = h('summary', {}, l10n.t('Numbers as a table'));
    if (figure === null || !this.element.open) {
      // Written again only where it was open: a heatmap under the pointer changes at every move.
      if (this.element.childElementCount !== 1) fill(this.element, summary);
      return;
    }
    const [header, ...rows] = tableRows(figure, maxTableRows);
    const text = (cell: Cell): string =>
      cell === null || (typeof cell === 'number' && !Number.isFinite(cell)) ? '' : String(cell);
    const body = rows.slice(0, maxTableRows).map((row) => h('tr', {}, ...row.map((cell) => h('td', {}, text(cell)))));
    const head = h('tr', {}, ...(header ?? []).map((cell) => h('th', { attributes: { scope: 'col' } }, text(cell))));
    const left = tableLength(figure) - maxTableRows;
    fill(
      this.element,
      summary,
      scrollRegion(
        l10n.t('Numbers of {0}', figure.title),
        h('table', {}, h('thead', {}, head), h('tbody', {}, ...body)),
      ),
      left > 0
        ? h('p', { class: 'quiet' }, l10n.t('The first {0} rows; {1} more are in the CSV.', maxTableRows, left))
        : null,
    );
  }
}
