// HTML and content security policy of the webview pages. Knows no `vscode`, so that the page tests serve exactly this.

export type PageName = 'inspector' | 'heatmap' | 'checkpoint' | 'mapping' | 'comparison';

export interface PageMarkup {
  readonly page: PageName;
  readonly title: string;
  /** Of the texts, as in `<html lang>`. */
  readonly language: string;
  /** English text to the text of that language; undefined: English. */
  readonly texts: Readonly<Record<string, string>> | undefined;
  readonly nonce: string;
  /** What the webview's own files come from, as a CSP source. */
  readonly source: string;
  /** Address of a file by its path from dist/webview. */
  readonly asset: (file: string) => string;
}

/** 'wasm-unsafe-eval' and blob workers only for the inspector, whose worker runs the engine. */
function contentSecurityPolicy({ page, nonce, source }: PageMarkup): string {
  return [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'${page === 'inspector' ? ` 'wasm-unsafe-eval'` : ''}`,
    `style-src ${source} 'nonce-${nonce}'`,
    `font-src ${source}`,
    // blob: and data: for the pictures that a page makes of its own figures, never anything from a file.
    `img-src ${source} blob: data:`,
    ...(page === 'inspector' ? [`connect-src ${source}`, `worker-src blob:`] : []),
  ].join('; ');
}

/** From dist/webview; the worker fetches it with the first graph. */
const onnxBinary = '../onnx/ort-wasm-simd-threaded.asyncify.wasm';

/** Texts as data that no browser runs, so the policy has nothing to allow; `<` could end the element. */
function textsBlock({ texts }: PageMarkup): string {
  if (texts === undefined) return '';
  return `<script type="application/json" id="texts">${JSON.stringify(texts).replaceAll('<', '\\u003c')}</script>\n`;
}

/** The whole document of one page. */
export function pageMarkup(markup: PageMarkup): string {
  const { page, title, language, nonce, asset } = markup;
  const worker =
    page === 'inspector'
      ? ` data-worker="${asset('worker.js')}" data-head="${asset('head.js')}" data-onnx="${asset(onnxBinary)}"`
      : '';
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy(markup)}">
<meta property="csp-nonce" content="${nonce}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<script defer nonce="${nonce}" src="${asset(`${page}.js`)}"></script>
<link rel="stylesheet" href="${asset('codicon.css')}" id="vscode-codicon-stylesheet" nonce="${nonce}">
<link rel="stylesheet" href="${asset(`${page}.css`)}">
</head>
<body>
<main id="app"${worker}></main>
${textsBlock(markup)}</body>
</html>`;
}
