// Where a checkpoint's bytes are, as plain data that crosses to threads, and how to read and hash them: one file, or
// the shards beside an index. Files are opened when they are first asked for.

import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { bytesSource, type ByteSource, type CheckpointBytes } from '../../checkpoint/byteSource';
import { hashFile, openFileSource, type FileSource } from '../../checkpoint/node/fileSource';

/** Files on disk: `path` is the file, or the index of `shards`, which are paths from its folder. */
export interface DiskCheckpoint {
  readonly path: string;
  readonly shards?: readonly string[];
}

/** Bytes in memory (virtual file systems). `bytes` is empty where the weights are in `shards`, by their names. */
export interface MemoryCheckpoint {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly shards?: ReadonlyMap<string, Uint8Array>;
}

export type CheckpointFile = DiskCheckpoint | MemoryCheckpoint;

export type OpenBytes = CheckpointBytes & { close(): Promise<void> };

/** The bytes of a checkpoint; only names in its list of shards are opened. Close it when done. */
export function openBytes(file: CheckpointFile): OpenBytes {
  return 'path' in file ? diskBytes(file) : memoryBytes(file);
}

/**
 * SHA-256 as hex; null for bytes in memory. Of a sharded checkpoint: of the shards' own hexadecimal digests, written
 * one after the other in name order (`sha256sum model-*-of-*.safetensors | cut -c1-64 | tr -d '\n' | sha256sum`).
 */
export async function hashCheckpoint(file: CheckpointFile, signal?: AbortSignal): Promise<string | null> {
  if (!('path' in file)) return null;
  if (file.shards === undefined) return hashFile(file.path, signal);
  const hash = createHash('sha256');
  for (const path of checkpointPaths(file)) hash.update(await hashFile(path, signal));
  return hash.digest('hex');
}

/** The files that hold its tensors, shards in name order; none where they are in memory. */
export function checkpointPaths(file: CheckpointFile): readonly string[] {
  if (!('path' in file)) return [];
  return file.shards === undefined ? [file.path] : [...file.shards].sort().map((shard) => shardPath(file, shard));
}

const shardPath = (file: DiskCheckpoint, shard: string): string => join(dirname(file.path), shard);

const noShard = (shard: string | undefined): RangeError =>
  new RangeError(`the checkpoint has no ${shard === undefined ? 'single file' : `shard ${shard}`}`);

function diskBytes(file: DiskCheckpoint): OpenBytes {
  const opened = new Map<string, Promise<FileSource>>();
  let closed = false;
  const open = (path: string): Promise<FileSource> => {
    const known = opened.get(path) ?? openFileSource(path);
    opened.set(path, known);
    return known;
  };
  return {
    source: (shard) => {
      if (closed) return Promise.reject(new Error('the checkpoint was closed'));
      if (file.shards === undefined && shard === undefined) return open(file.path);
      if (shard === undefined || file.shards?.includes(shard) !== true) return Promise.reject(noShard(shard));
      return open(shardPath(file, shard));
    },
    close: async () => {
      closed = true;
      const sources = await Promise.allSettled(opened.values());
      opened.clear();
      for (const source of sources) if (source.status === 'fulfilled') await source.value.close();
    },
  };
}

function memoryBytes({ name, bytes, shards }: MemoryCheckpoint): OpenBytes {
  const source = (shard?: string): Promise<ByteSource> => {
    if (shards === undefined && shard === undefined) return Promise.resolve(bytesSource(name, bytes));
    const found = shard === undefined ? undefined : shards?.get(shard);
    return shard === undefined || found === undefined
      ? Promise.reject(noShard(shard))
      : Promise.resolve(bytesSource(shard, found));
  };
  return { source, close: () => Promise.resolve() };
}
