// The central directory of a zip archive by range, zip64 included. Says where members lie; it inflates nothing.
// Local headers are read only for the members someone asks for (their extra field differs from the directory's).

import type { ByteSource } from './byteSource';
import { CheckpointError, type CheckpointErrorReason } from './checkpointError';
import { copyAgain, grouped, quoted } from './nextSteps';

export interface ZipMember {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly encrypted: boolean;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly headerOffset: number;
}

/** Bytes of directory we read: 64 MB list about 500,000 members, ten times any checkpoint. */
export const maxDirectoryBytes = 64 * 1024 * 1024;

const localHeaderBytes = 30;
const entryHeaderBytes = 46;
const endRecordBytes = 22;
const maxCommentBytes = 0xffff;

type Fail = (reason: CheckpointErrorReason, text: string) => never;
const failFor =
  (source: ByteSource): Fail =>
  (reason, text) => {
    throw new CheckpointError(reason, `${source.name}: ${text}`);
  };
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Members of a zip archive by name, in the order they lie in the file.
 * @throws CheckpointError when the directory is missing (a cut file), larger than the limit, or contradicts itself.
 */
export async function readZipDirectory(source: ByteSource): Promise<ReadonlyMap<string, ZipMember>> {
  const fail = failFor(source);
  const { offset, byteLength, count } = await findDirectory(source, fail);
  if (byteLength > maxDirectoryBytes) {
    fail(
      'tooLarge',
      `the zip directory claims ${grouped(byteLength)} bytes, more than the ${grouped(maxDirectoryBytes)} Gramlens reads. The file is damaged or crafted. ${copyAgain}`,
    );
  }
  if (offset + byteLength > source.byteLength) {
    fail(
      'corrupt',
      `the zip directory should lie at bytes ${offset} to ${offset + byteLength}, past the end of the file (${source.byteLength}). ${copyAgain}`,
    );
  }
  if (count * entryHeaderBytes > byteLength) {
    fail(
      'corrupt',
      `the zip directory of ${grouped(byteLength)} bytes cannot hold the ${grouped(count)} members it claims. ${copyAgain}`,
    );
  }
  const members = parseDirectory(await source.read(offset, byteLength), count, fail);
  members.sort((a, b) => a.headerOffset - b.headerOffset);
  const byName = new Map<string, ZipMember>();
  let end = 0;
  let before = '';
  for (const member of members) {
    if (byName.has(member.name)) fail('corrupt', `the zip directory lists ${quoted(member.name)} twice. ${copyAgain}`);
    if (member.headerOffset < end)
      fail('corrupt', `the zip members ${quoted(before)} and ${quoted(member.name)} overlap. ${copyAgain}`);
    end = member.headerOffset + localHeaderBytes + member.compressedBytes;
    before = member.name;
    if (end > offset)
      fail(
        'corrupt',
        `the zip member ${quoted(member.name)} reaches into the zip directory (byte ${end} of ${offset}). ${copyAgain}`,
      );
    byName.set(member.name, member);
  }
  return byName;
}

interface DirectoryPlace {
  readonly offset: number;
  readonly byteLength: number;
  readonly count: number;
}

async function findDirectory(source: ByteSource, fail: Fail): Promise<DirectoryPlace> {
  const tailBytes = Math.min(source.byteLength, endRecordBytes + maxCommentBytes + 20);
  const tailStart = source.byteLength - tailBytes;
  const tail = viewOf(await source.read(tailStart, tailBytes));
  let end = tailBytes - endRecordBytes;
  while (
    end >= 0 &&
    !(tail.getUint32(end, true) === 0x06054b50 && end + endRecordBytes + tail.getUint16(end + 20, true) === tailBytes)
  )
    end--;
  if (end < 0)
    return fail('truncated', `the zip archive has no directory at its end, so the file was cut off. ${copyAgain}`);
  const count = tail.getUint16(end + 10, true);
  const byteLength = tail.getUint32(end + 12, true);
  const offset = tail.getUint32(end + 16, true);
  const locator = end - 20;
  if (locator < 0 || tail.getUint32(locator, true) !== 0x07064b50) return { offset, byteLength, count };
  const record = safe(tail.getBigUint64(locator + 8, true), fail);
  if (record + 56 > source.byteLength) {
    return fail(
      'corrupt',
      `the zip64 record should lie at byte ${record}, past the end of the file (${source.byteLength}). ${copyAgain}`,
    );
  }
  const zip64 = viewOf(await source.read(record, 56));
  if (zip64.getUint32(0, true) !== 0x06064b50)
    return fail('corrupt', `there is no zip64 record at byte ${record}. ${copyAgain}`);
  return {
    count: safe(zip64.getBigUint64(32, true), fail),
    byteLength: safe(zip64.getBigUint64(40, true), fail),
    offset: safe(zip64.getBigUint64(48, true), fail),
  };
}

function safe(value: bigint, fail: Fail): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    return fail(
      'corrupt',
      `the zip directory holds the number ${value.toString()}, larger than any file. ${copyAgain}`,
    );
  return Number(value);
}

function parseDirectory(bytes: Uint8Array, count: number, fail: Fail): ZipMember[] {
  const view = viewOf(bytes);
  const text = new TextDecoder('utf-8');
  const members: ZipMember[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const cut = (): never => fail('corrupt', `entry ${i + 1} of the zip directory is damaged. ${copyAgain}`);
    if (at + entryHeaderBytes > bytes.length || view.getUint32(at, true) !== 0x02014b50) return cut();
    const nameAt = at + entryHeaderBytes;
    const extraAt = nameAt + view.getUint16(at + 28, true);
    const next = extraAt + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > bytes.length) return cut();
    const sizes = wideSizes(view, at, extraAt, extraAt + view.getUint16(at + 30, true), fail) ?? cut();
    members.push({
      name: text.decode(bytes.subarray(nameAt, extraAt)),
      method: view.getUint16(at + 10, true),
      encrypted: (view.getUint16(at + 8, true) & 1) !== 0,
      ...sizes,
    });
    at = next;
  }
  return members;
}

/** Sizes and offset of an entry; those of 0xffffffff stand in the zip64 extra field, in this order. */
function wideSizes(
  view: DataView,
  at: number,
  extraAt: number,
  extraEnd: number,
  fail: Fail,
): Pick<ZipMember, 'bytes' | 'compressedBytes' | 'headerOffset'> | null {
  const narrow = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  if (narrow.includes(0xffffffff)) {
    let field = extraAt;
    while (field + 4 <= extraEnd && view.getUint16(field, true) !== 1) field += 4 + view.getUint16(field + 2, true);
    let value = field + 4;
    for (let i = 0; i < 3; i++) {
      if (narrow[i] !== 0xffffffff) continue;
      if (value + 8 > extraEnd) return null;
      narrow[i] = safe(view.getBigUint64(value, true), fail);
      value += 8;
    }
  }
  const [bytes = 0, compressedBytes = 0, headerOffset = 0] = narrow;
  return { bytes, compressedBytes, headerOffset };
}

/**
 * Offset in the file of a member's (compressed) bytes, from its local header.
 * @throws CheckpointError when there is no such header or the bytes reach past the file.
 */
export async function memberOffset(source: ByteSource, member: ZipMember): Promise<number> {
  const fail = failFor(source);
  const header = viewOf(await source.read(member.headerOffset, localHeaderBytes));
  if (header.getUint32(0, true) !== 0x04034b50) {
    return fail(
      'corrupt',
      `there is no zip member ${quoted(member.name)} at byte ${member.headerOffset}. ${copyAgain}`,
    );
  }
  const offset = member.headerOffset + localHeaderBytes + header.getUint16(26, true) + header.getUint16(28, true);
  if (offset + member.compressedBytes > source.byteLength) {
    return fail('corrupt', `the zip member ${quoted(member.name)} ends past the end of the file. ${copyAgain}`);
  }
  return offset;
}
