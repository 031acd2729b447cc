// vocab.txt -> the structure of tokenizer.json: WordPiece as of BERT, one token a line, its id the line.

import { asBoolean } from '../parseValues';
import { quoted } from '../../checkpoint/nextSteps';
import type { Json } from './jsonValues';
import { specialName, type Around } from './specialTokens';
import { checkedStructure, type Structure } from './structure';
import { tokenizerFault, type AddedToken } from './tokenizer';

interface WordPieceTokenizer {
  readonly structure: Structure;
  readonly around: Around;
  /** How the case was decided. */
  readonly remark: string;
}

/** @throws ModelSpecError 'badInput' naming the line or the token that is missing. */
export function wordPieceTokenizer(text: string, config: Json, special: Json, name: string): WordPieceTokenizer {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  while (lines.at(-1) === '') lines.pop();
  return wordPieceOf(lines, config, special, name, lowerCase(config, lines));
}

/** `tokens`: by id. */
export function wordPieceOf(
  tokens: readonly string[],
  config: Json,
  special: Json,
  name: string,
  lower: { readonly value: boolean; readonly why: string },
): WordPieceTokenizer {
  const vocab = new Map<string, number>();
  // Of the same token twice the later one counts, as in the original.
  tokens.forEach((token, id) => vocab.set(token, id));
  const named = (key: string, otherwise: string): AddedToken => {
    const content = specialName(key, config, special) ?? otherwise;
    const id = vocab.get(content);
    if (id !== undefined) return { content, id };
    throw tokenizerFault(name, `it has no token ${quoted(content)}, so it is no vocabulary of BERT.`);
  };
  const unknown = named('unk_token', '[UNK]');
  const around: Around = { before: [named('cls_token', '[CLS]')], after: [named('sep_token', '[SEP]')] };
  const others = (['pad_token', 'mask_token'] as const).flatMap((key) => {
    const content = specialName(key, config, special) ?? (key === 'pad_token' ? '[PAD]' : '[MASK]');
    const id = vocab.get(content);
    return id === undefined ? [] : [{ content, id }];
  });
  const structure = checkedStructure(
    {
      model: { type: 'WordPiece', vocab: Object.fromEntries(vocab), unk_token: unknown.content },
      normalizer: {
        type: 'BertNormalizer',
        lowercase: lower.value,
        handle_chinese_chars: asBoolean(config['tokenize_chinese_chars']) ?? true,
        strip_accents: asBoolean(config['strip_accents']),
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      added_tokens: [unknown, ...around.before, ...around.after, ...others].map((token) => ({
        ...token,
        special: true,
      })),
    },
    name,
  );
  return { structure, around, remark: `; ${lower.value ? 'lower-cased' : 'case kept'} (${lower.why})` };
}

/** tokenizer_config.json, else the vocabulary: one that was made from lower-cased text has no upper-case word in it. */
function lowerCase(config: Json, tokens: readonly string[]): { readonly value: boolean; readonly why: string } {
  const said = asBoolean(config['do_lower_case']);
  if (said !== null) return { value: said, why: 'do_lower_case of tokenizer_config.json' };
  const upper = tokens.some((token) => /^\p{Lu}\p{L}/u.test(token));
  return {
    value: !upper,
    why: upper ? 'the vocabulary has words in upper case' : 'no word of the vocabulary is in upper case',
  };
}
