// The structure of tokenizer.json as our library takes it, checked field by field: what arrives there has known types
// and bounded sizes. Post-processors are read by specialTokens.ts instead.

import { asRecord } from '../parseValues';
import { grouped, quoted } from '../../checkpoint/nextSteps';
import { mendedNormalizer, mendedPreTokenizer } from './components';
import { isWhole, shown, type Json } from './jsonValues';
import { maxMerges, maxTokenLength, maxVocabulary, tokenizerFault } from './tokenizer';

/** Of tokens that are matched as a whole anywhere in a text. Real files have up to 6,000. */
const maxAddedTokens = 65_536;
/** Characters of all pieces of a unigram vocabulary: each costs a node. The largest in use have 2 million. */
const maxUnigramLength = 4_000_000;
/** Characters of a word that WordPiece takes apart; more cost the cube of it. Files say 100. */
const maxWordLength = 1000;

export interface AddedTokenEntry {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** What the library's constructor wants. */
export interface Structure {
  readonly model: Json;
  readonly normalizer: Json | null;
  readonly pre_tokenizer: Json | null;
  readonly added_tokens: readonly AddedTokenEntry[];
  readonly post_processor: null;
  readonly decoder: null;
}

/** Kinds of models, by the names of tokenizer.json. */
export type ModelKind = 'BPE' | 'WordPiece' | 'Unigram' | 'WordLevel';

/** Checks what a tokenizer.json says. @throws ModelSpecError 'badInput' naming file and field. */
export function checkedStructure(value: unknown, name: string): Structure {
  const root = asRecord(value);
  const model = asRecord(root?.['model']);
  if (root === null || model === null) {
    throw tokenizerFault(name, 'there is no "model" in it, so it is no tokenizer.json.');
  }
  return {
    model: checkedModel(model, name),
    normalizer: mendedNormalizer(root['normalizer'] ?? null, name),
    pre_tokenizer: mendedPreTokenizer(root['pre_tokenizer'] ?? null, name),
    added_tokens: checkedAddedTokens(root['added_tokens'] ?? [], name),
    post_processor: null,
    decoder: null,
  };
}

function checkedModel(model: Json, name: string): Json {
  const type = kindOf(model, name);
  const unknown = model['unk_token'] ?? null;
  if (unknown !== null && typeof unknown !== 'string') {
    throw tokenizerFault(name, 'model.unk_token is neither a token nor null.');
  }
  if (type === 'Unigram') return checkedUnigram(model, name);
  const vocab = checkVocabulary(model['vocab'], name);
  if (type === 'WordLevel') return { type, vocab, unk_token: unknown };
  if (type === 'WordPiece') {
    const longest = model['max_input_chars_per_word'] ?? 100;
    if (!isWhole(longest) || longest < 1 || longest > maxWordLength) {
      throw tokenizerFault(
        name,
        `model.max_input_chars_per_word must be a whole number from 1 to ${grouped(maxWordLength)}.`,
      );
    }
    if (unknown === null) throw tokenizerFault(name, 'a WordPiece model needs model.unk_token.');
    const prefix = model['continuing_subword_prefix'] ?? '##';
    if (typeof prefix !== 'string') throw tokenizerFault(name, 'model.continuing_subword_prefix is no text.');
    return {
      type,
      vocab,
      unk_token: unknown,
      continuing_subword_prefix: prefix,
      max_input_chars_per_word: longest,
    };
  }
  const prefix = model['continuing_subword_prefix'] ?? '';
  const suffix = model['end_of_word_suffix'] ?? null;
  if (prefix !== '') {
    throw tokenizerFault(name, 'its byte-pair encoding has a continuing_subword_prefix, which is not in this version.');
  }
  if (suffix !== null && typeof suffix !== 'string') throw tokenizerFault(name, 'model.end_of_word_suffix is no text.');
  return {
    type,
    vocab,
    merges: checkedMerges(model['merges'], name),
    unk_token: unknown,
    fuse_unk: model['fuse_unk'] === true,
    byte_fallback: model['byte_fallback'] === true,
    ignore_merges: model['ignore_merges'] === true,
    ...(suffix === null || suffix === '' ? {} : { end_of_word_suffix: suffix }),
  };
}

/** Old files do not name the type. */
function kindOf(model: Json, name: string): ModelKind {
  const type = model['type'];
  if (type === 'BPE' || type === 'WordPiece' || type === 'Unigram' || type === 'WordLevel') return type;
  if (type === undefined) {
    if (Array.isArray(model['vocab'])) return 'Unigram';
    return 'merges' in model ? 'BPE' : 'continuing_subword_prefix' in model ? 'WordPiece' : 'WordLevel';
  }
  throw tokenizerFault(
    name,
    `model.type is ${shown(type)}; Gramlens knows BPE, WordPiece, Unigram and WordLevel tokenizers.`,
  );
}

/** Token -> id, every id a whole number below the limit. */
export function checkVocabulary(value: unknown, name: string): Readonly<Record<string, number>> {
  const vocab = asRecord(value);
  if (vocab === null) throw tokenizerFault(name, 'the vocabulary is no map from tokens to ids.');
  const entries = Object.entries(vocab);
  if (entries.length === 0) throw tokenizerFault(name, 'the vocabulary is empty.');
  const seen = new Set<number>();
  for (const [token, id] of entries) {
    checkToken(token, id, name);
    if (seen.has(id as number)) throw tokenizerFault(name, `two tokens have the id ${id as number}.`);
    seen.add(id as number);
  }
  return vocab as Readonly<Record<string, number>>;
}

function checkToken(token: unknown, id: unknown, name: string): asserts token is string {
  if (typeof token !== 'string') throw tokenizerFault(name, `the token with id ${shown(id)} is no text.`);
  if (token.length > maxTokenLength) {
    throw tokenizerFault(
      name,
      `a token has ${grouped(token.length)} characters, more than the ${grouped(maxTokenLength)} Gramlens accepts; the file is damaged or crafted.`,
    );
  }
  if (!isWhole(id) || id < 0 || id >= maxVocabulary) {
    throw tokenizerFault(
      name,
      `token ${quoted(token)} has the id ${shown(id)}; ids are whole numbers from 0 to ${grouped(maxVocabulary - 1)}.`,
    );
  }
}

function checkedMerges(value: unknown, name: string): readonly (readonly [string, string])[] {
  if (!Array.isArray(value)) throw tokenizerFault(name, 'model.merges is no list.');
  if (value.length > maxMerges) {
    throw tokenizerFault(name, `there are ${grouped(value.length)} merges, more than ${grouped(maxMerges)}.`);
  }
  return (value as readonly unknown[]).map((merge, i) => {
    const pair = typeof merge === 'string' ? splitMerge(merge) : merge;
    const [left, right, more] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    if (typeof left === 'string' && typeof right === 'string' && more === undefined && left !== '' && right !== '') {
      return [left, right];
    }
    throw tokenizerFault(name, `merge ${i + 1} is ${shown(merge)}, not two tokens.`);
  });
}

/** 'Ġ t' -> ['Ġ', 't']: one space between two tokens without any. */
export function splitMerge(text: string): readonly string[] {
  return text.split(' ');
}

function checkedUnigram(model: Json, name: string): Json {
  const vocab = model['vocab'];
  if (!Array.isArray(vocab) || vocab.length === 0) {
    throw tokenizerFault(name, 'the vocabulary of a unigram model must be a list of [piece, score].');
  }
  let length = 0;
  (vocab as readonly unknown[]).forEach((entry, id) => {
    const [piece, score, more] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
    checkToken(piece, id, name);
    if (typeof score !== 'number' || !Number.isFinite(score) || more !== undefined) {
      throw tokenizerFault(name, `piece ${id} of the vocabulary is ${shown(entry)}, not [piece, score].`);
    }
    length += piece.length;
  });
  if (length > maxUnigramLength) {
    throw tokenizerFault(
      name,
      `the pieces have ${grouped(length)} characters in all, more than the ${grouped(maxUnigramLength)} Gramlens accepts.`,
    );
  }
  const unknown = model['unk_id'];
  if (!isWhole(unknown) || unknown < 0 || unknown >= vocab.length) {
    throw tokenizerFault(name, `model.unk_id is ${shown(unknown)}, which is no piece of the vocabulary.`);
  }
  return { type: 'Unigram', vocab, unk_id: unknown, byte_fallback: model['byte_fallback'] === true };
}

/** Tokens that are matched as a whole. */
export function checkedAddedTokens(value: unknown, name: string): readonly AddedTokenEntry[] {
  if (!Array.isArray(value)) throw tokenizerFault(name, 'added_tokens is no list.');
  if (value.length > maxAddedTokens) {
    throw tokenizerFault(
      name,
      `there are ${grouped(value.length)} added tokens, more than ${grouped(maxAddedTokens)}.`,
    );
  }
  return (value as readonly unknown[]).map((entry) => {
    const token = asRecord(entry);
    const content = token?.['content'];
    const id = token?.['id'];
    checkToken(content, id, name);
    if (content === '') throw tokenizerFault(name, `the added token with id ${shown(id)} is empty.`);
    const special = token?.['special'] === true;
    return {
      id: id as number,
      content,
      single_word: token?.['single_word'] === true,
      lstrip: token?.['lstrip'] === true,
      rstrip: token?.['rstrip'] === true,
      normalized: typeof token?.['normalized'] === 'boolean' ? token['normalized'] : !special,
      special,
    };
  });
}
