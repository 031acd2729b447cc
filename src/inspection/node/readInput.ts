// `--input SPEC` and the editor's input choice as network input: a picture, an exact array, text, token ids, the
// model's sample, or seeded noise.

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
import { checkTextSize, decodeText, textInput, textLabel } from '../../model/text/textInput';
import type { ModelInput, ModelSpec, TokenInput } from '../../model/modelSpec';
import { sampleInput } from './sampleInput';
import type { TokenizerSource } from './tokenizerSource';

/** Against a film given as a picture; the largest camera files are far below. */
export const maxInputBytes = 256 * 1024 * 1024;

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

/** `sample`, `sample:7` and the same of random; null: another kind of input. Throws ModelSpecError 'badInput'. */
function seedOf(text: string, kind: 'sample' | 'random'): number | null {
  if (text === kind) return 0;
  if (!text.startsWith(`${kind}:`)) return null;
  const said = text.slice(kind.length + 1);
  if (/^\d{1,10}$/.test(said) && Number(said) <= maxSeed) return Number(said);
  throw new ModelSpecError('badInput', `The input ${text}: the seed must be a whole number from 0 to ${maxSeed}.`);
}

/**
 * `image.png` · `npy:FILE` · `text:…` or a `.txt` file · `tokens:1,2,3` or a `.json` file of ids · `sample`, `random`,
 * each with `:SEED` or without; null: the sample, because nobody chose. `tokenizer`: that of the checkpoint; null where
 * the input needs none. Throws ModelSpecError 'badInput'.
 */
export async function readInput(
  text: string | null,
  spec: ModelSpec,
  tokenizer: TokenizerSource | null = null,
): Promise<ModelInput> {
  if (text === null) {
    const input = await sampleInput(0, spec, tokenizer, sha256Hex);
    return { ...input, label: `default input: ${input.label}` };
  }
  const sampleSeed = seedOf(text, 'sample');
  if (sampleSeed !== null) return sampleInput(sampleSeed, spec, tokenizer, sha256Hex);
  const seed = seedOf(text, 'random');
  if (seed !== null) {
    if (spec.text) {
      const stream = createRandom(`${seed}/input`);
      const uniforms = (count: number): Float64Array => Float64Array.from({ length: count }, () => stream.uniform());
      return withWords(randomTokenInput(seed, spec, uniforms, sha256Hex), tokenizer);
    }
    const normal = (count: number): Float64Array => normals(`${seed}/input`, count);
    return spec.audio ? randomFeatures(seed, spec, normal, sha256Hex) : randomInput(seed, spec, normal, sha256Hex);
  }
  if (text.startsWith('tokens:')) {
    const list = parseTokenText(text.slice('tokens:'.length), `--input ${text}`);
    return withWords(tokenInput(list, text, spec, sha256Hex, null), tokenizer);
  }
  if (text.startsWith('text:')) {
    const content = text.slice('text:'.length);
    return readText(content, new TextEncoder().encode(content), textLabel(content), spec, tokenizer);
  }
  if (text.endsWith('.txt')) {
    const bytes = await readInputFile(text);
    return readText(decodeText(bytes, basename(text)), bytes, basename(text), spec, tokenizer);
  }
  if (text.endsWith('.json')) {
    const bytes = await readInputFile(text);
    const list = parseTokenJson(new TextDecoder().decode(bytes), basename(text));
    return withWords(tokenInput(list, basename(text), spec, sha256Hex, bytes), tokenizer);
  }
  if (text.startsWith('npy:')) {
    const path = text.slice('npy:'.length);
    return (spec.audio ? npyFeatures : npyInput)(await readInputFile(path), basename(path), spec, sha256Hex);
  }
  imageShape(spec);
  return imageInput(await readInputFile(text), basename(text), spec, sha256Hex);
}

/** Text through the tokenizer of the checkpoint; nothing is cut. Throws ModelSpecError 'badInput'. */
export async function readText(
  text: string,
  bytes: Uint8Array,
  label: string,
  spec: ModelSpec,
  tokenizer: TokenizerSource | null,
): Promise<TokenInput> {
  if (!spec.text) {
    throw new ModelSpecError(
      'badInput',
      spec.audio
        ? 'This model takes log-mel features, not text. Give npy:FILE or random.'
        : 'This model takes pictures, not text. Give a PNG or JPEG picture, npy:FILE or random.',
    );
  }
  if (tokenizer === null) throw new ModelSpecError('badInput', `${label}: text needs the tokenizer of the model.`);
  checkTextSize(bytes.length, label);
  const runner = await tokenizer.open();
  return textInput(await runner.encode(text), runner.facts.source, label, bytes, spec, sha256Hex);
}

/**
 * Labels for ids that were given as such. A tokenizer that the person named must work; one that happens to lie beside
 * the checkpoint must not stand in the way of ids.
 */
async function withWords(input: TokenInput, tokenizer: TokenizerSource | null): Promise<TokenInput> {
  if (tokenizer === null) return { ...input, wordsReason: 'no tokenizer was looked for' };
  try {
    return { ...input, words: await tokenizer.words(input.ids) };
  } catch (error) {
    if (!(error instanceof ModelSpecError) || tokenizer.setting !== null) throw error;
    return { ...input, wordsReason: error.message };
  }
}
