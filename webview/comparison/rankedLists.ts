// What changed most, as tables whose lines lead to the head.

import * as l10n from '@vscode/l10n';
import type { Comparison } from '../../src/comparison/comparison';
import { outsideText, rankedColumns, rankedLegend, rankedRow } from '../../src/comparison/comparisonText';
import type { HeadAddress } from '../../src/protocol/messages';
import { fill, h, scrollRegion } from '../ui/dom';
import { typeAheadHeads } from '../ui/typeAhead';
import { headRow, markSelected } from './headRows';

/** Lines of a list; all of them are in the report's JSON. */
const shownLines = 100;
const headings = {
  inBands: l10n.t('What changed most'),
  inSpreads: l10n.t('Changes with neither null nor interval'),
} as const;

export class RankedLists {
  /** By bands, and what has none. */
  readonly elements = {
    inBands: h('section', { class: 'ranked' }),
    inSpreads: h('section', { class: 'ranked' }),
  } as const;
  private drawn: Comparison | null = null;

  constructor(private readonly select: (address: HeadAddress) => void) {}

  show(comparison: Comparison, selected: HeadAddress | null): void {
    for (const by of ['inBands', 'inSpreads'] as const) {
      const element = this.elements[by];
      if (comparison !== this.drawn) fill(element, ...this.list(comparison, by));
      markSelected(element, selected);
    }
    this.drawn = comparison;
  }

  private list(comparison: Comparison, by: 'inBands' | 'inSpreads'): HTMLElement[] {
    const all = comparison.ranked[by];
    // Without any line in either list the first says so.
    if (all.length === 0)
      return by === 'inBands' && comparison.ranked.inSpreads.length === 0
        ? [h('h2', {}, headings.inBands), h('p', {}, outsideText(comparison))]
        : [];
    const rows = all.slice(0, shownLines).map((change) => {
      const { layer, head } = change;
      const cells = rankedRow(comparison, change, by);
      return headRow({ layer, head }, cells, this.select);
    });
    const columns = [l10n.t('layer · head'), ...rankedColumns(comparison, by).slice(2)];
    const head = h('tr', {}, ...columns.map((text) => h('th', { attributes: { scope: 'col' } }, text)));
    const region = scrollRegion(headings[by], h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows)));
    return [
      h('h2', {}, headings[by]),
      region,
      typeAheadHeads(region),
      ...(by === 'inBands' ? [h('p', { class: 'quiet' }, `${outsideText(comparison)} ${rankedLegend}`)] : []),
    ];
  }
}
