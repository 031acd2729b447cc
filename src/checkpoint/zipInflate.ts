// A deflated stream inside a file -> its bytes, read and inflated piece by piece, so that a bomb costs one piece.

import { Inflate } from 'fflate';
import type { ByteSource } from './byteSource';
import { CheckpointError } from './checkpointError';
import { copyAgain, grouped, quoted } from './nextSteps';

export interface DeflatedMember {
  /** For messages: the archive member, or the tensor in it. */
  readonly name: string;
  readonly byteOffset: number;
  readonly compressedBytes: number;
  /** Bytes that come out, as the archive's directory promises. */
  readonly inflatedBytes: number;
}

/** Deflate cannot grow more than this; a larger promise is not worth allocating. */
const maxGrowth = 1032;
/** Compressed bytes inflated at a time: one step makes at most 16 MB. */
const inflateStep = 16 * 1024;
/** Compressed bytes read at a time, where all of them are wanted. */
const readStep = 1024 * 1024;

/**
 * All bytes of `member`, or its first `wanted` ones (what lies behind them is then not looked at).
 * @throws CheckpointError 'corrupt' when it inflates to more or less than promised, or not at all.
 */
export async function inflateMember(
  source: ByteSource,
  member: DeflatedMember,
  wanted: number = member.inflatedBytes,
): Promise<Uint8Array> {
  const { name, byteOffset, compressedBytes, inflatedBytes } = member;
  const damaged = (what: string): CheckpointError =>
    new CheckpointError('corrupt', `${source.name}: ${quoted(name)} ${what}. ${copyAgain}`);
  if (inflatedBytes > compressedBytes * maxGrowth + 64) {
    throw damaged(
      `promises ${grouped(inflatedBytes)} bytes, more than its ${grouped(compressedBytes)} compressed bytes can hold`,
    );
  }
  const out = new Uint8Array(Math.min(wanted, inflatedBytes));
  let filled = 0;
  const inflate = new Inflate((chunk) => {
    if (filled + chunk.length > inflatedBytes)
      throw damaged(`inflates to more than the ${grouped(inflatedBytes)} bytes it promises`);
    if (filled < out.length) out.set(chunk.subarray(0, out.length - filled), filled);
    filled += chunk.length;
  });
  const whole = out.length === inflatedBytes;
  const step = whole ? readStep : inflateStep;
  for (let at = 0; at < compressedBytes && (whole || filled < out.length); at += step) {
    const part = await source.read(byteOffset + at, Math.min(step, compressedBytes - at));
    try {
      for (let from = 0; from < part.length && (whole || filled < out.length); from += inflateStep) {
        const last = at + from + inflateStep >= compressedBytes;
        inflate.push(part.subarray(from, from + inflateStep), last);
      }
    } catch (error) {
      throw error instanceof CheckpointError ? error : damaged('cannot be inflated');
    }
  }
  if (filled < out.length)
    throw damaged(`inflates to ${grouped(filled)} of the ${grouped(inflatedBytes)} bytes it promises`);
  return out;
}
