// The mapping file of a checkpoint in the editor: beside it, else in the workspace (.gramlens/ or the root of a folder).

import * as vscode from 'vscode';
import { mappingNames, maxMappingBytes, parseFoundMapping, tooLarge } from '../model/mapping/mappingFile';
import type { MappingFile } from '../model/mapping/mappingFile';

/** Folder of a workspace folder that holds mappings. */
const workspaceFolderName = '.gramlens';

export interface FoundMapping {
  readonly uri: vscode.Uri;
  readonly file: MappingFile;
}

/** `checkpoint`: the file, or the index of a sharded one. null: no mapping. @throws ModelSpecError for a wrong one */
export async function findMapping(checkpoint: vscode.Uri): Promise<FoundMapping | null> {
  const names = mappingNames(checkpoint.path.slice(checkpoint.path.lastIndexOf('/') + 1));
  const folders = [
    vscode.Uri.joinPath(checkpoint, '..'),
    ...(vscode.workspace.workspaceFolders ?? []).flatMap(({ uri }) => [
      vscode.Uri.joinPath(uri, workspaceFolderName),
      uri,
    ]),
  ];
  for (const folder of folders) {
    for (const name of names) {
      const uri = vscode.Uri.joinPath(folder, name);
      const text = await textOf(uri, name);
      const file = text === null ? null : parseFoundMapping(text, name);
      if (file !== null) return { uri, file };
    }
  }
  return null;
}

/** Where a new mapping may be written, the best place first: beside the checkpoint, then in each workspace folder. */
export function mappingPlaces(checkpoint: vscode.Uri): readonly vscode.Uri[] {
  const name = mappingNames(checkpoint.path.slice(checkpoint.path.lastIndexOf('/') + 1))[0]!;
  return [
    vscode.Uri.joinPath(checkpoint, '..', name),
    ...(vscode.workspace.workspaceFolders ?? []).map(({ uri }) => vscode.Uri.joinPath(uri, workspaceFolderName, name)),
  ];
}

/** null: there is no such file. */
async function textOf(uri: vscode.Uri, name: string): Promise<string | null> {
  let info: vscode.FileStat;
  try {
    info = await vscode.workspace.fs.stat(uri);
  } catch {
    return null;
  }
  if ((info.type & vscode.FileType.File) === 0) return null;
  if (info.size > maxMappingBytes) throw tooLarge(name, info.size);
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
}
