// The side-panel page: layers x heads of the open inspection.

import * as vscode from 'vscode';
import { pageHandlers } from './pageHandlers';
import type { PageHost } from './pageHandlers';
import { connectPage, pageHtml, pageRoots } from './webviewPage';

export const heatmapViewId = 'gramlens.heatmap';

export class HeatmapView implements vscode.WebviewViewProvider {
  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly host: PageHost,
  ) {}

  resolveWebviewView(view: vscode.WebviewView): void {
    const { webview } = view;
    webview.options = { enableScripts: true, localResourceRoots: pageRoots(this.extensionUri) };
    const subscriptions: vscode.Disposable[] = [];
    const endpoint = connectPage(
      webview,
      pageHandlers(this.host, () => undefined, subscriptions),
      subscriptions,
    );
    subscriptions.push(this.host.session.addPage(endpoint.remote));
    view.onDidDispose(() => {
      endpoint.close('the side panel was closed');
      for (const subscription of subscriptions) subscription.dispose();
    });
    webview.html = pageHtml(webview, this.extensionUri, 'heatmap', vscode.l10n.t('Gramlens heads'));
  }
}
