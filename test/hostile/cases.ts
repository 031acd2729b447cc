// What a hostile case is: how its files are made, and the exact error that opening them must give.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileSource } from '../../src/checkpoint/node/fileSource';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import type { TensorIndex } from '../../src/checkpoint/tensorIndex';
import { fileOf } from '../unit/checkpoint/crafted';

export interface HostileCase {
  /** Makes the files; what is given back opens them. Only the opening is measured. */
  readonly prepare: () => () => Promise<unknown>;
  readonly error: { readonly name: string; readonly reason: string; readonly message: string };
}

export type HostileTable = Readonly<Record<string, HostileCase>>;

/** A broken or crafted file. `message`: behind "<file name>: ". */
export interface HostileFile {
  readonly make: () => Uint8Array;
  readonly reason: string;
  readonly message: string;
}

/** The error of a checkpoint reader. `message`: whole. */
export function checkpointError(reason: string, message: string): HostileCase['error'] {
  return { name: 'CheckpointError', reason, message };
}

/** Single files, named after their case. */
export function singleFiles(files: Readonly<Record<string, HostileFile>>): HostileTable {
  return Object.fromEntries(
    Object.entries(files).map(([name, { make, reason, message }]) => [
      name,
      { prepare: opening(name, make), error: checkpointError(reason, `${name}: ${message}`) },
    ]),
  );
}

function opening(name: string, make: () => Uint8Array): HostileCase['prepare'] {
  return () => {
    const bytes = make();
    if (bytes.length > largeBytes) return onDisk(name, bytes, readFile);
    const source = fileOf(bytes, name);
    return () => readCheckpoint(source);
  };
}

async function readFile(path: string): Promise<TensorIndex> {
  const source = await openFileSource(path);
  try {
    return await readCheckpoint(source);
  } finally {
    await source.close();
  }
}

/** Large files are read from disk, as the product does: their bytes are no part of what the reader takes. */
export function onDisk(
  name: string,
  bytes: Uint8Array,
  open: (path: string) => Promise<unknown>,
): () => Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'gramlens-hostile-'));
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return () => open(path).finally(() => rmSync(folder, { recursive: true }));
}

/** Smaller files are opened from memory. */
export const largeBytes = 500_000;
