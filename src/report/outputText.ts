// What the network gave away at its end, in words: logits, an embedding, states, or why there is nothing.

import type { InspectionResult } from '../inspection/inspectionResult';
import { formatNumber } from './format';

/** Term and value, in reading order; logits one a row. Empty: nothing to say. */
export function outputRows(output: InspectionResult['output'], most: number): readonly (readonly [string, string])[] {
  if (output.logitsTop.length > 0) {
    return output.logitsTop
      .slice(0, most)
      .map((top) => [output.logitsOf === 'tokens' ? tokenName(top) : `class ${top.label}`, formatNumber(top.logit)]);
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

/** One line for a terminal: 'Largest logits, by token: token “·world” (995) 12.3, …'. */
export function outputLine(output: InspectionResult['output'], most: number): string {
  const rows = outputRows(output, most).map(([term, value]) => `${term} ${value}`);
  return `${outputTitle(output)}: ${rows.join(', ')}`;
}

/** 'token 995' or, with its text, 'token “·world” (995)'. */
function tokenName({ index, label }: InspectionResult['output']['logitsTop'][number]): string {
  return label === String(index) ? `token ${index}` : `token “${label}” (${index})`;
}

/** The heading above `outputRows`. */
export function outputTitle(output: InspectionResult['output']): string {
  if (output.logitsOf === 'tokens') return 'Largest logits, by token';
  return output.logitsTop.length > 0 ? 'Largest logits' : 'Output';
}
