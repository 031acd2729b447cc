// What the network gave away at its end, in words: logits, an embedding, states, or why there is nothing.

import * as l10n from '@vscode/l10n';
import type { InspectionResult } from '../inspection/inspectionResult';
import { formatNumber } from './format';

const kindNames: Readonly<Record<InspectionResult['output']['kind'], string>> = {
  logits: l10n.t('logits'),
  embedding: l10n.t('embedding'),
  states: l10n.t('states'),
  masks: l10n.t('masks'),
  none: l10n.t('none'),
};

/** Term and value, in reading order; logits one a row. Empty: nothing to say. */
export function outputRows(output: InspectionResult['output'], most: number): readonly (readonly [string, string])[] {
  if (output.logitsTop.length > 0) {
    return output.logitsTop
      .slice(0, most)
      .map((top) => [
        output.logitsOf === 'tokens' ? tokenName(top) : l10n.t('class {0}', top.label),
        formatNumber(top.logit),
      ]);
  }
  const { kind, shape, norm, reason, masks } = output;
  if (masks !== undefined) {
    const winners = masks.top
      .slice(0, most)
      .map(
        ({ label, share }) =>
          [l10n.t('class {0} wins', label), l10n.t('{0} % of the patches', formatNumber(100 * share))] as const,
      );
    return [[l10n.t('masks'), l10n.t('{0} classes at {1} patches', masks.classes, masks.grid.join(' x '))], ...winners];
  }
  const rows: (readonly [string, string])[] = [];
  if (shape !== undefined) rows.push([kindNames[kind], `[${shape.join(', ')}]`]);
  if (norm !== undefined) {
    rows.push([kind === 'states' ? l10n.t('mean length of a token') : l10n.t('length'), formatNumber(norm)]);
  }
  if (reason !== undefined) rows.push([l10n.t('no logits'), reason]);
  return rows;
}

/** One line for a terminal: 'Largest logits, by token: token “·world” (995) 12.3, …'. */
export function outputLine(output: InspectionResult['output'], most: number): string {
  const rows = outputRows(output, most).map(([term, value]) => `${term} ${value}`);
  return `${outputTitle(output)}: ${rows.join(', ')}`;
}

/** 'token 995' or, with its text, 'token “·world” (995)'. */
function tokenName({ index, label }: InspectionResult['output']['logitsTop'][number]): string {
  return label === String(index) ? l10n.t('token {0}', index) : l10n.t('token “{0}” ({1})', label, index);
}

/** The heading above `outputRows`. */
export function outputTitle(output: InspectionResult['output']): string {
  if (output.logitsOf === 'tokens') return l10n.t('Largest logits, by token');
  return output.logitsTop.length > 0 ? l10n.t('Largest logits') : l10n.t('Output');
}
