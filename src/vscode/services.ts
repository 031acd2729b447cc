// What commands and pages share; built once in activate().

import type * as vscode from 'vscode';
import type { CheckpointFile } from '../inspection/node/checkpointFile';
import type { RunnerHostCalls } from '../inspection/node/localRunner';
import type { PageCalls } from '../protocol/messages';
import type { ComparisonPanels } from './comparisonPanel';
import type { InspectorPanel } from './inspectorPanel';
import type { MappingPanels } from './mappingPanel';
import type { ReportPanels } from './reportPanels';
import type { Runner } from './runners';
import type { SavedInspections } from './savedInspections';
import type { InspectionSession } from './session';

export interface Services {
  readonly extensionUri: vscode.Uri;
  /** Of package.json, for provenance. */
  readonly version: string;
  /** dist/runner.js */
  readonly runnerScript: string;
  /** Numbers of untrained twins from run to run. */
  readonly twinFolder: string;
  /** Finished inputs of runs over several that did not come to their end. */
  readonly inputsFolder: string;
  /** dist/tokenizer.js */
  readonly tokenizerScript: string;
  readonly session: InspectionSession;
  readonly inspector: InspectorPanel;
  readonly mappings: MappingPanels;
  readonly comparisons: ComparisonPanels;
  readonly reports: ReportPanels;
  readonly saved: SavedInspections;
  /** A run on the inspector page's WebGPU device. */
  startPageRunner(page: PageCalls, host: RunnerHostCalls, file: CheckpointFile): Runner | Promise<Runner>;
}
