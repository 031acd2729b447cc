// Comparison tabs: each holds the results that it compares, and comes back from the kept ones when its window is opened
// again; or shows the file of a comparison.

import { basename } from 'node:path';
import * as vscode from 'vscode';
import { compareMethods } from '../comparison/compareMethods';
import { compareResults } from '../comparison/compareResults';
import { comparisonSchemaName, type Comparison, type MatchedBy } from '../comparison/comparison';
import { comparisonCsv, comparisonJson } from '../comparison/comparisonFiles';
import { comparisonHtml, comparisonMarkdown } from '../comparison/comparisonSections';
import { comparisonTitle } from '../comparison/comparisonText';
import { InputNumbers } from '../comparison/inputNumbers';
import type { ComparedSource } from '../comparison/pairRuns';
import { asResult } from '../inspection/resultSchema';
import { packComparison } from '../protocol/comparisonMessages';
import type { ComparisonHostCalls, ComparisonPageCalls, RunName } from '../protocol/comparisonMessages';
import type { HeadAddress } from '../protocol/messages';
import type { ReportPlace } from '../protocol/reportMessages';
import { inputCount } from '../report/overInputs';
import { readComparison } from './comparisonFile';
import { exportAs } from './exportReport';
import { figureCalls } from './figureFiles';
import { log, sentence } from './log';
import type { ShownReport } from './reportPanels';
import { inspectionsOf, rememberedRuns } from './reportSource';
import type { SavedInspections } from './savedInspections';
import { connectPage, pageHtml, pageRoots, tabIcon } from './webviewPage';

export const comparisonPanelType = 'gramlens.comparison';

/** Two results and more, or both methods of one. @throws ComparisonError with a sentence */
export function compareSources(sources: readonly ComparedSource[], by: MatchedBy): Comparison {
  const [only, second] = sources;
  return only !== undefined && second === undefined ? compareMethods(only) : compareResults(sources, by);
}

/** Over several inputs with each input's own numbers, where these are kept: changes are then paired. */
export async function withSingle(saved: SavedInspections, source: ComparedSource): Promise<ComparedSource> {
  if (source.single !== undefined || inputCount(source.result) === 1) return source;
  const texts = await saved.inputTexts(source.inspection);
  if (texts === null) return source;
  const single = new InputNumbers();
  try {
    for await (const text of texts) single.add(asResult(JSON.parse(text), source.name));
  } catch (error) {
    log().warn(`results of single inputs of ${source.name} cannot be read: ${sentence(error)}`);
    return source;
  }
  return { ...source, single };
}

/** Where the comparison of a tab comes from. */
interface Contents {
  /** Name of its file; null: it is made of inspections. */
  readonly file: string | null;
  /** Read once, when the page asks. */
  readonly compare: (by: MatchedBy | null) => Promise<Comparison>;
  /** Whether each run's inspection is kept here. */
  readonly kept: (comparison: Comparison) => Promise<readonly boolean[]>;
}

type Load = () => Promise<readonly ComparedSource[]>;

const matchings: readonly MatchedBy[] = ['index', 'permutation'];

/** Of inspections that are at hand, or that `load` reads. */
function ofInspections(load: Load): Contents {
  return {
    file: null,
    compare: async (by) => compareSources(await load(), by ?? 'index'),
    kept: ({ runs }) => Promise.resolve(runs.map(() => true)),
  };
}

export class ComparisonPanels implements vscode.Disposable, vscode.WebviewPanelSerializer {
  private readonly open = new Set<vscode.WebviewPanel>();

  /** `openHead` shows a kept inspection at a head, in the inspector; `openReport` a figure of a report. */
  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly saved: SavedInspections,
    private readonly openHead: (inspection: string, address: HeadAddress) => Promise<void>,
    private readonly openReport: (report: ShownReport, place: ReportPlace) => Promise<void>,
  ) {}

  show(sources: readonly ComparedSource[]): void {
    const title = vscode.l10n.t('Compare {0}', comparisonTitle(compareSources(sources, 'index')));
    // From a head of it and back, the reader is where he was.
    const panel = vscode.window.createWebviewPanel(comparisonPanelType, title, vscode.ViewColumn.Active, {
      retainContextWhenHidden: true,
    });
    this.fill(
      panel,
      ofInspections(() => Promise.resolve(sources)),
    );
  }

  /** A tab of a comparison's file. What its inspections are needed for is there where all of them are kept. */
  showFile(panel: vscode.WebviewPanel, uri: vscode.Uri): void {
    let read: Promise<Comparison> | null = null;
    const file = (): Promise<Comparison> => (read ??= readComparison(uri));
    this.fill(panel, {
      file: basename(uri.path),
      compare: async (by) => {
        const comparison = await file();
        if (by === null || by === comparison.matchedBy) return comparison;
        return compareSources(await this.keptRuns(inspectionsOf(comparison.runs)), by);
      },
      kept: ({ runs }) => Promise.all(runs.map(({ inspection }) => this.saved.has(inspection))),
    });
  }

  /** `state`: what the page kept (ComparisonTab); without its runs there is nothing to show. */
  deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const runs = rememberedRuns(state);
    if (runs.length === 0) panel.dispose();
    else {
      let found: Promise<readonly ComparedSource[]> | null = null;
      this.fill(
        panel,
        ofInspections(() => (found ??= this.keptRuns(runs))),
      );
    }
    return Promise.resolve();
  }

  /** The report of a comparison of kept inspections. Throws a sentence where one is gone. */
  async keptReport(runs: readonly RunName[], by: MatchedBy): Promise<ShownReport> {
    return comparisonReport(compareSources(await this.keptRuns(runs), by));
  }

  private keptRuns(runs: readonly RunName[]): Promise<readonly ComparedSource[]> {
    return Promise.all(runs.map((run) => this.kept(run)));
  }

  private async kept({ name, inspection }: RunName): Promise<ComparedSource> {
    try {
      return await withSingle(this.saved, { name, inspection, result: (await this.saved.open(inspection)).result });
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

  private fill(panel: vscode.WebviewPanel, contents: Contents): void {
    panel.webview.options = { enableScripts: true, localResourceRoots: pageRoots(this.extensionUri) };
    panel.iconPath = tabIcon(this.extensionUri);
    const subscriptions: vscode.Disposable[] = [];
    const endpoint = connectPage<ComparisonHostCalls, ComparisonPageCalls>(
      panel.webview,
      this.handlers(contents, subscriptions),
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

  private handlers(contents: Contents, subscriptions: vscode.Disposable[]): ComparisonHostCalls {
    const made = new Map<MatchedBy | null, Comparison>();
    const compare = async (asked: unknown): Promise<Comparison> => {
      const by = matchings.find((known) => known === asked) ?? null;
      const comparison = made.get(by) ?? (await contents.compare(by));
      made.set(by, comparison);
      return comparison;
    };
    return {
      compare: async (by) => {
        try {
          const comparison = await compare(by);
          const kept = await contents.kept(comparison);
          const { matchedBy } = comparison;
          return {
            ...packComparison(comparison),
            file: contents.file,
            kept,
            matchings: kept.every(Boolean) ? matchings : [matchedBy],
          };
        } catch (error) {
          log().warn(sentence(error));
          throw error;
        }
      },
      openHead: async (run, { layer, head }) => {
        const { runs } = await compare(null);
        const { inspection } = runs[run] ?? runs[0]!;
        if (!Number.isSafeInteger(layer) || !Number.isSafeInteger(head)) throw new Error('no head was named');
        await this.openHead(inspection, { layer, head });
      },
      exportReport: async (by) => exportComparison(await compare(by)),
      openInReport: async (by, figure) => {
        if (typeof figure !== 'string') throw new Error('no figure was named');
        await this.openReport(comparisonReport(await compare(by)), { head: null, figure });
      },
      ...figureCalls(subscriptions),
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

/** What `gramlens compare` writes, in a tab. A figure of a metric that it does not choose itself comes beside the others. */
function comparisonReport(comparison: Comparison): ShownReport {
  const { runs, matchedBy, metrics } = comparison;
  return {
    source: { runs: inspectionsOf(runs), matchedBy },
    title: vscode.l10n.t('Report: {0}', comparisonTitle(comparison)),
    html: (place) => {
      const asked = /^(?:difference|timeline)-(.+)$/.exec(place?.figure ?? '')?.[1];
      return Promise.resolve(comparisonHtml(comparison, metrics.find(({ id }) => id === asked)?.id ?? null));
    },
    export: () => exportComparison(comparison),
  };
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
