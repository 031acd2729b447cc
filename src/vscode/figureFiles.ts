// Figures that a page saves: where, the person says; a table of millions of cells comes in pieces. Written beside its
// place and renamed when it is whole.

import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { FigureCalls } from '../protocol/messages';

/** One message of a page: pictures are below, tables come in pieces of 4 MB. */
const maxPieceBytes = 64 * 1024 * 1024;
/** What is held of a file that cannot be appended to. */
const maxHeldBytes = 256 * 1024 * 1024;

interface Writing {
  append(bytes: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  drop(): Promise<void>;
}

/** On disk `vscode.workspace.fs` cannot append, and 16 million cells should not be held whole. */
async function onDisk(path: string): Promise<Writing> {
  const partial = `${path}.${randomBytes(4).toString('hex')}.partial`;
  const handle = await open(partial, 'w');
  return {
    append: async (bytes) => {
      await handle.writeFile(bytes);
    },
    finish: async () => {
      await handle.close();
      await rename(partial, path);
    },
    drop: async () => {
      await handle.close();
      await rm(partial, { force: true });
    },
  };
}

function elsewhere(target: vscode.Uri): Writing {
  const pieces: Uint8Array[] = [];
  let held = 0;
  return {
    append: (bytes) => {
      held += bytes.byteLength;
      if (held > maxHeldBytes)
        return Promise.reject(
          new Error(vscode.l10n.t('The table is too large for this file system. Save it on a disk.')),
        );
      pieces.push(bytes);
      return Promise.resolve();
    },
    finish: async () => {
      await vscode.workspace.fs.writeFile(target, Buffer.concat(pieces));
    },
    drop: () => Promise.resolve(),
  };
}

async function askWhere(suggestedName: string): Promise<vscode.Uri | undefined> {
  const name = suggestedName.replace(/[^\w.-]+/g, '-');
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  return vscode.window.showSaveDialog({
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, name) }),
    title: vscode.l10n.t('Save figure'),
  });
}

/** Answers for one page; what it leaves unfinished is dropped with it (`subscriptions`). */
export function figureCalls(subscriptions: vscode.Disposable[]): FigureCalls {
  const writings = new Map<number, Writing>();
  let next = 1;
  const at = (file: number): Writing => {
    const writing = writings.get(file);
    if (writing === undefined) throw new Error('this figure is not being saved');
    return writing;
  };
  subscriptions.push(
    new vscode.Disposable(() => {
      for (const writing of writings.values()) void writing.drop();
    }),
  );
  return {
    copyText: async (text) => {
      await vscode.env.clipboard.writeText(text);
    },
    openFigureFile: async (suggestedName) => {
      const target = await askWhere(suggestedName);
      if (target === undefined) return null;
      const file = next;
      next += 1;
      writings.set(file, target.scheme === 'file' ? await onDisk(target.fsPath) : elsewhere(target));
      return file;
    },
    writeFigureFile: async (file, bytes) => {
      if (bytes.byteLength > maxPieceBytes) throw new Error('the figure is too large to save');
      await at(file).append(bytes);
    },
    closeFigureFile: async (file, whole) => {
      const writing = at(file);
      writings.delete(file);
      await (whole ? writing.finish() : writing.drop());
    },
  };
}
