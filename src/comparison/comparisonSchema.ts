// comparison.schema.json at work: is this a comparison?

import { schemaFault, type RootSchema } from '../inspection/schemaFault';
import { comparisonSchemaName, type Comparison } from './comparison';
import schemaJson from './comparison.schema.json';

const root = schemaJson as unknown as RootSchema;

/** Whether a parsed file says that it is one. */
export function saysComparison(parsed: unknown): boolean {
  return typeof parsed === 'object' && parsed !== null && 'schema' in parsed && parsed.schema === comparisonSchemaName;
}

/**
 * A parsed `comparison.json`, checked whole.
 * @throws Error with a sentence that begins with `name`, the file's.
 */
export function asComparison(parsed: unknown, name: string): Comparison {
  const found = schemaFault(parsed, root);
  if (found !== null) {
    throw new Error(`${name} is not a whole comparison: ${found}. Give the comparison.json of gramlens compare.`);
  }
  return parsed as Comparison;
}
