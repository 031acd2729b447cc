// The zip format of torch.save (since PyTorch 1.6): <root>/data.pkl, one stored member <root>/data/<key> a storage,
// <root>/byteorder. Also TorchScript archives, whose parameters stand in the same places.

import type { ByteSource } from './byteSource';
import { CheckpointError } from './checkpointError';
import { copyAgain, grouped, quoted, saveAgain } from './nextSteps';
import { PickleEnd } from './pickle/pickleReader';
import { maxPickleBytes, runPickle } from './pickle/runPickle';
import { storageOf } from './pickle/torchCalls';
import type { PickleStorage } from './pickle/values';
import type { StorageRange } from './storageRanges';
import type { TensorIndex } from './tensorIndex';
import { buildTensorTree } from './tensorTree';
import { type ZipMember, memberOffset } from './zipDirectory';
import { inflateMember } from './zipInflate';

type Members = ReadonlyMap<string, ZipMember>;

/** Local headers in flight at once: enough to hide the latency of a remote file, few enough for its channel. */
const headerReads = 32;

/** The archive's root folder with its slash ('' where there is none), or null when it holds no torch checkpoint. */
export function torchRoot(members: Members): string | null {
  let root: string | null = null;
  for (const name of members.keys()) {
    const match = /^([^/]*\/)?data\.pkl$/.exec(name);
    if (match !== null && (root === null || name.length < root.length + 8)) root = match[1] ?? '';
  }
  return root;
}

/**
 * Reads a torch zip checkpoint: directory and data.pkl, then the local header of each storage.
 * @throws CheckpointError for damaged, unsafe and oversized files.
 */
export async function readTorchZip(source: ByteSource, members: Members, root: string): Promise<TensorIndex> {
  const pickle = await readMember(source, members.get(`${root}data.pkl`)!);
  const storages = new Map<string, PickleStorage>();
  const load = (id: Parameters<typeof storageOf>[0]): PickleStorage => {
    const storage = storageOf(id);
    if (storage === null) {
      throw new CheckpointError(
        'corrupt',
        `${source.name}: data.pkl refers to something that is no storage. ${saveAgain}`,
      );
    }
    const known = storages.get(storage.key);
    if (known === undefined || storage.count > known.count) storages.set(storage.key, storage);
    return storage;
  };
  let value;
  try {
    value = runPickle(source.name, 'data.pkl', pickle, 0, load).value;
  } catch (error) {
    if (!(error instanceof PickleEnd)) throw error;
    throw new CheckpointError(
      'truncated',
      `${source.name}: data.pkl ends in the middle of an instruction. ${copyAgain}`,
    );
  }
  const ranges = await storageRanges(source, members, root, storages);
  const tree = buildTensorTree(source.name, value, ranges);
  const script = members.has(`${root}constants.pkl`);
  const notes = script
    ? ['This is a TorchScript archive: its parameters are shown, its code is not read.', ...tree.notes]
    : tree.notes;
  return { format: 'torch-zip', fileName: source.name, byteLength: source.byteLength, metadata: {}, ...tree, notes };
}

async function storageRanges(
  source: ByteSource,
  members: Members,
  root: string,
  storages: ReadonlyMap<string, PickleStorage>,
): Promise<Map<string, StorageRange>> {
  const bigEndian = await isBigEndian(source, members.get(`${root}byteorder`));
  const ranges = new Map<string, StorageRange>();
  const keys = [...storages.values()];
  for (let i = 0; i < keys.length; i += headerReads) {
    const found = await Promise.all(
      keys.slice(i, i + headerReads).map((storage) => storageRange(source, members, root, storage)),
    );
    for (const [j, range] of found.entries()) if (range !== null) ranges.set(keys[i + j]!.key, { ...range, bigEndian });
  }
  return ranges;
}

async function storageRange(
  source: ByteSource,
  members: Members,
  root: string,
  storage: PickleStorage,
): Promise<Omit<StorageRange, 'bigEndian'> | null> {
  const name = `${root}data/${storage.key}`;
  const member = members.get(name);
  if (member === undefined) return null;
  const needed = storage.count * (storage.info.bytes ?? 0);
  if (needed > member.bytes) {
    throw new CheckpointError(
      'corrupt',
      `${source.name}: storage ${quoted(name)} should have ${grouped(needed)} bytes (${grouped(storage.count)} elements of ${storage.typeName}), the archive holds ${grouped(member.bytes)}. ${copyAgain}`,
    );
  }
  const byteOffset = await memberOffset(source, member);
  const byteLength = member.bytes;
  if (member.encrypted)
    return { byteOffset, byteLength, problem: `The archive member ${quoted(name)} is encrypted. ${saveAgain}` };
  if (member.method !== 0) {
    return {
      byteOffset,
      byteLength,
      problem: `The archive member ${quoted(name)} is compressed, so it cannot be read by range. ${saveAgain}`,
    };
  }
  if (member.compressedBytes !== member.bytes) {
    throw new CheckpointError(
      'corrupt',
      `${source.name}: the stored zip member ${quoted(name)} gives two sizes, ${grouped(member.compressedBytes)} and ${grouped(member.bytes)} bytes. ${copyAgain}`,
    );
  }
  return { byteOffset, byteLength };
}

async function isBigEndian(source: ByteSource, member: ZipMember | undefined): Promise<boolean> {
  if (member === undefined) return false;
  const order = member.bytes > 16 ? '' : new TextDecoder().decode(await readMember(source, member));
  if (order === 'little' || order === 'big') return order === 'big';
  throw new CheckpointError(
    'corrupt',
    `${source.name}: the member byteorder should hold "little" or "big". ${copyAgain}`,
  );
}

/** Bytes of a small member (data.pkl, byteorder), inflated where needed. */
async function readMember(source: ByteSource, member: ZipMember): Promise<Uint8Array> {
  const { name } = member;
  if (member.encrypted)
    throw new CheckpointError('unsupported', `${source.name}: the zip archive is encrypted. ${saveAgain}`);
  if (Math.max(member.bytes, member.compressedBytes) > maxPickleBytes) {
    throw new CheckpointError(
      'tooLarge',
      `${source.name}: ${quoted(name)} claims ${grouped(member.bytes)} bytes, more than the ${grouped(maxPickleBytes)} Gramlens reads. The file is damaged or crafted. ${copyAgain}`,
    );
  }
  const { compressedBytes, bytes: inflatedBytes } = member;
  const byteOffset = await memberOffset(source, member);
  if (member.method === 0) return source.read(byteOffset, compressedBytes);
  if (member.method === 8) return inflateMember(source, { name, byteOffset, compressedBytes, inflatedBytes });
  throw new CheckpointError(
    'unsupported',
    `${source.name}: ${quoted(name)} is compressed with zip method ${member.method}, which Gramlens does not read. ${saveAgain}`,
  );
}
