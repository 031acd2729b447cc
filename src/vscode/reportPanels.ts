// Tabs of reports: what an export would write, shown in the editor, at a figure where one is asked for. A tab comes back
// with its window, from what is kept.

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { HeadAddress } from '../protocol/messages';
import type { ReportHostCalls, ReportPageCalls, ReportTab } from '../protocol/reportMessages';
import { isInspectionId } from '../report/inspectionId';
import { headFigureId } from '../report/reportFigures';
import { asAddress } from './headAddress';
import { computedText, log, sentence } from './log';
import { reportMarkup, sentenceMarkup } from './reportMarkup';
import { connectPage, pageRoots, tabIcon } from './webviewPage';

export const reportPanelType = 'gramlens.report';

/** Where a report is opened: a figure of a head, or of the whole network (`head` null). */
export interface ReportPlace {
  readonly head: HeadAddress | null;
  readonly figure: string;
}

/** The report of a finished inspection. */
export interface ShownReport {
  /** Name of the inspection. */
  readonly id: string;
  readonly title: string;
  /** The file as it is exported, with the details of `also` even where it shows the extremes only. */
  html(also: HeadAddress | null): Promise<string>;
}

interface OpenReport {
  readonly panel: vscode.WebviewPanel;
  /** Null until its page is there, and while the tab is hidden, which ends the page. */
  page: ReportPageCalls | null;
  /** '' while it is not written. */
  text: string;
  /** The head that was asked for beside those that the report chooses. */
  also: HeadAddress | null;
  /** Where the page goes when it is ready. */
  next: string | null;
}

function placeId({ head, figure }: ReportPlace): string {
  return head === null ? figure : headFigureId(head.layer, head.head, figure);
}

export class ReportPanels implements vscode.Disposable, vscode.WebviewPanelSerializer {
  private readonly open = new Map<string, OpenReport>();

  /** `kept`: the report of an inspection from disk; `openHead` shows a head of it in the inspector. */
  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly kept: (inspection: string) => Promise<ShownReport>,
    private readonly openHead: (inspection: string, address: HeadAddress) => Promise<void>,
  ) {}

  /** Name of the inspection whose report is in front; null: another tab is. */
  get active(): string | null {
    return [...this.open].find(([, { panel }]) => panel.active)?.[0] ?? null;
  }

  /** Shows the report, in the tab that it has already, at `place` (null: its beginning). */
  async show(report: ShownReport, place: ReportPlace | null): Promise<void> {
    const id = place === null ? null : placeId(place);
    const shown = this.open.get(report.id);
    if (shown !== undefined && shown.text !== '' && (id === null || shown.text.includes(` id="${id}"`))) {
      const { page, panel } = shown;
      if (page === null) shown.next = id;
      panel.reveal();
      await page?.show(id);
      return;
    }
    const also = place?.head ?? null;
    const text = await report.html(also);
    const { panel } = shown ?? this.create(report);
    const one = this.open.get(report.id);
    if (one === undefined) return;
    panel.reveal();
    this.write(one, text, also, id);
  }

  /** `state`: what the page kept (ReportTab); without its inspection there is nothing to show. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const tab = { ...(state as Partial<Record<keyof ReportTab, unknown>> | undefined) };
    const { inspection } = tab;
    if (!isInspectionId(inspection) || this.open.has(inspection)) {
      panel.dispose();
      return;
    }
    const one = this.setUp(panel, inspection);
    const say = (words: string): void => {
      const { cspSource } = panel.webview;
      panel.webview.html = sentenceMarkup(words, {
        language: vscode.env.language,
        source: cspSource,
        asset: this.asset(panel.webview),
      });
    };
    say(vscode.l10n.t('Writing the report…'));
    const also = asAddress(tab.also);
    try {
      const text = await (await this.kept(inspection)).html(also);
      // Closed meanwhile, or written by someone who asked for a figure of it.
      if (this.open.get(inspection) !== one || one.text !== '') return;
      this.write(one, text, also, null);
      log().info(`${panel.title} (${inspection}) shown from disk. ${computedText()}`);
    } catch (error) {
      log().info(`a report does not come back: ${sentence(error)}`);
      if (this.open.get(inspection) === one && one.text === '') say(sentence(error));
    }
  }

  private asset(webview: vscode.Webview): (file: string) => string {
    return (file) => webview.asWebviewUri(vscode.Uri.joinPath(this.extensionUri, 'dist', 'webview', file)).toString();
  }

  private write(one: OpenReport, text: string, also: HeadAddress | null, place: string | null): void {
    one.text = text;
    one.also = also;
    one.next = place;
    const { webview } = one.panel;
    webview.html = reportMarkup(text, {
      nonce: randomBytes(18).toString('base64'),
      source: webview.cspSource,
      asset: this.asset(webview),
    });
  }

  private create({ id, title }: ShownReport): OpenReport {
    const panel = vscode.window.createWebviewPanel(reportPanelType, title, vscode.ViewColumn.Active, {
      enableFindWidget: true,
    });
    return this.setUp(panel, id);
  }

  private setUp(panel: vscode.WebviewPanel, id: string): OpenReport {
    panel.webview.options = { enableScripts: true, localResourceRoots: pageRoots(this.extensionUri) };
    panel.iconPath = tabIcon(this.extensionUri);
    const subscriptions: vscode.Disposable[] = [];
    const one: OpenReport = { panel, page: null, text: '', also: null, next: null };
    const endpoint = connectPage<ReportHostCalls, ReportPageCalls>(
      panel.webview,
      {
        ready: () => {
          const { next, also } = one;
          one.page = endpoint.remote;
          one.next = null;
          return Promise.resolve({ place: next, tab: { inspection: id, also } });
        },
        openHead: async ({ layer, head }) => {
          if (!Number.isSafeInteger(layer) || !Number.isSafeInteger(head)) throw new Error('no head was named');
          await this.openHead(id, { layer, head });
        },
        log: (level, message) => {
          log()[level === 'error' ? 'error' : level === 'warn' ? 'warn' : 'info'](message);
          return Promise.resolve();
        },
      },
      subscriptions,
    );
    this.open.set(id, one);
    panel.onDidChangeViewState(() => {
      if (!panel.visible) one.page = null;
    });
    panel.onDidDispose(() => {
      this.open.delete(id);
      endpoint.close('the report was closed');
      for (const subscription of subscriptions) subscription.dispose();
    });
    return one;
  }

  dispose(): void {
    for (const { panel } of [...this.open.values()]) panel.dispose();
  }
}
