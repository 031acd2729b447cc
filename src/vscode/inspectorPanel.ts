// The inspector tab. It keeps its context when hidden, because its worker may own the GPU device of a run.

import * as vscode from 'vscode';
import { CancelledError } from '../inspection/cancelledError';
import type { PageCalls } from '../protocol/messages';
import { pageHandlers } from './pageHandlers';
import type { PageHost } from './pageHandlers';
import { connectPage, pageHtml, pageRoots, tabIcon } from './webviewPage';

/** Type of the tab, under which the window remembers it. */
export const inspectorPanelId = 'gramlens.inspector';

/** A page that has not said `ready` by then will not: the webview failed to load. */
const readyTimeoutMs = 30_000;

interface OpenPanel {
  readonly panel: vscode.WebviewPanel;
  readonly page: PageCalls;
  readonly ready: Promise<void>;
}

export class InspectorPanel implements vscode.Disposable {
  private open: OpenPanel | null = null;
  private readonly closed = new vscode.EventEmitter<void>();
  /** The page, and whatever ran in it, is gone: closed, or loaded again. */
  readonly onDidClose = this.closed.event;

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly host: PageHost,
  ) {}

  /** A tab of a window that was open before becomes the inspector tab; a second one is closed. */
  adopt(panel: vscode.WebviewPanel): void {
    if (this.open === null) this.open = this.setUp(panel);
    else panel.dispose();
  }

  /** Opens or reveals the tab and resolves when its page is ready; rejects with a sentence when it never is. */
  async reveal(preserveFocus = false): Promise<PageCalls> {
    this.open ??= this.create();
    const { panel, page, ready } = this.open;
    panel.reveal(undefined, preserveFocus);
    await ready;
    return page;
  }

  private create(): OpenPanel {
    const panel = vscode.window.createWebviewPanel(
      inspectorPanelId,
      vscode.l10n.t('Gramlens Inspector'),
      { viewColumn: vscode.ViewColumn.Active, preserveFocus: false },
      { retainContextWhenHidden: true },
    );
    return this.setUp(panel);
  }

  private setUp(panel: vscode.WebviewPanel): OpenPanel {
    panel.webview.options = { enableScripts: true, localResourceRoots: pageRoots(this.extensionUri) };
    panel.iconPath = tabIcon(this.extensionUri);
    const subscriptions: vscode.Disposable[] = [];
    let markReady = (): void => undefined;
    let neverReady: (error: Error) => void = () => undefined;
    const ready = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new Error(
            vscode.l10n.t(
              'The inspector page did not start. Close the tab and run the command again; the output channel "Gramlens" has details.',
            ),
          ),
        );
      }, readyTimeoutMs);
      neverReady = reject;
      let seen = false;
      markReady = () => {
        clearTimeout(timer);
        // A page that says so again was loaded again: its worker, and a run in it, are gone.
        if (seen) this.closed.fire();
        seen = true;
        resolve();
      };
      subscriptions.push(
        new vscode.Disposable(() => {
          clearTimeout(timer);
        }),
      );
    });
    // Nobody may be waiting when the tab is closed early.
    ready.catch(() => undefined);
    const endpoint = connectPage(
      panel.webview,
      pageHandlers(
        this.host,
        () => {
          markReady();
        },
        subscriptions,
      ),
      subscriptions,
    );
    subscriptions.push(this.host.session.addPage(endpoint.remote));
    panel.onDidDispose(() => {
      this.open = null;
      endpoint.close('the inspector tab was closed');
      neverReady(new CancelledError());
      for (const subscription of subscriptions) subscription.dispose();
      this.closed.fire();
    });
    panel.webview.html = pageHtml(panel.webview, this.extensionUri, 'inspector', panel.title);
    return { panel, page: endpoint.remote, ready };
  }

  dispose(): void {
    this.open?.panel.dispose();
    this.closed.dispose();
  }
}
