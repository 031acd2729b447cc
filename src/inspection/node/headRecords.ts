// One kept head as bytes in a file: its arrays one after the other (float64, little-endian), and what says how to read
// them as plain data. Files of heads are savedHeads.ts and diskTraces.ts.

import type { FileHandle } from 'node:fs/promises';
import type { RpcParameters } from '../../engine/headKernels';
import type { ScoreRule } from '../../model/blockShape';
import type { KeptHead, RpcContext } from '../traceStore';

export interface HeadRecord {
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
  /** r of the value directions, [d, r] in both modes, which come behind all others; 0: none; absent: of an earlier build. */
  readonly directions?: number;
  /** First byte in the file; q, k, v, pattern follow in this order, those that are there. */
  readonly offset: number;
  readonly hasQuery: boolean;
  readonly hasPattern: boolean;
}

const keptBefore =
  'This inspection was kept by an earlier build, without what RPC with other settings needs. Inspect the checkpoint again.';

const lengthsOf = ({
  tokens,
  headDim,
  hasQuery,
  hasPattern,
  hasScale,
  directions = 0,
}: HeadRecord): readonly number[] => {
  const matrix = tokens * headDim;
  const square = tokens * tokens;
  const angles = headDim * directions;
  return [
    hasQuery ? matrix : 0,
    matrix,
    matrix,
    hasPattern ? square : 0,
    hasScale === true ? square : 0,
    angles,
    angles,
  ];
};

/** The matrix goes among the arrays, all else into the record. */
function splitContext(context: RpcContext | string): {
  readonly rpcContext: NonNullable<HeadRecord['rpcContext']>;
  readonly scale: Float64Array | null;
} {
  if (typeof context === 'string') return { rpcContext: context, scale: null };
  const { scaled, ...sizes } = context;
  const scale = scaled !== null && 'matrix' in scaled ? scaled.matrix : null;
  return { rpcContext: { ...sizes, alpha: scaled !== null && 'alpha' in scaled ? scaled.alpha : null }, scale };
}

function joinContext({ rpcContext, hasScale }: HeadRecord, scale: Float64Array): RpcContext | string {
  if (rpcContext === undefined || typeof rpcContext === 'string') return rpcContext ?? keptBefore;
  const { alpha, ...sizes } = rpcContext;
  return { ...sizes, scaled: hasScale === true ? { matrix: scale } : alpha === null ? null : { alpha } };
}

/** The record of `kept` at `offset`, and the arrays that belong there. */
export function headRecord(
  kept: KeptHead,
  offset: number,
): { readonly record: HeadRecord; readonly arrays: readonly Float64Array[]; readonly byteLength: number } {
  const { layer, head, tokens, headDim, q, k, v, rpc, rule, pattern, directions } = kept;
  const { rpcContext, scale } = splitContext(kept.rpcContext);
  const { rank = 0, theory = null, plain = null } = directions ?? {};
  const arrays = [q, k, v, pattern, scale, theory, plain].filter((array) => array !== null);
  const record = {
    ...{ layer, head, tokens, headDim, rpc, rule, offset, rpcContext },
    hasQuery: q !== null,
    hasPattern: pattern !== null,
    hasScale: scale !== null,
    directions: rank,
  };
  return { record, arrays, byteLength: arrays.reduce((sum, array) => sum + array.byteLength, 0) };
}

/** Writes arrays one after the other from `offset` on. */
export async function writeArrays(file: FileHandle, offset: number, arrays: readonly Float64Array[]): Promise<void> {
  let at = offset;
  for (const array of arrays) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let written = 0; written < bytes.length;)
      written += (await file.write(bytes, written, bytes.length - written, at + written)).bytesWritten;
    at += bytes.length;
  }
}

/** The head of `record`. `damaged` throws where the file does not hold what the record says. */
export async function readHead(file: FileHandle, record: HeadRecord, damaged: () => never): Promise<KeptHead> {
  const { layer, head, tokens, headDim, rpc, rule } = record;
  const rank = record.directions ?? 0;
  const [q, k, v, pattern, scale, theory, plain] = await readArrays(file, record.offset, lengthsOf(record), damaged);
  return {
    ...{ layer, head, tokens, headDim, rpc, rule },
    q: record.hasQuery ? q! : null,
    k: k!,
    v: v!,
    pattern: record.hasPattern ? pattern! : null,
    directions: rank === 0 ? null : { rank, theory: theory!, plain: plain! },
    rpcContext: joinContext(record, scale!),
  };
}

async function readArrays(
  file: FileHandle,
  start: number,
  lengths: readonly number[],
  damaged: () => never,
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
