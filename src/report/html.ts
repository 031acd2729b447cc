// HTML as text: escaping and tables. Everything that comes from a file or a result passes `escapeHtml`.

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
  /** Words instead of numbers: left-aligned. */
  readonly words?: boolean;
}

/** A table of plain texts with a caption; the first `rowHeadings` cells of a row are its headings. */
export function htmlTable(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  rowHeadings = 1,
): string {
  const head = columns
    .map((column) => `<th scope="col"${column.words ? ' class="words"' : ''}>${escapeHtml(column.heading)}</th>`)
    .join('');
  const body = rows
    .map((row) => {
      const cells = row.map((text, index) => {
        const look = columns[index]?.words ? ' class="words"' : '';
        return index < rowHeadings
          ? `<th scope="row"${look}>${escapeHtml(text)}</th>`
          : `<td${look}>${escapeHtml(text)}</td>`;
      });
      return `<tr>${cells.join('')}</tr>`;
    })
    .join('\n');
  return `<table>\n<caption>${escapeHtml(caption)}</caption>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table>`;
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
