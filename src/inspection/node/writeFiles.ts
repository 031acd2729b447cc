// Writes several files or none: each beside its place first, then all are renamed. A failure or a cancelled run
// leaves no half-written report, and what lay there before lies there again.

import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface OutputFile {
  readonly name: string;
  /** An iterable is written as it comes, and never held whole. */
  readonly content: string | Uint8Array | Iterable<string> | AsyncIterable<string>;
}

/** The files could not be written; none of them was. `code` is the system's, such as ENOSPC. */
class WriteError extends Error {
  override readonly name = 'WriteError';
  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

/** 'file', 'other' (a folder, a pipe), or null: nothing is there. */
async function whatIsAt(path: string): Promise<'file' | 'other' | null> {
  try {
    return (await stat(path)).isFile() ? 'file' : 'other';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Paths of the written files, in order; files of these names are replaced.
 * @throws WriteError with a sentence.
 */
export async function writeFiles(folder: string, files: readonly OutputFile[]): Promise<string[]> {
  const suffix = randomBytes(4).toString('hex');
  const targets = files.map((file) => join(folder, file.name));
  const partial = (target: string): string => `${target}.${suffix}.partial`;
  const replaced = (target: string): string => `${target}.${suffix}.replaced`;
  /** What has to be taken back, newest last. */
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const made = await mkdir(folder, { recursive: true });
    if (made !== undefined) undo.push(() => removeEmpty(folder, made));
    const before = await Promise.all(targets.map(whatIsAt));
    const taken = targets.find((_, i) => before[i] === 'other');
    if (taken !== undefined) throw new Error(`${taken} is there already and is no file`);
    for (const [i, file] of files.entries()) {
      const target = targets[i]!;
      const inner = await mkdir(dirname(target), { recursive: true });
      if (inner !== undefined) undo.push(() => removeEmpty(dirname(target), inner));
      undo.push(() => rm(partial(target), { force: true }));
      await writeFile(partial(target), file.content);
    }
    for (const [i, target] of targets.entries()) {
      if (before[i] === 'file') {
        await rename(target, replaced(target));
        undo.push(() => rename(replaced(target), target));
      }
      await rename(partial(target), target);
      undo.push(() => rm(target, { force: true }));
    }
  } catch (error) {
    // The first failure is the one to tell; what cannot be taken back stays under its own name.
    for (const step of undo.reverse()) await step().catch(() => undefined);
    const why = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new WriteError(`The report could not be written to ${folder} (${why}). Choose another folder.`, code);
  }
  await Promise.all(targets.map((target) => rm(replaced(target), { force: true }).catch(() => undefined)));
  return targets;
}

/** Removes `folder` and its parents up to `first`, as far as they are empty. */
async function removeEmpty(folder: string, first: string): Promise<void> {
  for (let at = folder; at.length >= first.length; at = dirname(at)) {
    await rmdir(at);
    if (dirname(at) === at) return;
  }
}
