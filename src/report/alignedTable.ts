// A table for a terminal: plain text in columns.

/** Control characters in reasons must not reach a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}

/** Lines of the table: headings, a rule, then the rows; numbers to the right, columns of `words` to the left. */
export function alignedTable(rows: readonly (readonly string[])[], words: (column: number) => boolean): string[] {
  const texts = rows.map((row) => row.map(printable));
  const widths = (texts[0] ?? []).map((_, column) => Math.max(...texts.map((row) => (row[column] ?? '').length)));
  const lines = texts.map((row) =>
    row
      .map((text, column) => (words(column) ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return [lines[0] ?? '', widths.map((width) => '-'.repeat(width)).join('  '), ...lines.slice(1)];
}
