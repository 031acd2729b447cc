// Files on disk for Node hosts (CLI, extension host): ranges through one open handle, and the hash for provenance.
// The only file of `checkpoint` that knows Node.

import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ByteSource } from '../byteSource';
import { CheckpointError } from '../checkpointError';
import { copyAgain } from '../nextSteps';

export type FileSource = ByteSource & { close(): Promise<void> };

/**
 * Opens a file for reading by range. Close it when done.
 * @throws CheckpointError 'unreadable' when it is missing, a folder, or may not be read.
 */
export async function openFileSource(path: string): Promise<FileSource> {
  const name = basename(path);
  let handle: FileHandle;
  let stats: Stats;
  try {
    // Opening a pipe would wait for its writer, so what it is is looked at first.
    refuseOther(path, await stat(path));
    handle = await open(path, 'r');
    stats = await handle.stat();
  } catch (error) {
    throw error instanceof CheckpointError ? error : openError(path, error);
  }
  return {
    name,
    byteLength: stats.size,
    read: (offset, length, into) => readRange(handle, name, offset, into ?? new Uint8Array(length)),
    close: () => handle.close(),
  };
}

function refuseOther(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  const what = stats.isDirectory()
    ? 'a folder; open the checkpoint file inside it'
    : 'no regular file; copy it to a file first';
  throw new CheckpointError('unreadable', `${path}: this is ${what}.`);
}

/** Fills `bytes` from `offset` on. */
async function readRange(handle: FileHandle, name: string, offset: number, bytes: Uint8Array): Promise<Uint8Array> {
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, offset + filled);
    if (bytesRead === 0) {
      throw new CheckpointError(
        'truncated',
        `${name}: the file ends at byte ${offset + filled}, in the middle of a read; it became shorter after it was opened. ${copyAgain}`,
      );
    }
    filled += bytesRead;
  }
  return bytes;
}

function openError(path: string, error: unknown): CheckpointError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const sentences: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file. Check the path.',
    ENOTDIR: 'a part of the path is a file, not a folder. Check the path.',
    EISDIR: 'this is a folder; open the checkpoint file inside it.',
    EACCES: 'reading it is not permitted. Change its permissions or copy it.',
    EPERM: 'reading it is not permitted. Change its permissions or copy it.',
    EMFILE: 'too many files are open. Close some and try again.',
  };
  return new CheckpointError(
    'unreadable',
    `${path}: ${sentences[code] ?? `it cannot be opened (${code === '' ? String(error) : code}). Check the disk and try again.`}`,
  );
}

/** Bytes hashed at a time, in one buffer: a stream's chunks pile up until they are collected, beside a layer's weights. */
const hashChunkBytes = 1024 * 1024;

/** SHA-256 of a whole file as hex, piece by piece. Rejects with the signal's reason when it is aborted. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(hashChunkBytes);
  signal?.throwIfAborted();
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw openError(path, error);
  }
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, bytesRead));
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw openError(path, error);
  } finally {
    await handle.close();
  }
}
