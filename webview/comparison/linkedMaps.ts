// Difference maps of all main metrics beside a large one of the chosen: the cell under the pointer or the keyboard
// cursor of one is lit in all, with its number.

import * as l10n from '@vscode/l10n';
import type { ComparedNumber, Comparison } from '../../src/comparison/comparison';
import { differenceFigure, shownMetricIds } from '../../src/comparison/comparisonFigures';
import { comparedHeadAt, partnerText, signed } from '../../src/comparison/comparisonText';
import type { FigureCalls, HeadAddress } from '../../src/protocol/messages';
import { layerTitle } from '../../src/report/layerLabel';
import type { Cursor } from '../charts/cursor';
import { fill, h } from '../ui/dom';
import { afterDrawing } from '../ui/drawQueue';
import { FigureView } from '../ui/figureView';

interface SmallMap {
  readonly id: string;
  /** Where the map comes, when it is made. */
  readonly place: HTMLElement;
  view: FigureView | null;
  readonly lit: HTMLElement;
}

const cellOf = (address: HeadAddress | null): Cursor | null =>
  address === null ? null : { kind: 'heatmap', row: address.layer, column: address.head };

/** `+0.141, outside its band`. */
function changeText({ difference, inBands }: ComparedNumber): string {
  const change = signed(difference);
  if (inBands === undefined) return change;
  return Math.abs(inBands) > 1 ? l10n.t('{0}, outside its band', change) : l10n.t('{0}, inside its band', change);
}

/** Of a small map with so many layers, CSS pixels. */
const smallHeight = (layers: number, width: number): number => Math.max(170, Math.min(90 + layers * 22, width));

export class LinkedMaps {
  /** The large map with what is lit above it, and the small ones. */
  readonly large = h('section', { class: 'maps large' });
  readonly small = h('section', { class: 'maps figures small' });
  private readonly place = h('div');
  private readonly where = h('p', { class: 'where', attributes: { role: 'status' } });
  private main: FigureView | null = null;
  private others: SmallMap[] = [];
  private comparison: Comparison | null = null;
  private selected: HeadAddress | null = null;
  /** Head that is marked in every map. */
  private lit: HeadAddress | null = null;

  constructor(
    private readonly select: (address: HeadAddress) => void,
    private readonly calls: FigureCalls,
    private readonly openInReport: (figure: string) => void,
  ) {
    fill(this.large, h('h2', {}, l10n.t('Difference maps')), this.where, this.place);
  }

  show(comparison: Comparison, metric: string, selected: HeadAddress | null): void {
    const another = comparison !== this.comparison;
    this.comparison = comparison;
    this.selected = selected;
    const figure = differenceFigure(comparison, metric);
    if (this.main === null) {
      this.main = this.mapOf(figure, 'all');
      fill(this.place, this.main.element);
    } else this.main.update(figure);
    if (another) this.drawSmall(comparison);
    this.light(null);
  }

  redraw(): void {
    for (const view of this.views()) view.drawSoon();
  }

  private views(): FigureView[] {
    return [...(this.main === null ? [] : [this.main]), ...this.others.flatMap(({ view }) => view ?? [])];
  }

  private drawSmall(comparison: Comparison): void {
    const before = new Map(this.others.map((map) => [map.id, map]));
    this.others = shownMetricIds(comparison).map((id) => {
      const map = before.get(id) ?? { id, place: h('div'), view: null, lit: h('p', { class: 'lit quiet' }) };
      map.place.style.height = `${smallHeight(comparison.model.layers, Infinity)}px`;
      afterDrawing(() => {
        if (this.comparison === comparison) this.drawMap(map, comparison);
      });
      return map;
    });
    fill(this.small, ...this.others.map(({ place, view, lit }) => h('div', {}, view?.element ?? place, lit)));
  }

  private drawMap(map: SmallMap, comparison: Comparison): void {
    const figure = differenceFigure(comparison, map.id);
    if (map.view !== null) {
      map.view.updateSoon(figure);
      return;
    }
    map.view = this.mapOf(figure, 'none');
    map.place.replaceWith(map.view.element);
    map.view.choose(cellOf(this.lit));
  }

  private mapOf(figure: ReturnType<typeof differenceFigure>, words: 'all' | 'none'): FigureView {
    const rows = figure.rows;
    return new FigureView(figure, {
      height: (width) => (words === 'all' ? Math.max(170, Math.min(140 + rows * 34, width)) : smallHeight(rows, width)),
      words,
      calls: this.calls,
      openInReport: this.openInReport,
      onPick: (cursor) => {
        if (cursor.kind === 'heatmap') this.pick({ layer: cursor.row, head: cursor.column });
      },
      onCursor: (cursor) => {
        this.light(cursor?.kind === 'heatmap' ? { layer: cursor.row, head: cursor.column } : null);
      },
    });
  }

  private pick(address: HeadAddress): void {
    const { comparison } = this;
    if (comparison !== null && comparedHeadAt(comparison, address.layer, address.head)) this.select(address);
  }

  /** Marks a head in every map and writes its numbers below them; null: the selected one. */
  private light(address: HeadAddress | null): void {
    const { comparison } = this;
    const lit = address ?? this.selected;
    this.lit = lit;
    for (const view of this.views()) view.choose(cellOf(lit));
    const head = comparison === null || lit === null ? undefined : comparedHeadAt(comparison, lit.layer, lit.head);
    this.where.textContent =
      comparison === null || lit === null || head === undefined
        ? l10n.t(
            'Point at a head, or go to it with the arrow keys: it is lit in every map. Enter or a click shows all its numbers.',
          )
        : `${layerTitle(comparison.model, lit.layer)}, ${partnerText(head)}`;
    for (const { id, lit: line } of this.others) {
      const number = head?.metrics[id];
      // Room for one line always, so that the maps stay where they are.
      line.textContent = number === undefined ? '\u00a0' : changeText(number);
    }
  }
}
