// Tabs of reports: what an export would write, shown in the editor, at a figure where one is asked for.

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { HeadAddress } from '../protocol/messages';
import type { ReportHostCalls, ReportPageCalls } from '../protocol/reportMessages';
import { headFigureId } from '../report/reportFigures';
import { log } from './log';
import { reportMarkup } from './reportMarkup';
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
  text: string;
  /** Where the page goes when it is ready. */
  next: string | null;
}

function placeId({ head, figure }: ReportPlace): string {
  return head === null ? figure : headFigureId(head.layer, head.head, figure);
}

export class ReportPanels implements vscode.Disposable {
  private readonly open = new Map<string, OpenReport>();

  /** `openHead` shows a head of an inspection in the inspector. */
  constructor(
    private readonly extensionUri: vscode.Uri,
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
    if (shown !== undefined && (id === null || shown.text.includes(` id="${id}"`))) {
      const { page, panel } = shown;
      if (page === null) shown.next = id;
      panel.reveal();
      await page?.show(id);
      return;
    }
    const text = await report.html(place?.head ?? null);
    const panel = shown?.panel ?? this.create(report);
    const one = this.open.get(report.id);
    if (one === undefined) return;
    one.text = text;
    one.next = id;
    panel.reveal();
    const { webview } = panel;
    webview.html = reportMarkup(text, {
      nonce: randomBytes(18).toString('base64'),
      source: webview.cspSource,
      asset: (file) => webview.asWebviewUri(vscode.Uri.joinPath(this.extensionUri, 'dist', 'webview', file)).toString(),
    });
  }

  private create({ id, title }: ShownReport): vscode.WebviewPanel {
    const panel = vscode.window.createWebviewPanel(reportPanelType, title, vscode.ViewColumn.Active, {
      enableScripts: true,
      enableFindWidget: true,
      localResourceRoots: pageRoots(this.extensionUri),
    });
    panel.iconPath = tabIcon(this.extensionUri);
    const subscriptions: vscode.Disposable[] = [];
    const one: OpenReport = { panel, page: null, text: '', next: null };
    const endpoint = connectPage<ReportHostCalls, ReportPageCalls>(
      panel.webview,
      {
        ready: () => {
          const { next } = one;
          one.page = endpoint.remote;
          one.next = null;
          return Promise.resolve(next);
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
    return panel;
  }

  dispose(): void {
    for (const { panel } of [...this.open.values()]) panel.dispose();
  }
}
