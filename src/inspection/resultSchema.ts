// result.schema.json at work: is this a result, and which numbers has a head?

import { resultSchemaName, type InspectionResult } from './inspectionResult';
import schemaJson from './result.schema.json';
import { resolve, schemaFault, typesOf, type RootSchema, type Schema } from './schemaFault';

const root = schemaJson as unknown as RootSchema;

/** What keeps `value` from being a result, such as 'layers[0].heads is missing'; null: nothing does. */
export function resultFault(value: unknown): string | null {
  return schemaFault(value, root);
}

/** Dotted names of a head's numbers, as the columns of heads.csv are called; noise has its kind in the name. */
function numbersBelow(given: Schema, path: string): string[] {
  const schema = resolve(given, root);
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap((choice) => numbersBelow(choice, path));
  const types = typesOf(schema);
  if (types.includes('number') || types.includes('integer')) return [path];
  if (types.includes('array')) {
    const kinds = resolve(schema.items ?? {}, root).properties?.['kind']?.enum ?? [];
    return kinds.flatMap((kind) => numbersBelow(schema.items!, `${path}.${String(kind)}`));
  }
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) =>
    numbersBelow(inner, path === '' ? key : `${path}.${key}`),
  );
}

/** Numbers that a rule of `--fail-on` can be about. */
export const headMetrics: ReadonlySet<string> = new Set(
  numbersBelow(root.$defs['head']!, '').filter((name) => name !== 'index'),
);

/**
 * A parsed `result.json`, checked whole.
 * @throws Error with a sentence that begins with `name`, the file's.
 */
export function asResult(parsed: unknown, name: string): InspectionResult {
  const schema = typeof parsed === 'object' && parsed !== null && 'schema' in parsed ? parsed.schema : undefined;
  if (schema !== resultSchemaName) {
    throw new Error(
      `${name} is not a result of this version (schema ${JSON.stringify(schema ?? null)}, expected "${resultSchemaName}"). Give the result.json of an inspection.`,
    );
  }
  const found = resultFault(parsed);
  if (found !== null) {
    throw new Error(`${name} is not a whole result: ${found}. Give the result.json of an inspection.`);
  }
  return parsed as InspectionResult;
}
