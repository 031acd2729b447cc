// What stands beside the table: what was recognised and why, the files, the metadata, the reader's notes.

import * as l10n from '@vscode/l10n';
import type { CheckpointSummary, Recognition } from '../../src/inspection/checkpointSummary';
import { readableBytes } from '../../src/report/planLines';
import { h } from '../ui/dom';

export type Rows = readonly (readonly [string, string])[];

export function definitions(rows: Rows): HTMLElement {
  return h('dl', {}, ...rows.flatMap(([term, value]) => [h('dt', {}, term), h('dd', {}, value)]));
}

function card(title: string, ...content: readonly (HTMLElement | null)[]): HTMLElement {
  return h('section', { class: 'card' }, h('h2', {}, title), ...content);
}

function list(items: readonly string[]): HTMLElement | null {
  return items.length === 0 ? null : h('ul', { class: 'notes' }, ...items.map((item) => h('li', {}, item)));
}

/** Long lists are folded, with how long they are. */
function folded(title: string, count: number, open: boolean, ...content: readonly (HTMLElement | null)[]): HTMLElement {
  const details = h('details', { class: 'card' }, h('summary', {}, h('h2', {}, `${title} (${count})`)), ...content);
  details.toggleAttribute('open', open);
  return details;
}

/** Rows of a card that a person takes in without looking for the end of it. */
const fewRows = 12;

export function summaryCards(summary: CheckpointSummary): HTMLElement[] {
  const { notes, metadata, metadataLeft, shards } = summary;
  return [
    recognitionCard(summary.recognition),
    ...(notes.length === 0 ? [] : [card(l10n.t('Notes on the file'), list(notes))]),
    ...(metadata.length === 0
      ? []
      : [
          folded(
            l10n.t('Metadata'),
            metadata.length + metadataLeft,
            metadata.length <= fewRows,
            definitions(metadata),
            metadataLeft === 0 ? null : h('p', { class: 'quiet' }, l10n.t('{0} more are not shown.', metadataLeft)),
          ),
        ]),
    ...(shards.length === 0
      ? []
      : [
          folded(
            l10n.t('Files'),
            shards.length,
            shards.length <= fewRows,
            definitions(shards.map(({ name, byteLength }) => [name, readableBytes(byteLength)] as const)),
          ),
        ]),
  ];
}

function recognitionCard(recognition: Recognition): HTMLElement {
  if (recognition.kind === 'model') {
    return card(
      l10n.t('Recognised'),
      h('p', { class: 'what' }, recognition.description),
      list(recognition.notes),
      h(
        'details',
        {},
        h('summary', {}, l10n.t('How this was recognised')),
        definitions(recognition.facts.map(({ fact, value, source }) => [fact, `${value} (${source})`] as const)),
      ),
    );
  }
  if (recognition.kind === 'question') {
    return card(
      l10n.t('Recognised, with a question left'),
      h('p', {}, recognition.sentence),
      list(recognition.choices),
      h('p', { class: 'quiet' }, l10n.t('Inspect asks this before it runs.')),
    );
  }
  return card(l10n.t('Not recognised'), h('p', {}, recognition.sentence));
}
