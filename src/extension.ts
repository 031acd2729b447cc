// activate(): builds the services and registers them, nothing else.

import * as vscode from 'vscode';
import { selectBackend } from './vscode/backendChoice';
import { CheckpointEditor, checkpointEditorId } from './vscode/checkpointEditor';
import { exportReport } from './vscode/exportReport';
import { HeatmapView, heatmapViewId } from './vscode/heatmapView';
import { inspect, inspectCheckpoint, inspectSample, mapCheckpoint } from './vscode/inspectCommand';
import type { InspectArguments } from './vscode/inspectCommand';
import { InspectorPanel } from './vscode/inspectorPanel';
import { log } from './vscode/log';
import { MappingPanels } from './vscode/mappingPanel';
import type { PageHost } from './vscode/pageHandlers';
import { PageRuns } from './vscode/pageRuns';
import type { Services } from './vscode/services';
import { InspectionSession } from './vscode/session';
import { createStatusBar } from './vscode/statusBar';
import type { InspectionResult } from './inspection/inspectionResult';
import type { SessionSnapshot } from './protocol/messages';

/** What other extensions, and the workbench tests, can do without a dialog. */
export interface GramlensApi {
  snapshot(): SessionSnapshot;
  inspect(known: InspectArguments): Promise<InspectionResult>;
  /** Writes report and result as HTML and JSON; resolves with the files. */
  exportReport(htmlFile: vscode.Uri): Promise<readonly vscode.Uri[]>;
}

export function activate(context: vscode.ExtensionContext): GramlensApi {
  const { extensionUri, subscriptions } = context;
  const packageJson = context.extension.packageJSON as { readonly version: string };
  const session = new InspectionSession();
  const pageRuns = new PageRuns(context.asAbsolutePath('dist/runner.js'));
  const pageHost: PageHost = {
    session,
    workerHost: pageRuns,
    revealInspector: async () => {
      await inspector.reveal();
    },
  };
  const inspector = new InspectorPanel(extensionUri, pageHost);
  const mappings = new MappingPanels(extensionUri);
  const services: Services = {
    extensionUri,
    version: packageJson.version,
    runnerScript: context.asAbsolutePath('dist/runner.js'),
    tokenizerScript: context.asAbsolutePath('dist/tokenizer.js'),
    session,
    inspector,
    mappings,
    startPageRunner: (page, host, file) => pageRuns.start(page, host, file),
  };
  const command = (id: string, run: (...args: unknown[]) => unknown): void => {
    subscriptions.push(vscode.commands.registerCommand(id, run));
  };
  command('gramlens.inspectCheckpoint', (uri) => inspectCheckpoint(services, uri));
  command('gramlens.mapTensors', (uri) => mapCheckpoint(services, uri));
  command('gramlens.inspectSample', (file) => inspectSample(services, file));
  command('gramlens.showHeatmap', () => vscode.commands.executeCommand(`${heatmapViewId}.focus`));
  command('gramlens.exportReport', () => exportReport(services));
  command('gramlens.cancelInspection', () => session.cancel());
  command('gramlens.selectBackend', () => selectBackend());
  subscriptions.push(
    session,
    inspector,
    mappings,
    inspector.onDidClose(() => {
      pageRuns.pageClosed();
    }),
    createStatusBar(session),
    vscode.window.registerWebviewViewProvider(heatmapViewId, new HeatmapView(extensionUri, pageHost)),
    vscode.window.registerCustomEditorProvider(
      checkpointEditorId,
      new CheckpointEditor(extensionUri, context.asAbsolutePath('dist/statistics.js')),
      { supportsMultipleEditorsPerDocument: true },
    ),
    log(),
  );
  return {
    snapshot: () => session.snapshot,
    inspect: (known) => inspect(services, known),
    exportReport: (htmlFile) => exportReport(services, htmlFile),
  };
}
