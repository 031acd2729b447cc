// The laboratory's settings on every head of the layer: a table with a row a head, and the iteration of each as maps. The
// same knobs turn all of them.

import * as l10n from '@vscode/l10n';
import type { FigureCalls } from '../../src/protocol/messages';
import type { RpcLabRow } from '../../src/inspection/rpcLab';
import type { HeadContext } from '../../src/report/figures/headFigures';
import { rpcLayerCells, rpcLayerColumns, rpcLayerFigures } from '../../src/report/figures/rpcLayerFigures';
import { fittingHeight } from '../charts/heatmapLayout';
import { fill, h, scrollRegion } from '../ui/dom';
import { FigureView } from '../ui/figureView';
import { button } from '../ui/toolkit';

/** CSS pixels. */
const mostHeight = 420;

export class LaboratoryLayer {
  readonly element: HTMLElement;
  private readonly status = h('p', { class: 'quiet', attributes: { role: 'status' } });
  private readonly table = h('div');
  private readonly figures = h('div', { class: 'figures' });
  private readonly views = new Map<string, FigureView>();
  private readonly opener: HTMLElement;
  private ready = false;

  constructor(
    onOpen: () => void,
    private readonly onPick: (head: number) => void,
    private readonly calls: FigureCalls,
  ) {
    this.opener = button(l10n.t('Run it on every head of this layer'), () => {
      this.opener.hidden = true;
      onOpen();
    });
    this.element = h(
      'div',
      { class: 'layer-table' },
      h('h3', {}, l10n.t('Every head of this layer')),
      this.opener,
      this.status,
      this.table,
      this.figures,
    );
  }

  /** Its heads are there: whoever computes shall give rows. */
  get isOpen(): boolean {
    return this.ready;
  }

  reset(): void {
    this.ready = false;
    this.opener.hidden = false;
    this.status.textContent = '';
    this.views.clear();
    fill(this.table);
    fill(this.figures);
    delete this.element.dataset['rows'];
  }

  say(words: string): void {
    this.status.textContent = words;
  }

  /** `without`: sentences about heads that cannot be in it. */
  opened(without: readonly string[]): void {
    this.ready = true;
    this.status.textContent = without.join(' ');
  }

  failed(words: string): void {
    this.reset();
    this.status.textContent = l10n.t('The heads of this layer cannot be shown: {0}', words);
  }

  /** `current`: the head that the page is about. */
  show(rows: readonly RpcLabRow[], current: number, context: HeadContext): void {
    const body = rows.map((row) => {
      const [head = '', ...cells] = rpcLayerCells(row);
      const link = h(
        'button',
        {
          class: 'link',
          attributes: { type: 'button', ...(row.head === current ? { 'aria-current': 'true' } : {}) },
          on: {
            click: () => {
              this.onPick(row.head);
            },
          },
        },
        head,
      );
      return h('tr', {}, h('th', { attributes: { scope: 'row' } }, link), ...cells.map((text) => h('td', {}, text)));
    });
    const columns = rpcLayerColumns.map((text) => h('th', { attributes: { scope: 'col' } }, text));
    fill(
      this.table,
      scrollRegion(
        l10n.t('RPC with these settings on every head of the layer'),
        h('table', {}, h('thead', {}, h('tr', {}, ...columns)), h('tbody', {}, ...body)),
      ),
    );
    for (const figure of rpcLayerFigures(rows, context)) {
      const view = this.views.get(figure.id);
      if (view !== undefined) {
        view.update(figure);
        continue;
      }
      const height = (width: number): number => fittingHeight(figure, width, mostHeight);
      const made = new FigureView(figure, { height, calls: this.calls });
      this.views.set(figure.id, made);
      this.figures.append(made.element);
    }
    this.element.dataset['rows'] = String(rows.length);
  }

  redraw(): void {
    for (const view of this.views.values()) view.drawSoon();
  }
}
