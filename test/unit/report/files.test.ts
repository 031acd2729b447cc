import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import { unzipSync } from 'fflate';
import { describe, it } from 'mocha';
import type { RpcSweepNumbers } from '../../../src/diagnostics/headResult';
import { rpcSweep } from '../../../src/diagnostics/rpcSweep';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { csvCell } from '../../../src/report/csvCell';
import { headsCsv } from '../../../src/report/headsCsv';
import { headTable } from '../../../src/report/headTable';
import { npz } from '../../../src/report/npz';
import { resultJson, sortedJson } from '../../../src/report/resultJson';
import { kernels, randomHead } from '../diagnostics/heads';
import { exampleResult } from './exampleResult';

/** A deep copy that a test may spoil. */
function copy(result: InspectionResult): Record<string, unknown> {
  return structuredClone(result) as unknown as Record<string, unknown>;
}

/** Sets (or deletes, with undefined) the value at a dotted path. */
function setAt(target: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop()!;
  let at = target;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  if (value === undefined) Reflect.deleteProperty(at, last);
  else at[last] = value;
}

describe('report result.json', () => {
  const schema = JSON.parse(readFileSync(join(process.cwd(), 'src/inspection/result.schema.json'), 'utf8')) as object;
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false }).compile(schema);

  it('is valid under the schema, with and without RPC', () => {
    for (const rpc of [true, false]) {
      const ok = validate(JSON.parse(resultJson(exampleResult({ layers: 2, heads: 3, rpc }))));
      assert.ok(ok, JSON.stringify(validate.errors));
    }
  });

  it('is refused by the schema when a name of the contract is missing or a null has no reason', () => {
    const head = 'layers.0.heads.0';
    const spoil: readonly [path: string, value: unknown][] = [
      ['provenance.gramlensVersion', undefined],
      ['provenance.parity.maxRelError', null],
      ['model.kvHeads', undefined],
      ['schema', 'gramlens.inspection/2'],
      [`${head}.attention.firstTokenMass`, undefined],
      [`${head}.spectrum.numericalRank`, 1.5],
      [`${head}.alignment.theory.overlapChance`, undefined],
      [`${head}.alignment.plain.rayleigh`, null],
      [`${head}.alignment.verdict`, 'learned the eigenvectors'],
      [`${head}.gamma.learned.eigenResidual`, undefined],
      [`${head}.projection.besselViolation`, 2],
      [`layers.1.heads.0.projection.relPhi`, null],
      [`${head}.reproduction.scaleFree.kernelCka`, undefined],
      [`${head}.rpc.dispersion.rpc`, undefined],
      [`${head}.noise.0.auc.difference`, undefined],
      [`${head}.noise.0.verdict`, 'RPC is better'],
      ['output.logitsTop', undefined],
      ['provenance.adapterReason', undefined],
      ['provenance.overrides', undefined],
      ['provenance.noise.kinds', ['pink']],
      [`${head}.rpc`, null],
      [`${head}.rpc.mu`, null],
      [`${head}.rpc.dispersion.rpc`, null],
      [`${head}.alignment.plain.nulls.reason`, undefined],
      [`${head}.alignment.plain.nulls.permuted.overlap.z`, null],
      [`${head}.noise.0.auc.rpc`, null],
      [`${head}.noise.0.auc.ci.rpc`, null],
      [`${head}.noise.0.softmax.ci.1`, null],
      [`${head}.spectrum.reason`, undefined],
    ];
    for (const [path, value] of spoil) {
      const spoiled = copy(exampleResult({ layers: 2, heads: 1 }));
      setAt(spoiled, path, value);
      assert.equal(validate(spoiled), false, `${path} = ${String(value)} was accepted`);
    }
  });

  it('accepts a sweep of RPC as it is computed, and refuses one that leaves out its reasons', () => {
    const settings = { variant: 'code', lambdas: [0, 4], iterations: [1, 2] } as const;
    const noise = { kind: 'key_gauss', levels: [0.1, 0.4], repeats: 2 } as const;
    const withSweep = (sweep: RpcSweepNumbers): InspectionResult => {
      const result = copy(exampleResult({ layers: 1, heads: 1 }));
      setAt(result, 'layers.0.heads.0.rpcSweep', sweep);
      return result as unknown as InspectionResult;
    };
    const head = randomHead('schema', 8, 3);
    for (const one of [noise, null]) {
      for (const input of [head, { ...head, k: new Float64Array(24) }, { ...head, v: new Float64Array(24) }]) {
        const sweep = rpcSweep(input, { ...settings, noise: one }, 0, kernels);
        assert.ok(validate(JSON.parse(resultJson(withSweep(sweep)))), JSON.stringify(validate.errors));
      }
    }
    const sweep = rpcSweep(head, { ...settings, noise }, 0, kernels);
    for (const [path, value] of [
      ['cells', undefined],
      ['noise.kind', 'pink'],
      ['softmaxDispersion', null],
      ['cells.1.gain', null],
      ['cells.1.verdict', 'robust'],
    ] as const) {
      const spoiled = copy(withSweep(sweep));
      setAt(spoiled, `layers.0.heads.0.rpcSweep.${path}`, value);
      assert.equal(validate(spoiled), false, `${path} = ${String(value)} was accepted`);
    }
  });

  it('has the same bytes for equal results, whatever order their keys were made in', () => {
    const result = exampleResult({ layers: 1, heads: 2 });
    const reversed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reversed)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([key, item]) => [key, reversed(item)]),
            )
          : value;
    const text = resultJson(result);
    assert.equal(resultJson(reversed(result) as InspectionResult), text);
    // Written layer by layer as it would be at once.
    assert.equal(text, sortedJson(result, 'result'));
    assert.equal(resultJson({ ...result, layers: [] }), sortedJson({ ...result, layers: [] }, 'result'));
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(result)));
    assert.ok(text.startsWith('{\n  "schema": "gramlens.inspection/1",\n') && text.endsWith('}\n'));
  });

  it('refuses NaN and names the place', () => {
    const spoiled = copy(exampleResult({ layers: 1, heads: 1 }));
    setAt(spoiled, 'layers.0.heads.0.rpc.mu', Number.NaN);
    assert.throws(
      () => resultJson(spoiled as unknown as InspectionResult),
      /NaN at result\.layers\[0\]\.heads\[0\]\.rpc\.mu/,
    );
  });
});

describe('report heads.csv', () => {
  it('has one row a head and dotted columns, numbers in full precision', () => {
    const result = exampleResult({ layers: 2, heads: 3 });
    const lines = headsCsv(result).split('\r\n');
    assert.equal(lines.length, 2 * 3 + 2);
    const columns = lines[0]!.split(',');
    for (const name of [
      'layer',
      'head',
      'alignment.theory.overlap',
      'alignment.theory.nulls.permuted.overlap.p',
      'projection.besselViolation',
      'rpc.cleanGap',
      'noise.token_gauss.auc.softmax',
      'alignment.verdict',
    ]) {
      assert.ok(columns.includes(name), name);
    }
    assert.equal(new Set(columns).size, columns.length);
    for (const line of lines.slice(1, -1)) assert.equal(line.split(',').length, columns.length);
    const cell = lines[5]!.split(',')[columns.indexOf('rpc.cleanGap')];
    assert.equal(Number(cell), result.layers[1]!.heads[1]!.rpc!.cleanGap);
  });

  it('keeps its columns when RPC ran in some heads only', () => {
    const result = exampleResult({ layers: 1, heads: 2 });
    const [first, second] = result.layers[0]!.heads;
    const mixed = { ...result, layers: [{ index: 0, heads: [{ ...first!, rpc: null }, second!] }] };
    const columns = headsCsv(mixed).split('\r\n')[0]!.split(',');
    assert.ok(columns.includes('rpc.cleanGap') && !columns.includes('rpc'));
  });

  it('quotes by RFC 4180 and defuses formulas', () => {
    assert.equal(csvCell('a"b,c'), '"a""b,c"');
    assert.equal(csvCell('=HYPERLINK(1)'), "'=HYPERLINK(1)");
    assert.equal(csvCell(Number.NaN), '');
    assert.equal(csvCell(-0.1), '-0.1');
  });
});

describe('report head table', () => {
  it('aligns columns and says what they are', () => {
    const lines = headTable(exampleResult({ layers: 2, heads: 12 })).split('\n');
    const rule = lines[1]!;
    assert.match(rule, /^-+(  -+)+$/);
    const ends = [...rule.matchAll(/-+/g)].map((match) => match.index + match[0].length);
    // Numbers end where the rule of their column ends.
    for (const line of lines.slice(2, 26))
      for (const end of ends.slice(0, 8)) assert.match(line.slice(end - 1, end + 1), /^\S( |$)/);
    const text = lines.join('\n');
    for (const word of [
      'chance',
      'AUC softmax',
      'AUC RPC',
      'verdict',
      'permuted tokens, 200 draws',
      'beats permuted; untrained twin not run',
    ]) {
      assert.ok(text.includes(word), word);
    }
  });

  it('shows a missing number as a dash and cuts long lists with a count', () => {
    const text = headTable(exampleResult({ layers: 2, heads: 2, rpc: false }), { maxRows: 3 });
    assert.match(text, /and 1 more heads/);
    assert.match(text, / {2}- {2}not measured/);
  });

  it('lets no control characters through to the terminal', () => {
    const result = exampleResult({ layers: 1, heads: 1 });
    const head = result.layers[0]!.heads[0]!;
    const verdict = 'bad \u001b[2J verdict' as 'no evidence';
    const alignment = { ...head.alignment, verdict };
    const text = headTable({ ...result, layers: [{ index: 0, heads: [{ ...head, alignment }] }] });
    assert.ok(!text.includes('\u001b') && text.includes('bad'));
  });
});

describe('report tensors.npz', () => {
  const arrays = [
    { name: 'layer0.q', shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 0.1) },
    { name: 'layer0.x', shape: [2], data: Float64Array.of(0.1, -1e300) },
    { name: 'logits', shape: [0], data: new Float32Array(0) },
  ];

  it('is a zip of little-endian .npy 1.0 files with aligned data', () => {
    const files = unzipSync(npz(arrays));
    assert.deepEqual(Object.keys(files), ['layer0.q.npy', 'layer0.x.npy', 'logits.npy']);
    for (const array of arrays) {
      const bytes = files[`${array.name}.npy`]!;
      assert.deepEqual([...bytes.subarray(0, 8)], [0x93, ...Buffer.from('NUMPY'), 1, 0]);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const start = 10 + view.getUint16(8, true);
      assert.equal(start % 64, 0);
      const header = Buffer.from(bytes.subarray(10, start)).toString('latin1');
      const wide = array.data instanceof Float64Array;
      const shape = array.shape.length === 1 ? `(${array.shape[0]!},)` : `(${array.shape.join(', ')})`;
      assert.equal(
        header.trimEnd(),
        `{'descr': '${wide ? '<f8' : '<f4'}', 'fortran_order': False, 'shape': ${shape}, }`,
      );
      assert.ok(header.endsWith('\n'));
      const values = [...array.data].map((_, index) =>
        wide ? view.getFloat64(start + 8 * index, true) : view.getFloat32(start + 4 * index, true),
      );
      assert.deepEqual(values, [...array.data]);
      assert.equal(bytes.length, start + array.data.byteLength);
    }
  });

  it('has the same bytes every time and refuses wrong shapes and double names', () => {
    assert.deepEqual(npz(arrays), npz(arrays));
    assert.throws(() => npz([{ name: 'a', shape: [3], data: new Float32Array(2) }]), /array a has 2 values/);
    assert.throws(() => npz([arrays[0]!, arrays[0]!]), /twice/);
  });
});
