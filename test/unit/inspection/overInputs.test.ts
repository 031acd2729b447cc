// Many results -> one: every number against the two-pass mean and interval, and the rules for what has no mean.

import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { serialize } from 'node:v8';
import Ajv2020 from 'ajv/dist/2020';
import type { HeadResult } from '../../../src/diagnostics/headResult';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { MeanHead } from '../../../src/inspection/overInputs/meanHead';
import { MeanResult } from '../../../src/inspection/overInputs/meanResult';
import { Running } from '../../../src/inspection/overInputs/running';
import { asResult } from '../../../src/inspection/resultSchema';
import { headsCsv } from '../../../src/report/headsCsv';
import { formatInterval, formatNumber } from '../../../src/report/format';
import { headTable } from '../../../src/report/headTable';
import { headTables } from '../../../src/report/headTables';
import { halfWidth } from '../../../src/report/overInputs';
import { reportHtml } from '../../../src/report/reportHtml';
import { reportMarkdown } from '../../../src/report/reportMarkdown';
import { resultJson } from '../../../src/report/resultJson';
import { exampleDetail, exampleResult } from '../report/exampleResult';
import { numbersOf } from './sampleRun';

/** t_{0.975} for 1 to 4 degrees of freedom, from printed tables (6 digits). */
const tTable = [12.7062, 4.302653, 3.182446, 2.776445];
/** The tables' last digit. */
const tableTolerance = 1e-6;
/** Round-off of two orders of summation, relative to the numbers. */
const roundOff = 1e-12;

const template = exampleResult({ layers: 6, heads: 2, tokens: 12, headDim: 4 });

/** Layer `k` of the example as if it were what input k gave in layer 0. */
function inputResult(k: number): InspectionResult {
  const { heads } = template.layers[1 + (k % 5)]!;
  const [input] = template.provenance.inputs;
  return {
    ...template,
    provenance: { ...template.provenance, inputs: [{ ...input!, label: `input ${k}` }] },
    layers: [{ index: 0, heads }],
  };
}

function meanOf(results: readonly InspectionResult[]): InspectionResult {
  const mean = new MeanResult();
  for (const result of results) mean.add(result);
  return mean.result();
}

function interval(values: readonly number[]): { mean: number; half: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
  return { mean, half: (tTable[values.length - 2]! * sd) / Math.sqrt(values.length) };
}

const close = (a: number, b: number, tolerance: number): boolean =>
  Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));

/** A head with these parts in place of the example's. */
const headWith = (parts: object): HeadResult => ({ ...template.layers[1]!.heads[0]!, ...parts });

function headOver(...heads: readonly HeadResult[]): HeadResult {
  const mean = new MeanHead();
  for (const head of heads) mean.add(head);
  return mean.result();
}

describe('many inputs: mean and interval', () => {
  it('is the two-pass one, also where the numbers are far from 0', () => {
    for (const offset of [0, 1e9]) {
      const running = new Running();
      for (const value of [1, 2, 4]) running.add(offset + value);
      const { mean, half } = running.interval();
      // sd = sqrt(7/3) and t_{0.975,2} = 4.302653: half = 3.794577...
      assert.ok(Math.abs(mean! - offset - 7 / 3) <= 1e-7, String(mean));
      assert.ok(Math.abs(half! - (4.302653 * Math.sqrt(7 / 3)) / Math.sqrt(3)) <= 1e-5, String(half));
    }
  });

  it('has no interval from one number, and no width where all are equal', () => {
    const running = new Running();
    running.add(0.1);
    assert.deepEqual(running.interval(), { count: 1, mean: 0.1, half: null });
    running.add(0.1);
    running.add(0.1);
    assert.deepEqual(running.interval(), { count: 3, mean: 0.1, half: 0 });
  });

  it('gives every number of every head, arrays place by place', () => {
    const results = [0, 1, 2, 3, 4].map(inputResult);
    const mean = meanOf(results);
    const seen = new Set<string>();
    for (const [h, head] of mean.layers[0]!.heads.entries()) {
      const each = results.map((result) => numbersOf(result.layers[0]!.heads[h]!));
      const halves = numbersOf(head.ci);
      for (const [name, value] of numbersOf(head)) {
        const values = each.map((numbers) => numbers.get(name));
        if (/^(ci|over|weights)\b|(^|\.)ci\./.test(name) || values.some((one) => one === undefined)) continue;
        const wanted = interval(values as number[]);
        if (/(^|\.)(index|kvHead|levels\.\d+|draws|of|iterations|lambda)$/.test(name)) {
          assert.equal(value, values[0], name);
          assert.equal(halves.get(name), undefined, name);
          continue;
        }
        seen.add(name);
        assert.ok(close(value, wanted.mean, roundOff), `${name}: ${value} for ${wanted.mean}`);
        const half = halves.get(name);
        assert.ok(
          half !== undefined && close(half, wanted.half, tableTolerance),
          `${name}: ± ${half} for ${wanted.half}`,
        );
      }
    }
    for (const name of [
      'alignment.theory.overlap',
      'noise.1.auc.rpc',
      'gamma.learned.eigenResidual.3',
      'rpc.density.2',
    ])
      assert.ok(seen.has(name), name);
  });

  it('puts the interval over inputs where a noise curve had the one over its repeats', () => {
    const [head] = meanOf([0, 1, 2].map(inputResult)).layers[0]!.heads;
    const [noise] = head!.noise;
    assert.equal(noise!.auc.ci.softmax, halfWidth(head!, `noise.${noise!.kind}.auc.softmax`));
    assert.ok(noise!.softmax.ci.every((half) => half !== null && half > 0));
  });
});

describe('many inputs: what has no mean', () => {
  it('p becomes the share of inputs below 0.05, beside the mean z', () => {
    const results = [0, 1, 2, 3, 4].map(inputResult);
    const mean = meanOf(results).layers[0]!.heads[1]!.alignment.theory.nulls.permuted!.overlap;
    const each = results.map((result) => result.layers[0]!.heads[1]!.alignment.theory.nulls.permuted!.overlap);
    assert.equal(mean.p, null);
    assert.equal(mean.q, undefined);
    assert.equal(mean.pBelow05, each.filter((one) => one.p! < 0.05).length / 5);
    assert.equal(mean.qBelow05, each.filter((one) => one.q! < 0.05).length / 5);
    assert.match(mean.reason!, /no p-value/);
  });

  it('a verdict stands where all inputs say it, else its counts do', () => {
    const { alignment } = template.layers[1]!.heads[0]!;
    const said = (verdict: HeadResult['alignment']['verdict']): HeadResult =>
      headWith({ alignment: { ...alignment, verdict } });
    assert.equal(headOver(said('no evidence'), said('no evidence')).alignment.verdict, 'no evidence');
    const mixed = headOver(said('no evidence'), said('explained by shared tokens'), said('no evidence'));
    assert.equal(mixed.alignment.verdict, null);
    assert.match(mixed.alignment.reason!, /no evidence 2, explained by shared tokens 1/);
    assert.deepEqual(mixed.over!.words['alignment.verdict'], { 'no evidence': 2, 'explained by shared tokens': 1 });
  });

  it('a number that some inputs have not is the mean of the others, with their count and their reason', () => {
    const { projection } = template.layers[1]!.heads[0]!;
    const relPhi = (value: number | null): HeadResult =>
      headWith({ projection: { ...projection, relPhi: value, ...(value === null ? { reason: 'not finite.' } : {}) } });
    const some = headOver(relPhi(3), relPhi(null), relPhi(5));
    assert.equal(some.projection.relPhi, 4);
    assert.equal(some.over!.measured['projection.relPhi'], 2);
    assert.equal(some.projection.reason, 'In 1 of 3 inputs: not finite.');
    const one = headOver(relPhi(3), relPhi(null));
    assert.equal(halfWidth(one, 'projection.relPhi'), null);
    assert.match((one.ci as { projection: { reason: string } }).projection.reason, /needs two inputs/);
    assert.equal(headOver(relPhi(null), relPhi(null)).projection.relPhi, null);
  });

  it('arrays of different lengths reach as far as the shortest, empty ones do not count', () => {
    const { spectrum } = template.layers[1]!.heads[0]!;
    const of = (...eigenvalues: number[]): HeadResult => headWith({ spectrum: { ...spectrum, eigenvalues } });
    assert.deepEqual(headOver(of(4, 2, 1), of(2, 0), of()).spectrum.eigenvalues, [3, 1]);
  });

  it('a sum beyond double precision is null with its reason, never Infinity', () => {
    const { projection } = template.layers[1]!.heads[0]!;
    const phi = (phiNorm: number): HeadResult => headWith({ projection: { ...projection, phiNorm } });
    const large = headOver(phi(1e308), phi(-1e308), phi(1e308));
    assert.doesNotThrow(() => resultJson({ ...template, layers: [{ index: 0, heads: [large] }] }));
    assert.match(JSON.stringify(large.ci), /spread that a double can hold/);
  });
});

describe('many inputs: the result', () => {
  const results = [0, 1, 2].map(inputResult);
  const mean = meanOf(results);

  it('is a result under the schema, alone and with each input in it, and opens', () => {
    const schema = JSON.parse(readFileSync('src/inspection/result.schema.json', 'utf8')) as object;
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false }).compile(schema);
    for (const result of [mean, { ...mean, inputs: results }, meanOf([inputResult(0)])]) {
      const parsed: unknown = JSON.parse(resultJson(result));
      assert.ok(validate(parsed), JSON.stringify(validate.errors));
      assert.doesNotThrow(() => asResult(parsed, 'result.json'));
    }
  });

  it('says what it does not average', () => {
    const rollout = { layers: [] } as unknown as NonNullable<InspectionResult['rollout']>;
    const { notes } = meanOf(results.map((result) => ({ ...result, rollout }))).model;
    assert.equal(notes.at(-1), 'Not averaged, but measured on each input: attention rollout; see inputs.');
    assert.doesNotMatch(mean.model.notes.join(' '), /Not averaged/);
  });

  it('keeps sums and no input: its size is the same after 3 and after 30', () => {
    const sizeAfter = (count: number): number => {
      const sums = new MeanResult();
      for (let k = 0; k < count; k++) sums.add(inputResult(k));
      const { lines, ...rest } = sums as unknown as { lines: unknown[] };
      assert.equal(lines.length, count);
      // Fixed-width numbers: the count of a word or of inputs may take one byte more.
      return serialize(rest).length;
    };
    const [few, many] = [sizeAfter(5), sizeAfter(50)];
    assert.ok(many - few < few / 50, `${few} bytes after 5 inputs, ${many} after 50`);
  });

  it('is said in table, CSV and report as a mean with its interval', () => {
    assert.match(headTable(mean), /Mean over 3 inputs ± 95 % interval/);
    assert.match(headTable(mean), /\d ± \d/);
    const [heading, row] = headsCsv(mean).split('\n');
    const columns = heading!.split(',');
    const cells = row!.split(',');
    const [head] = mean.layers[0]!.heads;
    assert.equal(cells[columns.indexOf('inputs')], '3');
    assert.equal(Number(cells[columns.indexOf('alignment.theory.overlap')]), head!.alignment.theory.overlap);
    assert.equal(
      Number(cells[columns.indexOf('alignment.theory.overlap.ci')]),
      halfWidth(head!, 'alignment.theory.overlap'),
    );
    const html = reportHtml(mean, (layer, index) => exampleDetail(mean, layer, index));
    assert.match(html, /Of the first input alone\. Weight that each query/);
    assert.match(html, /<th[^>]*>p &lt; 0\.05 in<\/th>/);
    assert.match(html, /Over 3 inputs\./);
    assert.doesNotMatch(html, /One input was inspected/);
  });

  it('has its interval beside each number of the tables of a head, in report and Markdown alike', () => {
    const head = mean.layers[0]!.heads[1]!;
    const tables = new Map(headTables(head).map((table) => [table.id, table]));
    const text = (name: string, value: number): string => formatInterval(value, halfWidth(head, name));
    const { attention, projection, reproduction } = head;
    const entropy = text('attention.entropy', attention.entropy);
    assert.match(entropy, /^\d.* ± \d/);
    assert.deepEqual(tables.get('attention')!.rows[0]!.slice(1), [entropy, formatNumber(attention.uniform!.entropy)]);
    const rows = tables.get('projection')!.rows;
    assert.equal(rows[4]![1], text('projection.signedMedian', projection.signedMedian!));
    const withQuartiles = headOver(
      ...[1, 2, 4].map((k) => headWith({ projection: { ...projection, logPhiNormQuartiles: [k, 10 * k] } })),
    );
    // Mean 7/3 of 1, 2, 4 and half width 3.7946, of the second place ten times as much.
    const quartiles = headTables(withQuartiles).find(({ id }) => id === 'projection')!.rows[0]![2];
    assert.equal(quartiles, '2.3 ± 3.8 | 23 ± 38');
    const { optimal, nulls } = reproduction.asCoded;
    const at = 'reproduction.asCoded';
    const { mean: chance, sd, z } = nulls!.random!.optimal;
    // The spread of the null is called what it is: ± is an interval here.
    const cell = `${text(`${at}.optimal`, optimal!)} (random mean ${formatNumber(chance)}, sd ${formatNumber(sd, 2)}, z ${text(`${at}.nulls.random.optimal.z`, z!)}, p < 0.05 in `;
    assert.ok(tables.get('study')!.rows[0]![1]!.startsWith(cell), `${tables.get('study')!.rows[0]![1]}\n${cell}`);
    // Weights are the same whatever the input.
    assert.ok(
      tables
        .get('weights')!
        .rows.flat()
        .every((text) => !/^\S+ ± /.test(text)),
    );
    const details = (layer: number, index: number): ReturnType<typeof exampleDetail> =>
      exampleDetail(mean, layer, index);
    assert.ok(reportHtml(mean, details).includes(`>${entropy}<`));
    assert.ok(String(reportMarkdown('report', mean, details)[0]!.content).includes(`| ${entropy} `));
  });
});
