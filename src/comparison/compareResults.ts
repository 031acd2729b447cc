// Finished inspections -> comparison: the first run against all others, head by head, and what changed most from the
// first to the last.

import type { HeadResult, Measured } from '../diagnostics/headResult';
import type { InspectionResult } from '../inspection/inspectionResult';
import { Running } from '../inspection/overInputs/running';
import { noiseVerdictText, verdictText } from '../report/format';
import type { HeadMetric } from '../report/figures/headMetric';
import { headMetrics } from '../report/figures/metrics';
import { gramChoice, gramOfRun } from '../report/gramText';
import { groupedHeadsText } from '../report/sharedHeads';
import {
  ComparisonError,
  comparisonSchemaName,
  type ComparedHead,
  type ComparedLayer,
  type ComparedNumber,
  type ComparedRun,
  type Comparison,
  type MatchedBy,
} from './comparison';
import { plainMetric } from './comparedMetrics';
import { InputNumbers } from './inputNumbers';
import { matchHeads } from './matchHeads';
import { pairRuns, type ComparedSource } from './pairRuns';
import { rankChanges, withSpreads } from './ranking';
import { orderBySteps } from './steps';

/** Pairs are compared as they are given. */
const timelineRuns = 3;

/** A head in every run. */
interface Lane {
  readonly heads: readonly HeadResult[];
  /** Each input's own number in the first run and the last; null: one input, or single results are not at hand. */
  readonly single: ((metric: HeadMetric) => Pair | null) | null;
}

/** [inputs] of the first run and of the last. */
type Pair = readonly [readonly Measured[], readonly Measured[]];

/** Each input's own numbers; null: one input, or a result without the single ones. */
function singleNumbers({ result, single }: ComparedSource): InputNumbers | null {
  const numbers = single ?? InputNumbers.of(result.inputs ?? []);
  return numbers.inputs >= 2 && numbers.inputs === result.provenance.inputs.length ? numbers : null;
}

/** Mean over the inputs of last - first with the half width of its 95 % interval; null: fewer than two measured both. */
function pairedBand(metric: HeadMetric, single: Lane['single']): ComparedNumber['band'] | null {
  const [first, last] = single?.(metric) ?? [[], []];
  const running = new Running();
  for (const [i, before] of first.entries()) {
    const after = last[i] ?? null;
    if (before !== null && after !== null) running.add(after - before);
  }
  const { half } = running.interval();
  return half === null || half === 0 ? null : { half, centre: 0, of: 'inputs' };
}

/** The band of the difference of two numbers that are known independently. */
function unpairedBand(metric: HeadMetric, first: HeadResult, last: HeadResult): ComparedNumber['band'] | null {
  const [a, b] = [metric.band(first), metric.band(last)];
  if (a === null || b?.of !== a.of) return null;
  return { half: Math.hypot(a.half, b.half), centre: b.centre - a.centre, of: a.of };
}

/** One metric of a head over the runs. `names`: of the runs, for reasons. */
export function comparedNumber(metric: HeadMetric, { heads, single }: Lane, names: readonly string[]): ComparedNumber {
  const values = heads.map((head) => metric.value(head));
  const chance = heads.map((head) => metric.chance(head));
  const shared = { values, ...(chance.every((level) => level === null) ? {} : { chance }) };
  const [before = null, after = null] = [values[0], values.at(-1)];
  if (before === null || after === null) {
    const missing = before === null ? names[0] : names.at(-1);
    return { ...shared, difference: null, reason: `Not measured in ${missing ?? ''}.` };
  }
  const difference = after - before;
  const band = pairedBand(metric, single) ?? unpairedBand(metric, heads[0]!, heads.at(-1)!);
  return {
    ...shared,
    difference,
    ...(band ? { band, inBands: (difference - band.centre) / band.half } : {}),
  };
}

function comparedHead(lane: Lane, metrics: readonly HeadMetric[], names: readonly string[]): ComparedHead {
  const { heads } = lane;
  const kinds = new Set(heads.flatMap(({ noise }) => noise.map(({ kind }) => kind)));
  const noiseVerdict = ({ noise, over }: HeadResult, kind: string): string => {
    const found = noise.find((one) => one.kind === kind);
    return found === undefined ? 'not measured' : noiseVerdictText(found, over);
  };
  return {
    index: heads[0]!.index,
    partners: heads.map(({ index }) => index),
    verdicts: heads.map(verdictText),
    noiseVerdicts: Object.fromEntries([...kinds].map((kind) => [kind, heads.map((head) => noiseVerdict(head, kind))])),
    metrics: Object.fromEntries(metrics.map((metric) => [metric.id, comparedNumber(metric, lane, names)])),
  };
}

function comparedLayer(
  index: number,
  sources: readonly ComparedSource[],
  metrics: readonly HeadMetric[],
  by: MatchedBy,
  [first, last]: readonly [InputNumbers | null, InputNumbers | null],
): ComparedLayer {
  const inRuns = sources.map(({ result }) => result.layers.find((layer) => layer.index === index)!.heads);
  const common = inRuns[0]!.filter((head) =>
    inRuns.every((heads) => heads.some((other) => other.index === head.index)),
  );
  const same = inRuns.map((heads) => common.map(({ index: at }) => heads.find((head) => head.index === at)!));
  const matches = same.map((heads) => matchHeads(common, heads, metrics, by));
  const names = sources.map(({ name }) => name);
  const heads = common.map((_, place) => {
    const partners = same.map((there, run) => there[matches[run]!.places[place]!]!);
    const [before, after] = [partners[0]!.index, partners.at(-1)!.index];
    const single = ({ id }: HeadMetric): Pair | null => {
      const [mine, other] = [first?.values(index, before, id), last?.values(index, after, id)];
      return mine && other ? [mine, other] : null;
    };
    return comparedHead({ heads: partners, single: first === null || last === null ? null : single }, metrics, names);
  });
  return { index, matching: matches.map(({ matching }, run) => (run === 0 ? null : matching)), heads };
}

export function comparedRun({ name, inspection, result }: ComparedSource, step: number | null): ComparedRun {
  const { checkpoint, seed, backend, precision, gramlensVersion } = result.provenance;
  return {
    name,
    step,
    inspection,
    checkpoint: { name: checkpoint.name, sha256: checkpoint.sha256 },
    attention: result.model.attention,
    seed,
    backend,
    precision,
    gramlensVersion,
  };
}

/** What a comparison takes over from its first result. */
export function sharedFacts({
  provenance,
  model,
  layers,
}: InspectionResult): Pick<Comparison, 'inputs' | 'model' | 'gram'> {
  const { family, heads, kvHeads, causal, stages } = model;
  const choice = gramOfRun(layers) ?? {};
  return {
    inputs: provenance.inputs.map(({ kind, label, sha256, tokens }) => ({ kind, label, sha256, tokens })),
    model: { family, layers: model.layers, heads, kvHeads, causal, ...(stages === undefined ? {} : { stages }) },
    gram: { ...gramChoice(choice), ...(choice.gramKeys === undefined ? {} : { gramKeys: choice.gramKeys }) },
  };
}

/** Layers and heads that not all runs inspected are left out. */
function leftOut(sources: readonly ComparedSource[], layers: readonly ComparedLayer[]): string[] {
  const compared = layers.reduce((sum, { heads }) => sum + heads.length, 0);
  const most = Math.max(
    ...sources.map(({ result }) => result.layers.reduce((sum, { heads }) => sum + heads.length, 0)),
  );
  return compared === most
    ? []
    : [`${compared} heads are compared; ${most - compared} were not inspected in every run.`];
}

/** Over several inputs: whether each is compared with itself. */
function pairedText(sources: readonly ComparedSource[], ends: readonly (InputNumbers | null)[]): string[] {
  const both = [sources[0]!, sources.at(-1)!];
  const count = both[0]!.result.provenance.inputs.length;
  if (count < 2) return [];
  const without = both.filter((_, end) => ends[end] === null).map(({ name }) => name);
  return without.length === 0
    ? [`Bands are of the changes input by input: ${count} inputs, paired.`]
    : [
        `The results of single inputs are not at hand for ${without.join(' and ')}: bands are unpaired, of two means over ${count} inputs as if they were independent, and wider than they need be.`,
      ];
}

/** Several names the same: their place behind each. */
function uniqueNames(sources: readonly ComparedSource[]): readonly ComparedSource[] {
  const names = sources.map(({ name }) => name);
  return sources.map((source, i) =>
    names.indexOf(source.name) === names.lastIndexOf(source.name)
      ? source
      : { ...source, name: `${source.name} (${i + 1})` },
  );
}

/**
 * Compares two results or more, three and more in the order of the number in their names. Heads are matched with those of
 * the first run.
 * @throws ComparisonError with a sentence.
 */
export function compareResults(given: readonly ComparedSource[], by: MatchedBy): Comparison {
  const named = uniqueNames(given);
  const steps = named.length < timelineRuns ? null : orderBySteps(named.map(({ name }) => name));
  const sources = steps === null ? named : steps.places.map((place) => named[place]!);
  const { kind, notes, comparable } = pairRuns(sources);
  const [first] = sources as [ComparedSource, ...ComparedSource[]];
  const common = first.result.layers.filter(({ index }) =>
    sources.every(({ result }) => result.layers.some((layer) => layer.index === index)),
  );
  const possible = headMetrics.filter(comparable);
  const ends = [singleNumbers(first), singleNumbers(sources.at(-1)!)] as const;
  const layers = common.map(({ index }) => comparedLayer(index, sources, possible, by, ends));
  if (layers.every(({ heads }) => heads.length === 0)) {
    throw new ComparisonError(
      `${first.name} and the others have no inspected head in common. Inspect the same layers and heads of all of them.`,
    );
  }
  const all = layers.flatMap(({ heads }) => heads);
  const metrics = possible.filter(({ id }) => all.some((head) => head.metrics[id]!.difference !== null));
  const spread = withSpreads(layers, metrics);
  const grouped = by === 'permutation' ? groupedHeadsText(first.result.model) : null;
  return {
    schema: comparisonSchemaName,
    kind,
    runs: sources.map((source, i) => comparedRun(source, steps === null ? null : steps.steps[steps.places[i]!]!)),
    order: steps?.sentence ?? null,
    matchedBy: by,
    ...sharedFacts(first.result),
    notes: [
      ...notes,
      ...pairedText(sources, ends),
      ...leftOut(sources, layers),
      ...(grouped === null ? [] : [`${grouped} Heads are matched one by one, whatever they share.`]),
    ],
    metrics: metrics.map(plainMetric),
    layers: spread,
    ranked: rankChanges(spread, metrics),
  };
}
