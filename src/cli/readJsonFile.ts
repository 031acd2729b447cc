// A JSON file that a person named. The parser's own message would print what it stumbled over, which may be a picture.

import { readFile, stat } from 'node:fs/promises';
import { UsageError } from './options';

/** Against a checkpoint given by mistake; results of the largest models are far below. */
const maxBytes = 512 * 1024 * 1024;

/** `option` stands before the path in the sentence; `wanted` says what to give instead. Throws UsageError. */
export async function readJsonFile(path: string, option: string, wanted: string): Promise<unknown> {
  const refuse = (why: string): UsageError => new UsageError(`${option}${path}: ${why}. Give ${wanted}.`);
  let text: string;
  try {
    const info = await stat(path);
    if (!info.isFile()) throw refuse('this is no file');
    if (info.size > maxBytes) throw refuse(`${info.size} bytes are too many`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw refuse(code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refuse('this is not JSON');
  }
}
