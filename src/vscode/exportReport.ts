// *Export Diagnostics Report…*: one self-contained HTML file and the result as JSON beside it, or neither.

import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { resultSchemaName } from '../inspection/inspectionResult';
import { sha256Hex } from '../inspection/node/readInput';
import { collectDetails, maxReportHeads } from '../report/collectDetails';
import { inspectionId } from '../report/inspectionId';
import { reportHtml } from '../report/reportHtml';
import { resultJson } from '../report/resultJson';
import { showError } from './log';
import type { Services } from './services';

/** The result beside a report: `name.gramlens.json`, which opens by double click. */
function resultBeside(html: vscode.Uri): vscode.Uri {
  return html.with({ path: `${html.path.replace(/(\.gramlens)?\.html?$/i, '')}.gramlens.json` });
}

async function askForFile(title: string): Promise<vscode.Uri | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const name = `${title.replace(/\.[^.]+$/, '').replace(/[^\w.-]+/g, '-')}.gramlens.html`;
  return vscode.window.showSaveDialog({
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, name) }),
    filters: { HTML: ['html'] },
    title: vscode.l10n.t('Export Diagnostics Report'),
    saveLabel: vscode.l10n.t('Export'),
  });
}

/** The dialog asked about the HTML file only, and renaming over a folder would delete it. */
async function checkReplaceable(uri: vscode.Uri, isOurs: (start: string) => boolean): Promise<void> {
  const found = await Promise.resolve(vscode.workspace.fs.stat(uri)).catch(() => null);
  if (found === null) return;
  const isFile = (found.type & vscode.FileType.File) !== 0;
  if (isFile && isOurs(new TextDecoder().decode((await vscode.workspace.fs.readFile(uri)).subarray(0, 200)))) return;
  throw new Error(
    vscode.l10n.t(
      '{0} is already there and was not written by Gramlens. Choose another name for the report.',
      basename(uri.path),
    ),
  );
}

/** Both files are written beside their place first and then renamed: a failure leaves nothing half-written. */
async function writeBoth(files: readonly { readonly uri: vscode.Uri; readonly text: string }[]): Promise<void> {
  const suffix = `.${randomBytes(4).toString('hex')}.partial`;
  const partial = (uri: vscode.Uri): vscode.Uri => uri.with({ path: uri.path + suffix });
  try {
    for (const { uri, text } of files) {
      await vscode.workspace.fs.writeFile(partial(uri), new TextEncoder().encode(text));
    }
    for (const { uri } of files) await vscode.workspace.fs.rename(partial(uri), uri, { overwrite: true });
  } catch (error) {
    for (const { uri } of files) {
      await Promise.resolve(vscode.workspace.fs.delete(partial(uri))).catch(() => undefined);
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(vscode.l10n.t('The report could not be written ({0}). Choose another folder.', why));
  }
}

/** Asks for the file unless it is given. Resolves with what was written; empty when the person left. */
export async function exportReport(services: Services, given?: vscode.Uri): Promise<readonly vscode.Uri[]> {
  const { session } = services;
  const { result } = session;
  if (result === null) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('There is no finished inspection to export. Run "Gramlens: Inspect Checkpoint…" first.'),
    );
    return [];
  }
  const html = given ?? (await askForFile(result.provenance.checkpoint.name));
  if (html === undefined) return [];
  const { picture } = session.snapshot;
  const json = resultBeside(html);
  try {
    await checkReplaceable(html, () => true);
    await checkReplaceable(json, (start) => start.includes(resultSchemaName));
    const details = await collectDetails(result, (layer, head) => session.headDetail({ layer, head }));
    await writeBoth([
      {
        uri: html,
        text: reportHtml(result, details, {
          maxHeads: maxReportHeads,
          picture,
          inspection: inspectionId(result, sha256Hex),
        }),
      },
      { uri: json, text: resultJson(result) },
    ]);
  } catch (error) {
    if (given !== undefined) throw error;
    void showError(error);
    return [];
  }
  if (given === undefined) void offerToOpen(html);
  return [html, json];
}

async function offerToOpen(html: vscode.Uri): Promise<void> {
  const open = vscode.l10n.t('Open in Browser');
  const chosen = await vscode.window.showInformationMessage(vscode.l10n.t('Report written to {0}', html.fsPath), open);
  if (chosen === open) await vscode.env.openExternal(html);
}
