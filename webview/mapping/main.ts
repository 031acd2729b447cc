// The mapping page: tensors on the left, roles and facts on the right, both checked with every change. What a person
// chose stays across a reload; the file is written when they say so.

import '../ui/language';
import './mapping.css';
import * as l10n from '@vscode/l10n';
import type { Shapes } from '../../src/model/mapping/checkMapping';
import type { MappingHostCalls, MappingPageCalls } from '../../src/protocol/mappingMessages';
import { fill, h } from '../ui/dom';
import { connectHost } from '../ui/host';
import { button, registerComponents, textField } from '../ui/toolkit';
import { Draft } from './draft';
import { FactList, faultOf } from './factList';
import { RoleList } from './roleList';
import { TensorList } from './tensorList';
import type { ListView } from './tensorList';

registerComponents();
const app = document.getElementById('app')!;
const { host, state } = connectHost<MappingPageCalls, MappingHostCalls>({ reload: () => open() });

/** What a reload must not lose; `text` is the mapping as its file would hold it. */
interface Kept extends ListView {
  text: string | null;
  /** Address of the checkpoint, from which the editor makes the page anew when the window was reloaded. */
  checkpoint: string | null;
}
const view: Kept = {
  query: '',
  sort: { key: 'name', descending: false },
  text: null,
  checkpoint: null,
  ...(state.get() as Partial<Kept> | undefined),
};

let draft: Draft | null = null;

const title = h('h1');
const message = h('p', { class: 'message' });
const status = h('p', { class: 'status', attributes: { role: 'status' } });
const notes = h('ul', { class: 'notes' });
const tensors = new TensorList(view, () => {
  draw();
});
const search = textField(
  l10n.t('Search name, shape or role'),
  (value) => {
    view.query = value;
    draw();
  },
  'search',
);
search.element.classList.add('search');
const change = (work: (now: Draft) => void): void => {
  if (draft === null) return;
  work(draft);
  draw();
};
const roles = new RoleList((role, tensor) => {
  change((now) => {
    now.setRole(role, tensor);
  });
});
const facts = new FactList({
  onFact: (fact, value) => {
    change((now) => {
      now.setFact(fact, value);
    });
  },
  onOption: (option, text) => {
    change((now) => {
      now.setOverride(option, text);
    });
  },
});
const save = button(l10n.t('Save'), () => void write(false), { icon: 'save' });
const run = button(l10n.t('Save and Inspect'), () => void write(true), { icon: 'search', primary: true });
const again = button(l10n.t('Guess Again'), () => {
  change((now) => {
    now.reset();
  });
});
const left = h('div', { class: 'left-over' });
const side = h(
  'div',
  { class: 'side', attributes: { tabindex: '0', role: 'region', 'aria-label': l10n.t('Roles and architecture') } },
  left,
  roles.element,
  facts.element,
);
const list = h('div', { class: 'list' }, h('div', { class: 'bar' }, search.element, tensors.shown), tensors.element);
const body = h('div', { class: 'body' }, list, side);
fill(
  app,
  h(
    'header',
    { class: 'top' },
    h('div', { class: 'heading' }, title, message, status, notes),
    h('div', { class: 'actions' }, again, save, run),
  ),
  body,
);

async function open(): Promise<void> {
  app.dataset['phase'] = 'opening';
  body.hidden = true;
  message.textContent = l10n.t('Reading the header…');
  try {
    const opened = await host.open();
    const shapes: Shapes = new Map(JSON.parse(opened.tensorsJson) as [string, number[]][]);
    title.textContent = l10n.t('Map the tensors of {0}', opened.fileName);
    message.textContent =
      opened.refusal ?? l10n.t('This checkpoint is recognised; a mapping replaces what was recognised.');
    view.checkpoint = opened.uri;
    const now = new Draft(shapes);
    load(now, opened.existing);
    draft = now;
    fill(notes, ...now.guess.notes.map((note) => h('li', {}, note)));
    body.hidden = false;
    search.set(view.query);
    draw();
    app.dataset['phase'] = 'done';
  } catch (error) {
    title.textContent ||= l10n.t('Mapping');
    message.classList.add('failed');
    message.textContent = sentence(error);
    app.dataset['phase'] = 'failed';
  }
}

/** What was on the page before a reload, else the file that is there, else the guess. */
function load(now: Draft, existing: { readonly name: string; readonly text: string } | null): void {
  const sources = [view.text === null ? null : { name: 'page', text: view.text }, existing];
  for (const source of sources) {
    if (source === null) continue;
    try {
      now.load(source.text, source.name);
      if (source === existing) status.textContent = l10n.t('Taken from {0}.', source.name);
      return;
    } catch (error) {
      status.textContent = l10n.t('{0} The guess is shown instead.', sentence(error));
    }
  }
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function draw(): void {
  if (draft === null) return;
  tensors.draw(draft);
  roles.draw(draft);
  facts.draw(draft);
  drawLeft(draft);
  view.text = draft.text();
  state.set(view);
}

/** Tensors of the blocks that nobody gave a role: they must be placed or set aside before it runs. */
function drawLeft(now: Draft): void {
  const { left: names, layers, roles: reports } = now.report;
  const faults = reports.filter(({ state: now2 }) => now2 === 'missing' || now2 === 'wrong').length;
  const depth = layers === 1 ? l10n.t('1 layer') : l10n.t('{0} layers', layers);
  const summary =
    faults === 0
      ? l10n.t('{0}; every needed role has a tensor that fits.', depth)
      : faults === 1
        ? l10n.t('{0}; 1 role is missing or of the wrong shape.', depth)
        : l10n.t('{0}; {1} roles are missing or of the wrong shape.', depth, faults);
  const ignore = button(l10n.t('Ignore Them'), () => {
    change((draftNow) => {
      draftNow.ignoreLeft();
    });
  });
  fill(
    left,
    h('p', { class: faults === 0 ? 'summary' : 'summary failed', attributes: { role: 'status' } }, summary),
    names.length === 0
      ? null
      : h(
          'p',
          {},
          names.length === 1
            ? l10n.t(
                '1 tensor of the blocks has no role: {0}. Give it one, or ignore it if the forward pass does not use it.',
                names[0] ?? '',
              )
            : l10n.t(
                '{0} tensors of the blocks have no role, such as {1}. Give them one, or ignore them if the forward pass does not use them.',
                names.length,
                names[0] ?? '',
              ),
        ),
    names.length === 0 ? null : ignore,
  );
}

async function write(inspect: boolean): Promise<void> {
  if (draft === null) return;
  const wrong = Object.entries(draft.overrides).flatMap(([option, text]) => faultOf(option, text) ?? []);
  if (wrong[0] !== undefined) {
    say(wrong[0], true);
    return;
  }
  say(l10n.t('Saving…'), false);
  try {
    say(l10n.t('Saved as {0}.', await host.save(draft.text(), inspect)), false);
  } catch (error) {
    say(sentence(error), true);
  }
}

function say(text: string, failed: boolean): void {
  status.classList.toggle('failed', failed);
  status.textContent = text;
}

void open();
