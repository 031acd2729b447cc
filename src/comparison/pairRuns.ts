// What may be compared: one thing differs, and everything that decides the other numbers is the same. What differs besides
// is either refused by name or noted.

import type { InspectionResult, Provenance } from '../inspection/inspectionResult';
import type { HeadMetric } from '../report/figures/headMetric';
import { ComparisonError, type ComparisonKind } from './comparison';
import type { InputNumbers } from './inputNumbers';
import { checkOutlines, outlineOf } from './runOutline';

/** A finished inspection with the name that it has in the comparison. */
export interface ComparedSource {
  readonly name: string;
  readonly inspection: string;
  readonly result: InspectionResult;
  /** Of a run over several inputs, where `result` has not the single results itself. */
  readonly single?: InputNumbers;
}

export interface Pairing {
  readonly kind: Exclude<ComparisonKind, 'methods'>;
  readonly notes: readonly string[];
  /** Whether the metric means the same in all runs. */
  readonly comparable: (metric: HeadMetric) => boolean;
}

/** A setting as a person names it; results of earlier builds may lack it. */
interface Setting {
  readonly name: string;
  /** null: left open by the result. */
  readonly of: (provenance: Partial<Provenance>) => string | null;
  /** 'refused': decides numbers themselves; 'noted': decides how well they are known. */
  readonly differing: 'refused' | 'noted' | 'rpc';
}

const said = (value: string | number | undefined): string | null => (value === undefined ? null : String(value));

const settings: readonly Setting[] = [
  { name: 'seed', of: ({ seed }) => said(seed), differing: 'refused' },
  { name: 'forward pass', of: ({ forward }) => said(forward), differing: 'refused' },
  { name: 'Gram matrix', of: ({ gram }) => said(gram), differing: 'refused' },
  { name: 'keys of the Gram matrix', of: ({ keys }) => said(keys), differing: 'refused' },
  {
    name: 'standardised keys of the Gram matrix',
    of: ({ standardised }) => (standardised === true ? 'yes' : 'no'),
    differing: 'refused',
  },
  { name: 'noise levels', of: noiseLevels, differing: 'refused' },
  { name: 'RPC beside the model', of: rpcWords, differing: 'rpc' },
  { name: 'noise kinds', of: ({ noise }) => noise?.kinds.join(', ') ?? null, differing: 'noted' },
  { name: 'noise repeats', of: ({ noise }) => said(noise?.repeats), differing: 'noted' },
  { name: 'null draws', of: ({ nulls }) => said(nulls), differing: 'noted' },
  {
    name: "null draws of the reproduction study's metrics",
    of: ({ studyNulls }) => said(studyNulls),
    differing: 'noted',
  },
  { name: 'untrained twins', of: ({ twins }) => said(twins), differing: 'noted' },
  { name: 'facts set by hand', of: overrideWords, differing: 'noted' },
  {
    name: 'backend',
    of: ({ backend, precision }) => `${backend ?? ''}, ${precision ?? ''} forward pass`,
    differing: 'noted',
  },
  { name: 'precision of the metrics', of: ({ metricsPrecision }) => said(metricsPrecision), differing: 'noted' },
  { name: 'version of Gramlens', of: ({ gramlensVersion }) => said(gramlensVersion), differing: 'noted' },
];

function noiseLevels({ noise }: Partial<Provenance>): string | null {
  if (noise === undefined) return null;
  return noise.kinds.map((kind) => `${kind} ${(noise.levels[kind] ?? []).join(' ')}`).join('; ');
}

function rpcWords({ rpc }: Partial<Provenance>): string | null {
  if (rpc === undefined) return null;
  const { variant, iterations, lambda, layers } = rpc;
  if (layers === 'none') return 'none';
  return `variant ${variant}, ${iterations} iterations, lambda ${lambda}, ${typeof layers === 'string' ? 'all layers' : `layers ${layers.join(', ')}`}`;
}

function overrideWords({ overrides }: Partial<Provenance>): string | null {
  const words = Object.entries(overrides ?? {}).map(([name, value]) => `${name}=${value}`);
  return words.length === 0 ? 'none' : words.join(', ');
}

/** Levels of the kinds that both ran: a kind that one lacks has no numbers to compare. */
function sameLevels(a: Partial<Provenance>, b: Partial<Provenance>): boolean {
  const kinds = (a.noise?.kinds ?? []).filter((kind) => b.noise?.kinds.includes(kind) === true);
  return kinds.every((kind) => String(a.noise?.levels[kind]) === String(b.noise?.levels[kind]));
}

const restsOnRpc = ({ id, group }: HeadMetric): boolean =>
  group === 'RPC' || (group === 'Noise' && /\.(rpc|difference)$/.test(id));

const isSameCheckpoint = (a: InspectionResult, b: InspectionResult): boolean => {
  const [one, other] = [a.provenance.checkpoint, b.provenance.checkpoint];
  return one.sha256 === null || other.sha256 === null
    ? one.name === other.name && one.bytes === other.bytes
    : one.sha256 === other.sha256;
};

/** RPC that a checkpoint was trained with and that is not the one beside the model. */
function otherNativeRpc({ name, result }: ComparedSource): string[] {
  const { rpc, nativeRpc } = result.provenance;
  if (!nativeRpc || rpc.layers === 'none') return [];
  const words = ({
    variant,
    iterations,
    lambda,
  }: Pick<Provenance['rpc'], 'variant' | 'iterations' | 'lambda'>): string =>
    `variant ${variant}, ${iterations} iterations, lambda ${lambda}`;
  return words(rpc) === words(nativeRpc)
    ? []
    : [`${name} was trained with RPC of ${words(nativeRpc)}; beside the model RPC of ${words(rpc)} is compared.`];
}

/** Checks every run against the first. @throws ComparisonError */
export function pairRuns(sources: readonly ComparedSource[]): Pairing {
  const [first, ...others] = sources;
  if (first === undefined || others.length === 0)
    throw new ComparisonError('A comparison needs two inspections or more.');
  for (const other of others) {
    checkOutlines(outlineOf(first.name, first.result), outlineOf(other.name, other.result));
  }
  const kind = others.every(({ result }) => isSameCheckpoint(first.result, result)) ? 'settings' : 'checkpoints';
  const notes = sources.flatMap(otherNativeRpc);
  let withRpc = true;
  let anyDiffers = false;
  for (const { name, of, differing } of settings) {
    const words = sources.map(({ result }) => of(result.provenance));
    const differs = others.some(({ result }, i) => {
      if (words[i + 1] === words[0] || words[i + 1] === null || words[0] === null) return false;
      return of !== noiseLevels || !sameLevels(first.result.provenance, result.provenance);
    });
    if (!differs) continue;
    anyDiffers = true;
    const which = sources.map((source, i) => `${source.name}: ${words[i] ?? 'not said'}`).join('; ');
    if (kind === 'checkpoints' && differing === 'refused') {
      throw new ComparisonError(
        `Different: ${name} (${which}). The checkpoints differ, too, and a difference could be of either. Inspect all of them with the same settings.`,
      );
    }
    if (kind === 'checkpoints' && differing === 'rpc') {
      withRpc = false;
      notes.push(
        `The settings of ${name} differ (${which}): metrics that rest on RPC are left out. Inspect with the same --rpc to compare them.`,
      );
    } else notes.push(`Different: ${name} (${which}).`);
  }
  if (kind === 'settings' && !anyDiffers)
    notes.push('The same checkpoint with the same settings: nothing but the machine can make a difference.');
  return { kind, notes, comparable: (metric) => withRpc || !restsOnRpc(metric) };
}
