// The runs that a folder stands for: checkpoints of a training, or results of earlier inspections.

import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CheckpointError } from '../../checkpoint/checkpointError';
import { checkpointCandidates } from '../../checkpoint/shards/chooseFile';
import { resultSchemaName } from '../inspectionResult';
import { openCheckpoint } from './openCheckpoint';

/** What `gramlens inspect` writes. */
const resultFile = 'result.json';
/** The suffix that files of any program have. */
const anyFile = /\.bin$/i;
/** Bytes in which a result says what it is: `schema` is its first name. */
const startBytes = 400;

export interface ComparedPath {
  readonly kind: 'checkpoint' | 'result';
  readonly path: string;
}

async function isResult(path: string): Promise<boolean> {
  if (!path.endsWith('.json')) return false;
  const file = await open(path).catch(() => null);
  if (file === null) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(startBytes), 0, startBytes, 0);
    return buffer.toString('utf8', 0, bytesRead).includes(`"${resultSchemaName}"`);
  } catch {
    return false;
  } finally {
    await file.close();
  }
}

async function listed(folder: string): Promise<{ readonly files: string[]; readonly folders: string[] }> {
  const names = await readdir(folder);
  const kinds = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => null)));
  return {
    files: names.filter((_, i) => kinds[i]?.isFile() === true),
    folders: names.filter((_, i) => kinds[i]?.isDirectory() === true),
  };
}

/** The one run at `path`: a result, a folder with one in it, or else a checkpoint. */
export async function runAt(path: string): Promise<ComparedPath> {
  const info = await stat(path).catch(() => null);
  if (info?.isDirectory() === true && (await isResult(join(path, resultFile))))
    return { kind: 'result', path: join(path, resultFile) };
  return { kind: (await isResult(path)) ? 'result' : 'checkpoint', path };
}

/** What a folder stands for. */
export interface FolderRuns {
  readonly runs: readonly ComparedPath[];
  /** Files that look like runs by name and are none, a sentence each. */
  readonly passedOver: readonly string[];
}

/** Why a `.bin` is no checkpoint at all; null: it is one, whole or broken, or has another suffix. */
async function strayReason(path: string): Promise<string | null> {
  if (!anyFile.test(path)) return null;
  try {
    await openCheckpoint(path);
  } catch (error) {
    if (error instanceof CheckpointError && (error.reason === 'unknownFormat' || error.reason === 'empty'))
      return error.message;
    // Whoever runs it says what is wrong with it.
  }
  return null;
}

/**
 * The runs directly in a folder, by name: its results and checkpoint files, and folders that hold one; none where the
 * folder is itself one run, or no folder at all.
 */
export async function runsIn(folder: string): Promise<FolderRuns> {
  const found = await listed(folder).catch(() => null);
  if (found === null || found.files.includes(resultFile)) return { runs: [], passedOver: [] };
  const checkpoints = new Set(checkpointCandidates(found.files));
  const runs: ComparedPath[] = [];
  const passedOver: string[] = [];
  for (const name of found.files.sort()) {
    const path = join(folder, name);
    if (checkpoints.has(name)) {
      const stray = await strayReason(path);
      if (stray === null) runs.push({ kind: 'checkpoint', path });
      else passedOver.push(`Passed over, because it is no checkpoint: ${stray}`);
    } else if (await isResult(path)) runs.push({ kind: 'result', path });
  }
  for (const name of found.folders.sort()) {
    const path = join(folder, name);
    const run = await runAt(path);
    const inside = run.kind === 'result' ? null : await listed(path).catch(() => null);
    if (run.kind === 'result' || (inside !== null && checkpointCandidates(inside.files).length === 1)) runs.push(run);
  }
  return runs.length < 2 ? { runs: [], passedOver: [] } : { runs, passedOver };
}

/** A result.json is called after its folder, another result without `.json`. */
function plainPath(path: string): string {
  return basename(path) === resultFile ? dirname(path) : path.replace(/(\.gramlens)?\.json$/, '');
}

/** Shortest ends of the paths that differ: 'step-10.pt', or 'checkpoint-10/model.safetensors'. */
export function distinctNames(paths: readonly string[]): readonly string[] {
  const parts = paths.map((path) =>
    plainPath(path)
      .split(/[\\/]/)
      .filter((part) => part !== ''),
  );
  const longest = Math.max(1, ...parts.map((one) => one.length));
  for (let length = 1; length < longest; length++) {
    const names = parts.map((one) => one.slice(-length).join('/'));
    if (new Set(names).size === names.length) return names;
  }
  return parts.map((one) => one.join('/'));
}
