// The kept tensors of an inspection on disk, so that patterns can be drawn after a restart without running the
// network: `heads.bin` (float64, little-endian, one head after the other) and its index `heads.json`.

import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RpcParameters } from '../../engine/headKernels';
import type { ScoreRule } from '../../model/blockShape';
import type { KeptHead, RpcContext } from '../traceStore';

interface IndexEntry {
  readonly layer: number;
  readonly head: number;
  readonly tokens: number;
  readonly headDim: number;
  readonly rpc: RpcParameters | null;
  readonly rule: ScoreRule;
  /** As it is kept, with Scaled Attention's alpha alone; absent in folders of earlier builds. */
  readonly rpcContext?: (Omit<RpcContext, 'scaled'> & { readonly alpha: number | null }) | string;
  /** Scaled Attention's matrix [N, N] comes last; absent in folders of earlier builds. */
  readonly hasScale?: boolean;
  /** First byte in heads.bin; q, k, v, pattern follow in this order, those that are there. */
  readonly offset: number;
  readonly hasQuery: boolean;
  readonly hasPattern: boolean;
}

interface HeadIndex {
  readonly version: number;
  readonly heads: readonly IndexEntry[];
}

const indexFile = 'heads.json';
const dataFile = 'heads.bin';
const keptBefore =
  'This inspection was kept by an earlier build, without what RPC with other settings needs. Inspect the checkpoint again.';
/** An index entry has some 300 bytes: enough for the heads of any network, too little to fill the memory. */
const maxIndexBytes = 32 * 1024 * 1024;

const lengthsOf = ({ tokens, headDim, hasQuery, hasPattern, hasScale }: IndexEntry): readonly number[] => {
  const matrix = tokens * headDim;
  const square = tokens * tokens;
  return [hasQuery ? matrix : 0, matrix, matrix, hasPattern ? square : 0, hasScale === true ? square : 0];
};

/** The matrix goes into heads.bin, all else into the index. */
function splitContext(context: RpcContext | string): Pick<IndexEntry, 'rpcContext'> & { scale: Float64Array | null } {
  if (typeof context === 'string') return { rpcContext: context, scale: null };
  const { scaled, ...sizes } = context;
  const scale = scaled !== null && 'matrix' in scaled ? scaled.matrix : null;
  return { rpcContext: { ...sizes, alpha: scaled !== null && 'alpha' in scaled ? scaled.alpha : null }, scale };
}

function joinContext({ rpcContext, hasScale }: IndexEntry, scale: Float64Array): RpcContext | string {
  if (rpcContext === undefined || typeof rpcContext === 'string') return rpcContext ?? keptBefore;
  const { alpha, ...sizes } = rpcContext;
  return { ...sizes, scaled: hasScale === true ? { matrix: scale } : alpha === null ? null : { alpha } };
}

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
  const entries: IndexEntry[] = [];
  const path = join(folder, dataFile);
  const file = await open(path, 'wx');
  let offset = 0;
  let fits = true;
  try {
    for (const address of addresses) {
      const kept = await fetchHead(address.layer, address.head);
      const { layer, head, tokens, headDim, q, k, v, rpc, rule, pattern } = kept;
      const { rpcContext, scale } = splitContext(kept.rpcContext);
      const arrays = [q, k, v, pattern, scale].filter((array) => array !== null);
      const bytes = arrays.reduce((sum, array) => sum + array.byteLength, 0);
      fits = offset + bytes <= maxBytes;
      if (!fits) break;
      entries.push({
        layer,
        head,
        tokens,
        headDim,
        rpc,
        rule,
        offset,
        hasQuery: q !== null,
        hasPattern: pattern !== null,
        rpcContext: rpcContext!,
        hasScale: scale !== null,
      });
      for (const array of arrays) await file.write(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
      offset += bytes;
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
  const { tokens, headDim, rpc, rule } = entry;
  const file = await open(join(folder, dataFile)).catch(damaged);
  try {
    const [q, k, v, pattern, scale] = await readArrays(file, entry.offset, lengthsOf(entry));
    return {
      layer,
      head,
      tokens,
      headDim,
      q: entry.hasQuery ? q! : null,
      k: k!,
      v: v!,
      rpc,
      rule,
      pattern: entry.hasPattern ? pattern! : null,
      rpcContext: joinContext(entry, scale!),
    };
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

async function readArrays(
  file: Awaited<ReturnType<typeof open>>,
  start: number,
  lengths: readonly number[],
): Promise<Float64Array[]> {
  const { size } = await file.stat();
  const total = lengths.reduce((sum, length) => sum + length, 0) * Float64Array.BYTES_PER_ELEMENT;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(total) || start < 0 || total < 0 || start + total > size)
    damaged();
  let at = start;
  const arrays: Float64Array[] = [];
  for (const length of lengths) {
    const array = new Float64Array(length);
    const bytes = new Uint8Array(array.buffer);
    const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, at);
    if (bytesRead !== bytes.byteLength) damaged();
    arrays.push(array);
    at += bytes.byteLength;
  }
  return arrays;
}
