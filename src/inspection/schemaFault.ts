// The part of JSON Schema that the committed schemas are written in, but for conditions and patterns of texts: has a value
// the shape, and if not, what is wrong?

export interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly $ref?: string;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** A whole schema, whose references point into itself. */
export interface RootSchema extends Schema {
  readonly $defs: Readonly<Record<string, Schema>>;
}

export function resolve(schema: Schema, root: RootSchema): Schema {
  return schema.$ref === undefined ? schema : root.$defs[schema.$ref.slice('#/$defs/'.length)]!;
}

export function typesOf(schema: Schema): readonly string[] {
  return schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** What is beyond the bounds of a number or a list, as the end of a phrase. */
function boundFault(value: unknown, schema: Schema, types: readonly string[]): string | null {
  if (typeof value === 'number') {
    const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = schema;
    if (types.includes('integer') && !types.includes('number') && !Number.isInteger(value))
      return `is ${value}, not an integer`;
    if (value < minimum) return `is ${value}, below ${minimum}`;
    if (value <= exclusiveMinimum && exclusiveMinimum > -Infinity) return `is ${value}, not above ${exclusiveMinimum}`;
    return value > maximum ? `is ${value}, above ${maximum}` : null;
  }
  if (!Array.isArray(value)) return null;
  const { minItems = 0, maxItems = Infinity } = schema;
  if (value.length < minItems) return `has ${value.length} items, at least ${minItems} are needed`;
  return value.length > maxItems ? `has ${value.length} items, at most ${maxItems} are allowed` : null;
}

/** First thing that is missing or of the wrong kind, as a phrase; null: the value has the shape. */
function fault(value: unknown, given: Schema, path: string, root: RootSchema): string | null {
  const schema = resolve(given, root);
  if (schema.anyOf !== undefined) {
    const faults = schema.anyOf.map((choice) => fault(value, choice, path, root));
    return faults.includes(null) ? null : faults[0]!;
  }
  const types = typesOf(schema);
  const name = typeName(value);
  if (types.length > 0 && !types.includes(name) && !(name === 'number' && types.includes('integer'))) {
    return `${path} is ${name}, not ${types.join(' or ')}`;
  }
  const bound = boundFault(value, schema, types);
  if (bound !== null) return `${path} ${bound}`;
  if (schema.const !== undefined && value !== schema.const) return `${path} is not ${JSON.stringify(schema.const)}`;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return `${path} is not one of its words`;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return null;
    for (const [i, item] of (value as readonly unknown[]).entries()) {
      const found = fault(item, items, `${path}[${i}]`, root);
      if (found !== null) return found;
    }
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const missing = schema.required?.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) return `${path === '' ? '' : `${path}.`}${missing} is missing`;
  for (const [key, item] of Object.entries(value)) {
    const inner = schema.properties?.[key] ?? schema.additionalProperties;
    const found = inner === undefined ? null : fault(item, inner, path === '' ? key : `${path}.${key}`, root);
    if (found !== null) return found;
  }
  return null;
}

/** What keeps `value` from having the shape of `root`, such as 'layers[0].heads is missing'; null: nothing does. */
export function schemaFault(value: unknown, root: RootSchema): string | null {
  return fault(value, root, '', root);
}
