// What both pages share: HTML with a strict content security policy, and the typed calls over postMessage.

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { HostCalls, PageCalls } from '../protocol/messages';
import { connect } from '../protocol/rpc';
import type { Endpoint } from '../protocol/rpc';

export type PageName = 'inspector' | 'heatmap';

/** Folders a page may load from: our bundles, icons and pictures; never the workspace. */
export function pageRoots(extensionUri: vscode.Uri): vscode.Uri[] {
  return [vscode.Uri.joinPath(extensionUri, 'dist', 'webview'), vscode.Uri.joinPath(extensionUri, 'media')];
}

/**
 * The page's HTML. 'wasm-unsafe-eval' and blob workers only for the inspector, whose worker runs the engine.
 */
export function pageHtml(webview: vscode.Webview, extensionUri: vscode.Uri, page: PageName, title: string): string {
  const nonce = randomBytes(18).toString('base64');
  const asset = (file: string): string =>
    webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, 'dist', 'webview', file)).toString();
  const source = webview.cspSource;
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'${page === 'inspector' ? ` 'wasm-unsafe-eval'` : ''}`,
    `style-src ${source} 'nonce-${nonce}'`,
    `font-src ${source}`,
    // blob: and data: for the pictures that a page makes of its own figures, never anything from a file.
    `img-src ${source} blob: data:`,
    ...(page === 'inspector' ? [`connect-src ${source}`, `worker-src blob:`] : []),
  ].join('; ');
  const worker = page === 'inspector' ? ` data-worker="${asset('worker.js')}"` : '';
  return `<!DOCTYPE html>
<html lang="${vscode.env.language}">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${nonce}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="${asset('codicon.css')}" id="vscode-codicon-stylesheet" nonce="${nonce}">
<link rel="stylesheet" href="${asset(`${page}.css`)}">
</head>
<body>
<main id="app"${worker}></main>
<script nonce="${nonce}" src="${asset(`${page}.js`)}"></script>
</body>
</html>`;
}

/** Connects a webview; `subscriptions` end with the page. */
export function connectPage(
  webview: vscode.Webview,
  handlers: HostCalls,
  subscriptions: vscode.Disposable[],
): Endpoint<PageCalls> {
  return connect<HostCalls, PageCalls>(
    {
      post: (message) => void webview.postMessage(message),
      onMessage: (listener) => {
        subscriptions.push(webview.onDidReceiveMessage(listener));
      },
    },
    handlers,
  );
}
