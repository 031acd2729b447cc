// Asking for several inputs: a folder or several files, of language models a file with one text a line, too.

import * as vscode from 'vscode';
import { describeSpec } from '../model/describeSpec';
import type { ModelSpec } from '../model/modelSpec';
import { isLocal } from './virtualFiles';

/** Folders, lists and files that are several inputs together, each as the CLI's --input. */
export interface SeveralPicked {
  readonly several: readonly string[];
}

type Item = vscode.QuickPickItem & { readonly value: 'folder' | 'files' | 'lines' };

/** What a folder holds and what files end in, by what the model takes. */
function kindOf(spec: ModelSpec): { readonly items: readonly Item[]; readonly extensions: readonly string[] } {
  const folder = (label: string, detail: string): Item => ({ value: 'folder', label: `$(folder) ${label}`, detail });
  const files = (label: string, detail: string): Item => ({ value: 'files', label: `$(files) ${label}`, detail });
  const each = vscode.l10n.t('Each is one input');
  if (spec.text !== null && spec.text !== undefined) {
    const lines: Item = {
      value: 'lines',
      label: `$(list-flat) ${vscode.l10n.t('A text file, one input a line…')}`,
      detail: vscode.l10n.t('UTF-8; blank lines are left out'),
    };
    return {
      items: [
        lines,
        folder(vscode.l10n.t('A folder of text files…'), vscode.l10n.t('Every .txt in it, by name')),
        files(vscode.l10n.t('Text files…'), each),
      ],
      extensions: ['txt'],
    };
  }
  if (spec.audio)
    return {
      items: [
        folder(vscode.l10n.t('A folder of arrays…'), vscode.l10n.t('Every .npy in it, by name')),
        files(vscode.l10n.t('Arrays…'), vscode.l10n.t('Each is one input, or as many as its batch axis is long')),
      ],
      extensions: ['npy'],
    };
  return {
    items: [
      folder(vscode.l10n.t('A folder of pictures…'), vscode.l10n.t('Every PNG, JPEG and .npy in it, by name')),
      files(
        vscode.l10n.t('Pictures or arrays…'),
        vscode.l10n.t('Each is one input; an array as many as its batch axis is long'),
      ),
    ],
    extensions: ['png', 'jpg', 'jpeg', 'npy'],
  };
}

/** What the person chooses; null when they left. */
export async function askSeveral(spec: ModelSpec, token: vscode.CancellationToken): Promise<SeveralPicked | null> {
  const { items, extensions } = kindOf(spec);
  const title = vscode.l10n.t('Several inputs for {0}', describeSpec(spec));
  const chosen = await vscode.window.showQuickPick(items, { title, ignoreFocusOut: true }, token);
  if (chosen === undefined) return null;
  const isFolder = chosen.value === 'folder';
  const filters = { [vscode.l10n.t('Inputs')]: [...extensions], [vscode.l10n.t('All files')]: ['*'] };
  const uris = await vscode.window.showOpenDialog({
    canSelectFolders: isFolder,
    canSelectFiles: !isFolder,
    canSelectMany: chosen.value === 'files',
    ...(isFolder ? {} : { filters }),
    title: isFolder ? vscode.l10n.t('Choose the folder') : vscode.l10n.t('Choose the inputs'),
  });
  if (uris === undefined || uris.length === 0) return null;
  const elsewhere = uris.find((uri) => !isLocal(uri));
  if (elsewhere !== undefined)
    throw new Error(
      vscode.l10n.t(
        'Several inputs are read from disk, and {0} lies on a virtual file system. Copy them into a folder on disk.',
        elsewhere.path,
      ),
    );
  const prefix = (path: string): string =>
    chosen.value === 'lines' ? 'lines:' : !isFolder && /\.npy$/i.test(path) ? 'npy:' : '';
  return { several: uris.map(({ fsPath }) => `${prefix(fsPath)}${fsPath}`) };
}
