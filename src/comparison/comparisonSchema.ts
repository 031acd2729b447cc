// A comparison from a file: is it one, do its parts agree, and what of it does this version know?

import { schemaFault, type RootSchema } from '../inspection/schemaFault';
import { headMetrics } from '../report/figures/metrics';
import { comparisonFault } from './comparisonFault';
import { comparisonSchemaName, type Comparison } from './comparison';
import schemaJson from './comparison.schema.json';

const root = schemaJson as unknown as RootSchema;
/** Schema names of all versions begin so. */
const anyVersion = 'gramlens.comparison/';
const knownIds: ReadonlySet<string> = new Set(headMetrics.map(({ id }) => id));

/** Whether the start of a file, before anything of it is parsed, says that it is a comparison of any version. */
export function startsAsComparison(start: string): boolean {
  return start.includes(`"${anyVersion}`);
}

/** Whether a parsed file says that it is one, of any version. */
export function saysComparison(parsed: unknown): boolean {
  const schema = schemaOf(parsed);
  return typeof schema === 'string' && schema.startsWith(anyVersion);
}

function schemaOf(parsed: unknown): unknown {
  return typeof parsed === 'object' && parsed !== null && 'schema' in parsed ? parsed.schema : undefined;
}

/**
 * A parsed `comparison.json`, checked whole; metrics that this version does not know are left out, with a note.
 * @throws Error with a sentence that begins with `name`, the file's.
 */
export function asComparison(parsed: unknown, name: string): Comparison {
  const schema = schemaOf(parsed);
  if (schema !== comparisonSchemaName) {
    const said = JSON.stringify(schema ?? null);
    throw new Error(
      saysComparison(parsed)
        ? `${name} is a comparison of another version (schema ${said}, this one reads "${comparisonSchemaName}"). Open it with the Gramlens that wrote it, or a newer one.`
        : `${name} is not a comparison (schema ${said}, expected "${comparisonSchemaName}"). Give the comparison.json of gramlens compare.`,
    );
  }
  const found = schemaFault(parsed, root) ?? comparisonFault(parsed as Comparison);
  if (found !== null) {
    throw new Error(`${name} is not a whole comparison: ${found}. Give the comparison.json of gramlens compare.`);
  }
  return withKnownMetrics(parsed as Comparison);
}

/** The metric that a compared number is of; softmax against RPC has its own names for some. */
const isKnown = ({ kind }: Comparison, id: string): boolean =>
  kind === 'methods' ? id === 'rpc.dispersion' || knownIds.has(`${id}.difference`) : knownIds.has(id);

function withKnownMetrics(comparison: Comparison): Comparison {
  const strange = comparison.metrics.map(({ id }) => id).filter((id) => !isKnown(comparison, id));
  if (strange.length === 0) return comparison;
  const out = new Set(strange);
  const { metrics, ranked, notes } = comparison;
  return {
    ...comparison,
    metrics: metrics.filter(({ id }) => !out.has(id)),
    ranked: {
      ...ranked,
      inBands: ranked.inBands.filter(({ metric }) => !out.has(metric)),
      inSpreads: ranked.inSpreads.filter(({ metric }) => !out.has(metric)),
    },
    notes: [
      ...notes,
      `Metrics that this version of Gramlens does not know are left out: ${strange.slice(0, 8).join(', ')}${strange.length > 8 ? ', …' : ''}.`,
    ],
  };
}
