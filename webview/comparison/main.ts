// The comparison tab: linked difference maps, the ranked list of what changed, one head in every metric, and timelines.

import '../ui/language';
import './comparison.css';
import * as l10n from '@vscode/l10n';
import { metricHere } from '../../src/comparison/comparedMetrics';
import type { Comparison, MatchedBy } from '../../src/comparison/comparison';
import { comparisonTitle, matchingText } from '../../src/comparison/comparisonText';
import type {
  ComparisonHostCalls,
  ComparisonPageCalls,
  ComparisonTab,
  WireComparison,
} from '../../src/protocol/comparisonMessages';
import { unpackComparedLayer, unpackComparison } from '../../src/protocol/comparisonMessages';
import type { HeadAddress } from '../../src/protocol/messages';
import { fill, h } from '../ui/dom';
import { afterDrawing } from '../ui/drawQueue';
import { connectHost } from '../ui/host';
import { inSlices } from '../ui/slices';
import { keepFocus } from '../ui/keepFocus';
import { onThemeChange } from '../ui/theme';
import { button, dropdown, registerComponents } from '../ui/toolkit';
import { HeadNumbers } from './headNumbers';
import { LinkedMaps } from './linkedMaps';
import { RankedLists } from './rankedLists';
import { fileText, runCards } from './runCards';
import { Timelines } from './timelines';

registerComponents();
keepFocus();
const app = document.getElementById('app')!;
const { host, state: tab } = connectHost<ComparisonPageCalls, ComparisonHostCalls>({});

/** `matchedBy` null: as the comparison is. */
const view: { matchedBy: MatchedBy | null; metric: string | null; selected: HeadAddress | null } = {
  matchedBy: null,
  metric: null,
  selected: null,
  ...(tab.get() as Partial<ComparisonTab> | undefined),
};
let comparison: Comparison | null = null;
let wire: Pick<WireComparison, 'kept' | 'matchings'> | null = null;

const title = h('h1');
const message = h('div', { class: 'message', attributes: { role: 'status' } });
const exporting = button(l10n.t('Export Report…'), () => void host.exportReport(view.matchedBy).catch(say), {
  icon: 'export',
  primary: true,
});
const metrics = dropdown(l10n.t('Metric of the large map'), (metric) => {
  view.metric = metric;
  draw();
});
const matching = dropdown(l10n.t('How heads are matched'), (by) => {
  view.matchedBy = by === 'permutation' ? 'permutation' : 'index';
  void open();
});
const cards = h('div', { class: 'cards' });
const select = (address: HeadAddress): void => {
  view.selected = address;
  draw();
  numbers.element.scrollIntoView({ block: 'nearest' });
};
/** From the timeline, whose own line shows the head: it stays where it is, also when the numbers above it take their room. */
const selectHere = (address: HeadAddress): void => {
  const top = (): number => timelines.element.getBoundingClientRect().top;
  const before = top();
  view.selected = address;
  draw();
  window.scrollBy(0, top() - before);
};
const openInReport = (figure: string): void => void host.openInReport(view.matchedBy, figure).catch(say);
const maps = new LinkedMaps(select, host, openInReport);
const lists = new RankedLists(select);
const timelines = new Timelines(selectHere, host, openInReport);
const numbers = new HeadNumbers((run, address) => void host.openHead(run, address).catch(say));
const body = h(
  'div',
  {},
  cards,
  h(
    'div',
    { class: 'choices' },
    h('div', { class: 'choice' }, h('span', { class: 'quiet' }, l10n.t('Metric')), metrics.element),
    h('div', { class: 'choice matching' }, h('span', { class: 'quiet' }, l10n.t('Heads matched by')), matching.element),
  ),
  h('div', { class: 'lead' }, maps.large, lists.elements.inBands),
  numbers.element,
  maps.small,
  timelines.element,
  lists.elements.inSpreads,
);
fill(app, h('header', { class: 'top' }, title, message, exporting), body);

onThemeChange(() => {
  maps.redraw();
  timelines.redraw();
});

function say(error: unknown): void {
  message.classList.add('failed');
  message.textContent = error instanceof Error ? error.message : String(error);
}

async function open(): Promise<void> {
  app.dataset['phase'] = 'comparing';
  message.classList.remove('failed');
  message.textContent = l10n.t('Comparing…');
  try {
    const found = await host.compare(view.matchedBy);
    const layers: Comparison['layers'][number][] = [];
    await inSlices(found.layers.values(), (text) => layers.push(unpackComparedLayer(text)) > 0);
    wire = found;
    comparison = unpackComparison(found, layers);
    const { runs, inputs } = comparison;
    title.textContent = comparisonTitle(comparison);
    message.textContent =
      inputs.length === 1
        ? l10n.t('on {0}, {1} runs', inputs[0]!.label, runs.length)
        : l10n.t('on {0} inputs, {1} runs', inputs.length, runs.length);
    fill(cards, ...runCards(comparison, fileText(comparison, found)));
    draw();
    app.dataset['phase'] = 'done';
  } catch (error) {
    title.textContent ||= l10n.t('Comparison');
    body.hidden = comparison === null;
    exporting.hidden = comparison === null;
    say(error);
    app.dataset['phase'] = 'failed';
  }
}

/** What the maps show, or soon will. */
let mapped: Comparison | null = null;

const drawMaps = (): void => {
  if (comparison === null || view.metric === null) return;
  maps.show(comparison, view.metric, view.selected);
  timelines.show(comparison, view.metric, view.selected);
};

/** The two long tables, behind what is looked at first. */
const drawLists = (): void => {
  if (comparison !== null) lists.show(comparison, view.selected);
};

function draw(): void {
  if (comparison === null || wire === null) return;
  const { metrics: all, runs, matchedBy } = comparison;
  view.metric = (all.find(({ id }) => id === view.metric) ?? all[0])?.id ?? null;
  const { metric, selected } = view;
  metrics.set(
    all.map(({ id, label }) => ({ value: id, label: metricHere(comparison!, id)?.label ?? label })),
    metric ?? '',
  );
  matching.set(
    [
      { value: 'index', label: l10n.t('index') },
      { value: 'permutation', label: l10n.t('best permutation') },
    ],
    matchedBy,
  );
  matching.element.title = matchingText(comparison);
  // What cannot be chosen is not offered; the card of a file says why.
  matching.element.parentElement!.hidden = comparison.kind === 'methods' || wire.matchings.length < 2;
  // A page that opens shows its cards in one frame and the large map in the next.
  if (mapped === comparison) drawMaps();
  else afterDrawing(drawMaps);
  mapped = comparison;
  numbers.show(comparison, selected, wire.kept);
  afterDrawing(drawLists);
  const kept: ComparisonTab = {
    runs: runs.map(({ name, inspection }) => ({ name, inspection })),
    matchedBy,
    metric,
    selected,
  };
  tab.set(kept);
}

void open();
