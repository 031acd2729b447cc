// A sharded checkpoint -> one TensorIndex: the headers of all shards, each tensor with the name of its file, and the
// index file's promises checked against what the shards hold.

import type { OpenFile } from '../byteSource';
import { CheckpointError, type CheckpointErrorReason } from '../checkpointError';
import { grouped, quoted } from '../nextSteps';
import { readCheckpoint } from '../readCheckpoint';
import type { ShardFile, TensorEntry, TensorIndex } from '../tensorIndex';
import { maxTensors, type ShardIndex } from './shardIndex';

/** Shards whose headers are read at a time: enough for a remote disk, and only so many headers in memory. */
const shardReads = 4;
const namedShards = 3;
/** Notes of the shards that are passed on; a crafted set of shards could have any number. */
const maxNotes = 50;

const belongTogether = 'The index and the shards do not belong together; download them again.';

/**
 * Reads the headers of all shards that `index` names. `fileName`: the index file, for messages.
 * @throws CheckpointError when a shard is missing or damaged, or holds other tensors than the index says.
 */
export async function readShards(fileName: string, index: ShardIndex, open: OpenFile): Promise<TensorIndex> {
  const fail = (reason: CheckpointErrorReason, text: string): never => {
    throw new CheckpointError(reason, `${fileName}: ${text}`);
  };
  const { shards } = index;
  const files: ShardFile[] = [];
  const missing: string[] = [];
  const entries = new Map<string, TensorEntry>();
  const metadata: Record<string, string> = {};
  const notes: string[] = [];
  let first: { readonly shard: string; readonly format: TensorIndex['format'] } | null = null;
  for (let i = 0; i < shards.length; i += shardReads) {
    const names = shards.slice(i, i + shardReads);
    const headers = await Promise.allSettled(names.map((name) => readHeader(name, open)));
    for (const [j, outcome] of headers.entries()) {
      // The first in name order, so that the same files always give the same sentence.
      if (outcome.status === 'rejected') throw outcome.reason;
      const shard = names[j]!;
      const header = outcome.value;
      if (header === null) {
        missing.push(shard);
        continue;
      }
      first ??= { shard, format: header.format };
      if (header.format !== first.format) {
        fail(
          'unsupported',
          `shards ${quoted(first.shard)} (${first.format}) and ${quoted(shard)} (${header.format}) have different formats. ${belongTogether}`,
        );
      }
      files.push({ name: shard, byteLength: header.byteLength });
      for (const [name, entry] of header.entries) {
        const before = entries.get(name)?.shard;
        if (before !== undefined)
          fail(
            'corrupt',
            `tensor ${quoted(name)} is in two shards, ${quoted(before)} and ${quoted(shard)}. ${belongTogether}`,
          );
        entries.set(name, { ...entry, shard });
      }
      if (entries.size > maxTensors)
        fail(
          'tooLarge',
          `the shards hold more than the ${grouped(maxTensors)} tensors Gramlens lists. ${belongTogether}`,
        );
      for (const [key, value] of Object.entries(header.metadata))
        if (!Object.hasOwn(metadata, key)) metadata[key] = value;
      notes.push(...header.notes.slice(0, maxNotes - notes.length).map((note) => `${shard}: ${note}`));
    }
  }
  if (missing.length > 0) fail('unreadable', missingSentence(missing, shards.length));
  checkWeightMap(index, entries, fail);
  const extra = entries.size - index.weightMap.size;
  if (extra > 0) notes.push(`${grouped(extra)} tensors of the shards do not stand in the index; they are shown too.`);
  return {
    format: first?.format ?? 'safetensors',
    fileName,
    byteLength: files.reduce((sum, file) => sum + file.byteLength, 0),
    shards: files,
    entries,
    metadata,
    tree: null,
    notes,
  };
}

async function readHeader(name: string, open: OpenFile): Promise<TensorIndex | null> {
  const source = await open(name);
  if (source === null) return null;
  try {
    return await readCheckpoint(source);
  } finally {
    await source.close();
  }
}

export function missingSentence(missing: readonly string[], count: number): string {
  const [only] = missing;
  if (missing.length === 1 && only !== undefined)
    return `the shard ${quoted(only)} is missing. Download it into the same folder.`;
  const named = missing.slice(0, namedShards).map(quoted).join(', ');
  const more = missing.length > namedShards ? ` and ${missing.length - namedShards} more` : '';
  return `${missing.length} of ${count} shards are missing: ${named}${more}. Download them into the same folder.`;
}

function checkWeightMap(
  { weightMap }: ShardIndex,
  entries: ReadonlyMap<string, TensorEntry>,
  fail: (reason: CheckpointErrorReason, text: string) => never,
): void {
  for (const [name, shard] of weightMap) {
    const found = entries.get(name)?.shard;
    if (found === shard) continue;
    const where = found === undefined ? 'which has no such tensor' : `but it lies in ${quoted(found)}`;
    fail('corrupt', `weight_map puts tensor ${quoted(name)} into ${quoted(shard)}, ${where}. ${belongTogether}`);
  }
}
