// The comparison contract `gramlens.comparison/1` (comparison.schema.json beside this file says the same as JSON
// Schema): two or more inspections, or both methods of one, head by head. Undefined is null with a `reason`, never NaN.

import type { Measured, SpectrumNumbers } from '../diagnostics/headResult';
import type { ModelSummary } from '../inspection/inspectionResult';
import type { HeadMetric } from '../report/figures/headMetric';

export const comparisonSchemaName = 'gramlens.comparison/1';

/** What differs from run to run: the checkpoint, the settings of one checkpoint, or softmax and RPC in one result. */
export type ComparisonKind = 'checkpoints' | 'settings' | 'methods';
export type MatchedBy = 'index' | 'permutation';

/** Runs cannot be compared, or not so; the sentence says which and what to do. */
export class ComparisonError extends Error {
  override readonly name = 'ComparisonError';
}

export interface ComparedRun {
  /** 'step-1000.safetensors'; unique within the comparison. */
  readonly name: string;
  /** The number in the name that orders a timeline; null: it has none, or this is a pair. */
  readonly step: number | null;
  /** Name of the inspection (`inspectionId`), which links go to. */
  readonly inspection: string;
  readonly checkpoint: { readonly name: string; readonly sha256: string | null };
  readonly attention: string;
  readonly seed: number;
  readonly backend: string;
  readonly precision: string;
  readonly gramlensVersion: string;
}

/** One metric of one head in every run, and what changed from the first run to the last. */
export interface ComparedNumber {
  /** [runs] */
  readonly values: readonly Measured[];
  /** What chance alone gives, [runs]; absent: no chance level is known. */
  readonly chance?: readonly Measured[];
  /** Last minus first; null (`reason`): not measured in one of them. */
  readonly difference: Measured;
  /** Half width of the band of the difference, and what it is of; absent: neither null draws nor an interval. */
  readonly band?: { readonly half: number; readonly of: 'null' | 'repeats' | 'inputs'; readonly centre: number };
  /** (difference - centre) / half; above 1 or below -1 the change is outside its band. */
  readonly inBands?: number;
  /** Difference in standard deviations of the metric over all heads of both runs; absent: all heads are equal. */
  readonly inSpreads?: number;
  readonly reason?: string;
}

export interface ComparedHead {
  /** In the first run. */
  readonly index: number;
  /** Its partner in every run, [runs]; the first is itself. */
  readonly partners: readonly number[];
  /** Verdict on alignment in every run, in the words of the result; empty where the runs are two methods of one result. */
  readonly verdicts: readonly string[];
  /** On each noise kind, in every run; of two methods there is one verdict, on their difference. */
  readonly noiseVerdicts: Readonly<Record<string, readonly string[]>>;
  /** By metric id. */
  readonly metrics: Readonly<Record<string, ComparedNumber>>;
}

/** How alike the heads of a layer are, mean distance of matched heads of the first run and this one. */
export interface LayerMatching {
  /** Under the matching that the comparison uses. */
  readonly distance: number;
  readonly byIndex: number;
  /** Least that any permutation reaches. */
  readonly byPermutation: number;
  /** Mean over all permutations, which is that of all pairs. */
  readonly byChance: number;
}

export interface ComparedLayer {
  readonly index: number;
  /** [runs]; null: the first run, or no metric was measured in every head of both. */
  readonly matching: readonly (LayerMatching | null)[];
  readonly heads: readonly ComparedHead[];
}

/** A line of the ranked list: the metric of a head's group that changed most. */
export interface RankedChange {
  readonly layer: number;
  readonly head: number;
  /** Its partner in the last run. */
  readonly partner: number;
  readonly metric: string;
  /** Other metrics of the same group in this head that are outside their bands, too. */
  readonly others: number;
}

export type ComparedMetric = Pick<HeadMetric, 'id' | 'label' | 'unit' | 'group' | 'explanation'>;

export interface Comparison {
  readonly schema: typeof comparisonSchemaName;
  readonly kind: ComparisonKind;
  readonly runs: readonly ComparedRun[];
  /** How a timeline was ordered; null: a pair, as it was given. */
  readonly order: string | null;
  readonly matchedBy: MatchedBy;
  readonly inputs: readonly {
    readonly kind: string;
    readonly label: string;
    readonly sha256: string;
    readonly tokens: number;
  }[];
  readonly model: Pick<ModelSummary, 'family' | 'layers' | 'heads' | 'kvHeads' | 'causal' | 'stages'>;
  /** Which Gram matrix the numbers rest on, where the model leaves a choice. */
  readonly gram: Pick<SpectrumNumbers, 'gram' | 'gramKeys' | 'keys' | 'standardised'>;
  /** What else differs, and what was left out and why. */
  readonly notes: readonly string[];
  /** Metrics that at least one head has in the first run and the last, in the order of the picker. */
  readonly metrics: readonly ComparedMetric[];
  readonly layers: readonly ComparedLayer[];
  readonly ranked: {
    /** Metrics with a band, by |inBands|. */
    readonly inBands: readonly RankedChange[];
    /** Metrics without one, by |inSpreads|. */
    readonly inSpreads: readonly RankedChange[];
    /** Differences with a band, and how many of them are outside it. */
    readonly banded: number;
    readonly outside: number;
  };
}
