// Tabs of reports: what an export would write, shown in the editor, at a figure where one is asked for. A tab comes back
// with its window, from what is kept.

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { HeadAddress } from '../protocol/messages';
import type {
  ReportHostCalls,
  ReportPageCalls,
  ReportPlace,
  ReportSource,
  ReportTab,
} from '../protocol/reportMessages';
import { isInspectionId } from '../report/inspectionId';
import { headFigureId } from '../report/reportFigures';
import { asAddress } from './headAddress';
import { computedText, log, sentence } from './log';
import { reportMarkup, sentenceMarkup } from './reportMarkup';
import { asReportPlace, asReportSource } from './reportSource';
import { connectPage, pageRoots, tabIcon } from './webviewPage';

export const reportPanelType = 'gramlens.report';

/** The report of a finished inspection, or of a comparison. */
export interface ShownReport {
  readonly source: ReportSource;
  readonly title: string;
  /** The file as it is exported, with what is asked for at `place` even where it shows the main things only. */
  html(place: ReportPlace | null): Promise<string>;
  /** What *Export* of its tab does; absent: it exports the finished inspection. */
  export?(): Promise<void>;
}

interface OpenReport {
  readonly panel: vscode.WebviewPanel;
  /** Null until its page is there, and while the tab is hidden, which ends the page. */
  page: ReportPageCalls | null;
  /** '' while it is not written. */
  text: string;
  /** What was asked for when it was written. */
  place: ReportPlace | null;
  /** Null while it is not known whether there is one. */
  report: ShownReport | null;
  /** Id of the figure that the page goes to when it is ready. */
  next: string | null;
}

/** Of tabs that hold the same. */
function keyOf(source: ReportSource): string {
  return JSON.stringify(source);
}

function placeId({ head, figure }: ReportPlace): string {
  return head === null ? figure : headFigureId(head.layer, head.head, figure);
}

export class ReportPanels implements vscode.Disposable, vscode.WebviewPanelSerializer {
  private readonly open = new Map<string, OpenReport>();

  /** `kept`: the report of what is on disk; `openHead` shows a head of a kept inspection in the inspector. */
  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly kept: (source: ReportSource) => Promise<ShownReport>,
    private readonly openHead: (inspection: string, address: HeadAddress) => Promise<void>,
  ) {}

  /** The report in front; null: another tab is. */
  get active(): ShownReport | null {
    return [...this.open.values()].find(({ panel }) => panel.active)?.report ?? null;
  }

  /** Shows the report, in the tab that it has already, at `place` (null: its beginning). */
  async show(report: ShownReport, place: ReportPlace | null): Promise<void> {
    const id = place === null ? null : placeId(place);
    const key = keyOf(report.source);
    const shown = this.open.get(key);
    if (shown !== undefined && shown.text !== '' && (id === null || shown.text.includes(` id="${id}"`))) {
      const { page, panel } = shown;
      if (page === null) shown.next = id;
      panel.reveal();
      await page?.show(id);
      return;
    }
    const text = await report.html(place);
    const { panel } = shown ?? this.create(report);
    const one = this.open.get(key);
    if (one === undefined) return;
    panel.reveal();
    this.write(one, report, text, place);
    one.next = id;
  }

  /** `state`: what the page kept (ReportTab); without its source there is nothing to show. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const tab = { ...(state as Partial<Record<keyof ReportTab, unknown>> | undefined) };
    const source = asReportSource(tab.source);
    if (source === null || this.open.has(keyOf(source))) {
      panel.dispose();
      return;
    }
    const one = this.setUp(panel, source);
    const say = (words: string): void => {
      const { cspSource } = panel.webview;
      panel.webview.html = sentenceMarkup(words, {
        language: vscode.env.language,
        source: cspSource,
        asset: this.asset(panel.webview),
      });
    };
    say(vscode.l10n.t('Writing the report…'));
    const place = asReportPlace(tab.place);
    // Closed meanwhile, or written by someone who asked for a figure of it.
    const isWanted = (): boolean => this.open.get(keyOf(source)) === one && one.text === '';
    try {
      const report = await this.kept(source);
      const text = await report.html(place);
      if (isWanted()) this.write(one, report, text, place);
      log().info(`${panel.title} shown from disk. ${computedText()}`);
    } catch (error) {
      log().info(`a report does not come back: ${sentence(error)}`);
      if (isWanted()) say(sentence(error));
    }
  }

  private asset(webview: vscode.Webview): (file: string) => string {
    return (file) => webview.asWebviewUri(vscode.Uri.joinPath(this.extensionUri, 'dist', 'webview', file)).toString();
  }

  private write(one: OpenReport, report: ShownReport, text: string, place: ReportPlace | null): void {
    one.report = report;
    one.text = text;
    one.place = place;
    const { webview } = one.panel;
    webview.html = reportMarkup(text, {
      nonce: randomBytes(18).toString('base64'),
      source: webview.cspSource,
      asset: this.asset(webview),
    });
  }

  private create({ source, title }: ShownReport): OpenReport {
    const panel = vscode.window.createWebviewPanel(reportPanelType, title, vscode.ViewColumn.Active, {
      enableFindWidget: true,
    });
    return this.setUp(panel, source);
  }

  private setUp(panel: vscode.WebviewPanel, source: ReportSource): OpenReport {
    panel.webview.options = { enableScripts: true, localResourceRoots: pageRoots(this.extensionUri) };
    panel.iconPath = tabIcon(this.extensionUri);
    const subscriptions: vscode.Disposable[] = [];
    const one: OpenReport = { panel, page: null, text: '', place: null, report: null, next: null };
    const endpoint = connectPage<ReportHostCalls, ReportPageCalls>(
      panel.webview,
      {
        ready: () => {
          const { next, place } = one;
          one.page = endpoint.remote;
          one.next = null;
          return Promise.resolve({ figure: next, tab: { source, place } });
        },
        openHead: async (inspection, address) => {
          const head = asAddress(address);
          if (head === null || !isInspectionId(inspection)) throw new Error('no head was named');
          await this.openHead(inspection, head);
        },
        log: (level, message) => {
          log()[level === 'error' ? 'error' : level === 'warn' ? 'warn' : 'info'](message);
          return Promise.resolve();
        },
      },
      subscriptions,
    );
    this.open.set(keyOf(source), one);
    panel.onDidChangeViewState(() => {
      if (!panel.visible) one.page = null;
    });
    panel.onDidDispose(() => {
      this.open.delete(keyOf(source));
      endpoint.close('the report was closed');
      for (const subscription of subscriptions) subscription.dispose();
    });
    return one;
  }

  dispose(): void {
    for (const { panel } of [...this.open.values()]) panel.dispose();
  }
}
