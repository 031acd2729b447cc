// Heads ranked by how far the chosen metric wanders over the runs: its range, its largest step, or first to last.

import * as l10n from '@vscode/l10n';
import { metricHere } from '../../src/comparison/comparedMetrics';
import type { Comparison } from '../../src/comparison/comparison';
import {
  rankTimeline,
  timelineColumns,
  timelineLegend,
  timelineRow,
  type TimelineOrder,
} from '../../src/comparison/timelineRanking';
import type { HeadAddress } from '../../src/protocol/messages';
import { fill, h, scrollRegion } from '../ui/dom';
import { dropdown } from '../ui/toolkit';
import { typeAheadHeads } from '../ui/typeAhead';
import { headRow, markSelected } from './headRows';

/** Lines of the list; the rest is in the report's CSV. */
const shownLines = 100;
const orders: readonly { readonly value: TimelineOrder; readonly label: string }[] = [
  { value: 'range', label: l10n.t('largest range') },
  { value: 'step', label: l10n.t('largest step') },
  { value: 'change', label: l10n.t('first to last') },
];

export class TimelineList {
  readonly element = h('section', { class: 'ranked' });
  private readonly place = h('div');
  private readonly order = dropdown(l10n.t('How heads of the timeline are ranked'), (value) => {
    this.by = orders.find((one) => one.value === value)?.value ?? 'range';
    this.draw();
  });
  private by: TimelineOrder = 'range';
  private shown: { readonly comparison: Comparison; readonly metric: string } | null = null;
  private selected: HeadAddress | null = null;

  constructor(private readonly select: (address: HeadAddress) => void) {
    fill(
      this.element,
      h('div', { class: 'choice' }, h('span', { class: 'quiet' }, l10n.t('Heads by')), this.order.element),
      this.place,
      typeAheadHeads(this.place),
      h('p', { class: 'quiet' }, timelineLegend),
    );
  }

  show(comparison: Comparison, metric: string, selected: HeadAddress | null): void {
    this.selected = selected;
    const { shown } = this;
    this.shown = { comparison, metric };
    // A line that was just pressed keeps the focus.
    if (shown?.comparison === comparison && shown.metric === metric) markSelected(this.place, selected);
    else this.draw();
  }

  private draw(): void {
    if (this.shown === null) return;
    const { comparison, metric } = this.shown;
    this.order.set(orders, this.by);
    const label = metricHere(comparison, metric)?.label ?? metric;
    const [, , ...columns] = timelineColumns;
    const rows = rankTimeline(comparison, metric, this.by)
      .slice(0, shownLines)
      .map((one) => headRow(one, timelineRow(comparison, metric, one), this.select));
    const head = [l10n.t('layer · head'), ...columns].map((text) => h('th', { attributes: { scope: 'col' } }, text));
    fill(
      this.place,
      scrollRegion(
        l10n.t('Heads by their timeline of {0}', label),
        h('table', {}, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows)),
      ),
    );
    markSelected(this.place, this.selected);
  }
}
