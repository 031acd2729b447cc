// The little script of an exported report: a press on a column heading of a table of heads sorts the table by it. All
// words, numbers and figures are there without it.

/**
 * What stands between the tags: the policy of the file allows these bytes and no others. A column is one of numbers where
 * every cell begins with one: `0.41 ± 0.02`, `≤ 0.0050`, `80 %`. What was not measured comes last both ways; equal cells
 * stay in the order they had.
 */
export const reportScript = `
'use strict';
for (const table of document.querySelectorAll('table.heads')) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const missing = (text) => /^(|–|—|not measured)$/.test(text);
  const number = (text) => {
    const [, below, digits] = /^([≤<] ?)?([-+−]?\\d+(?:\\.\\d*)?(?:e[-+]?\\d+)?)(?![\\w.])/.exec(text) ?? [];
    const value = digits === undefined ? NaN : Number(digits.replace('−', '-'));
    return below === undefined ? value : value - Math.abs(value) * 1e-9;
  };
  headings.forEach((heading, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.title = 'Sort by ' + heading.textContent;
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener('click', () => {
      const way = heading.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
      for (const other of headings) other.removeAttribute('aria-sort');
      heading.setAttribute('aria-sort', way === 1 ? 'ascending' : 'descending');
      const rows = [...body.rows].map((row) => ({ row, text: row.cells[column].textContent.trim() }));
      const known = rows.filter(({ text }) => !missing(text));
      const numbers = known.every(({ text }) => !Number.isNaN(number(text)));
      known.sort((a, b) =>
        way * (numbers ? number(a.text) - number(b.text) : a.text.localeCompare(b.text, 'en', { numeric: true })));
      body.append(...known.map(({ row }) => row), ...rows.filter(({ text }) => missing(text)).map(({ row }) => row));
    });
  });
}
`;

/** Of `reportScript`, as a policy names it; a test computes it anew. */
export const reportScriptHash = 'sha256-kkRju8O0eO/AeZZiJdBdKErprvnrUlWkxK+nUx5sq7k=';
