// One head in every metric: first run, last run, chance levels, change; and the way to its page in the inspector.

import * as l10n from '@vscode/l10n';
import { metricHere } from '../../src/comparison/comparedMetrics';
import type { Comparison } from '../../src/comparison/comparison';
import { comparedHeadAt, endsOf, partnerText, signed, verdictChange } from '../../src/comparison/comparisonText';
import type { HeadAddress } from '../../src/protocol/messages';
import { formatNumber } from '../../src/report/format';
import { layerTitle } from '../../src/report/layerLabel';
import { fill, h, scrollRegion } from '../ui/dom';
import { button } from '../ui/toolkit';

export class HeadNumbers {
  readonly element = h('section', { class: 'head-numbers' });

  constructor(private readonly open: (run: number, address: HeadAddress) => void) {}

  /** `kept`: [runs] whose heads can be opened. */
  show(comparison: Comparison, selected: HeadAddress | null, kept: readonly boolean[]): void {
    const head = selected === null ? undefined : comparedHeadAt(comparison, selected.layer, selected.head);
    this.element.hidden = head === undefined;
    if (selected === null || head === undefined) return;
    const { layer } = selected;
    const { runs, metrics, model, kind } = comparison;
    const opened = (kind === 'methods' ? [0] : [0, runs.length - 1]).filter((run) => kept[run] === true);
    const buttons = opened.map((run) =>
      button(
        kind === 'methods' ? l10n.t('Open in the Inspector') : l10n.t('Open in {0}', runs[run]!.name),
        () => {
          this.open(run, { layer, head: head.partners[run]! });
        },
        { icon: 'go-to-file' },
      ),
    );
    const words = [
      ...(head.verdicts.length === 0 ? [] : [l10n.t('alignment: {0}', verdictChange(head.verdicts))]),
      ...Object.entries(head.noiseVerdicts).map(([noise, verdicts]) => `${noise}: ${verdictChange(verdicts)}`),
    ];
    const [from, to] = endsOf(comparison);
    const columns = [
      l10n.t('metric'),
      from,
      to,
      l10n.t('change'),
      l10n.t('chance'),
      l10n.t('in bands'),
      l10n.t('in sd over heads'),
    ];
    const rows = metrics.map((stored) => {
      const { id, label, unit } = metricHere(comparison, stored.id) ?? stored;
      const { values, chance, difference, inBands, inSpreads, reason } = head.metrics[id]!;
      const cells = [
        formatNumber(values[0]),
        formatNumber(values.at(-1)),
        difference === null ? (reason ?? '') : signed(difference),
        chance === undefined ? '' : [chance[0], chance.at(-1)].map((level) => formatNumber(level)).join(', '),
        inBands === undefined ? '' : signed(inBands),
        inSpreads === undefined ? '' : signed(inSpreads),
      ];
      const name = unit === '' ? label : `${label} [${unit}]`;
      const far = inBands !== undefined && Math.abs(inBands) > 1;
      return h(
        'tr',
        far ? { class: 'outside' } : {},
        h('th', { attributes: { scope: 'row' } }, name),
        ...cells.map((text) => h('td', {}, text)),
      );
    });
    const title = `${layerTitle(model, layer)}, ${partnerText(head)}`;
    fill(
      this.element,
      h('h2', {}, title),
      buttons.length === 0 ? null : h('div', { class: 'actions' }, ...buttons),
      h('p', { class: 'verdict' }, words.join('; ')),
      scrollRegion(
        l10n.t('Numbers of {0}', title),
        h(
          'table',
          {},
          h('thead', {}, h('tr', {}, ...columns.map((text) => h('th', { attributes: { scope: 'col' } }, text)))),
          h('tbody', {}, ...rows),
        ),
      ),
    );
  }
}
