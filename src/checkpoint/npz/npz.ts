// NumPy archives -> TensorIndex. A .npz is a zip of .npy arrays, stored (read by range) or deflated (inflated when a
// tensor is read); a single .npy is a checkpoint of one array. Only headers are read.

import type { ByteSource } from '../byteSource';
import { CheckpointError } from '../checkpointError';
import { grouped, quoted, supportedFiles } from '../nextSteps';
import type { TensorEntry, TensorIndex } from '../tensorIndex';
import { type ZipMember, memberOffset } from '../zipDirectory';
import { inflateMember } from '../zipInflate';
import { describeNpy } from './npyEntry';
import { maxHeadBytes, readNpyHeader } from './npyHeader';

/** Arrays we list: three times the largest Flax checkpoint. A compressed one costs up to 10 KB of inflating. */
export const maxArrays = 3_000;
/** Headers in flight at once: enough to hide the latency of a remote file, few enough for its channel. */
const headerReads = 32;
/** Members named in the note about what is left out. */
const namedMembers = 3;

const suffix = '.npy';

/** Whether a zip archive is NumPy's. */
export function isNpz(members: ReadonlyMap<string, ZipMember>): boolean {
  return [...members.keys()].some((name) => name.endsWith(suffix));
}

/**
 * Reads the headers of a .npz archive. Names are those of the members without '.npy'; a `/` in them stays.
 * @throws CheckpointError for arrays whose header is damaged or does not fit their bytes.
 */
export async function readNpz(source: ByteSource, members: ReadonlyMap<string, ZipMember>): Promise<TensorIndex> {
  const arrays = [...members.values()].filter((member) => member.name.endsWith(suffix));
  if (arrays.length > maxArrays) {
    throw new CheckpointError(
      'tooLarge',
      `${source.name}: the archive has ${grouped(arrays.length)} arrays, more than the ${grouped(maxArrays)} Gramlens lists. ${supportedFiles}`,
    );
  }
  const entries = new Map<string, TensorEntry>();
  for (let i = 0; i < arrays.length; i += headerReads) {
    const found = await Promise.all(arrays.slice(i, i + headerReads).map((member) => memberEntry(source, member)));
    for (const entry of found) entries.set(entry.name, entry);
  }
  const others = [...members.keys()].filter((name) => !name.endsWith(suffix) && !name.endsWith('/'));
  const named = others.slice(0, namedMembers).map(quoted).join(', ');
  const more = others.length > namedMembers ? ` and ${grouped(others.length - namedMembers)} more` : '';
  const notes = others.length === 0 ? [] : [`Members that are no .npy arrays are left out: ${named}${more}.`];
  return {
    format: 'npz',
    fileName: source.name,
    byteLength: source.byteLength,
    entries,
    metadata: {},
    tree: null,
    notes,
  };
}

/** Reads the header of a single .npy array, the only entry: `array`. */
export async function readNpy(source: ByteSource): Promise<TensorIndex> {
  const name = 'array';
  const place = { what: `${source.name}: the array`, byteLength: source.byteLength };
  const peek = (length: number): Promise<Uint8Array> => source.read(0, Math.min(length, source.byteLength));
  const header = await readNpyHeader(place.what, place.byteLength, peek);
  const entry = { name, ...describeNpy(place, header), byteOffset: header.dataOffset };
  return {
    format: 'npy',
    fileName: source.name,
    byteLength: source.byteLength,
    entries: new Map([[name, entry]]),
    metadata: {},
    tree: null,
    notes: [],
  };
}

async function memberEntry(source: ByteSource, member: ZipMember): Promise<TensorEntry> {
  const name = member.name.slice(0, -suffix.length);
  const what = `${source.name}: array ${quoted(name)}`;
  const byteOffset = await memberOffset(source, member);
  const unreadable = unreadableReason(member);
  if (unreadable !== null) {
    const { bytes: byteLength } = member;
    return {
      name,
      dtype: null,
      dtypeName: 'unknown',
      shape: [],
      byteOffset,
      byteLength,
      bigEndian: false,
      problem: unreadable,
    };
  }
  const { bytes: inflatedBytes, compressedBytes } = member;
  const place = { what, byteLength: inflatedBytes };
  if (member.method === 0) {
    if (compressedBytes !== inflatedBytes) {
      throw new CheckpointError(
        'corrupt',
        `${what} is stored in the archive but has two sizes, ${grouped(compressedBytes)} and ${grouped(inflatedBytes)} bytes. Copy or download the file again.`,
      );
    }
    const header = await readNpyHeader(what, inflatedBytes, (length) =>
      source.read(byteOffset, Math.min(length, inflatedBytes)),
    );
    return { name, ...describeNpy(place, header), byteOffset: byteOffset + header.dataOffset };
  }
  const stream = { name, byteOffset, compressedBytes, inflatedBytes };
  // Inflated once, however long the header turns out to be.
  const head = await inflateMember(source, stream, maxHeadBytes);
  const header = await readNpyHeader(what, inflatedBytes, (length) => Promise.resolve(head.subarray(0, length)));
  const deflated = { compressedBytes, inflatedBytes, tensorOffset: header.dataOffset };
  return { name, ...describeNpy(place, header), byteOffset, deflated };
}

function unreadableReason(member: ZipMember): string | null {
  if (member.encrypted) return 'The archive member is encrypted. Save it again with numpy.savez.';
  if (member.method !== 0 && member.method !== 8)
    return `The archive member is compressed with zip method ${member.method}, which Gramlens does not read. Save it again with numpy.savez.`;
  return null;
}
