// A sharded checkpoint -> one TensorIndex: the headers of all shards, each tensor with the name of its file, and the
// index file's promises checked against what the shards hold.

import type { OpenFile } from '../byteSource';
import { CheckpointError } from '../checkpointError';
import { grouped, quoted } from '../nextSteps';
import type { TensorEntry, TensorIndex } from '../tensorIndex';
import { collectHeaders, type Fail } from './collectHeaders';
import type { ShardIndex } from './shardIndex';

/** Notes of the shards that are passed on; a crafted set of shards could have any number. */
const maxNotes = 50;

const belongTogether = 'The index and the shards do not belong together; download them again.';

/**
 * Reads the headers of all shards that `index` names. `fileName`: the index file, for messages.
 * @throws CheckpointError when a shard is missing or damaged, or holds other tensors than the index says.
 */
export async function readShards(fileName: string, index: ShardIndex, open: OpenFile): Promise<TensorIndex> {
  const fail: Fail = (reason, text) => {
    throw new CheckpointError(reason, `${fileName}: ${text}`);
  };
  const metadata: Record<string, string> = {};
  const notes: string[] = [];
  const seen: { readonly shard: string; readonly format: TensorIndex['format'] }[] = [];
  const what = { files: 'shards', together: belongTogether };
  const { files, entries } = await collectHeaders(index.shards, open, what, fail, (header, shard) => {
    seen.push({ shard, format: header.format });
    const first = seen[0]!;
    if (header.format !== first.format) {
      fail(
        'unsupported',
        `shards ${quoted(first.shard)} (${first.format}) and ${quoted(shard)} (${header.format}) have different formats. ${belongTogether}`,
      );
    }
    for (const [key, value] of Object.entries(header.metadata))
      if (!Object.hasOwn(metadata, key)) metadata[key] = value;
    notes.push(...header.notes.slice(0, maxNotes - notes.length).map((note) => `${shard}: ${note}`));
  });
  checkWeightMap(index, entries, fail);
  const extra = entries.size - index.weightMap.size;
  if (extra > 0) notes.push(`${grouped(extra)} tensors of the shards do not stand in the index; they are shown too.`);
  return {
    format: seen[0]?.format ?? 'safetensors',
    fileName,
    byteLength: files.reduce((sum, file) => sum + file.byteLength, 0),
    shards: files,
    entries,
    metadata,
    tree: null,
    notes,
  };
}

function checkWeightMap({ weightMap }: ShardIndex, entries: ReadonlyMap<string, TensorEntry>, fail: Fail): void {
  for (const [name, shard] of weightMap) {
    const found = entries.get(name)?.shard;
    if (found === shard) continue;
    const where = found === undefined ? 'which has no such tensor' : `but it lies in ${quoted(found)}`;
    fail('corrupt', `weight_map puts tensor ${quoted(name)} into ${quoted(shard)}, ${where}. ${belongTogether}`);
  }
}
