// Not a test: a small program that opens one checkpoint as the command line does, folders included, and reads one
// tensor's first values, in a process of its own so that time and memory are those of the reader alone.

import { readTensor } from '../../src/checkpoint/readTensor';
import { openBytes } from '../../src/inspection/node/checkpointFile';
import { openCheckpoint } from '../../src/inspection/node/openCheckpoint';
import { cpuClock, peakMemoryMB } from './measured';

export interface ListReport {
  /** Processor time from opening the file to the index in hand, which other processes do not lengthen. */
  readonly cpuMs: number;
  /** Peak resident memory of the whole process after listing, before any tensor is read. */
  readonly peakMB: number;
  readonly entries: number;
  readonly byteLength: number;
  readonly shards: number;
  readonly values: readonly number[];
}

async function main(path: string, tensor: string | undefined): Promise<ListReport> {
  const cpu = cpuClock();
  const { index, file } = await openCheckpoint(path);
  const cpuMs = cpu();
  const peakMB = peakMemoryMB();
  const values: number[] = [];
  const entry = tensor === undefined ? undefined : index.entries.get(tensor);
  if (entry !== undefined) {
    const bytes = openBytes(file);
    values.push(...(await readTensor(await bytes.source(entry.shard), entry)).slice(0, 4));
    await bytes.close();
  }
  const { entries, byteLength, shards } = index;
  return { cpuMs, peakMB, entries: entries.size, byteLength, shards: shards?.length ?? 0, values };
}

void main(process.argv[2] ?? '', process.argv[3]).then((report) => {
  console.log(JSON.stringify(report));
});
