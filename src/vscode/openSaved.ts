// Ways back to a finished inspection: from the list, from a link in a report, from a result file, and from the tab of
// a window that was open before; the file of a comparison goes to its own tab.

import { basename } from 'node:path';
import * as vscode from 'vscode';
import { resultSchemaName, type InspectionResult } from '../inspection/inspectionResult';
import { asResult } from '../inspection/resultSchema';
import { sha256Hex } from '../inspection/node/readInput';
import type { HeadAddress } from '../protocol/messages';
import { inspectionId, isInspectionId } from '../report/inspectionId';
import { asComparison, saysComparison, startsAsComparison } from '../comparison/comparisonSchema';
import { InputNumbers } from '../comparison/inputNumbers';
import { comparisonEditorId } from './comparisonFile';
import { drawingRunner } from './drawingRunner';
import { asAddress } from './headAddress';
import { readJson, startOf } from './jsonFile';
import { computedText, log, sentence, showError } from './log';
import type { Services } from './services';

/** Shows a kept inspection without running anything. Throws a sentence where it is gone. */
export async function showKept(services: Services, id: string, selected: HeadAddress | null): Promise<void> {
  const saved = await services.saved.open(id);
  await services.session.showFinished(saved, drawingRunner(services.runnerScript, saved.folder), selected);
  log().info(`${saved.title} (${id}) shown from disk. ${computedText()}`);
}

/** *Open* of the list of recent inspections. Errors are shown, not thrown. */
export async function openKept(services: Services, id: unknown): Promise<void> {
  if (!isInspectionId(id)) return;
  try {
    await showKept(services, id, null);
    await services.inspector.reveal();
  } catch (error) {
    void showError(error);
  }
}

/** *Remove from Recent* of a line of the list. */
export async function removeKept(services: Services, one: unknown): Promise<void> {
  const id = typeof one === 'object' && one !== null && 'id' in one ? one.id : one;
  if (isInspectionId(id)) await services.saved.remove(id).catch(showError);
}

/** What an inspector tab remembers of itself (webview/inspector). */
interface TabMemory {
  readonly inspection?: unknown;
  readonly selected?: unknown;
}

/** The inspector tab of a window that was open before: its page again, and what it showed unless something runs already. */
export async function restoreTab(services: Services, panel: vscode.WebviewPanel, memory: unknown): Promise<void> {
  services.inspector.adopt(panel);
  const { inspection, selected } = (typeof memory === 'object' && memory !== null ? memory : {}) as TabMemory;
  if (!isInspectionId(inspection) || services.session.snapshot.phase !== 'empty') return;
  try {
    await showKept(services, inspection, asAddress(selected));
  } catch (error) {
    log().info(`the inspector tab comes back empty: ${sentence(error)}`);
  }
}

const wantedResult = (): string => vscode.l10n.t('Choose the result.json of an inspection.');

/** A result file with the numbers of its single inputs; null: it is of one, or has them not. Throws a sentence. */
export async function readRun(
  uri: vscode.Uri,
): Promise<{ readonly result: InspectionResult; readonly single: InputNumbers | null }> {
  const whole = asResult(await readJson(uri, wantedResult()), basename(uri.path));
  return { result: meansOf(whole), single: whole.inputs === undefined ? null : InputNumbers.of(whole.inputs) };
}

/** Of a run over several inputs the means are shown; the single results would be kept a second time. */
function meansOf(result: InspectionResult): InspectionResult {
  const { inputs, ...means } = result;
  return inputs === undefined ? result : means;
}

/** Shows a result file; it joins the recent inspections. Throws a sentence. */
async function showResult(services: Services, uri: vscode.Uri, selected: HeadAddress | null): Promise<void> {
  const parsed = await readJson(uri, wantedResult());
  if (saysComparison(parsed)) {
    // Refused here, where a person who chose the file hears it, and not in a tab.
    asComparison(parsed, basename(uri.path));
    await vscode.commands.executeCommand('vscode.openWith', uri, comparisonEditorId);
    return;
  }
  const result = meansOf(asResult(parsed, basename(uri.path)));
  const title = result.provenance.checkpoint.name;
  const one = { id: inspectionId(result, sha256Hex), title, result, plan: null, picture: null };
  // With its tensors, where this machine ran it.
  if (await services.saved.has(one.id)) await showKept(services, one.id, selected);
  else {
    await services.session.showFinished(one, drawingRunner(services.runnerScript, null), selected);
    await services.saved.save(one, inputLabel(result), { fetchHead: null }).catch((error: unknown) => {
      log().warn(`the result is shown, but not kept: ${sentence(error)}`);
    });
  }
  await services.inspector.reveal();
}

export function inputLabel({ provenance }: InspectionResult): string {
  const [first, ...more] = provenance.inputs;
  if (first === undefined) return '';
  return more.length === 0 ? first.label : vscode.l10n.t('{0} and {1} more', first.label, more.length);
}

/** *Open Inspection Result…*: of the argument, else of a file that the person chooses. Errors are shown, not thrown. */
export async function openResult(
  services: Services,
  argument?: unknown,
  selected: HeadAddress | null = null,
): Promise<void> {
  try {
    let uri = argument instanceof vscode.Uri ? argument : undefined;
    uri ??= (
      await vscode.window.showOpenDialog({
        filters: { [vscode.l10n.t('Results')]: ['json'] },
        title: vscode.l10n.t('Choose the result of an inspection or a comparison'),
        openLabel: vscode.l10n.t('Open'),
      })
    )?.[0];
    if (uri !== undefined) await showResult(services, uri, selected);
  } catch (error) {
    void showError(error);
  }
}

/**
 * A link of a report: `<scheme>://gramlens.gramlens/head?inspection=ID&layer=L&head=H`. It can do no more than show
 * what is kept here; for a report from elsewhere the person is asked for its result file.
 */
export async function openLink(services: Services, uri: vscode.Uri): Promise<void> {
  const query = new URLSearchParams(uri.query);
  const id = query.get('inspection');
  const selected = asAddress({ layer: query.get('layer') ?? 'none', head: query.get('head') ?? 'none' });
  if (!isInspectionId(id)) {
    void showError(
      new Error(vscode.l10n.t('This link names no inspection. Open the report again and take its link whole.')),
    );
    return;
  }
  if (services.session.snapshot.inspection === id) {
    services.session.select(selected);
    await services.inspector.reveal();
    return;
  }
  if (!(await services.saved.has(id))) {
    const open = vscode.l10n.t('Open Result…');
    const words = vscode.l10n.t(
      'The inspection of this link is not kept on this machine. Open the result.json beside the report.',
    );
    if ((await vscode.window.showWarningMessage(words, open)) === open) await openResult(services, undefined, selected);
    return;
  }
  try {
    await showKept(services, id, selected);
    await services.inspector.reveal();
  } catch (error) {
    void showError(error);
  }
}

export const resultEditorId = 'gramlens.result';

/** `*.gramlens.json` by double click: a result goes to the inspector, a mapping (of the same suffix) to the text editor. */
export function resultEditor(services: Services): vscode.CustomReadonlyEditorProvider {
  return {
    openCustomDocument: (uri) => ({ uri, dispose: () => undefined }),
    resolveCustomEditor: async ({ uri }, panel) => {
      const start = await startOf(uri);
      if (start.includes(resultSchemaName) || startsAsComparison(start)) await openResult(services, uri);
      else await vscode.commands.executeCommand('vscode.openWith', uri, 'default', panel.viewColumn);
      panel.dispose();
    },
  };
}
