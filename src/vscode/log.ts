// The output channel "Gramlens": details of everything that the person was told in one sentence.

import * as vscode from 'vscode';
import { computedWork } from '../inspection/node/computedWork';

let channel: vscode.LogOutputChannel | null = null;

export function log(): vscode.LogOutputChannel {
  channel ??= vscode.window.createOutputChannel('Gramlens', { log: true });
  return channel;
}

/** For the channel: what is shown from disk must not have been computed again. */
export function computedText(): string {
  const { layers, heads } = computedWork();
  return `Computed since this window opened: ${layers} layers, ${heads} heads.`;
}

/** The sentence of an error, whatever was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Shows an error once, with the way to its details. */
export async function showError(error: unknown): Promise<void> {
  log().error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const details = vscode.l10n.t('Show Details');
  const chosen = await vscode.window.showErrorMessage(sentence(error), details);
  if (chosen === details) log().show();
}
