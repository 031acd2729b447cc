// Not a test: a small program that opens a checkpoint as the command line does, folders included, and reports what it
// took. Bundled and run in a process of its own.

import { openCheckpoint } from '../../src/inspection/node/openCheckpoint';

async function main(path: string): Promise<object> {
  const started = performance.now();
  try {
    const { index } = await openCheckpoint(path);
    const listMs = performance.now() - started;
    const peakMB = process.resourceUsage().maxRSS / 1024;
    const { entries, byteLength, shards } = index;
    return { listMs, peakMB, entries: entries.size, byteLength, shards: shards?.length ?? 0, error: null };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

void main(process.argv[2] ?? '').then((report) => {
  console.log(JSON.stringify(report));
});
