// `--input SPEC` and the editor's input choice as network input: a picture, an exact array, token ids, or seeded
// noise.

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { createRandom, normals } from '../../diagnostics/random';
import { npyFeatures, randomFeatures } from '../../model/audio/featureInput';
import { imageInput } from '../../model/image/imageInput';
import { npyInput } from '../../model/image/npyInput';
import { randomInput } from '../../model/image/randomInput';
import { parseTokenJson, parseTokenText, randomTokenInput, tokenInput } from '../../model/text/tokenInput';
import { imageShape } from '../../model/blockShape';
import { ModelSpecError } from '../../model/modelSpec';
import type { ModelInput, ModelSpec } from '../../model/modelSpec';

/** Against a film given as a picture; the largest camera files are far below. */
const maxInputBytes = 256 * 1024 * 1024;

/** As of every other seed. */
const maxSeed = 2 ** 32 - 1;

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function readInputFile(path: string): Promise<Uint8Array> {
  try {
    const info = await stat(path);
    if (!info.isFile()) throw new ModelSpecError('badInput', `The input ${path} is not a file.`);
    if (info.size > maxInputBytes) {
      throw new ModelSpecError(
        'badInput',
        `The input ${basename(path)} has ${info.size} bytes, more than an image can have (${maxInputBytes}).`,
      );
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof ModelSpecError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EACCES'
          ? 'it may not be read'
          : `it cannot be read (${code})`;
    throw new ModelSpecError('badInput', `The input ${path}: ${why}.`);
  }
}

/** `image.png` · `npy:FILE` · `tokens:1,2,3` or a `.json` file of ids · `random` or `random:SEED`. Throws ModelSpecError 'badInput'. */
export async function readInput(text: string, spec: ModelSpec): Promise<ModelInput> {
  if (/^random(:|$)/.test(text)) {
    const said = text.slice('random:'.length);
    const seed = text === 'random' ? 0 : Number(said);
    if ((text !== 'random' && !/^\d{1,10}$/.test(said)) || seed > maxSeed) {
      throw new ModelSpecError('badInput', `The input ${text}: the seed must be a whole number from 0 to ${maxSeed}.`);
    }
    if (spec.text) {
      const stream = createRandom(`${seed}/input`);
      const uniforms = (count: number): Float64Array => Float64Array.from({ length: count }, () => stream.uniform());
      return randomTokenInput(seed, spec, uniforms, sha256Hex);
    }
    const normal = (count: number): Float64Array => normals(`${seed}/input`, count);
    return spec.audio ? randomFeatures(seed, spec, normal, sha256Hex) : randomInput(seed, spec, normal, sha256Hex);
  }
  if (text.startsWith('tokens:')) {
    const list = parseTokenText(text.slice('tokens:'.length), `--input ${text}`);
    return tokenInput(list, text, spec, sha256Hex, null);
  }
  if (text.endsWith('.json')) {
    const bytes = await readInputFile(text);
    const list = parseTokenJson(new TextDecoder().decode(bytes), basename(text));
    return tokenInput(list, basename(text), spec, sha256Hex, bytes);
  }
  if (text.startsWith('text:') || text.endsWith('.txt')) {
    throw new ModelSpecError(
      'badInput',
      `The input ${text}: text needs a tokenizer, which this version does not have. Give token ids with tokens:1,2,3 or a .json file.`,
    );
  }
  if (text.startsWith('npy:')) {
    const path = text.slice('npy:'.length);
    return (spec.audio ? npyFeatures : npyInput)(await readInputFile(path), basename(path), spec, sha256Hex);
  }
  imageShape(spec);
  return imageInput(await readInputFile(text), basename(text), spec, sha256Hex);
}
