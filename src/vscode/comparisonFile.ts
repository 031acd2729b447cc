// `*.comparison.json` by double click: the comparison tab from the file alone.

import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Comparison } from '../comparison/comparison';
import { asComparison, startsAsComparison } from '../comparison/comparisonSchema';
import { resultSchemaName } from '../inspection/inspectionResult';
import { readJson, startOf } from './jsonFile';
import type { Services } from './services';

export const comparisonEditorId = 'gramlens.comparisonFile';

/** Throws a sentence. */
export async function readComparison(uri: vscode.Uri): Promise<Comparison> {
  const parsed = await readJson(uri, vscode.l10n.t('Choose the comparison.json of a comparison.'));
  return asComparison(parsed, basename(uri.path));
}

/** `openResult` takes a result of that name; what is none of ours goes to the text editor: others name files so, too. */
export function comparisonEditor(
  { comparisons }: Services,
  openResult: (uri: vscode.Uri) => Promise<void>,
): vscode.CustomReadonlyEditorProvider {
  return {
    openCustomDocument: (uri) => ({ uri, dispose: () => undefined }),
    resolveCustomEditor: async ({ uri }, panel) => {
      const start = await startOf(uri);
      if (startsAsComparison(start) || !uri.path.endsWith('.comparison.json')) {
        comparisons.showFile(panel, uri);
        return;
      }
      if (start.includes(resultSchemaName)) await openResult(uri);
      else await vscode.commands.executeCommand('vscode.openWith', uri, 'default', panel.viewColumn);
      panel.dispose();
    },
  };
}
