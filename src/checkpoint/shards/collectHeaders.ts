// The headers of all files that make one checkpoint -> their tensors, each with the name of its file: what sharded
// checkpoints with an index and split GGUF models have in common.

import type { OpenFile } from '../byteSource';
import type { CheckpointErrorReason } from '../checkpointError';
import { grouped, quoted } from '../nextSteps';
import { readCheckpoint } from '../readCheckpoint';
import type { ShardFile, TensorEntry, TensorIndex } from '../tensorIndex';
import { maxTensors } from './shardIndex';

/** Headers read at a time: enough for a remote disk, and only so many in memory. */
const headerReads = 4;
const namedFiles = 3;

export type Fail = (reason: CheckpointErrorReason, text: string) => never;

export interface Collected {
  readonly files: readonly ShardFile[];
  readonly entries: ReadonlyMap<string, TensorEntry>;
}

/**
 * `what`: 'shards' or 'parts', and what to do where they do not fit together. `check` looks at each header, in the order
 * of `names`, before its tensors are taken.
 * @throws CheckpointError through `fail` when a file is missing or damaged, or a tensor is in two of them.
 */
export async function collectHeaders(
  names: readonly string[],
  open: OpenFile,
  what: { readonly files: string; readonly together: string },
  fail: Fail,
  check: (header: TensorIndex, name: string, place: number) => void,
): Promise<Collected> {
  const files: ShardFile[] = [];
  const missing: string[] = [];
  const entries = new Map<string, TensorEntry>();
  for (let from = 0; from < names.length; from += headerReads) {
    const some = names.slice(from, from + headerReads);
    const headers = await Promise.allSettled(some.map((name) => readHeader(name, open)));
    for (const [i, outcome] of headers.entries()) {
      // The first in the order of names, so that the same files always give the same sentence.
      if (outcome.status === 'rejected') throw outcome.reason;
      const name = some[i]!;
      const header = outcome.value;
      if (header === null) {
        missing.push(name);
        continue;
      }
      check(header, name, from + i);
      files.push({ name, byteLength: header.byteLength });
      for (const [tensor, entry] of header.entries) {
        const before = entries.get(tensor)?.shard;
        if (before !== undefined) {
          fail(
            'corrupt',
            `tensor ${quoted(tensor)} is in two ${what.files}, ${quoted(before)} and ${quoted(name)}. ${what.together}`,
          );
        }
        entries.set(tensor, { ...entry, shard: name });
      }
      if (entries.size > maxTensors) {
        fail(
          'tooLarge',
          `the ${what.files} hold more than the ${grouped(maxTensors)} tensors Gramlens lists. ${what.together}`,
        );
      }
    }
  }
  if (missing.length > 0) fail('unreadable', missingSentence(missing, names.length));
  return { files, entries };
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

function missingSentence(missing: readonly string[], count: number): string {
  const [only] = missing;
  if (missing.length === 1 && only !== undefined)
    return `the shard ${quoted(only)} is missing. Download it into the same folder.`;
  const named = missing.slice(0, namedFiles).map(quoted).join(', ');
  const more = missing.length > namedFiles ? ` and ${missing.length - namedFiles} more` : '';
  return `${missing.length} of ${count} shards are missing: ${named}${more}. Download them into the same folder.`;
}
