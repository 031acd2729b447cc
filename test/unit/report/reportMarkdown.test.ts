// The Markdown report says what the HTML report says, with its figures as files.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { reportHtml } from '../../../src/report/reportHtml';
import { reportMarkdown } from '../../../src/report/reportMarkdown';
import { parseXml } from '../charts/xml';
import { exampleDetail, exampleResult } from './exampleResult';

describe('report Markdown', () => {
  const result = exampleResult({ layers: 2, heads: 2 });
  const picture = { width: 2, height: 2, rgba: new Uint8ClampedArray(16).fill(128) };
  const details = (layer: number, head: number): ReturnType<typeof exampleDetail> => exampleDetail(result, layer, head);
  const write = (): ReturnType<typeof reportMarkdown> => reportMarkdown('my report', result, details, { picture });
  const files = write();
  const text = String(files[0]!.content);

  it('shows every figure of the HTML report from a file beside it, and no file is without its place', () => {
    assert.equal(files[0]!.name, 'my report.md');
    const shown = [...text.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, path]) => decodeURI(path!));
    assert.deepEqual(
      shown,
      files.slice(1).map(({ name }) => name),
    );
    const html = reportHtml(result, details, { picture });
    assert.equal(shown.length, (html.match(/<figure /g) ?? []).length + 1);
    assert.equal(new Set(shown).size, shown.length);
    for (const { name, content } of files.slice(1)) {
      if (name.endsWith('.svg')) assert.equal(parseXml(String(content).trim())[0]?.name, 'svg', name);
      else assert.deepEqual([...(content as Uint8Array).subarray(1, 4)], [0x50, 0x4e, 0x47], name);
    }
  });

  it('has every number of every table of the HTML report, row by row', () => {
    const html = reportHtml(result, details, { picture });
    const plain = (cell: string): string =>
      cell
        .replace(/<[^>]*>/g, '')
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&quot;', '"')
        .replaceAll('&#39;', "'")
        .replaceAll('&amp;', '&')
        .trim();
    const theirs = [...html.matchAll(/<tbody>([\s\S]*?)<\/tbody>/g)].flatMap(([, body]) =>
      [...body!.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
        [...row!.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell]) => plain(cell!)),
      ),
    );
    const rows = text
      .split('\n')
      .filter(
        (line, i, all) =>
          line.startsWith('|') && !/^\|( -+ \|)+$/.test(line) && !/^\|( -+ \|)+$/.test(all[i + 1] ?? ''),
      );
    const ours = rows.map((line) =>
      line
        .replaceAll('\\|', '\u0001')
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.replaceAll('\u0001', '|').replace(/\\(.)/g, '$1').trim()),
    );
    assert.ok(theirs.length > 40, `${theirs.length} rows`);
    for (const [i, row] of theirs.entries()) assert.deepEqual(ours[i], row, `row ${i}`);
    assert.equal(ours.length, theirs.length);
  });

  it('has tables that stand alone, and no link that leads nowhere', () => {
    for (const [i, line] of text.split('\n').entries()) {
      const before = text.split('\n')[i - 1] ?? '';
      if (line.startsWith('|') && !before.startsWith('|')) assert.equal(before, '', `line ${i}: ${before}`);
    }
    assert.doesNotMatch(text, /\]\(#|<\/?[a-z]+>/);
    assert.match(text, /\(F1\)/);
  });

  it('has the same bytes every time', () => {
    assert.deepEqual(write(), files);
  });
});
