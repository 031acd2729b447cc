// Several inputs: a list of SPECs, each one input, or a folder, a text cut into lines, a batch of arrays. Inputs are
// listed before anything is read of them, and read one at a time.

import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openFileSource } from '../../checkpoint/node/fileSource';
import { npyFeatures } from '../../model/audio/featureInput';
import { npyInput } from '../../model/image/npyInput';
import { npyHeadBytes, npyItem, parseNpyHeader, type NpyHeader } from '../../model/image/npyArray';
import { ModelSpecError, type ModelInput, type ModelSpec } from '../../model/modelSpec';
import { decodeUtf8 } from '../../model/text/utf8';
import { maxInputBytes, readInput, readText, sha256Hex } from './readInput';
import type { TokenizerSource } from './tokenizerSource';

/** An inspection takes a second at least: more than this runs for hours, and is a folder given by mistake. */
export const maxInputs = 10_000;
/** Of `lines:FILE`, which is held while it runs: as many lines of 1,600 characters as there may be inputs. */
const maxLinesBytes = 16 * 1024 * 1024;

/** What a folder's inputs end in, by what the model takes. */
const endings = { image: /\.(png|jpe?g|npy)$/i, audio: /\.npy$/i, text: /\.txt$/i } as const;
const endingNames = { image: 'PNG, JPEG or .npy', audio: '.npy', text: '.txt' } as const;

export interface ListedInput {
  /** 'cat.png', 'book.txt, line 3', 'batch.npy, item 0'; a SPEC that is one input as it was given. */
  readonly name: string;
  /** Throws ModelSpecError 'badInput'. */
  load(): Promise<ModelInput>;
}

export interface InputList {
  readonly inputs: readonly ListedInput[];
  /** What was passed over, as sentences. */
  readonly notes: readonly string[];
}

const bad = (message: string): ModelSpecError => new ModelSpecError('badInput', message);

function modality({ text, audio }: ModelSpec): keyof typeof endings {
  return text ? 'text' : audio ? 'audio' : 'image';
}

/**
 * `folder` (every picture or array in it, of language models every .txt, by name) · `lines:FILE` (one text a line) ·
 * `npy:FILE` with a batch axis · every SPEC of `readInput`, which is one input.
 * @throws ModelSpecError 'badInput'
 */
export async function listInputs(
  texts: readonly string[],
  spec: ModelSpec,
  tokenizer: TokenizerSource | null,
): Promise<InputList> {
  const inputs: ListedInput[] = [];
  const notes: string[] = [];
  for (const text of texts) {
    const listed = await listOne(text, spec, tokenizer);
    inputs.push(...listed.inputs);
    notes.push(...listed.notes);
    if (inputs.length > maxInputs)
      throw bad(`${text} makes ${inputs.length} inputs, more than ${maxInputs} in one run. Give fewer at a time.`);
  }
  return { inputs, notes };
}

async function listOne(text: string, spec: ModelSpec, tokenizer: TokenizerSource | null): Promise<InputList> {
  if (text.startsWith('lines:')) return listLines(text.slice('lines:'.length), spec, tokenizer);
  if (text.startsWith('npy:')) return { inputs: await listArray(text.slice('npy:'.length), spec), notes: [] };
  if (!/^(text|tokens|sample|random):/.test(text) && (await isFolder(text))) return listFolder(text, spec, tokenizer);
  return { inputs: [{ name: text, load: () => readInput(text, spec, tokenizer) }], notes: [] };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // Whoever reads it says what is wrong with it.
    return false;
  }
}

async function listFolder(folder: string, spec: ModelSpec, tokenizer: TokenizerSource | null): Promise<InputList> {
  const kind = modality(spec);
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.') && endings[kind].test(entry.name))
    .map((entry) => entry.name)
    .sort((a, b) => (a < b ? -1 : 1));
  if (names.length === 0)
    throw bad(`The folder ${folder} has no ${endingNames[kind]} file. Give one that has, or the files one by one.`);
  if (names.length > maxInputs)
    throw bad(`The folder ${folder} has ${names.length} inputs, more than ${maxInputs} in one run. Split it.`);
  const inputs: ListedInput[] = [];
  for (const name of names) {
    const path = join(folder, name);
    if (/\.npy$/i.test(name)) inputs.push(...(await listArray(path, spec)));
    else inputs.push({ name, load: () => readInput(path, spec, tokenizer) });
  }
  const others = entries.length - names.length;
  const notes = others === 0 ? [] : [`${folder}: ${others} of its entries are no ${endingNames[kind]} and left out.`];
  return { inputs, notes };
}

/** Blank lines are no inputs; a line is a text as `text:…` is. */
async function listLines(path: string, spec: ModelSpec, tokenizer: TokenizerSource | null): Promise<InputList> {
  const name = basename(path);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw bad(
      `The input ${path}: it cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'}).`,
    );
  });
  if (bytes.length > maxLinesBytes)
    throw bad(`${name} has ${bytes.length} bytes, more than the ${maxLinesBytes} of a list of lines. Split it.`);
  const text = decodeUtf8(bytes);
  if (text === null) throw bad(`${name} is not UTF-8 text. Save it as UTF-8.`);
  const lines = text.split(/\r\n|\r|\n/).map((line, i) => ({ line, label: `${name}, line ${i + 1}` }));
  const filled = lines.filter(({ line }) => line.trim() !== '');
  if (filled.length === 0) throw bad(`${name} has no line with text in it. Give a file with one text a line.`);
  if (filled.length > maxInputs)
    throw bad(`${name} has ${filled.length} lines, more than the ${maxInputs} inputs of one run. Split it.`);
  const inputs = filled.map(({ line, label }) => ({
    name: label,
    load: () => readText(line, new TextEncoder().encode(line), label, spec, tokenizer),
  }));
  return { inputs, notes: [] };
}

/** One input, or as many as the batch axis is long: read by range, each as if it were saved alone. */
async function listArray(path: string, spec: ModelSpec): Promise<ListedInput[]> {
  const one: ListedInput = { name: basename(path), load: () => readInput(`npy:${path}`, spec) };
  const axes = spec.audio ? 3 : 4;
  let header: NpyHeader;
  try {
    header = await readHeader(path);
  } catch {
    // What is wrong with it is said when it is read, beside what is wrong with the others.
    return [one];
  }
  const [batch = 0] = header.shape;
  if (spec.text || header.shape.length !== axes || batch < 2) return [one];
  if (header.fortran)
    throw bad(`${basename(path)} holds a batch in Fortran order. Save it with numpy.ascontiguousarray.`);
  if (batch > maxInputs)
    throw bad(`${basename(path)} holds ${batch} inputs, more than ${maxInputs} in one run. Split it.`);
  const itemBytes = (header.count / batch) * header.size;
  if (itemBytes > maxInputBytes)
    throw bad(`${basename(path)} holds inputs of ${itemBytes} bytes, more than one can have (${maxInputBytes}).`);
  return Array.from({ length: batch }, (_, item) => {
    const name = `${basename(path)}, item ${item}`;
    return {
      name,
      load: async () => {
        const bytes = await readRange(path, header.dataStart + item * itemBytes, itemBytes);
        return (spec.audio ? npyFeatures : npyInput)(npyItem(header, bytes), name, spec, sha256Hex);
      },
    };
  });
}

async function readHeader(path: string): Promise<NpyHeader> {
  const { size } = await stat(path);
  return parseNpyHeader(await readRange(path, 0, Math.min(size, npyHeadBytes)), size, basename(path));
}

/** CheckpointError, as of any file, where it cannot be read. */
async function readRange(path: string, offset: number, byteLength: number): Promise<Uint8Array> {
  const file = await openFileSource(path);
  try {
    return await file.read(offset, byteLength);
  } finally {
    await file.close();
  }
}
