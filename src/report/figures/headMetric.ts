// What a number of the layers x heads heatmaps is: name, colours, chance level, tooltip. The list of them: metrics.ts.

import * as l10n from '@vscode/l10n';
import type { HeadResult, Measured, NullSummary } from '../../diagnostics/headResult';
import { formatNumber } from '../format';
import { halfWidth, withInterval } from '../overInputs';

/** Ends of the colour scale: fixed, from the data, or from the data and symmetric about 0. */
export type DomainRule =
  { readonly kind: 'fixed'; readonly low: number; readonly high: number } | { readonly kind: 'data' | 'symmetric' };

/** How far a value may be off its centre before that is more than its null, or its repeats or inputs, do by themselves. */
export interface Band {
  /** Mean of the null's draws; 0 of an interval, which lies about the value itself. */
  readonly centre: number;
  /** Half width at 95 %, above 0: 1.96 standard deviations of the null's draws, or that of the interval. */
  readonly half: number;
  /** Draws of the null, repeats of the noise, or inputs. */
  readonly of: 'null' | 'repeats' | 'inputs';
}

export interface HeadMetric {
  /** Stable: settings and saved views refer to it. */
  readonly id: string;
  readonly label: string;
  /** '' where the quantity has no dimension. */
  readonly unit: string;
  /** What it is and what its ends mean, one or two sentences. */
  readonly explanation: string;
  /** Group in the picker. */
  readonly group: 'Alignment' | 'Kernel PCA' | 'Attention' | 'Weights' | 'Ablation' | 'RPC' | 'Noise' | 'Reproduction';
  /** 'diverging' only where 0 means something. */
  readonly palette: 'sequential' | 'diverging';
  readonly domain: DomainRule;
  /** null: not measured in this head. */
  value(head: HeadResult): number | null;
  /** The value with its unit; over several inputs with its 95 % interval. */
  text(head: HeadResult): string;
  /** What chance alone would give; null where no chance level is known. */
  chance(head: HeadResult): number | null;
  /** null: the number has neither null draws nor an interval. */
  band(head: HeadResult): Band | null;
  /** Tooltip text: the number, its chance level, p and verdict where there are any. Lines are separated by \n. */
  describe(head: HeadResult): string;
}

type Made = 'text' | 'chance' | 'band' | 'describe';
type Draft = Omit<HeadMetric, Made> &
  Partial<Pick<HeadMetric, Made>> & {
    /** Name of the number in heads.csv, where that is not the id. */
    readonly column?: string;
  };

/** Two-sided 95 % of a normal distribution, in standard deviations. */
const normal95 = 1.96;

export function nullBand(summary: Pick<NullSummary, 'mean' | 'sd'> | null | undefined): Band | null {
  if (!summary || !(summary.sd > 0)) return null;
  return { centre: summary.mean, half: normal95 * summary.sd, of: 'null' };
}

export function intervalBand(half: Measured, of: 'repeats' | 'inputs'): Band | null {
  return half === null || half === 0 ? null : { centre: 0, half, of };
}

/** The metric with its tooltip's first line, its chance level and its band made from the draft. */
export function metric(draft: Draft): HeadMetric {
  const unit = draft.unit === '' ? '' : ` ${draft.unit}`;
  const text = (head: HeadResult): string => {
    const value = draft.value(head);
    return `${withInterval(head, draft.column ?? draft.id, value)}${value === null ? '' : unit}`;
  };
  const chance = (head: HeadResult): number | null => draft.chance?.(head) ?? null;
  return {
    ...draft,
    text,
    chance,
    // The spread of a null's draws on one input is not that of a mean over inputs.
    band: (head) =>
      head.over === undefined
        ? (draft.band?.(head) ?? null)
        : intervalBand(halfWidth(head, draft.column ?? draft.id), 'inputs'),
    describe: (head) => {
      const value = draft.value(head);
      const level = chance(head);
      const first = `${draft.label}: ${text(head)}`;
      const base =
        level === null || value === null ? first : l10n.t('{0}; chance level {1}', first, formatNumber(level));
      const more = draft.describe?.(head) ?? '';
      return more === '' ? base : `${base}\n${more}`;
    },
  };
}

export const unit01: DomainRule = { kind: 'fixed', low: 0, high: 1 };

/** Ends of the colour scale for these values (nulls are skipped); never empty, never reversed. */
export function metricDomain(rule: DomainRule, values: readonly (number | null)[]): readonly [number, number] {
  if (rule.kind === 'fixed') return [rule.low, rule.high];
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length === 0) return rule.kind === 'symmetric' ? [-1, 1] : [0, 1];
  const low = known.reduce((a, b) => Math.min(a, b), Infinity);
  const high = known.reduce((a, b) => Math.max(a, b), -Infinity);
  if (rule.kind === 'symmetric') {
    const reach = Math.max(Math.abs(low), Math.abs(high)) || 1;
    return [-reach, reach];
  }
  if (low === high) return [low - (Math.abs(low) * 0.05 || 0.5), high + (Math.abs(high) * 0.05 || 0.5)];
  return [low, high];
}
