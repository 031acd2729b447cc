// The checkpoint page: the tensors of a file, one of them in detail, and what the file says of itself. Draws what
// the header says; values are read only when a person asks for a tensor's statistics.

import '../ui/language';
import './checkpoint.css';
import * as l10n from '@vscode/l10n';
import type { CheckpointSummary } from '../../src/inspection/checkpointSummary';
import { unpackSummary } from '../../src/protocol/checkpointMessages';
import type { CheckpointHostCalls, CheckpointPageCalls } from '../../src/protocol/checkpointMessages';
import { readableBytes } from '../../src/report/planLines';
import { fill, h } from '../ui/dom';
import { afterDrawing } from '../ui/drawQueue';
import { connectHost } from '../ui/host';
import { inSlices, pause } from '../ui/slices';
import { button, iconButton, registerComponents, textField } from '../ui/toolkit';
import { summaryCards } from './cards';
import { TensorDetail } from './tensorDetail';
import { TensorOrder } from './tensorOrder';
import type { Sort } from './tensorOrder';
import { TensorTable } from './tensorTable';

registerComponents();
const app = document.getElementById('app')!;
const { host, state } = connectHost<CheckpointPageCalls, CheckpointHostCalls>({
  statisticsProgress: (row, fraction) => {
    detail.progress(row, fraction);
    return Promise.resolve();
  },
});

/** Where the person is, kept while the tab is hidden. */
interface View {
  query: string;
  sort: Sort | null;
  selected: string | null;
  scroll: number;
}
const view: View = { query: '', sort: null, selected: null, scroll: 0, ...(state.get() as Partial<View> | undefined) };
const keep = (): void => {
  state.set(view);
};

let summary: CheckpointSummary | null = null;
let order: TensorOrder | null = null;

const title = h('h1');
const message = h('div', { class: 'message', attributes: { role: 'status' } });
const shown = h('span', { class: 'quiet', attributes: { role: 'status' } });
const detail = new TensorDetail(host);
const table = new TensorTable({
  onSort: (sort) => {
    view.sort = sort;
    arrange();
  },
  onSelect: (row) => {
    select(row);
  },
  onOpen: (row) => void detail.compute(row),
  onCopy: (row) => void host.copyName(row),
  onTyped: (text, row) => {
    shown.textContent =
      row === null ? l10n.t('No name has "{0}" in it.', text) : `"${text}": ${summary?.tensors.names[row] ?? ''}`;
  },
});
const search = textField(
  l10n.t('Search name, type or shape'),
  (value) => {
    view.query = value;
    arrange();
  },
  'search',
);
search.element.classList.add('search');
const inspect = button(l10n.t('Inspect'), () => void host.inspect(), { icon: 'search', primary: true });
const map = button(l10n.t('Map Tensors'), () => void host.map(), { icon: 'link' });
const reload = iconButton('refresh', l10n.t('Read the header again'), () => void open());
const cards = h('div', { class: 'cards' });
const side = h(
  'div',
  { class: 'side', attributes: { tabindex: '0', role: 'region', 'aria-label': l10n.t('Tensor and checkpoint') } },
  detail.element,
  cards,
);
const list = h('div', { class: 'list' }, h('div', { class: 'bar' }, search.element, shown), table.element);
const body = h('div', { class: 'body' }, list, side);
fill(app, h('header', { class: 'top' }, h('div', { class: 'heading' }, title, message), map, inspect, reload), body);

table.element.addEventListener('scroll', () => {
  view.scroll = table.scrolled;
  keep();
});

async function open(): Promise<void> {
  app.dataset['phase'] = 'opening';
  inspect.hidden = true;
  map.hidden = true;
  body.hidden = summary === null;
  message.classList.remove('failed');
  message.textContent = l10n.t('Reading the header…');
  try {
    const wire = await host.open();
    // 100,000 names are read in a task of their own.
    await pause();
    const opened = unpackSummary(wire);
    await pause();
    show(opened);
  } catch (error) {
    summary = null;
    body.hidden = true;
    title.textContent ||= l10n.t('Checkpoint');
    message.classList.add('failed');
    message.textContent = error instanceof Error ? error.message : String(error);
    app.dataset['phase'] = 'failed';
  }
}

function show(opened: CheckpointSummary): void {
  summary = opened;
  const searchable = new TensorOrder(opened.tensors);
  order = searchable;
  afterDrawing(() => void inSlices(searchable.prepare(), () => order === searchable));
  const { tensors, totals } = opened;
  title.textContent = opened.fileName;
  message.textContent = [
    opened.format,
    tensors.names.length === 1
      ? l10n.t('1 tensor')
      : l10n.t('{0} tensors', tensors.names.length.toLocaleString('en-US')),
    l10n.t('{0} parameters in {1}', totals.parameters.toLocaleString('en-US'), readableBytes(totals.byteLength)),
    opened.shards.length === 0
      ? l10n.t('file of {0}', readableBytes(opened.byteLength))
      : l10n.t('{0} files of {1}', opened.shards.length, readableBytes(opened.byteLength)),
  ].join(' · ');
  inspect.hidden = false;
  map.hidden = opened.recognition.kind !== 'refused';
  body.hidden = false;
  fill(cards, ...summaryCards(opened));
  detail.open(opened);
  table.show(tensors);
  search.set(view.query);
  const scroll = view.scroll;
  arrange();
  const selected = view.selected === null ? -1 : tensors.names.indexOf(view.selected);
  if (selected >= 0) select(selected, false);
  table.scroll(scroll);
  app.dataset['phase'] = 'done';
}

function arrange(): void {
  if (order === null || summary === null) return;
  const rows = order.rows(view.query, view.sort);
  table.update(rows, view.sort);
  table.select(view.selected === null ? null : summary.tensors.names.indexOf(view.selected));
  const all = summary.tensors.names.length;
  shown.textContent =
    rows.length === all
      ? ''
      : l10n.t('{0} of {1} tensors', rows.length.toLocaleString('en-US'), all.toLocaleString('en-US'));
  keep();
}

function select(row: number, reveal = true): void {
  view.selected = summary?.tensors.names[row] ?? null;
  table.select(row, reveal);
  detail.show(row);
  keep();
}

void open();
