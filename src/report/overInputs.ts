// Means over several inputs in words and columns: the interval of a quantity, and what a run over many inputs says once.

import * as l10n from '@vscode/l10n';
import type { HeadResult, IntervalTree, Measured } from '../diagnostics/headResult';
import type { InspectionResult } from '../inspection/inspectionResult';
import { formatInterval, formatNumber } from './format';

/**
 * Half width of the interval over inputs of a number of the head by its dotted name, a place of an array as a number in it;
 * null: none, or one input.
 */
export function halfWidth(head: Pick<HeadResult, 'ci'>, name: string): Measured {
  let at: IntervalTree = head.ci ?? null;
  for (const part of name.split('.')) {
    if (typeof at !== 'object' || at === null) return null;
    const inner: IntervalTree | undefined = Array.isArray(at)
      ? ((at as readonly IntervalTree[]).find(
          (one) => typeof one === 'object' && one !== null && 'kind' in one && one['kind'] === part,
        ) ?? (at as readonly IntervalTree[])[Number(part)])
      : (at as Readonly<Record<string, IntervalTree>>)[part];
    if (inner === undefined) return null;
    at = inner;
  }
  return typeof at === 'number' ? at : null;
}

/** The number, with its interval over inputs where there are several. */
export function withInterval(head: Pick<HeadResult, 'ci' | 'over'>, name: string, value: Measured): string {
  return head.over === undefined ? formatNumber(value) : formatInterval(value, halfWidth(head, name));
}

/** What of a head is no mean over the inputs; null: it is of one. `first`: that input. */
export function firstAloneText({ over }: Pick<HeadResult, 'over'>, first = ''): string | null {
  return over === undefined
    ? null
    : l10n.t(
        'Numbers are means over {0} inputs; ± is their 95 % interval. Patterns, scores, q, k, v, output and the laboratory are of the first input, {1}, alone.',
        over.inputs,
        first,
      );
}

/** How many inputs the numbers are means over; 1: they are of one. */
export function inputCount({ layers }: Pick<InspectionResult, 'layers'>): number {
  return layers[0]?.heads[0]?.over?.inputs ?? 1;
}
