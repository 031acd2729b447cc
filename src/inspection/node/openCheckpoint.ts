// Opens a checkpoint file on disk: header, and the config.json beside it when there is one. Tensor bytes stay
// where they are.

import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CheckpointError } from '../../checkpoint/checkpointError';
import { openFileSource } from '../../checkpoint/node/fileSource';
import { readCheckpoint } from '../../checkpoint/readCheckpoint';
import type { TensorIndex } from '../../checkpoint/tensorIndex';

/** A config.json of a model is a few kilobytes; a larger one is something else. */
const maxConfigBytes = 4 * 1024 * 1024;

interface OpenedCheckpoint {
  readonly path: string;
  readonly index: TensorIndex;
  /** Parsed config.json, or null. */
  readonly config: unknown;
}

/** Reads the header only. Throws CheckpointError with a sentence for the person. */
export async function openCheckpoint(path: string): Promise<OpenedCheckpoint> {
  const source = await openFileSource(path);
  try {
    const index = await readCheckpoint(source);
    return { path, index, config: await readConfig(dirname(path)) };
  } finally {
    await source.close();
  }
}

async function readConfig(folder: string): Promise<unknown> {
  const path = join(folder, 'config.json');
  let byteLength: number;
  try {
    const info = await stat(path);
    if (!info.isFile()) return null;
    byteLength = info.size;
  } catch {
    return null;
  }
  if (byteLength > maxConfigBytes) {
    throw new CheckpointError(
      'tooLarge',
      `config.json beside the checkpoint has ${byteLength} bytes, more than a model's config can have. Move it away, or say the facts with --set.`,
    );
  }
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new CheckpointError(
      'corrupt',
      `config.json beside the checkpoint is not JSON (${detail}). Mend it or move it away.`,
    );
  }
}
