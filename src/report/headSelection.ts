// Which heads of a large model get their own pictures in the report: the extremes of the metrics a reader asks for
// first, with the reason. Every head stays in the tables.

import type { HeadResult } from '../diagnostics/headResult';
import type { InspectionResult } from '../inspection/inspectionResult';
import { metricById } from './figures/metrics';

export interface SelectedHead {
  readonly layer: number;
  readonly head: HeadResult;
  /** '' where all heads are shown. */
  readonly why: string;
}

const extremes: readonly string[] = [
  'alignment.theory.overlapZ',
  'alignment.theory.overlap',
  'noise.token_gauss.difference',
  'noise.key_gauss.difference',
  'noise.key_sparse.difference',
  'rpc.cleanGap',
  'gamma.learned.eigenResidual',
];

/** A head that a reader asked for. */
export interface AskedHead {
  readonly layer: number;
  readonly head: number;
}

/**
 * All heads where there are at most `limit`, else the highest and lowest of the main metrics, in model order; and `also`,
 * which its page led from.
 */
export function selectHeads(
  result: InspectionResult,
  limit: number,
  also: AskedHead | null = null,
): readonly SelectedHead[] {
  const all = result.layers.flatMap((layer) => layer.heads.map((head) => ({ layer: layer.index, head })));
  if (all.length <= limit) return all.map((one) => ({ ...one, why: '' }));
  const chosen = new Map<HeadResult, { layer: number; why: string[] }>();
  for (const id of extremes) {
    const metric = metricById(id);
    const known = all
      .map((one) => ({ ...one, value: metric.value(one.head) }))
      .filter((one): one is typeof one & { value: number } => one.value !== null)
      .sort((a, b) => b.value - a.value);
    for (const [word, one] of [
      ['highest', known[0]],
      ['lowest', known.at(-1)],
    ] as const) {
      if (!one) continue;
      const entry = chosen.get(one.head) ?? { layer: one.layer, why: [] };
      if (!chosen.has(one.head) && chosen.size >= limit) continue;
      entry.why.push(`${word} ${metric.label}`);
      chosen.set(one.head, entry);
    }
  }
  const asked = all.find(({ layer, head }) => layer === also?.layer && head.index === also.head);
  return [
    ...[...chosen].map(([head, { layer, why }]) => ({
      layer,
      head,
      why: `Shown because it has the ${why.join('; ')}.`,
    })),
    ...(asked === undefined || chosen.has(asked.head)
      ? []
      : [{ ...asked, why: 'Shown because the report was opened from its page.' }]),
  ].sort((a, b) => a.layer - b.layer || a.head.index - b.head.index);
}
