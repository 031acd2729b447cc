// The inspector tab: draws the session's snapshot, overview or one head, and keeps the worker of WebGPU runs.

import '../ui/language';
import './inspector.css';
import * as l10n from '@vscode/l10n';
import type { HeadAddress, PageCalls, SessionSnapshot } from '../../src/protocol/messages';
import { withHead } from '../../src/inspection/withHead';
import { fill, h } from '../ui/dom';
import { inFrame } from '../ui/frame';
import { connectHost } from '../ui/host';
import { InTurn, readLayers, readSnapshot } from '../ui/layers';
import { keepFocus } from '../ui/keepFocus';
import { onThemeChange } from '../ui/theme';
import { button, registerComponents } from '../ui/toolkit';
import { EngineWorker } from './engineWorker';
import { HeadPage } from './headPage';
import { Laboratory } from './laboratory';
import { Overview } from './overview';
import { PictureWorker } from './pictureWorker';
import { TabMemory } from './tabMemory';

const app = document.getElementById('app')!;
let state: SessionSnapshot | null = null;
const inTurn = new InTurn();
/** How far down the overview was when a head was opened, CSS pixels. */
let overviewScrolled = 0;
/** Once the page that was gone to is drawn. */
let arrive: (() => void) | null = null;

const local: PageCalls = {
  snapshot: (wire) =>
    inTurn.do(async () => {
      const snapshot = await readSnapshot(wire);
      if (isAnother(snapshot, state)) {
        overview.reset();
        headPage?.reset();
        // From a comparison or a link to a head of an inspection that is not the one on show; a window that is opened again
        // has none yet, and goes back to where it was.
        if (snapshot.selected !== null && typeof state?.inspection === 'string' && !document.hasFocus())
          arrive = enterHead;
      }
      state = snapshot;
      memory.keep(state);
      schedule();
    }),
  progress: (progress) =>
    inTurn.do(() => {
      if (state !== null) state = { ...state, progress };
      renderTop();
    }),
  headDone: (layer, head) =>
    inTurn.do(() => {
      if (state !== null) state = { ...state, layers: withHead(state.layers, layer, head) };
      schedule();
    }),
  means: (inputs, wire) =>
    inTurn.do(async () => {
      const layers = await readLayers(wire);
      if (state !== null) state = { ...state, inputs, layers };
      schedule();
    }),
  select: (selected) =>
    inTurn.do(() => {
      select(selected);
    }),
  setMetric: (metric) =>
    inTurn.do(() => {
      if (state !== null) state = { ...state, metric };
    }),
  startWorker: (runId, request) => worker.run(runId, request),
  cancelWorker: (runId) => {
    worker.cancel(runId);
    return Promise.resolve();
  },
  workerHeadDetail: (runId, address) => worker.headDetail(runId, address),
  workerKeptHead: (runId, address) => worker.keptHead(runId, address),
  probeWebGpu: () => worker.probe(),
};
const { host, state: tab } = connectHost(local);
// Asked before anything is built: the answer is on its way meanwhile.
const first = host.ready('inspector');
registerComponents();
keepFocus();
const memory = new TabMemory(tab);
const worker = new EngineWorker(app.dataset['worker'] ?? '', { onnx: app.dataset['onnx'] ?? '' }, host);
const overview = new Overview(host, memory);
/** Made when the first head is opened. */
let headPage: HeadPage | null = null;

const title = h('h1');
const message = h('div', { class: 'message', attributes: { role: 'status' } });
const bar = h('progress', {
  attributes: { max: '1', 'aria-label': l10n.t('Progress of the inspection') },
}) as HTMLProgressElement;
const cancel = button(l10n.t('Cancel'), () => void host.runCommand('cancel'), { icon: 'stop-circle' });
const reportButton = button(l10n.t('Open Report'), () => void host.runCommand('openReport'), { icon: 'book' });
const exportButton = button(l10n.t('Export Report…'), () => void host.runCommand('export'), {
  icon: 'export',
  primary: true,
});
const body = h('div', {}, overview.element);
fill(app, h('header', { class: 'top' }, title, message, cancel, reportButton, exportButton, bar), body);

void first.then((wire) =>
  inTurn.do(async () => {
    state = await readSnapshot(wire);
    memory.keep(state);
    schedule();
  }),
);
onThemeChange(() => {
  overview.redraw();
  headPage?.redraw();
});

function select(selected: HeadAddress | null): void {
  if (state !== null) {
    const { selected: before } = state;
    if (before === null) overviewScrolled = window.scrollY;
    state = { ...state, selected };
    // From head to head the focus stays on the button; from elsewhere in the window it comes to the head.
    if (selected !== null && (before === null || !document.hasFocus())) arrive = enterHead;
    else if (selected === null && before !== null)
      arrive = () => {
        leaveHead(before);
      };
  }
  schedule();
  if (arrive === null) window.scrollTo(0, 0);
  memory.keep(state);
}

/** Heads may come faster than frames: one drawing a frame. */
function schedule(): void {
  inFrame(render);
}

function renderTop(): void {
  if (state === null) return;
  const { phase, progress } = state;
  title.textContent = state.title === '' ? 'Gramlens' : state.title;
  message.textContent = progress?.label ?? state.message;
  message.classList.toggle('failed', phase === 'failed');
  bar.hidden = phase !== 'running';
  if (progress !== null) bar.value = progress.fraction;
  cancel.hidden = phase !== 'running' && phase !== 'planning';
  exportButton.hidden = reportButton.hidden = phase !== 'done';
  app.dataset['phase'] = phase;
  app.dataset['inspection'] = state.inspection ?? '';
}

function render(): void {
  if (state === null) return;
  renderTop();
  const { selected } = state;
  if (selected !== null) headPage ??= makeHeadPage();
  // Both stay on the page: taking one off would make all its controls anew when it comes back.
  overview.element.classList.toggle('away', selected !== null);
  headPage?.element.classList.toggle('away', selected === null);
  if (selected === null) overview.show(state);
  else headPage?.show(state, selected);
  memory.drawn(state.selected === null || headPage?.complete === true);
  arrive?.();
  arrive = null;
}

function makeHeadPage(): HeadPage {
  const script = app.dataset['head'] ?? '';
  const page = new HeadPage(host, new PictureWorker(script), new Laboratory(host, script, host));
  page.onNews = schedule;
  body.append(page.element);
  return page;
}

/** From the overview: what was picked there is gone with it, so the focus goes to the head's name. */
function enterHead(): void {
  window.scrollTo(0, 0);
  headPage?.focus();
}

/** Back in the overview, as far down as before, with the focus on the head that was left. */
function leaveHead(left: HeadAddress): void {
  window.scrollTo(0, overviewScrolled);
  overview.focus(left);
}

/** A run keeps what a person unfolded; another file, or another inspection of the same file, begins anew. */
function isAnother(next: SessionSnapshot, before: SessionSnapshot | null): boolean {
  if (next.phase === 'planning' || before === null || next.title !== before.title) return true;
  return before.inspection !== null && next.inspection !== before.inspection;
}
