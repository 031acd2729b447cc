// vocab.json and merges.txt -> the structure of tokenizer.json: byte-level BPE as of GPT-2 and RoBERTa, and CLIP's,
// which lower-cases and marks the end of words.

import { asText } from '../parseValues';
import { shown, type Json } from './jsonValues';
import { specialName, type Around } from './specialTokens';
import { checkedStructure, checkVocabulary, splitMerge, type Structure } from './structure';
import { tokenizerFault, type AddedToken } from './tokenizer';

/** CLIP's words: contractions, letters, single digits, runs of anything else but white space. */
const clipWords = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

type Style = 'gpt2' | 'roberta' | 'clip';

interface BytePairTokenizer {
  readonly structure: Structure;
  readonly around: Around;
  readonly wordEnd: string | null;
}

/** `#version: 0.2` and one merge a line. @throws ModelSpecError 'badInput' */
export function parseMerges(text: string, name: string): readonly (readonly string[])[] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const merges = lines.filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')));
  return merges.map((line, i) => {
    const pair = splitMerge(line);
    if (pair.length === 2 && pair.every((part) => part !== '')) return pair;
    throw tokenizerFault(name, `line ${i + 1} is ${shown(line)}, not two tokens with a space between them.`);
  });
}

/**
 * @param vocab parsed vocab.json.
 * @param family `ModelSpec.family`; the tokenizer's own class comes first.
 */
export function bytePairTokenizer(
  vocab: unknown,
  merges: readonly (readonly string[])[],
  config: Json,
  special: Json,
  family: string,
  name: string,
): BytePairTokenizer {
  const ids = checkVocabulary(vocab, name);
  const idOf = (content: string): number | undefined => (Object.hasOwn(ids, content) ? ids[content] : undefined);
  const style = styleOf(asText(config['tokenizer_class']) ?? '', family, idOf);
  const named = (key: string, otherwise: string): AddedToken | null => {
    const content = specialName(key, config, special) ?? otherwise;
    const id = idOf(content);
    return id === undefined ? null : { content, id };
  };
  const [bos, eos] =
    style === 'clip'
      ? [named('bos_token', '<|startoftext|>'), named('eos_token', '<|endoftext|>')]
      : style === 'roberta'
        ? [named('cls_token', '<s>'), named('sep_token', '</s>')]
        : [named('bos_token', '<|endoftext|>'), named('eos_token', '<|endoftext|>')];
  if (style !== 'gpt2' && (bos === null || eos === null)) {
    throw tokenizerFault(name, `the special tokens of ${style === 'clip' ? 'CLIP' : 'RoBERTa'} are not in it.`);
  }
  const addsBos = style !== 'gpt2' || config['add_bos_token'] === true;
  const around: Around = {
    before: addsBos && bos !== null ? [bos] : [],
    after: style !== 'gpt2' && eos !== null ? [eos] : [],
  };
  const wordEnd = style === 'clip' ? '</w>' : null;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: config['add_prefix_space'] === true };
  const unknown = named('unk_token', style === 'roberta' ? '<unk>' : '<|endoftext|>')?.content ?? null;
  const structure = checkedStructure(
    {
      model: {
        type: 'BPE',
        vocab: ids,
        merges,
        unk_token: unknown,
        ...(wordEnd === null ? {} : { end_of_word_suffix: wordEnd }),
      },
      normalizer:
        style === 'clip'
          ? {
              type: 'Sequence',
              normalizers: [
                { type: 'NFC' },
                { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
                { type: 'Lowercase' },
              ],
            }
          : null,
      pre_tokenizer:
        style === 'clip'
          ? {
              type: 'Sequence',
              pretokenizers: [
                { type: 'Split', pattern: { Regex: clipWords }, behavior: 'Removed', invert: true },
                byteLevel,
              ],
            }
          : byteLevel,
      added_tokens: addedTokens(style, named),
    },
    name,
  );
  return { structure, around, wordEnd };
}

function styleOf(className: string, family: string, idOf: (content: string) => number | undefined): Style {
  if (/^CLIP/.test(className)) return 'clip';
  if (/^(XLM)?R(oberta|OBERTA)/i.test(className)) return 'roberta';
  if (/^GPT/.test(className)) return 'gpt2';
  if (family === 'roberta') return 'roberta';
  if (family.startsWith('clip') || idOf('<|startoftext|>') !== undefined) return 'clip';
  return 'gpt2';
}

/** Tokens that are matched as a whole wherever they stand. */
function addedTokens(style: Style, named: (key: string, otherwise: string) => AddedToken | null): readonly Json[] {
  const wanted: readonly (readonly [string, string])[] =
    style === 'roberta'
      ? [
          ['cls_token', '<s>'],
          ['pad_token', '<pad>'],
          ['sep_token', '</s>'],
          ['unk_token', '<unk>'],
          ['mask_token', '<mask>'],
        ]
      : [
          ['bos_token', style === 'clip' ? '<|startoftext|>' : '<|endoftext|>'],
          ['eos_token', '<|endoftext|>'],
        ];
  const found = new Map<number, Json>();
  for (const [key, otherwise] of wanted) {
    const token = named(key, otherwise);
    // <mask> takes the space before it along, as RoBERTa was trained.
    if (token !== null) found.set(token.id, { ...token, special: true, lstrip: key === 'mask_token' });
  }
  return [...found.values()];
}
