// Checkpoints on virtual file systems, which give whole files only: everything that is opened is held in memory, up
// to the person's budget.

import * as vscode from 'vscode';
import { bytesSource } from '../checkpoint/byteSource';
import { readCheckpointIn, type CheckpointFolder, type ChooseFile } from '../checkpoint/shards/openFolder';
import type { TensorIndex } from '../checkpoint/tensorIndex';
import type { ReadBeside } from '../model/text/findTokenizer';
import type { MemoryCheckpoint } from '../inspection/node/checkpointFile';

export interface VirtualCheckpoint {
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
  const found = vscode.Uri.joinPath(folder, fileName);
  if (index.shards === undefined)
    return { uri: found, file: { name: fileName, bytes: held.get(fileName)! }, index, beside: besideOf(folder) };
  const shards = new Map(index.shards.map(({ name }) => [name, held.get(name)!]));
  return { uri: found, file: { name: fileName, bytes: new Uint8Array(0), shards }, index, beside: besideOf(folder) };
}

function besideOf(folder: vscode.Uri): ReadBeside {
  return async (name, most) => {
    const uri = vscode.Uri.joinPath(folder, name);
    try {
      if ((await vscode.workspace.fs.stat(uri)).size > most) return 'tooLarge';
    } catch (error) {
      if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound') return null;
      throw error;
    }
    return vscode.workspace.fs.readFile(uri);
  };
}

const baseName = (uri: vscode.Uri): string => uri.path.slice(uri.path.lastIndexOf('/') + 1);

/** null when there is no such file. */
async function readWhole(uri: vscode.Uri, name: string, budget: number): Promise<Uint8Array | null> {
  let size: number;
  try {
    ({ size } = await vscode.workspace.fs.stat(uri));
  } catch (error) {
    if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound') return null;
    throw error;
  }
  if (size > budget) {
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
