// Not a test: opens every file of one table, one after the other in a process of its own, and prints what each gave and
// took as a line of JSON. Started with --expose-gc, so that one file does not pay for the one before.

import { existsSync } from 'node:fs';
import type { HostileTable } from './cases';
import { cpuClock, peakMemoryMB, resetPeak } from './measured';
import { tables, type TableName } from './tables';

export interface CaseReport {
  readonly name: string;
  /** null: it opened. */
  readonly error: { readonly name: string; readonly reason: string; readonly message: string } | null;
  readonly cpuMs: number;
  /** Peak resident memory of the whole process, the file's bytes among it. */
  readonly peakMB: number;
  /** Something from the file was executed. */
  readonly executed: boolean;
}

function errorOf(caught: unknown): CaseReport['error'] {
  if (!(caught instanceof Error)) return { name: 'no error', reason: '', message: String(caught) };
  const reason = 'reason' in caught ? String(caught.reason) : (caught.stack ?? '');
  return { name: caught.name, reason, message: caught.message };
}

async function main(table: HostileTable): Promise<void> {
  for (const [name, { prepare }] of Object.entries(table)) {
    const open = prepare();
    resetPeak();
    const cpu = cpuClock();
    let error: CaseReport['error'] = null;
    try {
      await open();
    } catch (caught) {
      error = errorOf(caught);
    }
    const report: CaseReport = {
      name,
      error,
      cpuMs: cpu(),
      peakMB: peakMemoryMB(),
      executed: existsSync('gramlens-canary'),
    };
    console.log(JSON.stringify(report));
  }
}

void main(tables[process.argv[2] as TableName]);
