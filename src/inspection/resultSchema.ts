// The part of JSON Schema that result.schema.json is written in: is this a result, and which numbers has a head?

import { resultSchemaName, type InspectionResult } from './inspectionResult';
import schemaJson from './result.schema.json';

interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly $ref?: string;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
}

const root = schemaJson as unknown as Schema & { readonly $defs: Readonly<Record<string, Schema>> };

function resolve(schema: Schema): Schema {
  return schema.$ref === undefined ? schema : root.$defs[schema.$ref.slice('#/$defs/'.length)]!;
}

function typesOf(schema: Schema): readonly string[] {
  return schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** First thing that is missing or of the wrong kind, as a phrase; null: the value has the shape. */
function fault(value: unknown, given: Schema, path: string): string | null {
  const schema = resolve(given);
  if (schema.anyOf !== undefined) {
    const faults = schema.anyOf.map((choice) => fault(value, choice, path));
    return faults.includes(null) ? null : faults[0]!;
  }
  const types = typesOf(schema);
  const name = typeName(value);
  if (types.length > 0 && !types.includes(name) && !(name === 'number' && types.includes('integer'))) {
    return `${path} is ${name}, not ${types.join(' or ')}`;
  }
  if (schema.const !== undefined && value !== schema.const) return `${path} is not ${JSON.stringify(schema.const)}`;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return `${path} is not one of its words`;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return null;
    for (const [i, item] of (value as readonly unknown[]).entries()) {
      const found = fault(item, items, `${path}[${i}]`);
      if (found !== null) return found;
    }
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const missing = schema.required?.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) return `${path === '' ? '' : `${path}.`}${missing} is missing`;
  for (const [key, item] of Object.entries(value)) {
    const inner = schema.properties?.[key] ?? schema.additionalProperties;
    const found = inner === undefined ? null : fault(item, inner, path === '' ? key : `${path}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

/** What keeps `value` from being a result, such as 'layers[0].heads is missing'; null: nothing does. */
export function resultFault(value: unknown): string | null {
  return fault(value, root, '');
}

/** Dotted names of a head's numbers, as the columns of heads.csv are called; noise has its kind in the name. */
function numbersBelow(given: Schema, path: string): string[] {
  const schema = resolve(given);
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap((choice) => numbersBelow(choice, path));
  const types = typesOf(schema);
  if (types.includes('number') || types.includes('integer')) return [path];
  if (types.includes('array')) {
    const kinds = resolve(schema.items ?? {}).properties?.['kind']?.enum ?? [];
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
