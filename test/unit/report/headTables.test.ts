import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { formatNumber } from '../../../src/report/format';
import { headTables } from '../../../src/report/headTables';
import { studyTable } from '../../../src/report/reportTables';
import { exampleResult } from './exampleResult';

const head = exampleResult({ layers: 1, heads: 1 }).layers[0]!.heads[0]!;

describe('report tables of a head', () => {
  it('have a title, a formula and a cell for every column', () => {
    for (const table of headTables(head)) {
      assert.ok(table.title !== '' && table.note !== '' && table.formula !== '', table.id);
      for (const row of table.rows) assert.equal(row.length, table.columns.length, `${table.id}: ${row.join(' | ')}`);
    }
  });

  it("show the study's scores beside their nulls, and the warning where the epsilons decide", () => {
    const study = headTables(head).find((table) => table.id === 'study')!;
    const { asCoded } = head.reproduction;
    const { random, permuted } = asCoded.nulls!;
    const [name, optimal, linear] = study.rows[0]!;
    assert.equal(name, 'as coded, value_vectors.py');
    assert.ok(
      optimal!.startsWith(`${formatNumber(asCoded.optimal)} (random ${formatNumber(random!.optimal.mean)} ±`),
      optimal,
    );
    assert.ok(linear!.includes(`; permuted ${formatNumber(permuted!.linearCka.mean)} ±`), linear);
    assert.ok(!study.note.includes('largest score'));
    const warning = 'The largest score is 50.';
    const warned = { ...head, reproduction: { ...head.reproduction, warning } };
    assert.ok(
      headTables(warned)
        .find((table) => table.id === 'study')!
        .note.includes(warning),
    );
    const html = (one: typeof head): string => studyTable([{ layer: 0, head: one }], 'caption', {});
    assert.ok(html(warned).includes('as coded ‡') && !html(head).includes('‡'));
  });

  it('of a result of an earlier build say no null, and nothing about forms it has not', () => {
    const { nulls, ...asCoded } = head.reproduction.asCoded;
    assert.ok(nulls !== undefined);
    const study = headTables({ ...head, reproduction: { asCoded, scaleFree: asCoded } }).find(
      ({ id }) => id === 'study',
    )!;
    assert.equal(study.rows.length, 2);
    assert.equal(study.rows[0]![1], formatNumber(asCoded.optimal));
  });
});
