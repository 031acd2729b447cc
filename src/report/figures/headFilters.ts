// Which heads a reader looks for, and in which order: filters by what was measured of a head, and a ranking by any metric.

import * as l10n from '@vscode/l10n';
import type { AlignmentVerdict, HeadResult, NoiseVerdict } from '../../diagnostics/headResult';
import type { LayerResult } from '../../inspection/inspectionResult';
import { noiseNames } from '../format';
import type { HeadMetric } from './headMetric';

export interface HeadFilter {
  /** Stable: a page keeps it. */
  readonly id: string;
  readonly label: string;
  matches(head: HeadResult): boolean;
}

export const allHeads: HeadFilter = { id: 'all', label: l10n.t('All heads'), matches: () => true };

const alignmentLabels: Readonly<Record<AlignmentVerdict, string>> = {
  'above token-shared baseline': l10n.t('Overlap above shared-token baseline'),
  'explained by shared tokens': l10n.t('Overlap explained by shared tokens'),
  'no evidence': l10n.t('No evidence of alignment'),
  'not measurable': l10n.t('Alignment not measurable'),
};
const noiseLabels: Readonly<Record<Exclude<NoiseVerdict, 'not measured'>, string>> = {
  'RPC deviates less': l10n.t('RPC deviates less'),
  'RPC deviates more': l10n.t('RPC deviates more'),
  'no difference': l10n.t('No difference between RPC and softmax'),
  collapsed: l10n.t('RPC collapsed'),
};

/** All heads, then the filters that at least one of these heads passes. */
export function headFilters(heads: readonly HeadResult[]): readonly HeadFilter[] {
  const alignment = Object.entries(alignmentLabels).map(([verdict, label]) => ({
    id: `alignment:${verdict}`,
    label,
    matches: (head: HeadResult) => head.alignment.verdict === verdict,
  }));
  const open: HeadFilter = {
    id: 'alignment:none',
    label: l10n.t('No verdict on alignment yet: a null was not run'),
    matches: (head) => head.alignment.verdict === null,
  };
  const kinds = [...new Set(heads.flatMap((head) => head.noise.map(({ kind }) => kind)))];
  const noise = Object.entries(noiseLabels).flatMap(([verdict, label]) =>
    kinds.map((kind) => ({
      id: `noise:${kind}:${verdict}`,
      label: `${label} (${noiseNames[kind]})`,
      matches: (head: HeadResult) => head.noise.some((one) => one.kind === kind && one.verdict === verdict),
    })),
  );
  const used = [...alignment, open, ...noise].filter((filter) => heads.some((head) => filter.matches(head)));
  return [allHeads, ...used];
}

export interface RankedHead {
  readonly layer: number;
  readonly head: HeadResult;
  readonly value: number | null;
}

/** Heads that pass, by the metric; where it was not measured they come last, in model order. */
export function rankHeads(
  layers: readonly LayerResult[],
  filter: HeadFilter,
  metric: HeadMetric,
  order: 'highest' | 'lowest',
): readonly RankedHead[] {
  const sign = order === 'highest' ? -1 : 1;
  return layers
    .flatMap(({ index, heads }) => heads.map((head) => ({ layer: index, head, value: metric.value(head) })))
    .filter(({ head }) => filter.matches(head))
    .sort((a, b) => {
      if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null);
      return sign * (a.value - b.value);
    });
}
