// Results and comparisons as files: JSON that a person chose or double-clicked, read whole or refused with a sentence.

import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { isLocal } from './virtualFiles';

/** Against a checkpoint given by mistake; results of the largest models are far below. */
const maxBytes = 512 * 1024 * 1024;
/** Bytes in which a contract's file says what it is: `schema` is its first name. */
const startBytes = 400;

/** Throws a sentence that begins with the file's name; `wanted` ends it. */
export async function readJson(uri: vscode.Uri, wanted: string): Promise<unknown> {
  const name = basename(uri.path);
  const { size } = await vscode.workspace.fs.stat(uri);
  if (size > maxBytes) throw new Error(vscode.l10n.t('{0} is too large ({1} bytes). {2}', name, size, wanted));
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(vscode.l10n.t('{0} is not JSON, or was cut off. {1}', name, wanted));
  }
}

/** The first characters of a file, however long it is; '' where it cannot be read. */
export async function startOf(uri: vscode.Uri): Promise<string> {
  try {
    if (!isLocal(uri)) {
      const bytes = await vscode.workspace.fs.readFile(uri);
      return new TextDecoder().decode(bytes.subarray(0, startBytes));
    }
    const file = await open(uri.fsPath);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(startBytes), 0, startBytes, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
