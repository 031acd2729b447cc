// What is compared: the runs, how heads were paired, and what else differs.

import * as l10n from '@vscode/l10n';
import type { Comparison } from '../../src/comparison/comparison';
import type { WireComparison } from '../../src/protocol/comparisonMessages';
import { matchingText } from '../../src/comparison/comparisonText';
import { formatNumber } from '../../src/report/format';
import { h } from '../ui/dom';

function card(title: string, ...content: readonly HTMLElement[]): HTMLElement {
  return h('section', { class: 'card' }, h('h2', {}, title), ...content);
}

/** How close index, permutation and chance come, as a mean over the layers; '' where nothing was matched. */
function closeness({ layers }: Comparison): string {
  const found = layers.flatMap(({ matching }) => matching.at(-1) ?? []);
  if (found.length === 0) return '';
  const mean = (of: (one: (typeof found)[number]) => number): string =>
    formatNumber(found.reduce((sum, one) => sum + of(one), 0) / found.length);
  return l10n.t(
    'Mean distance of matched heads, in standard deviations of their metrics: {0} by index, {1} by the best permutation, {2} by chance.',
    mean((one) => one.byIndex),
    mean((one) => one.byPermutation),
    mean((one) => one.byChance),
  );
}

/** What a comparison that was read from a file can and cannot do here; null: it was made of inspections. */
export function fileText(
  { runs, kind }: Comparison,
  { file, kept }: Pick<WireComparison, 'file' | 'kept'>,
): string | null {
  if (file === null) return null;
  const missing = runs.filter((_, run) => kept[run] !== true).length;
  if (missing === 0) return l10n.t('Read from {0}. Its inspections are kept on this machine.', file);
  return kind === 'methods'
    ? l10n.t(
        'Read from {0}, which has all numbers shown here. Its inspection is not kept on this machine, so that its head pages cannot be opened.',
        file,
      )
    : l10n.t(
        'Read from {0}, which has all numbers shown here. {1} of its {2} inspections are not kept on this machine: their head pages cannot be opened, and heads cannot be matched another way.',
        file,
        missing,
        runs.length,
      );
}

/** `file`: what `fileText` says. */
export function runCards(comparison: Comparison, file: string | null): HTMLElement[] {
  const { runs, notes, order } = comparison;
  const list = runs.flatMap(({ name, step, attention, backend, precision, checkpoint }) => [
    h('dt', {}, step === null ? name : l10n.t('step {0}', step)),
    h(
      'dd',
      {},
      `${step === null ? '' : `${name}, `}${attention}, ${backend} ${precision}, SHA-256 ${checkpoint.sha256?.slice(0, 12) ?? l10n.t('not computed')}`,
    ),
  ]);
  const close = closeness(comparison);
  return [
    ...(file === null ? [] : [card(l10n.t('File'), h('p', { class: 'file' }, file))]),
    card(l10n.t('Runs'), h('dl', {}, ...list), ...(order === null ? [] : [h('p', { class: 'quiet' }, order)])),
    card(
      l10n.t('Heads'),
      h('p', {}, matchingText(comparison)),
      ...(close === '' ? [] : [h('p', { class: 'quiet' }, close)]),
    ),
    ...(notes.length === 0
      ? []
      : [card(l10n.t('Notes'), h('ul', { class: 'notes' }, ...notes.map((note) => h('li', {}, note))))]),
  ];
}
