// What all pages share: HTML with a strict content security policy, and the typed calls over postMessage.

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { HostCalls, PageCalls } from '../protocol/messages';
import { connect } from '../protocol/rpc';
import type { Calls, Endpoint } from '../protocol/rpc';
import { pageMarkup } from './pageMarkup';
import type { PageName } from './pageMarkup';

/** Folders a page may load from: our bundles, ONNX Runtime, icons and pictures; never the workspace. */
export function pageRoots(extensionUri: vscode.Uri): vscode.Uri[] {
  const folders = [['dist', 'webview'], ['dist', 'onnx'], ['media']];
  return folders.map((folder) => vscode.Uri.joinPath(extensionUri, ...folder));
}

/** Our mark on the tabs of the inspector and of comparisons. */
export function tabIcon(extensionUri: vscode.Uri): { light: vscode.Uri; dark: vscode.Uri } {
  const icon = (theme: string): vscode.Uri => vscode.Uri.joinPath(extensionUri, 'media', `gramlens-${theme}.svg`);
  return { light: icon('light'), dark: icon('dark') };
}

/** The page's HTML with a fresh nonce, in the editor's language where we have its texts. */
export function pageHtml(webview: vscode.Webview, extensionUri: vscode.Uri, page: PageName, title: string): string {
  const texts = vscode.l10n.bundle;
  return pageMarkup({
    page,
    title,
    language: texts === undefined ? 'en' : vscode.env.language,
    texts,
    nonce: randomBytes(18).toString('base64'),
    source: webview.cspSource,
    asset: (file) => webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, 'dist', 'webview', file)).toString(),
  });
}

/** Connects a webview; `subscriptions` end with the page. */
export function connectPage<Host extends Calls<Host> = HostCalls, Page extends Calls<Page> = PageCalls>(
  webview: vscode.Webview,
  handlers: Host,
  subscriptions: vscode.Disposable[],
): Endpoint<Page> {
  return connect<Host, Page>(
    {
      post: (message) => void webview.postMessage(message),
      onMessage: (listener) => {
        subscriptions.push(webview.onDidReceiveMessage(listener));
      },
    },
    handlers,
  );
}
