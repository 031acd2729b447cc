// The format of torch.save before PyTorch 1.6: pickles of magic, protocol, system facts, object and storage keys,
// then the storages back to back, each behind an 8-byte element count. Storage bytes are skipped, not read.

import type { ByteSource } from './byteSource';
import { CheckpointError } from './checkpointError';
import { copyAgain, grouped, quoted, saveAgain } from './nextSteps';
import { PickleEnd } from './pickle/pickleReader';
import { type PickleRun, maxPickleBytes, runPickle } from './pickle/runPickle';
import type { PersistentLoad } from './pickle/pickleMachine';
import { storageOf } from './pickle/torchCalls';
import { type PickleStorage, type PickleValue, isDict, itemsOf } from './pickle/values';
import type { StorageRange } from './storageRanges';
import type { TensorIndex } from './tensorIndex';
import { buildTensorTree } from './tensorTree';

/** First window over a pickle of unknown length; it grows eightfold until the pickle ends. */
const firstWindow = 64 * 1024;

const noPersistentIds: PersistentLoad = () => null;

/**
 * Reads a legacy torch checkpoint: the five pickles and the count before each storage.
 * @throws CheckpointError for damaged, cut, unsafe and oversized files.
 */
export async function readTorchLegacy(source: ByteSource): Promise<TensorIndex> {
  const { name } = source;
  const magic = await pickleAt(source, 0, 'the magic number', noPersistentIds);
  const protocol = await pickleAt(source, magic.end, 'the format version', noPersistentIds);
  if (protocol.value !== 1001) {
    throw new CheckpointError(
      'unsupported',
      `${name}: the legacy PyTorch format has version 1001, this file another one. ${saveAgain}`,
    );
  }
  const system = await pickleAt(source, protocol.end, 'the system facts', noPersistentIds);
  const storages = new Map<string, PickleStorage>();
  const object = await pickleAt(
    source,
    system.end,
    'the object pickle',
    (id) => {
      const storage = storageOf(id);
      if (storage === null) return moduleOf(name, id);
      if (!storages.has(storage.key)) storages.set(storage.key, storage);
      return storage;
    },
    () => {
      storages.clear();
    },
  );
  const keys = await pickleAt(source, object.end, 'the list of storages', noPersistentIds);
  const ranges = await storageRanges(source, keys, storages);
  const tree = buildTensorTree(name, object.value, ranges);
  const bigEndianHost = isDict(system.value) && system.value.entries.get('little_endian') === false;
  const notes = bigEndianHost
    ? ['Written on a big-endian machine; this format stores little-endian bytes all the same.', ...tree.notes]
    : tree.notes;
  return { format: 'torch-legacy', fileName: name, byteLength: source.byteLength, metadata: {}, ...tree, notes };
}

/** ('module', class, source file, source): a module class with its source, which is never looked at. */
function moduleOf(fileName: string, id: PickleValue): PickleValue {
  const items = itemsOf(id);
  if (items?.[0] === 'module' && items[1] !== undefined) return items[1];
  throw new CheckpointError(
    'corrupt',
    `${fileName}: the object pickle refers to something that is no storage. ${saveAgain}`,
  );
}

/** Runs the pickle at `offset` of the file, reading as much as it turns out to need. `end` is a file offset. */
export async function pickleAt(
  source: ByteSource,
  offset: number,
  place: string,
  load: PersistentLoad,
  restart?: () => void,
): Promise<PickleRun> {
  const rest = source.byteLength - offset;
  let window = Math.min(rest, firstWindow);
  for (;;) {
    const bytes = await source.read(offset, window);
    try {
      const run = runPickle(source.name, place, bytes, 0, load);
      return { value: run.value, end: offset + run.end };
    } catch (error) {
      if (!(error instanceof PickleEnd)) throw error;
      if (error.needed > rest) {
        throw new CheckpointError('truncated', `${source.name}: the file ends inside ${place}. ${copyAgain}`);
      }
      if (window >= maxPickleBytes || error.needed > maxPickleBytes) {
        throw new CheckpointError(
          'tooLarge',
          `${source.name}: ${place} is larger than the ${grouped(maxPickleBytes)} bytes Gramlens reads. The file is damaged or crafted. ${copyAgain}`,
        );
      }
      window = Math.min(rest, maxPickleBytes, Math.max(window * 8, error.needed));
      restart?.();
    }
  }
}

async function storageRanges(
  source: ByteSource,
  keys: PickleRun,
  storages: ReadonlyMap<string, PickleStorage>,
): Promise<Map<string, StorageRange>> {
  const list = itemsOf(keys.value);
  if (list === null)
    throw new CheckpointError('corrupt', `${source.name}: the list of storages is no list. ${copyAgain}`);
  const ranges = new Map<string, StorageRange>();
  let at = keys.end;
  for (const key of list) {
    const storage = typeof key === 'string' || typeof key === 'number' ? storages.get(String(key)) : undefined;
    if (storage === undefined || ranges.has(storage.key)) {
      throw new CheckpointError(
        'corrupt',
        `${source.name}: the list of storages names one that no tensor uses, or one twice. ${copyAgain}`,
      );
    }
    if (storage.info.bytes === null) {
      throw new CheckpointError(
        'unsupported',
        `${source.name}: storage type ${quoted(storage.typeName)} has an unknown element size, so what follows it cannot be found. ${saveAgain}`,
      );
    }
    if (at + 8 > source.byteLength) throw cut(source, storage);
    const count = new DataView((await source.read(at, 8)).slice().buffer).getBigUint64(0, true);
    if (count !== BigInt(storage.count)) {
      throw new CheckpointError(
        'corrupt',
        `${source.name}: storage ${quoted(storage.key)} has ${grouped(count)} elements where its data begin and ${grouped(storage.count)} in the object pickle. ${copyAgain}`,
      );
    }
    const byteLength = storage.count * storage.info.bytes;
    if (at + 8 + byteLength > source.byteLength) throw cut(source, storage);
    ranges.set(storage.key, { byteOffset: at + 8, byteLength, bigEndian: false });
    at += 8 + byteLength;
  }
  return ranges;
}

function cut(source: ByteSource, storage: PickleStorage): CheckpointError {
  return new CheckpointError(
    'truncated',
    `${source.name}: the file ends inside storage ${quoted(storage.key)} (${grouped(storage.count)} elements of ${storage.typeName}). ${copyAgain}`,
  );
}
