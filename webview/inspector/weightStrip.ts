// One row of a pattern over the tokens of a text: each token on the colour of its weight, with the numbers on demand.

import * as l10n from '@vscode/l10n';
import { notMeasured } from '../../src/report/format';
import type { HeatmapFigure } from '../../src/report/figures/figure';
import { rgbText } from '../charts/colormap';
import { cellColour, inkOn } from '../charts/drawHeatmap';
import { fill, h } from '../ui/dom';
import { TableTwin } from '../ui/tableTwin';
import { readTheme } from '../ui/theme';

/** Tokens that are shown at once; a strip of thousands would be repainted at every move. */
const shownTokens = 400;

/** Tokens `from` to `to` (excluded) of N that a strip around `query` shows. */
export function stripWindow(query: number, tokens: number): { readonly from: number; readonly to: number } {
  const from = Math.max(0, Math.min(query - shownTokens / 2, tokens - shownTokens));
  return { from, to: Math.min(tokens, from + shownTokens) };
}

/** `7 "·cat"` as the strip shows it: the text alone. */
function shortName(label: string): string {
  return /^\d+ "([^]*)"$/.exec(label)?.[1] ?? label;
}

export class WeightStrip {
  readonly element: HTMLElement;
  private readonly title = h('h3');
  private readonly words = h('p', { class: 'shows' });
  private readonly list = h('ol', { class: 'tokens weights', attributes: { tabindex: '0' } });
  private readonly table = new TableTwin();
  private items: HTMLElement[] = [];
  private shown: readonly [HeatmapFigure, number] | null = null;

  constructor() {
    this.element = h('section', { class: 'figure' }, this.title, this.list, this.words, this.table.element);
  }

  /** `figure`: [1, N]; `query`: whose row it is. */
  update(figure: HeatmapFigure, query: number): void {
    this.shown = [figure, query];
    const { from, to } = stripWindow(query, figure.columns);
    const theme = readTheme();
    if (this.items.length !== to - from) {
      this.items = Array.from({ length: to - from }, () => h('li'));
      fill(this.list, ...this.items);
    }
    this.element.dataset['figure'] = figure.id;
    this.title.textContent = figure.title;
    this.list.setAttribute('aria-label', figure.title);
    const part =
      to - from < figure.columns
        ? ` ${l10n.t('Tokens {0} to {1} of {2} are shown.', from, to - 1, figure.columns)}`
        : '';
    this.words.textContent = figure.shows + part;
    for (const [place, item] of this.items.entries()) {
      const token = from + place;
      const value = figure.values[token] ?? Number.NaN;
      const name = figure.columnLabels?.[token] ?? String(token);
      const colour = cellColour(figure, value, theme);
      item.textContent = shortName(name);
      item.title = `${name}: ${colour === null ? (figure.blank ?? notMeasured) : String(Number(value.toPrecision(4)))}`;
      item.classList.toggle('own', token === query);
      item.classList.toggle('blank', colour === null);
      item.style.background = colour === null ? '' : rgbText(colour);
      item.style.color = colour === null ? '' : inkOn(colour);
    }
    this.table.show(figure);
  }

  redraw(): void {
    if (this.shown !== null) this.update(...this.shown);
  }
}
