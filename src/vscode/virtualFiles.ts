// Checkpoints on virtual file systems, which give whole files only: everything that is opened is held in memory, up
// to the person's budget.

import * as vscode from 'vscode';
import { bytesSource } from '../checkpoint/byteSource';
import { readCheckpointIn, type CheckpointFolder, type ChooseFile } from '../checkpoint/shards/openFolder';
import type { TensorIndex } from '../checkpoint/tensorIndex';
import type { ReadBeside } from '../model/text/findTokenizer';
import { readConfigs, type ConfigFiles } from '../inspection/configBeside';
import type { MemoryCheckpoint } from '../inspection/node/checkpointFile';

/** On a disk that this process reads, and not on a virtual file system. */
export const isLocal = ({ scheme }: vscode.Uri): boolean => scheme === 'file' || scheme === 'vscode-remote';

export interface VirtualCheckpoint extends ConfigFiles {
  /** The file that was opened, or the index of a sharded checkpoint. */
  readonly uri: vscode.Uri;
  readonly file: MemoryCheckpoint;
  readonly index: TensorIndex;
  /** Reads another file of its folder: the tokenizer's. */
  readonly beside: ReadBeside;
}

/** Opens a file, index, shard or folder as `openCheckpoint` does on disk. Throws when it takes more than `budget` bytes. */
export async function openVirtual(uri: vscode.Uri, budget: number, choose: ChooseFile): Promise<VirtualCheckpoint> {
  const info = await vscode.workspace.fs.stat(uri);
  const isFolder = (info.type & vscode.FileType.Directory) !== 0;
  const folder = isFolder ? uri : vscode.Uri.joinPath(uri, '..');
  const held = new Map<string, Uint8Array>();
  const files: CheckpointFolder = {
    name: folder.path,
    list: async () => {
      const items = await vscode.workspace.fs.readDirectory(folder);
      return items.filter(([, type]) => (type & vscode.FileType.File) !== 0).map(([name]) => name);
    },
    open: async (path) => {
      let bytes = held.get(path) ?? null;
      if (bytes === null) {
        const used = [...held.values()].reduce((sum, array) => sum + array.byteLength, 0);
        bytes = await readWhole(vscode.Uri.joinPath(folder, path), path, budget - used);
        if (bytes === null) return null;
        held.set(path, bytes);
      }
      return { ...bytesSource(path.slice(path.lastIndexOf('/') + 1), bytes), close: () => Promise.resolve() };
    },
  };
  const { index, fileName } = await readCheckpointIn(files, isFolder ? null : baseName(uri), choose);
  const beside = besideOf(folder);
  const common = { uri: vscode.Uri.joinPath(folder, fileName), index, beside, ...(await readConfigs(index, beside)) };
  if (index.shards === undefined) return { ...common, file: { name: fileName, bytes: held.get(fileName)! } };
  const shards = new Map(index.shards.map(({ name }) => [name, held.get(name)!]));
  return { ...common, file: { name: fileName, bytes: new Uint8Array(0), shards } };
}

function besideOf(folder: vscode.Uri): ReadBeside {
  return async (name, most) => {
    const uri = vscode.Uri.joinPath(folder, name);
    const info = await statOf(uri);
    if (info === null || (info.type & vscode.FileType.File) === 0) return null;
    return info.size > most ? 'tooLarge' : vscode.workspace.fs.readFile(uri);
  };
}

/** null when there is nothing at `uri`. */
async function statOf(uri: vscode.Uri): Promise<vscode.FileStat | null> {
  try {
    return await vscode.workspace.fs.stat(uri);
  } catch (error) {
    if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound') return null;
    throw error;
  }
}

const baseName = (uri: vscode.Uri): string => uri.path.slice(uri.path.lastIndexOf('/') + 1);

/** null when there is no such file. */
async function readWhole(uri: vscode.Uri, name: string, budget: number): Promise<Uint8Array | null> {
  const info = await statOf(uri);
  if (info === null) return null;
  if (info.size > budget) {
    throw new Error(
      vscode.l10n.t(
        '{0} lies on a virtual file system ({1}:), which can only be read whole, and is larger than gramlens.memoryBudgetMB. Copy it to a local folder or raise the setting.',
        name,
        uri.scheme,
      ),
    );
  }
  return vscode.workspace.fs.readFile(uri);
}
