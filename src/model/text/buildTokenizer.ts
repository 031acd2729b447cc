// The files of a tokenizer -> a running one. Costs seconds and hundreds of megabytes for the largest vocabularies and
// runs patterns from the file, so it is called in a thread (inspection/node/tokenizerThread.ts).

import { asBoolean, asRecord } from '../parseValues';
import { parseBoundedJson } from './boundedJson';
import { bytePairTokenizer, parseMerges } from './byteLevelFiles';
import { byteTokenizer } from './byteTokenizer';
import { ggufTokenizer } from './ggufVocabulary';
import type { Json } from './jsonValues';
import { libraryTokenizer } from './libraryTokenizer';
import { sentencePieceTokenizer } from './sentencePieceFile';
import { aroundAsConfigured, aroundOfProcessor } from './specialTokens';
import { checkedStructure, type Structure } from './structure';
import type { Spelling } from './tokenLabels';
import { tokenizerFault, type Tokenizer, type TokenizerFiles } from './tokenizer';
import { decodeUtf8 } from './utf8';
import { wordPieceTokenizer } from './wordPieceFile';

/** @throws ModelSpecError 'badInput': one sentence naming the file. */
export function buildTokenizer(files: TokenizerFiles): Tokenizer {
  const { name, kind, family } = files;
  const config = objectIn(files, 'config', 'tokenizer_config.json');
  const special = objectIn(files, 'special', 'special_tokens_map.json');
  switch (kind) {
    case 'bytes':
      return byteTokenizer(files.byteOffset, files.why);
    case 'gguf': {
      const { structure, around, spelling, what, names } = ggufTokenizer(files.gguf ?? {}, name);
      return libraryTokenizer({ structure, around, spelling, what, remark: '', name, ...optional(names) });
    }
    case 'sentencepiece': {
      const built = sentencePieceTokenizer(bytesOf(files, 'main'), config, special, family, name);
      return libraryTokenizer({ ...built, name, remark: '' });
    }
    case 'wordpiece': {
      const { structure, around, remark } = wordPieceTokenizer(textOf(files, 'main', name), config, special, name);
      return libraryTokenizer({ structure, around, spelling: plain, name, what: 'WordPiece', remark });
    }
    case 'byte-pair':
      return ofVocabulary(files, parseBoundedJson(bytesOf(files, 'main'), name), config, special);
    case 'tokenizer.json': {
      const root = parseBoundedJson(bytesOf(files, 'main'), name);
      const record = asRecord(root);
      return record !== null && !('model' in record) && files.bytes.merges !== undefined
        ? ofVocabulary(files, root, config, special)
        : ofTokenizerJson(files, root, config, special);
    }
  }
}

const plain: Spelling = { byteLevel: false, space: null, wordEnd: null };
const optional = (names: readonly string[] | undefined): { names?: readonly string[] } =>
  names === undefined ? {} : { names };

/** `vocab`: parsed vocab.json, beside merges.txt. */
function ofVocabulary(files: TokenizerFiles, vocab: unknown, config: Json, special: Json): Tokenizer {
  const { name, family } = files;
  const merges = parseMerges(textOf(files, 'merges', 'merges.txt'), 'merges.txt');
  const { structure, around, wordEnd } = bytePairTokenizer(vocab, merges, config, special, family, name);
  const spelling = { byteLevel: true, space: null, wordEnd };
  return libraryTokenizer({ structure, around, spelling, name, what: 'byte-level BPE', remark: '' });
}

/** `value`: parsed tokenizer.json. */
function ofTokenizerJson({ name }: TokenizerFiles, value: unknown, config: Json, special: Json): Tokenizer {
  const root = asRecord(value);
  const structure = asClassesDo(checkedStructure(root, name), config);
  const idOf = idsOf(structure);
  const processed = aroundOfProcessor(root?.['post_processor'] ?? null, idOf, name);
  const { model } = structure;
  const wordEnd = model['end_of_word_suffix'];
  const marks = JSON.stringify([structure.pre_tokenizer, structure.normalizer, root?.['decoder'] ?? null]);
  return libraryTokenizer({
    structure,
    around: aroundAsConfigured(processed, config, special, idOf),
    spelling: {
      byteLevel: marks.includes('"ByteLevel"'),
      space: marks.includes('▁') ? '▁' : null,
      wordEnd: typeof wordEnd === 'string' ? wordEnd : null,
    },
    name,
    what: String(model['type']),
    remark: '',
  });
}

/** The classes of BERT, GPT-2 and RoBERTa write these settings of tokenizer_config.json over the file. */
function asClassesDo(structure: Structure, config: Json): Structure {
  const { normalizer, pre_tokenizer: words } = structure;
  const lower = asBoolean(config['do_lower_case']);
  const prefix = asBoolean(config['add_prefix_space']);
  return {
    ...structure,
    normalizer:
      normalizer?.['type'] === 'BertNormalizer' && lower !== null ? { ...normalizer, lowercase: lower } : normalizer,
    pre_tokenizer: words?.['type'] === 'ByteLevel' && prefix !== null ? { ...words, add_prefix_space: prefix } : words,
  };
}

function idsOf({ model, added_tokens }: Structure): (content: string) => number | undefined {
  const added = new Map(added_tokens.map(({ content, id }) => [content, id]));
  const vocab = model['vocab'];
  const pieces = Array.isArray(vocab)
    ? new Map((vocab as readonly (readonly [string, number])[]).map(([piece], id) => [piece, id]))
    : null;
  const map = (vocab ?? {}) as Readonly<Record<string, number>>;
  return (content) =>
    added.get(content) ??
    (pieces === null ? (Object.hasOwn(map, content) ? map[content] : undefined) : pieces.get(content));
}

function bytesOf({ bytes, name }: TokenizerFiles, role: 'main' | 'merges' | 'config' | 'special'): Uint8Array {
  const found = bytes[role];
  if (found === undefined) throw tokenizerFault(name, `the ${role} file of the tokenizer is missing.`);
  return found;
}

function textOf(files: TokenizerFiles, role: 'main' | 'merges', name: string): string {
  const text = decodeUtf8(bytesOf(files, role));
  if (text === null) throw tokenizerFault(name, 'this is not UTF-8 text.');
  return text;
}

/** An absent file says nothing. */
function objectIn(files: TokenizerFiles, role: 'config' | 'special', name: string): Json {
  const bytes = files.bytes[role];
  if (bytes === undefined) return {};
  const value = asRecord(parseBoundedJson(bytes, name));
  if (value === null) throw tokenizerFault(name, 'this is no JSON object.');
  return value;
}
