// The bars that every broken or crafted file is held to, whatever its format: the exact sentence, time, memory, nothing
// executed, no crash. And those for listing files of many gigabytes.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { before, it } from 'mocha';
import { onDisk } from './cases';
import type { ListReport } from './list.program';
import type { CaseReport } from './measure.program';
import { tables, type TableName } from './tables';

/** Processor time for one hostile file: the machine may be busy with other things. */
export const maxMs = 2000;
/** Peak resident memory of the process that opens one, with Node itself (45 MB) and the file's bytes. */
export const maxMB = 256;
/** The same for listing a file of 10 GB and more. */
export const maxListMs = 1000;
export const maxListMB = 150;
/** Files a format must have. */
const leastFiles = 20;

const program = (name: string): string => join('out', 'test', 'hostile', `${name}.program.cjs`);

/** Lists a checkpoint in a process of its own; `tensor`: read its first values as well. */
export function listCheckpoint(path: string, tensor?: string): ListReport {
  const args = [program('list'), path, ...(tensor === undefined ? [] : [tensor])];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as ListReport;
}

/** One process for the whole table; it goes on where no case kills it. */
function measureTable(name: TableName): ReadonlyMap<string, CaseReport> {
  const { stdout, stderr, signal, status } = spawnSync(process.execPath, ['--expose-gc', program('measure'), name], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const reports = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CaseReport);
  const all = Object.keys(tables[name]);
  assert.equal(
    reports.length,
    all.length,
    `"${all[reports.length]}" ended the process (${signal ?? status}): ${stderr}`,
  );
  return new Map(reports.map((report) => [report.name, report]));
}

/** Declares the tests of a table: one a file. */
export function describeTable(name: TableName): void {
  let reports: ReadonlyMap<string, CaseReport> = new Map();
  before(() => {
    reports = measureTable(name);
  });

  const cases = Object.entries(tables[name]);
  for (const [file, { error }] of cases) {
    it(file, () => {
      const report = reports.get(file);
      assert.ok(report !== undefined, 'it was not opened');
      assert.deepEqual(report.error, error);
      assert.ok(report.cpuMs < maxMs, `${file} took ${report.cpuMs.toFixed(0)} ms, allowed ${maxMs}`);
      assert.ok(report.peakMB < maxMB, `${file} took ${report.peakMB.toFixed(0)} MB, allowed ${maxMB}`);
      assert.equal(report.executed, false, 'something from the file was executed');
    });
  }

  it(`has ${leastFiles} files or more, within ${maxMs} ms and ${maxMB} MB each`, () => {
    assert.ok(cases.length >= leastFiles);
    const worst = (of: 'cpuMs' | 'peakMB'): CaseReport =>
      [...reports.values()].reduce((a, b) => (b[of] > a[of] ? b : a));
    const [slow, large] = [worst('cpuMs'), worst('peakMB')];
    console.log(
      `      ${cases.length} files; slowest ${slow.name}, ${slow.cpuMs.toFixed(0)} ms; largest ${large.name}, ${large.peakMB.toFixed(0)} MB`,
    );
  });
}

/** Declares the tests of files at the limits of a format: legal, so they open, each in a process of its own. */
export function describeHeavy(files: Readonly<Record<string, () => Uint8Array>>): void {
  for (const [name, make] of Object.entries(files)) {
    it(`keeps ${name} within its time and memory`, async () => {
      const list = onDisk(name, make(), (path) => Promise.resolve(listCheckpoint(path)));
      const { cpuMs, peakMB } = (await list()) as ListReport;
      console.log(`      ${name}: ${cpuMs.toFixed(0)} ms, ${peakMB.toFixed(0)} MB`);
      assert.ok(cpuMs < maxMs, `${name} took ${cpuMs.toFixed(0)} ms, allowed ${maxMs}`);
      assert.ok(peakMB < maxMB, `${name} took ${peakMB.toFixed(0)} MB, allowed ${maxMB}`);
    });
  }
}
