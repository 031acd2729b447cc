// What a tokenizer is to Gramlens: text in, ids with a label each out. Which files make one is findTokenizer.ts, how
// they are read buildTokenizer.ts; running one is left to a thread that can be ended (inspection/node).

import { ModelSpecError } from '../modelSpec';

/** Text of one input. A megabyte is 250,000 tokens, far more than a pattern of [N, N] can be drawn for. */
export const maxTextBytes = 1024 * 1024;
/** All files of one tokenizer together. The largest in use (260,000 tokens, 580,000 merges) have 35 MB. */
export const maxTokenizerBytes = 64 * 1024 * 1024;
/** tokenizer_config.json and special_tokens_map.json. With a chat template and 6,000 added tokens they have 1.2 MB. */
export const maxTokenizerConfigBytes = 4 * 1024 * 1024;
/** Tokens of a vocabulary, and ids in it. The largest in use have 262,144. */
export const maxVocabulary = 1 << 20;
/** Merges of byte-pair encoding. The largest in use have 580,000. */
export const maxMerges = 2 << 20;
/** Bytes of one token. The longest in use are runs of a few hundred spaces. */
export const maxTokenLength = 4096;

export interface Encoding {
  readonly ids: readonly number[];
  /** One a token, as a person reads it: '·cat', '[CLS]', '\n'. */
  readonly labels: readonly string[];
  /** 1 where the family adds the token, 0 where it stands for text. */
  readonly added: readonly number[];
}

export interface TokenizerFacts {
  /** Number of ids: the largest plus 1. */
  readonly vocabulary: number;
  /** One sentence for the person: which file, what kind, which tokens are added. */
  readonly source: string;
}

export interface Tokenizer extends TokenizerFacts {
  /** Tokens of `text`, with the special tokens that the family puts around it; nothing is padded or cut. */
  encode(text: string): Encoding;
  /** Labels of ids from elsewhere; null for an id that it does not have. */
  label(id: number): string | null;
}

/** A special token that the family puts before or behind a text. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
}

/** Files that make a tokenizer, and what else decides: plain data that crosses to a thread. */
export interface TokenizerFiles {
  readonly kind: 'tokenizer.json' | 'byte-pair' | 'wordpiece' | 'gguf' | 'sentencepiece' | 'bytes';
  /** Name of the main file as the person knows it. */
  readonly name: string;
  /** By role: 'main', 'merges', 'config' (tokenizer_config.json), 'special' (special_tokens_map.json). */
  readonly bytes: Readonly<Partial<Record<'main' | 'merges' | 'config' | 'special', Uint8Array>>>;
  /** Vocabulary in the metadata of a GGUF file. */
  readonly gguf: Readonly<Record<string, unknown>> | null;
  /** `ModelSpec.family`: decides special tokens where no file does. */
  readonly family: string;
  /** Plain bytes: the id of byte 0, and why bytes. */
  readonly byteOffset: number;
  readonly why: string;
}

/** The tokenizer's files are at fault. `name`: the file. */
export function tokenizerFault(name: string, what: string): ModelSpecError {
  return new ModelSpecError(
    'badInput',
    `${name}: ${what} Give another tokenizer with --set tokenizer=FILE, or the ids with tokens:1,2,3.`,
  );
}
