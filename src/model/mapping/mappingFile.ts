// `<checkpoint>.gramlens.json` as text to values: facts that override what a file says (for any checkpoint), and the
// mapping of a network whose names no family knows. What tensors the file has is judged later (checkMapping.ts).

import { ModelSpecError, type SpecOverrides } from '../modelSpec';
import { overrideNames, parseOverrides } from '../overrides';
import { asRecord } from '../parseValues';
import { defaultArchitecture, expectedFact, factTable, isFact, type Architecture, type FactName } from './architecture';
import { isPattern } from './blockPattern';
import { didYouMean } from './nearestNames';
import { roleNames, roleRow } from './roleTable';

export const mappingSchemaName = 'gramlens.mapping/1';
/** What a mapping file is called behind the checkpoint's own name. */
export const mappingSuffix = '.gramlens.json';
/** The largest mapping names a few hundred tensors; a file above this is something else. */
export const maxMappingBytes = 1024 * 1024;
/** Patterns of tensors without a role; more than any file has kinds of buffers. */
const maxIgnored = 1000;

/** Tensor names by role; roles of the blocks hold a layer index: "layers.{i}.attn.q.weight". */
export type Roles = Readonly<Partial<Record<string, string>>>;

export interface Mapping {
  readonly architecture: Architecture;
  /** Facts that the file says itself; the others are defaults. */
  readonly said: ReadonlySet<FactName>;
  readonly roles: Roles;
  /** Names and patterns of tensors that the forward pass does not use. */
  readonly ignore: readonly string[];
}

export interface MappingFile {
  /** File name, for facts and messages. */
  readonly name: string;
  readonly overrides: SpecOverrides;
  /** null: the file only overrides facts. */
  readonly mapping: Mapping | null;
}

/** What a JSON file of ours calls itself, null where it says nothing: a result is no mapping. */
export function schemaOf(value: unknown): string | null {
  const schema = asRecord(value)?.['schema'];
  return typeof schema === 'string' ? schema : null;
}

/** JSON of a mapping file. @throws ModelSpecError badInput */
export function parseMappingText(text: string, name: string): MappingFile {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw refuse(`${name} is not JSON (${detail}). Mend it, or write it anew with gramlens map.`);
  }
  return parseMapping(value, name);
}

/**
 * The values of a mapping file, each checked; unknown keys are named.
 * @throws ModelSpecError badInput, or badOverride for a wrong value under `overrides`.
 */
export function parseMapping(value: unknown, name: string): MappingFile {
  const schema = schemaOf(value);
  if (schema !== mappingSchemaName) throw refuse(`${name} ${wrongSchema(value, schema)}`);
  const root = record(value, name, '', ['schema', 'overrides', 'mapping']);
  const overrides = overridesOf(root['overrides'], name);
  parseOverrides(overrides, overrideSources(name, overrides));
  return { name, overrides, mapping: root['mapping'] === undefined ? null : mappingOf(root['mapping'], name) };
}

/**
 * Names under which the mapping of a checkpoint file is looked for, the one that we write first: the checkpoint's
 * name and what it is without its endings ("model.safetensors.gramlens.json", "model.gramlens.json").
 */
export function mappingNames(checkpoint: string): readonly string[] {
  const names = [checkpoint];
  for (const ending of [/\.index\.json$/i, /\.[^.]+$/]) names.push(names.at(-1)!.replace(ending, ''));
  return [...new Set(names)].filter((name) => name !== '').map((name) => name + mappingSuffix);
}

/** A file that was found, not named by a person: null for one of ours that is no mapping (a result). */
export function parseFoundMapping(text: string, name: string): MappingFile | null {
  let schema: string | null = null;
  try {
    schema = schemaOf(JSON.parse(text) as unknown);
  } catch {
    // parseMappingText says what is wrong with it.
  }
  return schema?.startsWith('gramlens.inspection/') === true ? null : parseMappingText(text, name);
}

/** The sentence for a file that is too large to be a mapping. */
export function tooLarge(name: string, byteLength: number): ModelSpecError {
  return refuse(
    `${name} has ${byteLength} bytes, more than a mapping can have (${maxMappingBytes}). Move it away, or write it anew with gramlens map.`,
  );
}

/** How messages and facts name each override of a file. */
export function overrideSources(name: string, overrides: SpecOverrides): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(overrides).map((option) => [option, `${name} overrides.${option}`]));
}

/** A mapping as its file holds it: facts that differ from the defaults or were said, and the roles in table order. */
export function mappingJson(mapping: Mapping | null, overrides: SpecOverrides): string {
  const value: Record<string, unknown> = { schema: mappingSchemaName };
  if (Object.keys(overrides).length > 0) value['overrides'] = overrides;
  if (mapping !== null) {
    const facts = factTable.filter(({ name, only }) => only?.(mapping.architecture) ?? !isNull(mapping, name));
    const { roles, ignore } = mapping;
    value['mapping'] = {
      architecture: Object.fromEntries(facts.map(({ name }) => [name, mapping.architecture[name]])),
      roles: Object.fromEntries(
        roleNames.filter((role) => roles[role] !== undefined).map((role) => [role, roles[role]]),
      ),
      ...(ignore.length === 0 ? {} : { ignore }),
    };
  }
  return `${JSON.stringify(value, null, 2)}\n`;
}

const isNull = ({ architecture }: Mapping, name: FactName): boolean => architecture[name] === null;

const refuse = (sentence: string): ModelSpecError => new ModelSpecError('badInput', sentence);

function wrongSchema(value: unknown, schema: string | null): string {
  if (asRecord(value) === null) return 'is not a JSON object, so it is no mapping. Write one with gramlens map.';
  if (schema === null) return `has no "schema"; a mapping has "schema": "${mappingSchemaName}".`;
  if (schema.startsWith('gramlens.inspection/')) {
    return `is the result of an inspection ("schema": ${brief(schema)}), not a mapping. Give the file that gramlens map wrote.`;
  }
  return `has "schema": ${brief(schema)}; this version reads mappings of "${mappingSchemaName}".`;
}

/** The object at `path`, none of its keys unknown. */
function record(
  value: unknown,
  name: string,
  path: string,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  const found = asRecord(value);
  const where = path === '' ? name : `${name}: ${path}`;
  if (found === null) throw refuse(`${where} is ${brief(value)}, not an object in braces.`);
  const unknown = Object.keys(found).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    const near = didYouMean(unknown, known);
    throw refuse(
      `${name}: there is no ${path === '' ? '' : `${path}.`}${clip(unknown)}.${near || ` Known are ${known.join(', ')}.`}`,
    );
  }
  return found;
}

function overridesOf(value: unknown, name: string): SpecOverrides {
  if (value === undefined) return {};
  const given = record(value, name, 'overrides', overrideNames);
  return Object.fromEntries(
    Object.entries(given).map(([option, item]) => {
      const list = Array.isArray(item) ? (item as readonly unknown[]) : null;
      if (list !== null && list.length > 0 && list.every((part) => typeof part === 'number')) {
        return [option, list.join('/')];
      }
      if (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean')
        return [option, String(item)];
      throw refuse(
        `${name}: overrides.${option} is ${brief(item)}, not a text, a number, a list of numbers, true or false.`,
      );
    }),
  );
}

function mappingOf(value: unknown, name: string): Mapping {
  const given = record(value, name, 'mapping', ['architecture', 'roles', 'ignore']);
  const { architecture, said } = architectureOf(given['architecture'], name);
  return { architecture, said, roles: rolesOf(given['roles'], name), ignore: ignoreOf(given['ignore'], name) };
}

function architectureOf(value: unknown, name: string): Pick<Mapping, 'architecture' | 'said'> {
  const path = 'mapping.architecture';
  const given = record(
    value ?? {},
    name,
    path,
    factTable.map((row) => row.name),
  );
  for (const row of factTable) {
    const item = given[row.name];
    if (item === undefined || isFact(row, item)) continue;
    throw refuse(`${name}: ${path}.${row.name} is ${brief(item)}, not ${expectedFact(row)}.`);
  }
  const said = new Set(factTable.map((row) => row.name).filter((fact) => given[fact] !== undefined));
  return { architecture: { ...defaultArchitecture, ...(given as Partial<Architecture>) }, said };
}

function rolesOf(value: unknown, name: string): Roles {
  const given = record(value, name, 'mapping.roles', roleNames);
  for (const [role, tensor] of Object.entries(given)) {
    if (typeof tensor !== 'string' || tensor === '') {
      throw refuse(`${name}: mapping.roles.${role} is ${brief(tensor)}, not the name of a tensor.`);
    }
    const inBlocks = roleRow(role)?.place === 'block';
    if (inBlocks && !isPattern(tensor)) {
      throw refuse(
        `${name}: mapping.roles.${role} is ${brief(tensor)}, which has no layer index; write {i} where the number of the block stands, as in "layers.{i}.q.weight".`,
      );
    }
    if (!inBlocks && isPattern(tensor)) {
      throw refuse(
        `${name}: mapping.roles.${role} is ${brief(tensor)}, but there is one such tensor, not one a block.`,
      );
    }
  }
  return given as Roles;
}

function ignoreOf(value: unknown, name: string): readonly string[] {
  if (value === undefined) return [];
  const list = Array.isArray(value) ? (value as readonly unknown[]) : null;
  if (list === null || !list.every((item): item is string => typeof item === 'string')) {
    throw refuse(`${name}: mapping.ignore is ${brief(value)}, not a list of tensor names.`);
  }
  if (list.length > maxIgnored) {
    throw refuse(
      `${name}: mapping.ignore has ${list.length} names; use {i} for the layer index, ${maxIgnored} are enough.`,
    );
  }
  return list;
}

const clip = (text: string): string => (text.length <= 60 ? text : `${text.slice(0, 57)}...`);

function brief(value: unknown): string {
  return value === undefined ? 'missing' : clip(JSON.stringify(value));
}
