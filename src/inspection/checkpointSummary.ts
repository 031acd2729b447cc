// A checkpoint as the checkpoint page shows it, from its headers alone: tensors in columns (100,000 of them cross to
// the page in one message), metadata cut to what a person reads, and what was recognised.

import { elementCount } from '../checkpoint/dtypes';
import type { PlainValue, TensorEntry, TensorIndex } from '../checkpoint/tensorIndex';
import { describeSpec } from '../model/describeSpec';
import { inferModelSpec } from '../model/inferModelSpec';
import type { MappingFile } from '../model/mapping/mappingFile';
import { ModelSpecError } from '../model/modelSpec';
import type { SpecFact } from '../model/modelSpec';

/** Texts that many rows share: row i reads `table[rows[i]]`. */
export interface TextColumn {
  readonly table: readonly string[];
  readonly rows: Uint32Array;
}

/** One entry a tensor, in file order. Numbers cross as arrays of bytes, which no message spells out. */
export interface TensorColumns {
  readonly names: readonly string[];
  /** Names of parameters that the file has under numbers, '' for the others; null when there are none. */
  readonly recovered: TextColumn | null;
  /** Ours, or the block format; the file's spelling where we know no other. */
  readonly dtypes: TextColumn;
  /** The file's own spelling. */
  readonly dtypeNames: TextColumn;
  /** '[768, 3072]' */
  readonly shapes: TextColumn;
  /** Elements; NaN where the shape is not a count. */
  readonly counts: Float64Array;
  readonly byteLengths: Float64Array;
  readonly byteOffsets: Float64Array;
  /** File of each tensor; null when the checkpoint is one file. */
  readonly shards: TextColumn | null;
  /** Why a tensor cannot be read: [row, sentence], few. */
  readonly problems: readonly (readonly [number, string])[];
}

/** What `inferModelSpec` makes of the file. */
export type Recognition =
  | {
      readonly kind: 'model';
      readonly description: string;
      readonly facts: readonly SpecFact[];
      readonly notes: readonly string[];
    }
  | { readonly kind: 'question'; readonly sentence: string; readonly choices: readonly string[] }
  | { readonly kind: 'refused'; readonly sentence: string };

export interface CheckpointSummary {
  readonly fileName: string;
  readonly format: string;
  readonly byteLength: number;
  readonly shards: readonly { readonly name: string; readonly byteLength: number }[];
  readonly tensors: TensorColumns;
  /** Tensors that share their bytes count once. */
  readonly totals: { readonly parameters: number; readonly byteLength: number };
  readonly recognition: Recognition;
  readonly metadata: readonly (readonly [string, string])[];
  /** Metadata rows that were left out. */
  readonly metadataLeft: number;
  readonly notes: readonly string[];
}

/** Rows of metadata; more are for a program, not for a page. */
const maxMetadataRows = 500;
/** Letters of one value (a chat template, a vocabulary). */
const maxValueLength = 500;
/** Letters of a sentence that may quote names of the file. */
const maxSentenceLength = 1500;
/** Nesting of training settings that is still readable as dotted names. */
const maxDepth = 6;

/** Reads nothing; `config` and `preprocessor` are the parsed JSON files beside it, `mapping` its .gramlens.json, or null. */
export function summariseCheckpoint(
  index: TensorIndex,
  config: unknown,
  preprocessor: unknown = null,
  mapping: MappingFile | null = null,
): CheckpointSummary {
  const entries = [...index.entries.values()];
  const { rows, left } = metadataRows(index);
  return {
    fileName: index.fileName,
    format: index.format,
    byteLength: index.byteLength,
    shards: index.shards ?? [],
    tensors: columns(entries, index.shards !== undefined),
    totals: totals(entries),
    recognition: recognise(index, config, preprocessor, mapping),
    metadata: rows,
    metadataLeft: left,
    notes: index.notes,
  };
}

function textColumn(texts: readonly string[]): TextColumn {
  const known = new Map<string, number>();
  const rows = Uint32Array.from(texts, (text) => {
    const at = known.get(text) ?? known.size;
    known.set(text, at);
    return at;
  });
  return { table: [...known.keys()], rows };
}

function columns(entries: readonly TensorEntry[], sharded: boolean): TensorColumns {
  return {
    names: entries.map(({ name }) => name),
    recovered: entries.some(({ recoveredName }) => recoveredName !== undefined)
      ? textColumn(entries.map(({ recoveredName }) => recoveredName ?? ''))
      : null,
    dtypes: textColumn(entries.map(({ dtype, quantisation, dtypeName }) => quantisation ?? dtype ?? dtypeName)),
    dtypeNames: textColumn(entries.map(({ dtypeName }) => dtypeName)),
    shapes: textColumn(entries.map(({ shape }) => `[${shape.join(', ')}]`)),
    counts: Float64Array.from(entries, ({ shape }) => elementCount(shape) ?? NaN),
    byteLengths: Float64Array.from(entries, ({ byteLength }) => byteLength),
    byteOffsets: Float64Array.from(entries, ({ byteOffset }) => byteOffset),
    shards: sharded ? textColumn(entries.map(({ shard }) => shard ?? '')) : null,
    problems: entries.flatMap(({ problem }, row) => (problem === undefined ? [] : [[row, problem] as const])),
  };
}

function totals(entries: readonly TensorEntry[]): CheckpointSummary['totals'] {
  /** Of each file, the length first seen at an offset; others at the same offset by their text. */
  const places = new Map<string | undefined, Map<number, number>>();
  const others = new Set<string>();
  const isNew = ({ shard, byteOffset, byteLength }: TensorEntry): boolean => {
    const inFile = places.get(shard) ?? new Map<number, number>();
    places.set(shard, inFile);
    const first = inFile.get(byteOffset);
    if (first === undefined) inFile.set(byteOffset, byteLength);
    if (first === undefined || first === byteLength) return first === undefined;
    const { size } = others;
    return others.add(`${byteOffset}:${byteLength}:${shard ?? ''}`).size > size;
  };
  let parameters = 0;
  let bytes = 0;
  for (const entry of entries) {
    if (entry.byteLength === 0 || !isNew(entry)) continue;
    parameters += elementCount(entry.shape) ?? 0;
    bytes += entry.byteLength;
  }
  return { parameters, byteLength: bytes };
}

function recognise(
  index: TensorIndex,
  config: unknown,
  preprocessor: unknown,
  mapping: MappingFile | null,
): Recognition {
  try {
    const spec = inferModelSpec(index, config, {}, preprocessor, mapping);
    return { kind: 'model', description: describeSpec(spec), facts: spec.facts, notes: spec.notes };
  } catch (error) {
    if (!(error instanceof ModelSpecError)) throw error;
    if (error.question === null) return { kind: 'refused', sentence: cut(error.message, maxSentenceLength) };
    const { question, choices } = error.question;
    return { kind: 'question', sentence: question, choices: choices.map(({ label }) => label) };
  }
}

const cut = (text: string, most = maxValueLength): string =>
  text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} more letters)`;

/** The file's key-value pairs, then the plain values that stand beside the tensors of a training checkpoint. */
function metadataRows(index: TensorIndex): { rows: [string, string][]; left: number } {
  const rows: [string, string][] = [];
  let left = 0;
  const add = (key: string, text: string): void => {
    if (rows.length < maxMetadataRows) rows.push([cut(key), cut(text)]);
    else left += 1;
  };
  for (const [key, value] of Object.entries(index.metadata)) add(key, value);
  const walk = (key: string, value: PlainValue, depth: number): void => {
    if (Object.hasOwn(index.metadata, key)) return;
    if (value === null || typeof value !== 'object') add(key, String(value));
    else if (isList(value)) add(key, listText(value));
    else if ('kind' in value && value['kind'] === 'opaque' && typeof value['className'] === 'string')
      add(key, `${value['className']} (not loaded)`);
    else if ('kind' in value && value['kind'] === 'tensor') return;
    else if (depth === maxDepth) add(key, '…');
    else for (const [inner, item] of Object.entries(value)) walk(`${key}.${inner}`, item as PlainValue, depth + 1);
  };
  for (const [key, value] of Object.entries(index.tree ?? {})) walk(key, value, 1);
  return { rows, left };
}

/** `Array.isArray` does not narrow readonly arrays. */
const isList = (value: PlainValue): value is readonly PlainValue[] => Array.isArray(value);

/** Short lists of plain values in full, of others the beginning and the length. */
function listText(list: readonly PlainValue[]): string {
  const shown = list.slice(0, 16).map((item) => (item !== null && typeof item === 'object' ? '…' : String(item)));
  return list.length <= 16 ? `[${shown.join(', ')}]` : `[${shown.join(', ')}, …] (${list.length} items)`;
}
