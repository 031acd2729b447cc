// The mapping file of a checkpoint on disk: beside it, or where a person says.

import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  mappingNames,
  maxMappingBytes,
  parseFoundMapping,
  parseMappingText,
  tooLarge,
  type MappingFile,
} from '../../model/mapping/mappingFile';
import { ModelSpecError } from '../../model/modelSpec';

/** The mapping that a person named. @throws ModelSpecError badInput */
export async function readMapping(path: string): Promise<MappingFile> {
  const text = await textOf(path);
  if (text === null) {
    throw new ModelSpecError(
      'badInput',
      `${path}: there is no such file. Write a mapping with gramlens map, or leave --mapping out.`,
    );
  }
  return parseMappingText(text, basename(path));
}

/** The mapping beside the checkpoint file (or the index of a sharded one); null: there is none. @throws ModelSpecError */
export async function findMapping(checkpoint: string): Promise<MappingFile | null> {
  for (const name of mappingNames(basename(checkpoint))) {
    const text = await textOf(join(dirname(checkpoint), name));
    const found = text === null ? null : parseFoundMapping(text, name);
    if (found !== null) return found;
  }
  return null;
}

/** null: there is no such file. */
async function textOf(path: string): Promise<string | null> {
  try {
    const info = await stat(path);
    if (!info.isFile()) return null;
    if (info.size > maxMappingBytes) throw tooLarge(basename(path), info.size);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof ModelSpecError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new ModelSpecError('badInput', `${path} cannot be read (${code}). Change its permissions or move it away.`);
  }
}
