// safetensors -> TensorIndex: an 8-byte count, a JSON header of that size, then the tensors back to back. Only the
// header is read. The checks are those of the format's reference reader; an unknown dtype is an entry with a problem.

import type { ByteSource } from './byteSource';
import { CheckpointError, type CheckpointErrorReason } from './checkpointError';
import { elementCount, maxRank, safetensorsDType } from './dtypes';
import { parseJsonKeys } from './jsonKeys';
import { copyAgain, grouped, quoted } from './nextSteps';
import type { TensorEntry, TensorIndex } from './tensorIndex';

/** Header bytes we accept. The reference reader stops at 100 MB; a larger count is a crafted file. */
export const maxHeaderBytes = 100_000_000;

interface HeaderTensor {
  readonly name: string;
  readonly dtypeName: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads the header of a safetensors file.
 * @throws CheckpointError naming the file, the tensor and the bytes for every break of the format.
 */
export async function readSafetensors(source: ByteSource): Promise<TensorIndex> {
  const file = source.name;
  const fail = (reason: CheckpointErrorReason, text: string): never => {
    throw new CheckpointError(reason, `${file}: ${text}`);
  };
  if (source.byteLength < 8) {
    fail('truncated', `the file ends inside the 8 bytes that give the size of the safetensors header. ${copyAgain}`);
  }
  const start = await source.read(0, 8);
  const declared = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (declared > BigInt(maxHeaderBytes)) {
    fail(
      'tooLarge',
      `the safetensors header claims ${grouped(declared)} bytes, more than the ${grouped(maxHeaderBytes)} the format allows. The file is damaged or crafted; ${lower(copyAgain)}`,
    );
  }
  const headerBytes = Number(declared);
  const dataStart = 8 + headerBytes;
  if (dataStart > source.byteLength) {
    fail(
      'truncated',
      `the safetensors header needs ${grouped(headerBytes)} bytes, the file holds ${grouped(source.byteLength - 8)} after the count. ${copyAgain}`,
    );
  }
  const header = parseHeader(await source.read(8, headerBytes), fail);
  const tensors: HeaderTensor[] = [];
  let metadata: Record<string, string> = {};
  const notes: string[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') metadata = readMetadata(value, notes, fail);
    else tensors.push(readDescription(name, value, fail));
  }
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkRanges(tensors, source.byteLength - dataStart, fail);
  const entries = new Map<string, TensorEntry>();
  for (const tensor of tensors) entries.set(tensor.name, toEntry(tensor, dataStart, fail));
  return {
    format: 'safetensors',
    fileName: file,
    byteLength: source.byteLength,
    entries,
    metadata,
    tree: null,
    notes,
  };
}

type Fail = (reason: CheckpointErrorReason, text: string) => never;

const lower = (sentence: string): string => sentence.charAt(0).toLowerCase() + sentence.slice(1);

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail('corrupt', `the safetensors header is not UTF-8 text. ${copyAgain}`);
  }
  if (!text.startsWith('{')) return fail('corrupt', `the safetensors header does not begin with "{". ${copyAgain}`);
  let scan: ReturnType<typeof parseJsonKeys>;
  try {
    scan = parseJsonKeys(text);
  } catch {
    return fail('corrupt', `the safetensors header is not valid JSON. ${copyAgain}`);
  }
  if (scan.tooDeep)
    return fail('corrupt', `the safetensors header is nested deeper than the format has levels. ${copyAgain}`);
  if (scan.duplicate !== null) {
    return fail('corrupt', `the safetensors header names ${quoted(scan.duplicate)} twice. ${writeAgain}`);
  }
  return scan.value as Record<string, unknown>;
}

const writeAgain = 'Write the file again with the safetensors library.';

function readMetadata(value: unknown, notes: string[], fail: Fail): Record<string, string> {
  if (!isObject(value))
    return fail('corrupt', `__metadata__ in the safetensors header is not a map of strings. ${writeAgain}`);
  const strings: [string, string][] = [];
  for (const [key, text] of Object.entries(value)) {
    if (typeof text === 'string') strings.push([key, text]);
    else notes.push(`__metadata__ entry ${quoted(key)} is not a string and is left out.`);
  }
  return Object.fromEntries(strings);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function readDescription(name: string, value: unknown, fail: Fail): HeaderTensor {
  const bad = (what: string): never => fail('corrupt', `tensor ${quoted(name)}: ${what}. ${writeAgain}`);
  if (!isObject(value)) return bad('its description is not an object');
  const dtypeName = value['dtype'];
  if (typeof dtypeName !== 'string') return bad('its dtype is not a string');
  const shape: unknown = value['shape'];
  if (!Array.isArray(shape) || !shape.every(isCount))
    return bad('its shape is not a list of whole numbers from 0 to 2^53');
  if (shape.length > maxRank)
    return bad(`its shape has ${grouped(shape.length)} dimensions, more than the ${maxRank} any library makes`);
  const offsets: unknown = value['data_offsets'];
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return bad('its data_offsets are not two whole numbers from 0 to 2^53');
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) return bad(`its bytes end (${end}) before they begin (${begin})`);
  return { name, dtypeName, shape, begin, end };
}

/** Tensors must tile the data exactly: in range, no byte shared, none left over. */
function checkRanges(sorted: readonly HeaderTensor[], dataBytes: number, fail: Fail): void {
  let covered = 0;
  let before = '';
  for (const { name, begin, end } of sorted) {
    if (end > dataBytes) {
      fail(
        'truncated',
        `tensor ${quoted(name)} ends at byte ${end} of the data, the file holds ${dataBytes}. ${copyAgain}`,
      );
    }
    if (begin < covered) {
      fail(
        'corrupt',
        `tensors ${quoted(before)} and ${quoted(name)} overlap at byte ${begin} of the data. ${writeAgain}`,
      );
    }
    if (begin > covered) {
      fail(
        'corrupt',
        `bytes ${covered} to ${begin} of the data, before tensor ${quoted(name)}, belong to no tensor. ${writeAgain}`,
      );
    }
    covered = end;
    before = name;
  }
  if (covered < dataBytes) {
    fail('corrupt', `${grouped(dataBytes - covered)} bytes after the last tensor belong to no tensor. ${writeAgain}`);
  }
}

function toEntry(tensor: HeaderTensor, dataStart: number, fail: Fail): TensorEntry {
  const { name, dtypeName, shape, begin, end } = tensor;
  const { dtype, bytes } = safetensorsDType(dtypeName);
  const count = elementCount(shape);
  if (count === null) {
    fail(
      'corrupt',
      `tensor ${quoted(name)}: shape [${shape.join(', ')}] has more elements than a file can hold. ${writeAgain}`,
    );
  }
  if (bytes !== null && count * bytes !== end - begin) {
    fail(
      'corrupt',
      `tensor ${quoted(name)}: ${dtypeName} with shape [${shape.join(', ')}] needs ${grouped(count * bytes)} bytes, its data_offsets span ${grouped(end - begin)}. ${writeAgain}`,
    );
  }
  const entry = {
    name,
    dtype,
    dtypeName,
    shape,
    byteOffset: dataStart + begin,
    byteLength: end - begin,
    bigEndian: false,
  };
  if (dtype !== null) return entry;
  return { ...entry, problem: `Gramlens cannot read dtype ${quoted(dtypeName)}. Convert the tensor to F32 in Python.` };
}
