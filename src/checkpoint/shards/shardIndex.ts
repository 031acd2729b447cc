// The index file of a sharded checkpoint (`model.safetensors.index.json`, `pytorch_model.bin.index.json`): a JSON text
// whose `weight_map` says for every tensor in which file it lies. Parsed and checked; no shard is opened here.

import type { ByteSource } from '../byteSource';
import { CheckpointError, type CheckpointErrorReason } from '../checkpointError';
import { parseJsonKeys } from '../jsonKeys';
import { copyAgain, grouped, quoted } from '../nextSteps';
import { isInsideFolder } from './insideFolder';

export interface ShardIndex {
  /** Tensor name -> name of the shard, as written. */
  readonly weightMap: ReadonlyMap<string, string>;
  /** Names of all shards, sorted. */
  readonly shards: readonly string[];
}

/** Bytes of an index we read: the largest released one (92,000 tensors of a 671B model) has 9 MB. */
export const maxIndexBytes = 32 * 1024 * 1024;
/** Shards we open: the largest released checkpoints have under 200. */
export const maxShards = 1000;
/** Tensors we list: twice those of 384 experts with their scales in 60 layers, three times the largest index we know. */
export const maxTensors = 300_000;

const headBytes = 16;
const writeAgain = 'Save the model again with save_pretrained, or download the index again.';

type Fail = (reason: CheckpointErrorReason, text: string) => never;

/** Whether a file is a JSON object, by its first bytes (a safetensors file never looks like one). */
export async function isJsonObject(source: ByteSource): Promise<boolean> {
  const head = await source.read(0, Math.min(headBytes, source.byteLength));
  const text = Array.from(head, (byte) => String.fromCharCode(byte)).join('');
  return /^\s*\{[\t\n\r\x20-\x7e\x80-\xff]*$/.test(text);
}

/**
 * Reads an index file.
 * @throws CheckpointError for what is no such index, is larger than the limits, or names a file outside its folder.
 */
export async function readShardIndex(source: ByteSource): Promise<ShardIndex> {
  const fail: Fail = (reason, text) => {
    throw new CheckpointError(reason, `${source.name}: ${text}`);
  };
  if (source.byteLength > maxIndexBytes) {
    fail(
      'tooLarge',
      `the index has ${grouped(source.byteLength)} bytes, more than the ${grouped(maxIndexBytes)} Gramlens reads. ${copyAgain}`,
    );
  }
  const map = parseWeightMap(await source.read(0, source.byteLength), fail);
  const names = Object.keys(map);
  if (names.length === 0) fail('corrupt', `weight_map is empty, so there are no tensors. ${writeAgain}`);
  if (names.length > maxTensors) {
    fail(
      'tooLarge',
      `weight_map names ${grouped(names.length)} tensors, more than the ${grouped(maxTensors)} Gramlens lists. ${writeAgain}`,
    );
  }
  const weightMap = new Map<string, string>();
  const shards = new Set<string>();
  for (const name of names) {
    const shard = map[name];
    if (typeof shard !== 'string')
      return fail('corrupt', `weight_map gives no file name for tensor ${quoted(name)}. ${writeAgain}`);
    if (!shards.has(shard)) {
      checkPath(name, shard, fail);
      shards.add(shard);
    }
    weightMap.set(name, shard);
  }
  if (shards.size > maxShards) {
    fail(
      'tooLarge',
      `weight_map names ${grouped(shards.size)} shards, more than the ${grouped(maxShards)} Gramlens opens. ${writeAgain}`,
    );
  }
  return { weightMap, shards: [...shards].sort() };
}

function parseWeightMap(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return fail('corrupt', `the index is not UTF-8 text. ${copyAgain}`);
  }
  let scan: ReturnType<typeof parseJsonKeys>;
  try {
    scan = parseJsonKeys(text);
  } catch {
    return fail('corrupt', `the index is not valid JSON. ${copyAgain}`);
  }
  if (scan.tooDeep) return fail('corrupt', `the index is nested deeper than such a file has levels. ${copyAgain}`);
  const root = scan.value;
  if (!isObject(root) || !Object.hasOwn(root, 'weight_map')) {
    return fail(
      'unknownFormat',
      'this is a JSON text without weight_map, so it is no index of a sharded checkpoint. Open the folder or a weight file in it.',
    );
  }
  if (scan.duplicate !== null) return fail('corrupt', `the index names ${quoted(scan.duplicate)} twice. ${writeAgain}`);
  const map = root['weight_map'];
  return isObject(map)
    ? map
    : fail('corrupt', `weight_map is not a map from tensor names to file names. ${writeAgain}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkPath(tensor: string, shard: string, fail: Fail): void {
  if (!isInsideFolder(shard)) {
    fail(
      'unsafe',
      `weight_map puts tensor ${quoted(tensor)} into ${quoted(shard)}, which is no file in the folder of the index. Gramlens reads only files there. ${writeAgain}`,
    );
  }
}
