// Reads CSV as we write it (RFC 4180, CRLF), for tests.

/** Fields of one CSV line, RFC 4180. */
function csvFields(line: string): string[] {
  const fields: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g))
    fields.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'));
  return fields;
}

/** Lines of fields. */
export function csvRows(text: string): string[][] {
  return text.trimEnd().split('\r\n').map(csvFields);
}
