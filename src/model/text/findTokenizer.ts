// Which tokenizer a checkpoint has: what the person says, what its config says, then the files that lie beside it.

import { grouped } from '../../checkpoint/nextSteps';
import type { TensorIndex } from '../../checkpoint/tensorIndex';
import { ModelSpecError } from '../modelSpec';
import { asRecord, asText } from '../parseValues';
import { parseBoundedJson } from './boundedJson';
import { byt5Offset } from './byteTokenizer';
import { ggufTokenizerKeys } from './ggufVocabulary';
import { maxTokenizerBytes, maxTokenizerConfigBytes, type TokenizerFiles } from './tokenizer';

/** A file of the checkpoint's folder, whole; null where there is none, 'tooLarge' where it has more than `most` bytes. */
export type ReadBeside = (name: string, most: number) => Promise<Uint8Array | 'tooLarge' | null>;

export interface TokenizerQuestion {
  readonly index: Pick<TensorIndex, 'format' | 'fileName' | 'tree'>;
  /** Parsed config.json, or null. */
  readonly config: unknown;
  readonly family: string;
  /** `--set tokenizer`: 'bytes', or null. */
  readonly bytes: boolean;
  /** `--set tokenizer=FILE`: the name of the file in the folder that `read` reads; null: look for one. */
  readonly file: string | null;
}

/** Looked for in this order. */
export const tokenizerFileNames = [
  'tokenizer.json',
  'vocab.json with merges.txt',
  'vocab.txt',
  'tokenizer.model',
] as const;

const sentencePieceNames = ['tokenizer.model', 'spiece.model', 'sentencepiece.bpe.model'];

/** @throws ModelSpecError 'badInput' where there is none, or one file of two is missing. */
export async function findTokenizer(question: TokenizerQuestion, read: ReadBeside): Promise<TokenizerFiles> {
  const { index, family, file } = question;
  let left = maxTokenizerBytes;
  const take = async (name: string, most = maxTokenizerBytes): Promise<Uint8Array | null> => {
    const bytes = await read(name, Math.min(left, most));
    if (bytes === 'tooLarge') {
      const what = most < maxTokenizerBytes ? 'the file has' : 'the files of the tokenizer have';
      throw new ModelSpecError(
        'badInput',
        `${name}: ${what} more than the ${grouped(most)} bytes that Gramlens accepts. Give token ids with tokens:1,2,3.`,
      );
    }
    left -= bytes?.length ?? 0;
    return bytes;
  };
  const config = await take('tokenizer_config.json', maxTokenizerConfigBytes);
  const special = await take('special_tokens_map.json', maxTokenizerConfigBytes);
  const shared = { family, gguf: null, byteOffset: 0, why: '' };
  const beside = { ...(config === null ? {} : { config }), ...(special === null ? {} : { special }) };
  const bytes = byteModel(question, config);
  if (bytes !== null) return { ...shared, kind: 'bytes', name: 'bytes', bytes: {}, ...bytes };
  if (file !== null) return named(file, take, shared, beside);
  const gguf = index.format === 'gguf' && index.tree !== null ? ggufTokenizerKeys(index.tree) : null;
  if (gguf !== null) return { ...shared, kind: 'gguf', name: index.fileName, bytes: {}, gguf };
  const whole = await take('tokenizer.json');
  if (whole !== null) {
    return { ...shared, kind: 'tokenizer.json', name: 'tokenizer.json', bytes: { main: whole, ...beside } };
  }
  const vocab = await take('vocab.json');
  if (vocab !== null) {
    const merges = await take('merges.txt');
    if (merges !== null) {
      return { ...shared, kind: 'byte-pair', name: 'vocab.json', bytes: { main: vocab, merges, ...beside } };
    }
  }
  const words = await take('vocab.txt');
  if (words !== null) return { ...shared, kind: 'wordpiece', name: 'vocab.txt', bytes: { main: words, ...beside } };
  for (const name of sentencePieceNames) {
    const model = await take(name);
    if (model !== null) return { ...shared, kind: 'sentencepiece', name, bytes: { main: model, ...beside } };
  }
  throw new ModelSpecError(
    'badInput',
    `There is no tokenizer beside ${index.fileName}${vocab === null ? '' : ' (vocab.json is there, merges.txt is not)'}: ${listed} were looked for. Put one there, say --set tokenizer=FILE or --set tokenizer=bytes, or give the ids with tokens:1,2,3.`,
  );
}

const listed = tokenizerFileNames.join(', ').replace(/, ([^,]*)$/, ' and $1');

type Shared = Pick<TokenizerFiles, 'family' | 'gguf' | 'byteOffset' | 'why'>;

async function named(
  file: string,
  take: (name: string) => Promise<Uint8Array | null>,
  shared: Shared,
  beside: TokenizerFiles['bytes'],
): Promise<TokenizerFiles> {
  const main = await take(file);
  if (main === null) {
    throw new ModelSpecError('badInput', `--set tokenizer=${file}: there is no such file. Check the path.`);
  }
  const bytes = { main, ...beside };
  const known = { ...shared, name: file, bytes };
  if (file.endsWith('.model')) return { ...known, kind: 'sentencepiece' };
  if (file.endsWith('.txt')) return { ...known, kind: 'wordpiece' };
  // Whether it is a whole tokenizer.json or a vocabulary is seen where it is read, in the tokenizer's thread.
  const merges = await take('merges.txt');
  return { ...known, kind: 'tokenizer.json', bytes: merges === null ? bytes : { ...bytes, merges } };
}

/** Classes whose ids are bytes. ByT5 keeps three ids before them. */
const byteClasses: Readonly<Partial<Record<string, number>>> = { ByT5Tokenizer: byt5Offset, ByteTokenizer: 0 };

function byteModel(
  { bytes, config }: TokenizerQuestion,
  tokenizerConfig: Uint8Array | null,
): Pick<TokenizerFiles, 'byteOffset' | 'why'> | null {
  const own = tokenizerConfig === null ? null : asRecord(parseBoundedJson(tokenizerConfig, 'tokenizer_config.json'));
  for (const [source, name] of [
    [own, 'tokenizer_config.json'],
    [asRecord(config), 'config.json'],
  ] as const) {
    const className = asText(source?.['tokenizer_class']);
    const offset = className === null ? undefined : byteClasses[className];
    if (offset !== undefined) return { byteOffset: offset, why: `tokenizer_class ${className ?? ''} of ${name}` };
  }
  return bytes ? { byteOffset: 0, why: '--set tokenizer=bytes' } : null;
}
