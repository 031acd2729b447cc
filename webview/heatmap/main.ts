// The side panel: one heatmap, layers x heads, that follows the open inspection.

import '../ui/language';
import './heatmap.css';
import * as l10n from '@vscode/l10n';
import type { HeadAddress, PageCalls, SessionSnapshot, WireSnapshot } from '../../src/protocol/messages';
import { availableMetrics, metricById } from '../../src/report/figures/metrics';
import { overviewFigure } from '../../src/report/figures/overviewFigures';
import { fill, h } from '../ui/dom';
import { FigureView } from '../ui/figureView';
import { connectHost } from '../ui/host';
import { inputsText } from '../ui/inputsText';
import { withHead } from '../../src/inspection/withHead';
import { InTurn, readLayers, readSnapshot } from '../ui/layers';
import { keepFocus } from '../ui/keepFocus';
import { onThemeChange } from '../ui/theme';
import { button, dropdown, registerComponents } from '../ui/toolkit';

registerComponents();
keepFocus();
const app = document.getElementById('app')!;
let state: SessionSnapshot | null = null;
let view: FigureView | null = null;
const inTurn = new InTurn();

const title = h('div', { class: 'title' });
const message = h('div', { class: 'message', attributes: { role: 'status' } });
const bar = h('progress', {
  attributes: { max: '1', 'aria-label': l10n.t('Progress of the inspection') },
}) as HTMLProgressElement;
const picker = dropdown(l10n.t('Metric of the heatmap'), (metric) => void host.setMetric(metric));
const explanation = h('div', { class: 'quiet' });
const chart = h('div');
const several = h('div', { class: 'quiet several' });

const local: PageCalls = {
  snapshot: (snapshot) => show(snapshot),
  progress: (progress) =>
    inTurn.do(() => {
      if (state !== null) state = { ...state, progress };
      renderProgress();
    }),
  headDone: (layer, head) =>
    inTurn.do(() => {
      if (state !== null) state = { ...state, layers: withHead(state.layers, layer, head) };
      renderChart();
    }),
  means: (inputs, wire) =>
    inTurn.do(async () => {
      const layers = await readLayers(wire);
      if (state !== null) state = { ...state, inputs, layers };
      renderChart();
    }),
  select: (selected) =>
    inTurn.do(() => {
      if (state !== null) state = { ...state, selected };
      renderSelection();
    }),
  setMetric: (metric) =>
    inTurn.do(() => {
      if (state !== null) state = { ...state, metric };
      renderChart();
    }),
  startWorker: () => Promise.reject(new Error('the side panel runs nothing')),
  cancelWorker: () => Promise.resolve(),
  workerHeadDetail: () => Promise.reject(new Error('the side panel runs nothing')),
  workerKeptHead: () => Promise.reject(new Error('the side panel runs nothing')),
  probeWebGpu: () => Promise.reject(new Error('the side panel has no worker')),
};
const { host } = connectHost(local);
void host.ready('heatmap').then(show);
onThemeChange(() => view?.draw(true));

function show(wire: WireSnapshot): Promise<void> {
  return inTurn.do(async () => {
    state = await readSnapshot(wire);
    render();
  });
}

function render(): void {
  if (state === null) return;
  if (state.model === null) {
    view = null;
    fill(app, state.phase === 'empty' ? empty() : h('div', { class: 'empty' }, title, message, ...emptyButtons()));
    title.textContent = state.title;
    renderProgress();
    return;
  }
  title.textContent = state.title;
  fill(app, title, message, bar, picker.element, several, chart, explanation);
  renderProgress();
  renderChart();
}

function emptyButtons(): HTMLElement[] {
  return [
    button(l10n.t('Inspect Checkpoint…'), () => void host.runCommand('inspect'), { icon: 'search', primary: true }),
    button(l10n.t('Inspect Sample'), () => void host.runCommand('inspectSample'), { icon: 'beaker' }),
  ];
}

function empty(): HTMLElement {
  return h(
    'div',
    { class: 'empty' },
    h(
      'p',
      {},
      l10n.t('Every attention head of a checkpoint as one cell: what it has learned, and how easily noise breaks it.'),
    ),
    ...emptyButtons(),
  );
}

function renderProgress(): void {
  if (state === null) return;
  const { phase, progress } = state;
  bar.hidden = phase !== 'running';
  if (progress !== null) bar.value = progress.fraction;
  message.classList.toggle('failed', phase === 'failed');
  message.hidden = phase === 'done';
  message.textContent = progress?.label ?? state.message;
}

function renderChart(): void {
  const model = state?.model;
  if (state === null || model === null || model === undefined) return;
  const metric = metricById(state.metric);
  const heads = state.layers.flatMap((layer) => layer.heads);
  picker.set(
    availableMetrics(heads).map((known) => ({ value: known.id, label: known.label })),
    metric.id,
  );
  const figure = overviewFigure(metric, state.layers, model);
  explanation.textContent = figure.shows;
  several.textContent = inputsText(state);
  several.hidden = several.textContent === '';
  if (view === null) {
    view = new FigureView(figure, {
      height: (width) => Math.max(140, Math.min(90 + model.layers * 26, 2.2 * width)),
      onPick: (cursor) => {
        if (cursor.kind === 'heatmap') void host.selectHead({ layer: cursor.row, head: cursor.column }, true);
      },
      words: 'none',
    });
    fill(chart, view.element);
  } else {
    view.update(figure);
  }
  renderSelection();
}

function renderSelection(): void {
  const selected: HeadAddress | null = state?.selected ?? null;
  view?.choose(selected === null ? null : { kind: 'heatmap', row: selected.layer, column: selected.head });
}
