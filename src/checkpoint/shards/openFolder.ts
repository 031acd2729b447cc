// From a file or a whole folder to a TensorIndex, wherever the files are: the host hands in how to list and open
// them. Sharded checkpoints open by their index, by any of their shards, or by their folder.

import type { ClosableSource, OpenFile } from '../byteSource';
import { CheckpointError } from '../checkpointError';
import { quoted, supportedFiles } from '../nextSteps';
import { readCheckpoint } from '../readCheckpoint';
import type { TensorIndex } from '../tensorIndex';
import { checkpointCandidates, indexFile, onnxFile, parseShardName } from './chooseFile';
import { readShards } from './readShards';
import { isJsonObject, readShardIndex } from './shardIndex';
import { parseSplitName, readSplitGguf } from './splitGguf';

export interface CheckpointFolder {
  /** For messages: the path as the person gave it. */
  readonly name: string;
  /** Names of the files that lie directly in it. */
  list(): Promise<readonly string[]>;
  readonly open: OpenFile;
  /** As `open`; rejects a link that leads out of the folder, where the host can see links. */
  readonly openInside?: OpenFile;
}

/** Asks which of several checkpoints is meant. Rejects when the person leaves the question. */
export type ChooseFile = (candidates: readonly string[]) => Promise<string>;

export interface FoundCheckpoint {
  readonly index: TensorIndex;
  /** The file that stands for the checkpoint: itself, or the index of a sharded one. */
  readonly fileName: string;
}

const namedCandidates = 6;

/**
 * Reads the headers of the checkpoint `fileName` of `folder`; null: of the one checkpoint in it.
 * @throws CheckpointError with a sentence: 'ambiguous' when there are several and nobody to ask.
 */
export async function readCheckpointIn(
  folder: CheckpointFolder,
  fileName: string | null,
  choose: ChooseFile | null = null,
): Promise<FoundCheckpoint> {
  const wanted = fileName ?? (await chooseFile(folder, choose));
  const split = parseSplitName(wanted);
  if (split !== null) {
    const index = await readSplitGguf(split, folder.open);
    return { index, fileName: index.fileName };
  }
  const shard = parseShardName(wanted);
  const notes: string[] = [];
  if (shard !== null) {
    const whole = await throughIndex(folder, shard.indexName, wanted);
    if (whole !== null) return { index: whole, fileName: shard.indexName };
    notes.push(
      `This is shard ${shard.number} of ${shard.count}, and no index lists it (${shard.indexName}): only its own tensors are shown.`,
    );
  }
  return withFile(folder, wanted, async (source) => {
    const index = (await isJsonObject(source))
      ? await readShards(wanted, await readShardIndex(source), folder.open)
      : await readCheckpoint(source, folder.openInside ?? folder.open);
    return { index: { ...index, notes: [...notes, ...index.notes] }, fileName: wanted };
  });
}

/** The whole checkpoint that `shard` is a part of, or null when no index says so. */
async function throughIndex(folder: CheckpointFolder, indexName: string, shard: string): Promise<TensorIndex | null> {
  const source = await folder.open(indexName);
  if (source === null) return null;
  try {
    const shards = await readShardIndex(source);
    if (!shards.shards.includes(shard)) return null;
    const index = await readShards(indexName, shards, folder.open);
    const note = `${shard} is one of ${shards.shards.length} shards; the whole checkpoint was opened through ${indexName}.`;
    return { ...index, notes: [note, ...index.notes] };
  } finally {
    await source.close();
  }
}

async function withFile<T>(
  folder: CheckpointFolder,
  name: string,
  use: (source: ClosableSource) => Promise<T>,
): Promise<T> {
  const source = await folder.open(name);
  if (source === null)
    throw new CheckpointError('unreadable', `${folder.name}: there is no file ${quoted(name)} in it. Check the path.`);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

/** Shards and external data may have any names: what a candidate lists is part of that candidate. */
async function withoutShards(folder: CheckpointFolder, candidates: readonly string[]): Promise<readonly string[]> {
  if (candidates.length < 2) return candidates;
  const listed = new Set<string>();
  for (const name of candidates)
    if (indexFile.test(name))
      await withFile(folder, name, async (source) => {
        for (const shard of (await readShardIndex(source)).shards) listed.add(shard);
      });
    else if (onnxFile.test(name))
      await withFile(folder, name, async (source) => {
        const { shards = [] } = await readCheckpoint(source, folder.openInside ?? folder.open);
        for (const file of shards) if (file.name !== name) listed.add(file.name);
      });
  return candidates.filter((name) => !listed.has(name));
}

async function chooseFile(folder: CheckpointFolder, choose: ChooseFile | null): Promise<string> {
  const candidates = await withoutShards(folder, checkpointCandidates(await folder.list()));
  const [only] = candidates;
  if (only === undefined) {
    throw new CheckpointError(
      'unreadable',
      `${folder.name}: there is no checkpoint in this folder. Open the folder that holds the weights. ${supportedFiles}`,
    );
  }
  if (candidates.length === 1) return only;
  if (choose !== null) return choose(candidates);
  const named = candidates.slice(0, namedCandidates).map(quoted).join(', ');
  const more = candidates.length > namedCandidates ? ` and ${candidates.length - namedCandidates} more` : '';
  throw new CheckpointError(
    'ambiguous',
    `${folder.name}: this folder has ${candidates.length} checkpoints: ${named}${more}. Open one of them by its name.`,
  );
}
