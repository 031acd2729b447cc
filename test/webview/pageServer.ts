// Serves the pages as a webview does: the extension's own markup and policy, the bundles of dist/webview, the theme's
// variables and a stand-in for acquireVsCodeApi. Nothing else; no network.

import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pageMarkup } from '../../src/vscode/pageMarkup';
import type { PageName } from '../../src/vscode/pageMarkup';
import { reportMarkup } from '../../src/vscode/reportMarkup';
import { pseudoLanguage, pseudoTexts } from './pseudoTexts';
import { editorThemes } from './themeColours';
import type { ThemeName } from './themeColours';

const folder = join(process.cwd(), 'dist', 'webview');
/** Fetched by the worker, from beside the pages. */
const onnxBinary = 'onnx/ort-wasm-simd-threaded.asyncify.wasm';
const files: Readonly<Record<string, string>> = {
  'inspector.js': 'text/javascript',
  'inspector.css': 'text/css',
  'heatmap.js': 'text/javascript',
  'heatmap.css': 'text/css',
  'checkpoint.js': 'text/javascript',
  'checkpoint.css': 'text/css',
  'mapping.js': 'text/javascript',
  'mapping.css': 'text/css',
  'comparison.js': 'text/javascript',
  'comparison.css': 'text/css',
  'report.js': 'text/javascript',
  'report.css': 'text/css',
  'worker.js': 'text/javascript',
  'head.js': 'text/javascript',
  'codicon.css': 'text/css',
  'codicon.ttf': 'font/ttf',
};
const nonce = 'bm9uY2Utb2YtdGhlLXRlc3Rz';

/** What the editor does to a document before the page's own script runs. */
function boot(theme: ThemeName): string {
  const { kind, colours } = editorThemes[theme];
  const classes = kind === 'vscode-high-contrast-light' ? `${kind} vscode-high-contrast` : kind;
  return `<body class="${classes}" data-vscode-theme-kind="${kind}" data-vscode-theme-id="${theme}">
<script nonce="${nonce}">
window.cspViolations = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.cspViolations.push(event.violatedDirective + ' ' + event.blockedURI);
});
for (const [name, value] of Object.entries(${JSON.stringify(colours)})) {
  document.documentElement.style.setProperty('--vscode-' + name, value);
}
window.acquireVsCodeApi = () => {
  window.acquireVsCodeApi = () => { throw new Error('acquireVsCodeApi was called twice'); };
  let state = JSON.parse(sessionStorage.getItem('tab') ?? 'null') ?? undefined;
  return {
    postMessage: (message) => void window.toHost(message),
    getState: () => state,
    setState: (value) => {
      state = value;
      sessionStorage.setItem('tab', JSON.stringify(value ?? null));
    },
  };
};
</script>`;
}

const pages: readonly string[] = ['inspector', 'heatmap', 'checkpoint', 'mapping', 'comparison'] satisfies PageName[];
const isPage = (name: string): name is PageName => pages.includes(name);

export interface PageServer {
  /** `host` other than the loopback address: not a secure context. `language`: English or the pseudo-language. */
  address(page: PageName, theme: ThemeName, host?: string, language?: string): string;
  /** Of the tab of a report, which is this HTML. */
  reportAddress(html: string, theme: ThemeName): string;
  close(): Promise<void>;
}

export async function startPageServer(): Promise<PageServer> {
  const reports: string[] = [];
  const server: Server = createServer((request, response) => {
    const origin = `http://${request.headers.host ?? '127.0.0.1'}`;
    const url = new URL(request.url ?? '/', origin);
    const name = url.pathname.slice(1);
    if (isPage(name)) {
      const theme = (url.searchParams.get('theme') ?? 'dark') as ThemeName;
      const language = url.searchParams.get('language') ?? 'en';
      const html = pageMarkup({
        page: name,
        title: 'Gramlens page test',
        language,
        texts: language === pseudoLanguage ? pseudoTexts() : undefined,
        nonce,
        source: origin,
        asset: (file) => `${origin}/${file}`,
      });
      response.writeHead(200, { 'content-type': 'text/html' }).end(html.replace('<body>', boot(theme)));
      return;
    }
    const report = reports[Number(/^report-(\d+)$/.exec(name)?.[1] ?? NaN)];
    if (report !== undefined) {
      const html = reportMarkup(report, { nonce, source: origin, asset: (file) => `${origin}/${file}` });
      const theme = (url.searchParams.get('theme') ?? 'dark') as ThemeName;
      response.writeHead(200, { 'content-type': 'text/html' }).end(html.replace('<body>', () => boot(theme)));
      return;
    }
    const type = files[name];
    if (name === onnxBinary) {
      response.writeHead(200, { 'content-type': 'application/wasm' }).end(readFileSync(join(folder, '..', name)));
      return;
    }
    if (type === undefined) response.writeHead(name === 'favicon.ico' ? 204 : 404).end();
    else response.writeHead(200, { 'content-type': type }).end(readFileSync(join(folder, name)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: (page, theme, host = '127.0.0.1', language = 'en') =>
      `http://${host}:${port}/${page}?theme=${theme}&language=${language}`,
    reportAddress: (html, theme) => `http://127.0.0.1:${port}/report-${reports.push(html) - 1}?theme=${theme}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
