// Comparison tabs: each holds the results that it compares, and comes back from the kept ones when its window is opened
// again.

import * as vscode from 'vscode';
import { compareMethods } from '../comparison/compareMethods';
import { compareResults } from '../comparison/compareResults';
import { comparisonSchemaName, type Comparison, type MatchedBy } from '../comparison/comparison';
import { comparisonCsv, comparisonJson } from '../comparison/comparisonFiles';
import { comparisonHtml, comparisonMarkdown } from '../comparison/comparisonSections';
import { comparisonTitle } from '../comparison/comparisonText';
import type { ComparedSource } from '../comparison/pairRuns';
import type { ComparisonHostCalls, ComparisonPageCalls } from '../protocol/comparisonMessages';
import type { HeadAddress } from '../protocol/messages';
import { isInspectionId } from '../report/inspectionId';
import { exportAs } from './exportReport';
import { log, sentence } from './log';
import { saveFigure } from './pageHandlers';
import type { SavedInspections } from './savedInspections';
import { connectPage, pageHtml, pageRoots, tabIcon } from './webviewPage';

export const comparisonPanelType = 'gramlens.comparison';

/** Two results and more, or both methods of one. @throws ComparisonError with a sentence */
export function compareSources(sources: readonly ComparedSource[], by: MatchedBy): Comparison {
  const [only, second] = sources;
  return only !== undefined && second === undefined ? compareMethods(only) : compareResults(sources, by);
}

type Load = () => Promise<readonly ComparedSource[]>;

export class ComparisonPanels implements vscode.Disposable, vscode.WebviewPanelSerializer {
  private readonly open = new Set<vscode.WebviewPanel>();

  /** `openHead` shows a kept inspection at a head, in the inspector. */
  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly saved: SavedInspections,
    private readonly openHead: (inspection: string, address: HeadAddress) => Promise<void>,
  ) {}

  show(sources: readonly ComparedSource[]): void {
    const title = vscode.l10n.t('Compare {0}', comparisonTitle(compareSources(sources, 'index')));
    const panel = vscode.window.createWebviewPanel(comparisonPanelType, title, vscode.ViewColumn.Active, {});
    this.fill(panel, () => Promise.resolve(sources));
  }

  /** `state`: what the page kept (ComparisonTab); without its runs there is nothing to show. */
  deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const runs = rememberedRuns(state);
    if (runs.length === 0) panel.dispose();
    else {
      // Read once, when the page asks.
      let found: Promise<readonly ComparedSource[]> | null = null;
      this.fill(panel, () => (found ??= Promise.all(runs.map((run) => this.kept(run)))));
    }
    return Promise.resolve();
  }

  private async kept({ name, inspection }: { name: string; inspection: string }): Promise<ComparedSource> {
    try {
      return { name, inspection, result: (await this.saved.open(inspection)).result };
    } catch (error) {
      throw new Error(
        vscode.l10n.t(
          '{0}: {1} Then compare again; gramlens.keepInspections says how many are kept.',
          name,
          sentence(error),
        ),
      );
    }
  }

  private fill(panel: vscode.WebviewPanel, load: Load): void {
    panel.webview.options = { enableScripts: true, localResourceRoots: pageRoots(this.extensionUri) };
    panel.iconPath = tabIcon(this.extensionUri);
    const subscriptions: vscode.Disposable[] = [];
    const endpoint = connectPage<ComparisonHostCalls, ComparisonPageCalls>(
      panel.webview,
      this.handlers(load),
      subscriptions,
    );
    this.open.add(panel);
    panel.onDidDispose(() => {
      this.open.delete(panel);
      endpoint.close('the comparison page was closed');
      for (const subscription of subscriptions) subscription.dispose();
    });
    panel.webview.html = pageHtml(panel.webview, this.extensionUri, 'comparison', panel.title);
  }

  private handlers(load: Load): ComparisonHostCalls {
    const made = new Map<MatchedBy, Comparison>();
    const compare = async (asked: unknown): Promise<Comparison> => {
      const by = asked === 'permutation' ? 'permutation' : 'index';
      const comparison = made.get(by) ?? compareSources(await load(), by);
      made.set(by, comparison);
      return comparison;
    };
    return {
      compare: async (by) => {
        try {
          return JSON.stringify(await compare(by));
        } catch (error) {
          log().warn(sentence(error));
          throw error;
        }
      },
      openHead: async (run, { layer, head }) => {
        const { runs } = await compare('index');
        const { inspection } = runs[run] ?? runs[0]!;
        if (!Number.isSafeInteger(layer) || !Number.isSafeInteger(head)) throw new Error('no head was named');
        await this.openHead(inspection, { layer, head });
      },
      exportReport: async (by) => exportComparison(await compare(by)),
      saveFigure,
      log: (level, message) => {
        log()[level === 'error' ? 'error' : level === 'warn' ? 'warn' : 'info'](message);
        return Promise.resolve();
      },
    };
  }

  dispose(): void {
    for (const panel of [...this.open]) panel.dispose();
  }
}

/** A tab's memory is data of an earlier session: only what can be names of inspections is taken. */
function rememberedRuns(state: unknown): { name: string; inspection: string }[] {
  const runs: unknown = typeof state === 'object' && state !== null && 'runs' in state ? state.runs : null;
  if (!Array.isArray(runs)) return [];
  const found = (runs as readonly unknown[]).flatMap((run) => {
    if (typeof run !== 'object' || run === null || !('name' in run) || !('inspection' in run)) return [];
    const { name, inspection } = run;
    return typeof name === 'string' && isInspectionId(inspection) ? [{ name, inspection }] : [];
  });
  const [first, second] = found;
  // Both methods of one inspection.
  return found.length === 2 && first!.inspection === second!.inspection && first!.name === 'softmax' ? [first!] : found;
}

async function exportComparison(comparison: Comparison): Promise<void> {
  await exportAs({
    name: comparisonTitle(comparison),
    mark: 'comparison',
    title: vscode.l10n.t('Export Comparison'),
    whole: vscode.l10n.t('JSON, the whole comparison'),
    rows: vscode.l10n.t('CSV, a row a head and metric'),
    schema: comparisonSchemaName,
    html: () => Promise.resolve(comparisonHtml(comparison)),
    markdown: (name) => Promise.resolve(comparisonMarkdown(name, comparison)),
    csv: () => comparisonCsv(comparison),
    json: () => comparisonJson(comparison),
  });
}
