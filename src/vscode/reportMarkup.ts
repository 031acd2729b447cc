// An exported report as a page of the editor: the same bytes, but for a policy that lets one script of ours in, and that
// script. Knows no `vscode`, so that the page tests serve exactly this.

import { escapeHtml } from '../report/html';
import { reportPolicy } from '../report/reportHtml';
import { reportScriptHash } from '../report/reportScript';
import type { PageMarkup } from './pageMarkup';

export function reportMarkup(
  html: string,
  { nonce, source, asset }: Pick<PageMarkup, 'nonce' | 'source' | 'asset'>,
): string {
  const policy = [
    `default-src 'none'`,
    `img-src data:`,
    `style-src ${source} 'unsafe-inline'`,
    `script-src '${reportScriptHash}' 'nonce-${nonce}'`,
  ].join('; ');
  const end = html.lastIndexOf('</body>');
  const head = html.indexOf('</head>');
  return [
    html.slice(0, head).replace(reportPolicy, () => policy),
    `<link rel="stylesheet" href="${asset('report.css')}">\n`,
    html.slice(head, end),
    `<script nonce="${nonce}" src="${asset('report.js')}"></script>\n`,
    html.slice(end),
  ].join('');
}

/** In the place of a report that is not there: why, or that it will be. No script. */
export function sentenceMarkup(
  words: string,
  { language, source, asset }: Pick<PageMarkup, 'language' | 'source' | 'asset'>,
): string {
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${source}">
<link rel="stylesheet" href="${asset('report.css')}">
<title>${escapeHtml(words)}</title>
</head>
<body>
<p class="sentence" role="status">${escapeHtml(words)}</p>
</body>
</html>`;
}
