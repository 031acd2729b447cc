// HTML as text: escaping and tables. Everything that comes from a file or a result passes `escapeHtml`.

import { textWidth } from '../../webview/charts/svg';

/** For text and attribute values. Control characters become U+FFFD, as HTML forbids them. */
export function escapeHtml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

interface Column {
  readonly heading: string;
  /** Words instead of numbers: left-aligned; 'short' ones stay on one line. */
  readonly words?: boolean | 'short';
}

const classOf = ({ words }: Column): string =>
  words === undefined || words === false ? '' : ` class="${words === 'short' ? 'short' : 'words'}"`;

/** Of the page that a report is printed on, in widths of a letter of its tables. */
const pageEms = 67;
/** Left and right of a cell, in the same unit. */
const paddingEms = 0.8;

/** Its cells take more than the page's width, so that they are printed smaller. */
function isDense(columns: readonly Column[], rows: readonly (readonly string[])[]): boolean {
  const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => textWidth(text, 1)));
  const widths = columns.map((column, i) => {
    const cells = rows.map((row) => row[i] ?? '');
    const whole = column.words === true ? cells.flatMap((text) => text.split(' ')) : cells;
    return paddingEms + Math.max(widest(column.heading.split(' ')), widest(whole));
  });
  return widths.reduce((sum, width) => sum + width, 0) > pageEms;
}

/** A table of plain texts with a caption; the first cell of a row is its heading. */
export function htmlTable(caption: string, columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  return tableText([], caption, columns, rows, 1);
}

/** The same with a row a head, of which the first `rowHeadings` cells say which: the report's script sorts it. */
export function htmlHeadTable(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  rowHeadings = 2,
): string {
  return tableText(['heads'], caption, columns, rows, rowHeadings);
}

/** The first `rowHeadings` cells of a row are its headings. */
function tableText(
  classes: readonly string[],
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  rowHeadings: number,
): string {
  const head = columns.map((column) => `<th scope="col"${classOf(column)}>${escapeHtml(column.heading)}</th>`).join('');
  const body = rows
    .map((row) => {
      const cells = row.map((text, index) => {
        const look = columns[index] === undefined ? '' : classOf(columns[index]);
        return index < rowHeadings
          ? `<th scope="row"${look}>${escapeHtml(text)}</th>`
          : `<td${look}>${escapeHtml(text)}</td>`;
      });
      return `<tr>${cells.join('')}</tr>`;
    })
    .join('\n');
  const all = [...classes, ...(isDense(columns, rows) ? ['dense'] : [])];
  const open = all.length === 0 ? '<table>' : `<table class="${all.join(' ')}">`;
  return `${open}\n<caption>${escapeHtml(caption)}</caption>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table>`;
}

/** Name and value pairs. */
export function htmlFacts(caption: string, facts: readonly (readonly [string, string])[]): string {
  const rows = facts.map(
    ([name, value]) =>
      `<tr><th scope="row" class="words">${escapeHtml(name)}</th><td class="words">${escapeHtml(value)}</td></tr>`,
  );
  return `<table class="facts" aria-label="${escapeHtml(caption)}">\n<tbody>\n${rows.join('\n')}\n</tbody>\n</table>`;
}

export function htmlParagraphs(...texts: readonly string[]): string {
  return texts
    .filter((text) => text !== '')
    .map((text) => `<p>${escapeHtml(text)}</p>`)
    .join('\n');
}

export function htmlList(items: readonly string[]): string {
  return `<ul>\n${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('\n')}\n</ul>`;
}
