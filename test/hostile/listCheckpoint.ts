// Not a test: a small program that lists one checkpoint and reads one tensor's first values, bundled and run in a
// process of its own so that time and memory are those of the reader alone.

import { readFileSync } from 'node:fs';
import { openFileSource } from '../../src/checkpoint/node/fileSource';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import { readTensor } from '../../src/checkpoint/readTensor';

export interface ListReport {
  /** From opening the file to the index in hand. */
  readonly listMs: number;
  /** Processor time of that, which other processes do not lengthen. */
  readonly cpuMs: number;
  /** Peak resident memory of the whole process after listing, before any tensor is read. */
  readonly peakMB: number;
  readonly entries: number;
  readonly values: readonly number[];
  readonly error: string | null;
}

/** Linux hands maxRSS of the process that started us on to us; VmHWM is our own. */
function peakMemoryMB(): number {
  try {
    const own = /VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (own !== undefined) return Number(own) / 1024;
  } catch {
    // No /proc on this system.
  }
  return process.resourceUsage().maxRSS / 1024;
}

async function main(path: string, tensor: string | undefined): Promise<ListReport> {
  const source = await openFileSource(path);
  const started = performance.now();
  const before = process.cpuUsage();
  const cpu = (): number => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  let cpuMs = 0;
  let entries = 0;
  let error: string | null = null;
  const values: number[] = [];
  let peakMB = 0;
  let listMs = 0;
  try {
    const index = await readCheckpoint(source);
    listMs = performance.now() - started;
    cpuMs = cpu();
    peakMB = peakMemoryMB();
    entries = index.entries.size;
    const entry = tensor === undefined ? undefined : index.entries.get(tensor);
    if (entry !== undefined) values.push(...(await readTensor(source, entry)).slice(0, 4));
  } catch (caught) {
    listMs = performance.now() - started;
    cpuMs = cpu();
    peakMB = peakMemoryMB();
    error = caught instanceof Error ? caught.message : String(caught);
  }
  await source.close();
  return { listMs, cpuMs, peakMB, entries, values, error };
}

void main(process.argv[2] ?? '', process.argv[3]).then((report) => {
  console.log(JSON.stringify(report));
});
