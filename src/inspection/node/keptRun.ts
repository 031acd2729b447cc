// A finished run in its folder: result.json, and run.json beside it, which says what its numbers depend on and which bytes
// they are. By it the same run finds the result again, as a run over several inputs finds the finished ones.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashCheckpoint } from './checkpointFile';
import { writeFiles, type OutputFile } from './writeFiles';

const resultFile = 'result.json';
const recordFile = 'run.json';
const schema = 'gramlens.run/1';

interface RunRecord {
  readonly schema: typeof schema;
  /** `inputKey`; over several inputs that of all of them. */
  readonly key: string;
  /** Of the bytes of result.json. */
  readonly sha256: string;
}

/** 'other': of another checkpoint, input, option or version; 'changed': result.json is not as it was written. */
export type KeptRun = 'none' | 'other' | 'changed' | 'same';

const digest = (path: string): Promise<string | null> => hashCheckpoint({ path }, new AbortController().signal);

async function recordIn(folder: string): Promise<Partial<RunRecord> | null> {
  try {
    const parsed = JSON.parse(await readFile(join(folder, recordFile), 'utf8')) as Partial<RunRecord> | null;
    return parsed?.schema === schema ? parsed : null;
  } catch {
    // Not there, or cut off: nothing that can be used.
    return null;
  }
}

/** Whether the run of this key lies in `folder`. `key` is asked where a run does: it may hash a checkpoint. */
export async function findRun(folder: string, key: () => Promise<string>): Promise<KeptRun> {
  const record = await recordIn(folder);
  if (record === null) return 'none';
  if (record.key !== (await key())) return 'other';
  const sha256 = await digest(join(folder, resultFile)).catch(() => null);
  return sha256 !== null && sha256 === record.sha256 ? 'same' : 'changed';
}

/** Path of the result within its folder. */
export function resultPath(folder: string): string {
  return join(folder, resultFile);
}

/** Writes both files. An end between them leaves a result that its record does not know, which is computed again. */
export async function keepRun(folder: string, key: string, content: OutputFile['content']): Promise<void> {
  await writeFiles(folder, [{ name: resultFile, content }]);
  const record = { schema, key, sha256: await digest(resultPath(folder)) };
  await writeFiles(folder, [{ name: recordFile, content: `${JSON.stringify(record)}\n` }]);
}
