// The harness itself: what the other tests here rely on when they click, read and photograph inside webviews.
import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import { inFrame, outer, until } from '../outer';

const page = `<!DOCTYPE html><html><head>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-x'"></head>
<body><h1 id="harness-page">Harness</h1><button>Press</button><p></p>
<script nonce="x">document.querySelector('button').onclick = () => { document.querySelector('p').textContent = 'pressed'; };</script>
</body></html>`;
const inside = '#harness-page';

describe('the outside', () => {
  let panel: vscode.WebviewPanel;
  before(() => {
    panel = vscode.window.createWebviewPanel('gramlens.harness', 'Harness', vscode.ViewColumn.One, {
      enableScripts: true,
    });
    panel.webview.html = page;
  });
  after(() => {
    panel.dispose();
  });

  it('clicks and reads in a webview', async () => {
    await outer('click', { inside, selector: 'button' });
    assert.equal(await outer('text', { inside, selector: 'p' }), 'pressed');
    assert.equal(await outer('count', { inside, selector: 'button' }), 1);
  });

  it('runs a function in a webview despite its content security policy', async () => {
    const sum = await inFrame(inside, (b: number) => document.querySelectorAll('h1').length + b, 41);
    assert.equal(sum, 42);
  });

  it('says which place it did not find', async () => {
    await assert.rejects(
      outer('click', { inside: '#nowhere', selector: 'b', timeoutMs: 300 }),
      /no webview holds "#nowhere"/,
    );
  });

  it('finds WebGPU on the software adapter', async () => {
    const found = await inFrame(inside, async () => {
      const adapter = await navigator.gpu.requestAdapter();
      return adapter === null ? 'no adapter' : `${adapter.info.vendor} ${adapter.info.architecture}`;
    });
    await outer('note', `WebGPU adapter of the webview: ${found}`);
    assert.notEqual(found, 'no adapter');
  });

  it('photographs the window and follows a change of theme', async () => {
    const workbench = vscode.workspace.getConfiguration('workbench');
    assert.equal(workbench.get('colorTheme'), 'Default Dark Modern');
    await workbench.update('colorTheme', 'Default Light Modern', vscode.ConfigurationTarget.Global);
    try {
      const kind = (): Promise<string> => inFrame(inside, () => document.body.dataset['vscodeThemeKind'] ?? '');
      await until('the light theme in the webview', async () => ((await kind()) === 'vscode-light' ? true : undefined));
      assert.ok(existsSync(await outer('screenshot', { name: 'harness-light' })));
      assert.ok(existsSync(await outer('screenshot', { name: 'harness-heading', place: { inside, selector: 'h1' } })));
    } finally {
      await workbench.update('colorTheme', 'Default Dark Modern', vscode.ConfigurationTarget.Global);
    }
  });
});
