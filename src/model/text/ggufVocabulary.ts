// The vocabulary in the metadata of a GGUF file -> the structure of tokenizer.json. Names and defaults are those of
// llama.cpp: `gpt2` is byte-level BPE, `llama` SentencePiece with scores, `bert` WordPiece with '▁' before words.

import { grouped, quoted } from '../../checkpoint/nextSteps';
import { asBoolean, asInteger, asText } from '../parseValues';
import { shown, type Json } from './jsonValues';
import type { Spelling } from './tokenLabels';
import { scoredPieces, type Piece } from './sentencePiece';
import type { Around } from './specialTokens';
import { checkedStructure, splitMerge, type Structure } from './structure';
import { maxVocabulary, tokenizerFault, type AddedToken } from './tokenizer';
import { wordPieceOf } from './wordPieceFile';

interface GgufTokenizer {
  readonly structure: Structure;
  readonly around: Around;
  readonly spelling: Spelling;
  readonly what: string;
  /** Tokens by id where the structure has others. */
  readonly names?: readonly string[];
}

/** tokenizer.ggml.token_type */
const tokenTypes = { unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

const gpt2Words = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const llama3Words = (digits: string): string =>
  `(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

interface PreTokenizer {
  /** Patterns one after the other, each splitting what the one before left whole. */
  readonly words: readonly string[];
  readonly ignoreMerges?: boolean;
  readonly addBos?: boolean;
}

const plain: PreTokenizer = { words: [gpt2Words] };
const digitsApart: PreTokenizer = { words: ['\\p{N}', gpt2Words] };
const llama3: PreTokenizer = { words: [llama3Words('\\p{N}{1,3}')], ignoreMerges: true, addBos: true };

/** By tokenizer.ggml.pre. Others split words in ways of their own and are refused by name. */
const preTokenizers: Readonly<Partial<Record<string, PreTokenizer>>> = {
  'gpt-2': plain,
  'phi-2': plain,
  mpt: plain,
  olmo: plain,
  jais: plain,
  'llama-bpe': llama3,
  llama3,
  'llama-v3': llama3,
  falcon3: llama3,
  qwen2: { words: [llama3Words('\\p{N}')] },
  stablelm2: { words: [llama3Words('\\p{N}')] },
  starcoder: digitsApart,
  refact: digitsApart,
  smollm: digitsApart,
  'command-r': digitsApart,
  default: { words: ['[\\p{P}\\$\\+<=>\\^~\\|]+', gpt2Words, '\\p{N}+', '[0-9][0-9][0-9]'] },
};

/** Keys that this file reads, for those who hand a metadata tree to a thread. */
export function ggufTokenizerKeys(tree: Json): Json | null {
  if (!Array.isArray(tree['tokenizer.ggml.tokens'])) return null;
  return Object.fromEntries(Object.entries(tree).filter(([key]) => key.startsWith('tokenizer.ggml.')));
}

/** @throws ModelSpecError 'badInput' naming the key. */
export function ggufTokenizer(tree: Json, name: string): GgufTokenizer {
  const key = (end: string): unknown => tree[`tokenizer.ggml.${end}`];
  const tokens = textList(key('tokens'), 'tokens', name);
  const types = numberList(key('token_type'), tokens.length, 'token_type', name);
  const model = asText(key('model')) ?? '';
  const special = (end: string): AddedToken | null => {
    const id = asInteger(key(`${end}_token_id`));
    const content = id === null ? undefined : tokens[id];
    return content === undefined ? null : { content, id: id! };
  };
  const around = (bos: boolean, eos: boolean, first = special('bos'), last = special('eos')): Around => ({
    before: (asBoolean(key('add_bos_token')) ?? bos) && first !== null ? [first] : [],
    after: (asBoolean(key('add_eos_token')) ?? eos) && last !== null ? [last] : [],
  });
  const added = tokens.flatMap((content, id) => {
    const type = types?.[id];
    const isSpecial = type === tokenTypes.control || type === tokenTypes.unknown;
    return (isSpecial || type === tokenTypes.userDefined) && content !== ''
      ? [{ content, id, special: isSpecial, normalized: false }]
      : [];
  });
  if (model === 'gpt2') {
    const pre = preTokenizerOf(asText(key('pre')), name);
    const merges = textList(key('merges'), 'merges', name).map(splitMerge);
    return {
      structure: checkedStructure(
        {
          model: {
            type: 'BPE',
            vocab: vocabulary(tokens, name),
            merges,
            ignore_merges: pre.ignoreMerges === true,
            unk_token: special('unknown')?.content ?? null,
          },
          pre_tokenizer: {
            type: 'Sequence',
            pretokenizers: [
              ...pre.words.map((Regex) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated' })),
              { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
            ],
          },
          added_tokens: added,
        },
        name,
      ),
      around: around(pre.addBos === true, false),
      spelling: { byteLevel: true, space: null, wordEnd: null },
      what: 'byte-level BPE',
    };
  }
  if (model === 'llama') {
    const scores = numberList(key('scores'), tokens.length, 'scores', name);
    if (scores === null) throw tokenizerFault(name, 'its SentencePiece vocabulary has no tokenizer.ggml.scores.');
    const pieces = tokens.map((text, id): Piece => ({ text, score: scores[id]!, type: types?.[id] ?? 1 }));
    return {
      ...scoredPieces(pieces, {
        kind: 'BPE',
        addPrefix: asBoolean(key('add_space_prefix')) ?? true,
        normalizers: [],
        name,
      }),
      around: around(true, false),
      what: 'SentencePiece BPE',
    };
  }
  if (model === 'bert') {
    const cls = special('cls') ?? special('bos');
    const sep = special('seperator') ?? special('separator') ?? special('eos');
    const names: Json = {
      ...(cls === null ? {} : { cls_token: cls.content }),
      ...(sep === null ? {} : { sep_token: sep.content }),
      unk_token: special('unknown')?.content ?? '[UNK]',
    };
    const lower = { value: true, why: 'llama.cpp lower-cases every WordPiece vocabulary' };
    const { structure, around: both } = wordPieceOf(pieceNames(tokens, types), names, {}, name, lower);
    return {
      structure,
      around: around(true, true, both.before[0] ?? null, both.after[0] ?? null),
      spelling: { byteLevel: false, space: null, wordEnd: null },
      what: 'WordPiece, lower-cased',
    };
  }
  throw tokenizerFault(
    name,
    `its tokenizer.ggml.model is ${shown(key('model'))}; Gramlens reads gpt2, llama and bert vocabularies.`,
  );
}

/** llama.cpp marks the beginning of words ('▁cat', 'ing'), BERT the inside ('cat', '##ing'). */
function pieceNames(tokens: readonly string[], types: readonly number[] | null): readonly string[] {
  return tokens.map((token, id) => {
    const type = types?.[id];
    if (type === tokenTypes.control || type === tokenTypes.unknown || /^\[[^\]]+\]$/.test(token)) return token;
    return token.startsWith('▁') ? token.slice(1) : `##${token}`;
  });
}

function preTokenizerOf(pre: string | null, name: string): PreTokenizer {
  const found = preTokenizers[pre ?? 'default'];
  if (found !== undefined) return found;
  throw tokenizerFault(
    name,
    `its tokenizer.ggml.pre is ${quoted(pre ?? '')}, a way to split words that is not in this version (${Object.keys(preTokenizers).join(', ')} are).`,
  );
}

/** Vocabularies of models whose embedding was padded have the same filler twice: the first one counts. */
function vocabulary(tokens: readonly string[], name: string): Readonly<Record<string, number>> {
  const map = new Map<string, number>();
  tokens.forEach((token, id) => {
    if (!map.has(token)) map.set(token, id);
  });
  if (map.size === 0) throw tokenizerFault(name, 'its vocabulary is empty.');
  return Object.fromEntries(map);
}

function textList(value: unknown, key: string, name: string): readonly string[] {
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [null];
  if (key === 'tokens' && list.length > maxVocabulary) {
    throw tokenizerFault(name, `it has ${grouped(list.length)} tokens, more than ${grouped(maxVocabulary)}.`);
  }
  if (list.every((entry) => typeof entry === 'string')) return list;
  throw tokenizerFault(name, `tokenizer.ggml.${key} is no list of texts.`);
}

/** null where the key is absent. */
function numberList(value: unknown, length: number, key: string, name: string): readonly number[] | null {
  if (value === undefined) return null;
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (list.length === length && list.every((entry) => typeof entry === 'number')) {
    return list;
  }
  throw tokenizerFault(
    name,
    `tokenizer.ggml.${key} is no list of ${grouped(length)} numbers, one for each of its tokens.`,
  );
}
