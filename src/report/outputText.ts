// What the network gave away at its end, in words: logits, an embedding, states, or why there is nothing.

import type { InspectionResult } from '../inspection/inspectionResult';
import { formatNumber } from './format';

/** Term and value, in reading order; logits one a row. Empty: nothing to say. */
export function outputRows(output: InspectionResult['output'], most: number): readonly (readonly [string, string])[] {
  if (output.logitsTop.length > 0) {
    return output.logitsTop.slice(0, most).map(({ label, logit }) => [`class ${label}`, formatNumber(logit)] as const);
  }
  const { kind, shape, norm, reason, masks } = output;
  if (masks !== undefined) {
    const winners = masks.top
      .slice(0, most)
      .map(({ label, share }) => [`class ${label} wins`, `${formatNumber(100 * share)} % of the patches`] as const);
    return [['masks', `${masks.classes} classes at ${masks.grid.join(' x ')} patches`], ...winners];
  }
  const rows: (readonly [string, string])[] = [];
  if (shape !== undefined) rows.push([kind, `[${shape.join(', ')}]`]);
  if (norm !== undefined) {
    rows.push([kind === 'states' ? 'mean length of a token' : 'length', formatNumber(norm)]);
  }
  if (reason !== undefined) rows.push(['no logits', reason]);
  return rows;
}

/** The heading above `outputRows`. */
export function outputTitle(output: InspectionResult['output']): string {
  return output.logitsTop.length > 0 ? 'Largest logits' : 'Output';
}
