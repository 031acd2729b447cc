// The tables on the page of a head.

import * as l10n from '@vscode/l10n';
import type { HeadResult, NullResult } from '../../src/diagnostics/headResult';
import { formatNumber, formatTest } from '../../src/report/format';
import type { HeadTable } from '../../src/report/headTables';
import { withInterval } from '../../src/report/overInputs';
import { h, scrollRegion } from '../ui/dom';

const nullNames = {
  random: l10n.t('random V'),
  permuted: l10n.t('permuted tokens'),
  untrained: l10n.t('untrained twins'),
} as const;

const rowNames = {
  theory: { overlap: l10n.t('theory overlap'), energy: l10n.t('theory energy'), rayleigh: l10n.t('theory rayleigh') },
  plain: { overlap: l10n.t('plain overlap'), energy: l10n.t('plain energy'), rayleigh: l10n.t('plain rayleigh') },
} as const;

/** `at`: dotted name of the null within the head. */
function cell(
  head: HeadResult,
  at: string,
  result: NullResult | null,
  statistic: 'overlap' | 'energy' | 'rayleigh',
): string {
  if (result === null) return l10n.t('not run');
  const { mean, z } = result[statistic];
  const distance = withInterval(head, `${at}.${statistic}.z`, z);
  return `${formatNumber(mean)} (z ${distance}, ${formatTest(result[statistic], result.draws)})`;
}

function modeRows(name: 'theory' | 'plain', head: HeadResult): HTMLElement[] {
  const mode = head.alignment[name];
  return (['overlap', 'energy', 'rayleigh'] as const).map((statistic) => {
    const chance = statistic === 'overlap' ? mode.overlapChance : statistic === 'energy' ? mode.energyChance : null;
    const others = mode.nulls.otherHeads;
    const rank =
      others === null || statistic === 'energy'
        ? l10n.t('not ranked')
        : l10n.t('{0} of {1}', others[statistic].rank, others[statistic].of);
    const cells = [
      rowNames[name][statistic],
      withInterval(head, `alignment.${name}.${statistic}`, mode[statistic]),
      chance === null ? l10n.t('see random V') : formatNumber(chance),
      ...(['random', 'permuted', 'untrained'] as const).map((key) =>
        cell(head, `alignment.${name}.nulls.${key}`, mode.nulls[key], statistic),
      ),
      rank,
    ];
    return h(
      'tr',
      {},
      ...cells.map((text, i) => (i === 0 ? h('th', { attributes: { scope: 'row' } }, text) : h('td', {}, text))),
    );
  });
}

/** Rows of text with the note and the formula below. */
export function textTable({ title, columns, rows, note, formula }: HeadTable): HTMLElement {
  return h(
    'section',
    {},
    h('h2', {}, title),
    scrollRegion(
      title,
      h(
        'table',
        {},
        h('caption', { class: 'sr-only' }, title),
        h('thead', {}, h('tr', {}, ...columns.map((text) => h('th', { attributes: { scope: 'col' } }, text)))),
        h(
          'tbody',
          {},
          ...rows.map((row) =>
            h(
              'tr',
              {},
              ...row.map((text, i) => (i === 0 ? h('th', { attributes: { scope: 'row' } }, text) : h('td', {}, text))),
            ),
          ),
        ),
      ),
    ),
    h('p', { class: 'quiet' }, note),
    h('p', { class: 'quiet' }, l10n.t('Formula: {0}', formula)),
  );
}

/** The alignment scores of a head, each beside its chance level and its nulls. */
export function alignmentTable(head: HeadResult): HTMLElement {
  const columns = [
    '',
    l10n.t('measured'),
    l10n.t('chance level'),
    ...Object.values(nullNames),
    l10n.t('among the heads'),
  ];
  return scrollRegion(
    l10n.t('Alignment beside its nulls'),
    h(
      'table',
      {},
      h(
        'caption',
        { class: 'sr-only' },
        l10n.t('Alignment of the value matrix with the Gram eigenvectors, beside each null'),
      ),
      h('thead', {}, h('tr', {}, ...columns.map((text) => h('th', { attributes: { scope: 'col' } }, text)))),
      h('tbody', {}, ...modeRows('theory', head), ...modeRows('plain', head)),
    ),
  );
}
