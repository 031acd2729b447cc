// activate(): builds the services and registers them, nothing else.

import * as vscode from 'vscode';
import { selectBackend } from './vscode/backendChoice';
import { compare, compareCheckpoints } from './vscode/compareCommand';
import type { CompareArguments } from './vscode/compareCommand';
import { comparisonEditor, comparisonEditorId } from './vscode/comparisonFile';
import { ComparisonPanels, comparisonPanelType } from './vscode/comparisonPanel';
import { CheckpointEditor, checkpointEditorId } from './vscode/checkpointEditor';
import { exportReport, openReport } from './vscode/exportReport';
import { HeatmapView, heatmapViewId } from './vscode/heatmapView';
import { inspect, inspectCheckpoint, inspectSample, mapCheckpoint } from './vscode/inspectCommand';
import type { InspectArguments } from './vscode/inspectCommand';
import { InspectorPanel, inspectorPanelId } from './vscode/inspectorPanel';
import { log } from './vscode/log';
import { MappingPanels, mappingPanelType } from './vscode/mappingPanel';
import {
  openKept,
  openLink,
  openResult,
  removeKept,
  restoreTab,
  resultEditor,
  resultEditorId,
  showKept,
} from './vscode/openSaved';
import type { PageHost } from './vscode/pageHandlers';
import { PageRuns } from './vscode/pageRuns';
import { ReportPanels, reportPanelType } from './vscode/reportPanels';
import { RecentView, recentViewId } from './vscode/recentView';
import { SavedInspections } from './vscode/savedInspections';
import type { Services } from './vscode/services';
import { InspectionSession } from './vscode/session';
import { keptInspections } from './vscode/settings';
import { keptReport } from './vscode/shownReport';
import { createStatusBar } from './vscode/statusBar';
import type { InspectionResult } from './inspection/inspectionResult';
import { computedWork, type ComputedWork } from './inspection/node/computedWork';
import type { SessionSnapshot } from './protocol/messages';

/** What other extensions, and the workbench tests, can do without a dialog. */
export interface GramlensApi {
  snapshot(): SessionSnapshot;
  inspect(known: InspectArguments): Promise<InspectionResult>;
  /** Inspects what is not kept yet and opens the comparison tab. */
  compare(known: CompareArguments): Promise<void>;
  /** Writes what the suffix asks for: a report (html, md) with its result beside it, csv or json; resolves with the files. */
  exportReport(file: vscode.Uri): Promise<readonly vscode.Uri[]>;
  /** Follows a link of a report, as the editor does when one is clicked. */
  openLink(link: vscode.Uri): Promise<void>;
  /** Layers carried forward and heads measured since the editor started; what comes from disk adds nothing. */
  computedWork(): ComputedWork;
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
    openReport: (place) => openReport(services, place),
  };
  const inspector = new InspectorPanel(extensionUri, pageHost);
  const mappings = new MappingPanels(extensionUri);
  const saved = new SavedInspections(
    vscode.Uri.joinPath(context.globalStorageUri, 'inspections').fsPath,
    keptInspections,
  );
  const reports: ReportPanels = new ReportPanels(
    extensionUri,
    (source) =>
      'inspection' in source
        ? keptReport(services, source.inspection)
        : comparisons.keptReport(source.runs, source.matchedBy),
    async (inspection, address) => {
      if (session.snapshot.inspection === inspection) session.select(address);
      else await showKept(services, inspection, address);
      await inspector.reveal();
    },
  );
  const comparisons: ComparisonPanels = new ComparisonPanels(
    extensionUri,
    saved,
    async (inspection, address) => {
      await showKept(services, inspection, address);
      await inspector.reveal();
    },
    (report, place) => reports.show(report, place),
  );
  const services: Services = {
    extensionUri,
    version: packageJson.version,
    runnerScript: context.asAbsolutePath('dist/runner.js'),
    twinFolder: vscode.Uri.joinPath(context.globalStorageUri, 'twins').fsPath,
    inputsFolder: vscode.Uri.joinPath(context.globalStorageUri, 'inputs').fsPath,
    tokenizerScript: context.asAbsolutePath('dist/tokenizer.js'),
    session,
    inspector,
    mappings,
    comparisons,
    reports,
    saved,
    startPageRunner: (page, host, file) => pageRuns.start(page, host, file),
  };
  const command = (id: string, run: (...args: unknown[]) => unknown): void => {
    subscriptions.push(vscode.commands.registerCommand(id, run));
  };
  command('gramlens.inspectCheckpoint', (uri) => inspectCheckpoint(services, uri));
  command('gramlens.mapTensors', (uri) => mapCheckpoint(services, uri));
  command('gramlens.inspectSample', (file) => inspectSample(services, file));
  command('gramlens.compareCheckpoints', (uri, all) => compareCheckpoints(services, uri, all));
  command('gramlens.showHeatmap', () => vscode.commands.executeCommand(`${heatmapViewId}.focus`));
  command('gramlens.openReport', () => openReport(services));
  command('gramlens.exportReport', () => exportReport(services));
  command('gramlens.cancelInspection', () => session.cancel());
  command('gramlens.selectBackend', () => selectBackend());
  command('gramlens.openResult', (uri) => openResult(services, uri));
  command('gramlens.openInspection', (id) => openKept(services, id));
  command('gramlens.removeInspection', (one) => removeKept(services, one));
  subscriptions.push(
    session,
    inspector,
    mappings,
    comparisons,
    reports,
    saved,
    inspector.onDidClose(() => {
      pageRuns.pageClosed();
    }),
    createStatusBar(session),
    vscode.window.registerWebviewViewProvider(heatmapViewId, new HeatmapView(extensionUri, pageHost)),
    vscode.window.registerWebviewPanelSerializer(mappingPanelType, mappings),
    vscode.window.registerWebviewPanelSerializer(comparisonPanelType, comparisons),
    vscode.window.registerWebviewPanelSerializer(reportPanelType, reports),
    vscode.window.registerTreeDataProvider(recentViewId, new RecentView(saved)),
    vscode.window.registerWebviewPanelSerializer(inspectorPanelId, {
      deserializeWebviewPanel: (panel, memory: unknown) => restoreTab(services, panel, memory),
    }),
    vscode.window.registerUriHandler({ handleUri: (uri) => openLink(services, uri) }),
    vscode.window.registerCustomEditorProvider(resultEditorId, resultEditor(services)),
    vscode.window.registerCustomEditorProvider(
      comparisonEditorId,
      comparisonEditor(services, (uri) => openResult(services, uri)),
      { webviewOptions: { retainContextWhenHidden: true } },
    ),
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
    exportReport: (file) => exportReport(services, file),
    compare: (known) => compare(services, known),
    openLink: (link) => openLink(services, link),
    computedWork,
  };
}
