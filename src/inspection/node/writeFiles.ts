// Writes several files or none: each beside its place first, then all are renamed. A failure or a cancelled run
// leaves no half-written report.

import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface OutputFile {
  readonly name: string;
  readonly content: string | Uint8Array;
}

/** Paths of the written files, in order. */
export async function writeFiles(folder: string, files: readonly OutputFile[]): Promise<string[]> {
  const suffix = `.${randomBytes(4).toString('hex')}.partial`;
  const targets = files.map((file) => join(folder, file.name));
  try {
    await mkdir(folder, { recursive: true });
    for (const [i, file] of files.entries()) await writeFile(`${targets[i]!}${suffix}`, file.content);
    for (const target of targets) await rename(`${target}${suffix}`, target);
    return targets;
  } catch (error) {
    await Promise.all(targets.map((target) => rm(`${target}${suffix}`, { force: true }).catch(() => undefined)));
    const why = error instanceof Error ? error.message : String(error);
    throw Object.assign(new Error(`The report could not be written to ${folder} (${why}). Choose another folder.`), {
      code: error instanceof Error && 'code' in error ? String(error.code) : '',
    });
  }
}
