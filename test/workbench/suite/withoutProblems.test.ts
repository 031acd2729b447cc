// Runs last (files run in the order of their names): what the suite's pages complained about on the way.
import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { outer, until } from '../outer';
import type { PageProblem } from '../outerCalls';
import { closeEditors } from './drive';

/** Files that the workbench of the tests lacks or cannot reach, and its own service worker outside webviews. */
const workbenchOnly = [
  /favicon/,
  /\/vsda\//,
  /\/update\/check/,
  /serviceWorker\.js/,
  /A bad HTTP response code \(404\) was received when fetching the script/,
];

/** From a page of ours: it came from its files, or it broke a policy, or nobody else is known for it. */
async function ourProblems(): Promise<PageProblem[]> {
  const problems = await outer('problems', null);
  return problems.filter(({ text, url }) => {
    const isPolicy = /content security policy/i.test(text);
    const isOurFile = /\/dist\/webview\//.test(`${url} ${text}`);
    const isWebview = /\/webview\/browser\/pre\/|vscode-webview|vscode-resource/.test(url);
    return (isPolicy || isOurFile || isWebview) && !workbenchOnly.some((known) => known.test(`${url} ${text}`));
  });
}

describe('our pages', () => {
  let soFar: PageProblem[];
  let panel: vscode.WebviewPanel;
  before(async () => {
    soFar = await ourProblems();
    await closeEditors();
    panel = vscode.window.createWebviewPanel('gramlens.problems', 'Problems', vscode.ViewColumn.One, {
      enableScripts: true,
    });
  });
  after(() => {
    panel.dispose();
  });

  it('threw nothing and broke no content security policy', () => {
    assert.deepEqual(soFar, []);
  });

  it('would have been caught at it', async () => {
    panel.webview.html = `<!DOCTYPE html><html><head>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-x'"></head>
<body><h1>Problems</h1><img src="https://example.invalid/picture.png">
<script nonce="x">setTimeout(() => { throw new Error('thrown on purpose'); });
//# sourceURL=https://x.vscode-resource.vscode-cdn.net/gramlens/dist/webview/inspector.js
</script></body></html>`;
    for (const pattern of [/content security policy/i, /thrown on purpose/])
      await until(`${String(pattern)} among the problems`, async () =>
        (await ourProblems()).some(({ text }) => pattern.test(text)) ? true : undefined,
      );
  });
});
