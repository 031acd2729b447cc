// Opens a checkpoint on disk, a file or a folder: headers, and the configuration files that lie beside it. Tensor
// bytes stay where they are.

import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import type { OpenFile } from '../../checkpoint/byteSource';
import { CheckpointError } from '../../checkpoint/checkpointError';
import { openFileSource } from '../../checkpoint/node/fileSource';
import { type CheckpointFolder, type ChooseFile, readCheckpointIn } from '../../checkpoint/shards/openFolder';
import type { TensorIndex } from '../../checkpoint/tensorIndex';
import type { ReadBeside } from '../../model/text/findTokenizer';
import { readConfigs, type ConfigFiles } from '../configBeside';
import type { CheckpointFile } from './checkpointFile';

interface OpenedCheckpoint extends ConfigFiles {
  /** The checkpoint file, or the index file of a sharded one, even where a folder or a shard was named. */
  readonly path: string;
  /** Where its bytes are, for a runner. */
  readonly file: CheckpointFile;
  readonly index: TensorIndex;
  /** Parsed config.json, or the variant.yml of a Segmenter, or null. */
  readonly config: unknown;
  /** Parsed preprocessor_config.json, or null. */
  readonly preprocessor: unknown;
  /** Reads another file of its folder: the tokenizer's. */
  readonly beside: ReadBeside;
}

/**
 * Reads headers only. `path`: a checkpoint, the index or any shard of a sharded one, or a folder with one checkpoint
 * in it (`choose` is asked where there are several).
 * @throws CheckpointError with a sentence for the person.
 */
export async function openCheckpoint(path: string, choose: ChooseFile | null = null): Promise<OpenedCheckpoint> {
  const isFolder = (await isDirectory(path)) ?? false;
  const folder = isFolder ? path : dirname(path);
  // A path that cannot be opened at all is told as the person gave it.
  if (!isFolder) await (await openFileSource(path)).close();
  const { index, fileName } = await readCheckpointIn(diskFolder(folder), isFolder ? null : basename(path), choose);
  const found = join(folder, fileName);
  const beside = readBeside(folder);
  return {
    path: found,
    file: index.shards === undefined ? { path: found } : { path: found, shards: index.shards.map(({ name }) => name) },
    index,
    ...(await readConfigs(index, beside)),
    beside,
  };
}

/** Files of `folder` by name, whole; one that is larger than it may be is refused without reading it. */
export function readBeside(folder: string): ReadBeside {
  return async (name, most) => {
    const path = join(folder, name);
    if ((await isDirectory(path)) !== false) return null;
    const source = await openFileSource(path);
    try {
      return source.byteLength > most ? 'tooLarge' : await source.read(0, source.byteLength);
    } finally {
      await source.close();
    }
  };
}

/** null when there is nothing at `path`, or nothing that may be looked at. */
async function isDirectory(path: string): Promise<boolean | null> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return null;
  }
}

/**
 * Whether a file of the folder lies in it in fact, links followed. A hub's cache has its files as links into `blobs`
 * beside `snapshots`; those are its own.
 */
async function staysInside(folder: string, path: string): Promise<boolean> {
  let home: string;
  let target: string;
  try {
    home = await realpath(folder);
    target = await realpath(join(folder, path));
  } catch {
    // Nothing there: opening it says so.
    return true;
  }
  const snapshots = home.split(sep).lastIndexOf('snapshots');
  const blobs = snapshots < 1 ? null : [...home.split(sep).slice(0, snapshots), 'blobs'].join(sep);
  return [home, blobs].some((root) => root !== null && target.startsWith(`${root}${sep}`));
}

function diskFolder(folder: string): CheckpointFolder {
  const open: OpenFile = async (path) => {
    const full = join(folder, path);
    return (await isDirectory(full)) === null ? null : openFileSource(full);
  };
  return {
    name: folder,
    list: async () => {
      try {
        const items = await readdir(folder, { withFileTypes: true });
        // The hub's cache holds links to the files.
        return items.filter((item) => item.isFile() || item.isSymbolicLink()).map((item) => item.name);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
        throw new CheckpointError(
          'unreadable',
          `${folder}: the folder cannot be listed (${code}). Change its permissions or open the file itself.`,
        );
      }
    },
    open,
    openInside: async (path) => {
      if (!(await staysInside(folder, path))) {
        throw new CheckpointError(
          'unsafe',
          `${join(folder, path)}: this is a link that leads out of the model's folder. Gramlens reads only files there; copy the file into the folder.`,
        );
      }
      return open(path);
    },
  };
}
