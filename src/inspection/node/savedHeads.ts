// The kept tensors of an inspection on disk, so that patterns can be drawn after a restart without running the
// network: `heads.bin` (headRecords.ts, one head after the other) and its index `heads.json`.

import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeptHead } from '../traceStore';
import { headRecord, readHead, writeArrays, type HeadRecord } from './headRecords';

interface HeadIndex {
  readonly version: number;
  readonly heads: readonly HeadRecord[];
}

const indexFile = 'heads.json';
const dataFile = 'heads.bin';
/** An index entry has some 300 bytes: enough for the heads of any network, too little to fill the memory. */
const maxIndexBytes = 32 * 1024 * 1024;

/**
 * Writes the heads into `folder`, which exists, one at a time. Resolves with false where they take more than
 * `maxBytes`: nothing is left behind then.
 */
export async function saveHeads(
  folder: string,
  addresses: readonly { readonly layer: number; readonly head: number }[],
  fetchHead: (layer: number, head: number) => Promise<KeptHead>,
  maxBytes: number,
): Promise<boolean> {
  const entries: HeadRecord[] = [];
  const path = join(folder, dataFile);
  const file = await open(path, 'wx');
  let offset = 0;
  let fits = true;
  try {
    for (const address of addresses) {
      const { record, arrays, byteLength } = headRecord(await fetchHead(address.layer, address.head), offset);
      fits = offset + byteLength <= maxBytes;
      if (!fits) break;
      entries.push(record);
      await writeArrays(file, offset, arrays);
      offset += byteLength;
    }
  } finally {
    await file.close();
  }
  if (fits)
    await writeFile(join(folder, indexFile), JSON.stringify({ version: 1, heads: entries } satisfies HeadIndex));
  else await rm(path, { force: true });
  return fits;
}

/** One saved head. Throws a sentence where it is not there or the files are damaged. */
export async function loadHead(folder: string, layer: number, head: number): Promise<KeptHead> {
  const index = await readIndex(folder);
  const entry = index.heads.find((one) => one.layer === layer && one.head === head);
  if (entry === undefined) throw new Error(`Layer ${layer}, head ${head} was not kept with this inspection.`);
  const file = await open(join(folder, dataFile)).catch(damaged);
  try {
    return await readHead(file, entry, damaged);
  } finally {
    await file.close();
  }
}

function damaged(): never {
  throw new Error(
    'The kept tensors of this inspection are damaged or gone. Inspect the checkpoint again for patterns.',
  );
}

async function readIndex(folder: string): Promise<HeadIndex> {
  const path = join(folder, indexFile);
  const info = await stat(path).catch(damaged);
  if (info.size > maxIndexBytes) damaged();
  const text = await readFile(path, 'utf8');
  try {
    const parsed = JSON.parse(text) as HeadIndex;
    if (parsed.version === 1 && Array.isArray(parsed.heads)) return parsed;
  } catch {
    // Said below.
  }
  return damaged();
}
