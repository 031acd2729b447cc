// One field of a CSV file, RFC 4180. Text that a spreadsheet would run as a formula gets a leading apostrophe.

/** Numbers in full precision, null and NaN empty, text quoted where it has to be. */
export function csvCell(value: number | string | boolean | null | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  if (typeof value === 'boolean') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Lines of fields, CRLF as the RFC has it. */
export function csvText(rows: readonly (readonly (number | string | boolean | null | undefined)[])[]): string {
  return rows.map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}
