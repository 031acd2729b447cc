// Looking for heads in the overview: one line that says the head under the cursor, a filter that dims all others in every
// map, and the heads that are left as a ranked list of links.

import * as l10n from '@vscode/l10n';
import type { HeadResult } from '../../src/diagnostics/headResult';
import type { HeadAddress, SessionSnapshot } from '../../src/protocol/messages';
import { allHeads, headFilters, rankHeads, type HeadFilter } from '../../src/report/figures/headFilters';
import type { HeadMetric } from '../../src/report/figures/headMetric';
import { availableMetrics, defaultMetricId, metricById } from '../../src/report/figures/metrics';
import { formatNumber, verdictText } from '../../src/report/format';
import { headTitle } from '../../src/report/layerLabel';
import { fill, h } from '../ui/dom';
import { afterDrawing } from '../ui/drawQueue';
import { dropdown } from '../ui/toolkit';
import { typeAheadHeads } from '../ui/typeAhead';
import type { OverviewChoices } from './tabMemory';

/** Links that are made; the filter brings the number down. */
const maxLinks = 200;

const hint = l10n.t(
  'Point at a cell, or go there by keyboard: the head lights up in every map. Click or Enter opens it.',
);

export interface ChoiceMemory {
  readonly choices: OverviewChoices | null;
  choose(choices: OverviewChoices): void;
}

type Model = SessionSnapshot['model'];

function headName(model: Model, { layer, head }: HeadAddress): string {
  return headTitle(model, layer, head);
}

/** `0.41 (chance 0.33)` */
function numberText(metric: HeadMetric, head: HeadResult): string {
  const [value, chance] = [metric.value(head), metric.chance(head)];
  const text = metric.text(head);
  if (value === null) return text;
  return chance === null
    ? l10n.t('{0}, chance level not known', text)
    : l10n.t('{0}, chance level {1}', text, formatNumber(chance));
}

export class HeadChoice {
  /** Filter and order. */
  readonly controls: HTMLElement;
  readonly ranking: HTMLElement;
  private readonly readout = h('p', { class: 'readout', attributes: { 'aria-live': 'off' } }, hint);
  private readonly count = h('p', { class: 'quiet', attributes: { role: 'status' } });
  private readonly summary = h('summary');
  private readonly list = h('ol', { class: 'ranking' });
  private readonly filters = dropdown(l10n.t('Show heads'), (filter) => {
    this.change({ filter });
  });
  private readonly metrics = dropdown(l10n.t('Sort by'), (metric) => {
    this.change({ metric });
  });
  private readonly orders = dropdown(l10n.t('Order'), (order) => {
    this.change({ order: order === 'lowest' ? 'lowest' : 'highest' });
  });
  private chosen: OverviewChoices;
  private state: Pick<SessionSnapshot, 'model' | 'layers'> | null = null;
  private passing = allHeads;
  private isFilled = false;

  constructor(
    private readonly memory: ChoiceMemory,
    private readonly open: (address: HeadAddress) => void,
    /** The maps are to be drawn again. */
    private readonly onChange: () => void,
  ) {
    this.chosen = memory.choices ?? { filter: allHeads.id, metric: defaultMetricId, order: 'highest' };
    const labelled = (label: string, element: HTMLElement): HTMLElement =>
      h('div', { class: 'choice' }, h('span', { attributes: { 'aria-hidden': 'true' } }, label), element);
    this.controls = h(
      'div',
      { class: 'head-choice' },
      labelled(l10n.t('Show'), this.filters.element),
      labelled(l10n.t('Sort by'), this.metrics.element),
      labelled(l10n.t('Order'), this.orders.element),
      this.count,
      this.readout,
    );
    this.ranking = h(
      'details',
      {
        class: 'ranked',
        on: {
          toggle: () => {
            this.fillList();
          },
        },
      },
      this.summary,
      this.list,
      typeAheadHeads(this.list),
    );
  }

  show(state: Pick<SessionSnapshot, 'model' | 'layers'>): void {
    this.state = state;
    this.ranking.hidden = state.layers.every((layer) => layer.heads.length === 0);
    // At first the maps are waited for.
    if (this.isFilled) this.fill();
    else afterDrawing(this.fill);
  }

  private readonly fill = (): void => {
    const { state } = this;
    if (state === null) return;
    this.isFilled = true;
    const heads = state.layers.flatMap((layer) => layer.heads);
    const { filter, metric, order } = this.chosen;
    const known = headFilters(heads);
    this.filters.set(
      known.map(({ id, label }) => ({ value: id, label })),
      this.filter(known).id,
    );
    this.metrics.set(
      availableMetrics(heads).map(({ id, label }) => ({ value: id, label })),
      metricById(metric).id,
    );
    this.orders.set(
      [
        { value: 'highest', label: l10n.t('highest first') },
        { value: 'lowest', label: l10n.t('lowest first') },
      ],
      order,
    );
    const passing = this.filter(known);
    const count = heads.filter((head) => passing.matches(head)).length;
    const left =
      count < heads.length
        ? l10n.t('{0} of {1} heads; the others are dimmed in every map.', count, heads.length)
        : l10n.t('{0} of {1} heads.', count, heads.length);
    this.count.textContent = filter === allHeads.id ? '' : left;
    const { label } = metricById(metric);
    this.summary.textContent =
      count === 1 ? l10n.t('Ranking by {0}: 1 head', label) : l10n.t('Ranking by {0}: {1} heads', label, count);
    this.passing = passing;
    this.fillList();
  };

  /** Links are made while somebody may see them. */
  private fillList(): void {
    const { state } = this;
    if (state === null || !this.ranking.hasAttribute('open')) return;
    const { metric, order } = this.chosen;
    const ranked = rankHeads(state.layers, this.passing, metricById(metric), order);
    const links = ranked.slice(0, maxLinks).map(({ layer, head }) => {
      const address = { layer, head: head.index };
      const link = h(
        'button',
        {
          class: 'link',
          attributes: { 'data-head': `${layer} ${head.index}` },
          on: {
            click: () => {
              this.open(address);
            },
          },
        },
        headName(state.model, address),
      );
      return h('li', {}, link, ` ${numberText(metricById(metric), head)}; ${verdictText(head)}`);
    });
    const more = ranked.length - links.length;
    // Numbers of a run come and go: whoever stands on a head stays on it.
    const focused = document.activeElement;
    const stays = focused instanceof HTMLElement && this.list.contains(focused) ? focused.dataset['head'] : undefined;
    fill(
      this.list,
      ...links,
      more > 0 ? h('li', { class: 'quiet' }, l10n.t('{0} more; choose fewer with Show.', more)) : null,
    );
    if (stays !== undefined)
      this.list.querySelector<HTMLElement>(`[data-head="${stays}"]`)?.focus({ preventScroll: true });
  }

  /** Another inspection: what was said of a head of the last one goes. */
  reset(): void {
    this.readout.textContent = hint;
  }

  /** [layers * heads]: true for heads that were measured and do not pass; undefined where all do. */
  dimmed(rows: number, columns: number): readonly boolean[] | undefined {
    const layers = this.state?.layers ?? [];
    const filter = this.filter(headFilters(layers.flatMap(({ heads }) => heads)));
    if (filter.id === allHeads.id) return undefined;
    const dimmed = Array.from({ length: rows * columns }, () => false);
    for (const { index, heads } of layers)
      for (const head of heads) dimmed[index * columns + head.index] = !filter.matches(head);
    return dimmed;
  }

  /** Says the head at the cursor; aloud where the keyboard is there. null: the cursor left. */
  point(address: HeadAddress | null, metric: HeadMetric, aloud: boolean): void {
    const { state } = this;
    const head =
      address === null
        ? undefined
        : state?.layers.find(({ index }) => index === address.layer)?.heads.find(({ index }) => index === address.head);
    this.readout.setAttribute('aria-live', aloud ? 'polite' : 'off');
    if (address === null || state === null) return;
    const name = headName(state.model, address);
    this.readout.textContent =
      head === undefined
        ? l10n.t('{0}: not inspected.', name)
        : l10n.t('{0}: {1} {2}. Verdict: {3}.', name, metric.label, numberText(metric, head), verdictText(head));
  }

  private filter(known: readonly HeadFilter[]): HeadFilter {
    return known.find(({ id }) => id === this.chosen.filter) ?? allHeads;
  }

  private change(part: Partial<OverviewChoices>): void {
    this.chosen = { ...this.chosen, ...part };
    this.memory.choose(this.chosen);
    if (this.state !== null) this.show(this.state);
    this.onChange();
  }
}
