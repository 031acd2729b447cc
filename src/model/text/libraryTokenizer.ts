// A checked structure -> a running tokenizer, by @huggingface/tokenizers. Special tokens around the text are ours.

import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { grouped } from '../../checkpoint/nextSteps';
import { asRecord } from '../parseValues';
import type { Json } from './jsonValues';
import type { Around } from './specialTokens';
import type { Structure } from './structure';
import { tokenLabel, type Spelling } from './tokenLabels';
import { tokenizerFault, type Tokenizer } from './tokenizer';

/** `name`: the file. `what`: 'byte-pair encoding', for the source sentence. */
export interface Built {
  readonly structure: Structure;
  readonly around: Around;
  readonly spelling: Spelling;
  readonly name: string;
  readonly what: string;
  /** Further words for the source sentence, or ''. */
  readonly remark: string;
  /** Tokens by id where the structure has others; absent: as the structure has them. */
  readonly names?: readonly string[];
}

/** @throws ModelSpecError 'badInput' for a structure that the library cannot run, naming the file. */
export function libraryTokenizer(built: Built): Tokenizer {
  const { structure, around, name } = built;
  const { vocabulary, tokens, unknown } = readVocabulary(structure, built.names);
  const special = new Set(structure.added_tokens.filter((token) => token.special).map((token) => token.id));
  const runner = run(name, () => new LibraryTokenizer(structure, libraryConfig(structure)));
  const label = (id: number): string | null => {
    const token = tokens.get(id);
    return token === undefined ? null : tokenLabel(token, built.spelling, special.has(id));
  };
  const fallback = structure.model['type'] === 'Unigram' && structure.model['byte_fallback'] === true;
  const idOfToken = new Map(Array.from(tokens, ([id, token]) => [token, id]));
  return {
    vocabulary,
    source: sourceSentence(built, vocabulary),
    label,
    encode: (text) => {
      const encoded = run(name, () => runner.encode(text, { add_special_tokens: false }));
      const inner: number[] = [];
      encoded.ids.forEach((id: number | undefined, i) => {
        const bytes = fallback && id === unknown ? byteTokens(encoded.tokens[i]!, idOfToken) : null;
        if (bytes !== null) inner.push(...bytes);
        else if (id !== undefined) inner.push(id);
        else {
          throw tokenizerFault(
            name,
            `the text has a part that is not in the vocabulary, and there is no unknown token for it.`,
          );
        }
      });
      const [before, after] = [around.before, around.after].map((side) => side.map((token) => token.id)) as [
        number[],
        number[],
      ];
      const ids = [...before, ...inner, ...after];
      return {
        ids,
        labels: ids.map((id) => label(id) ?? String(id)),
        added: ids.map((_, i) => (i < before.length || i >= before.length + inner.length ? 1 : 0)),
      };
    },
  };
}

/** The library speaks of its own objects; the person has a file. */
function run<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && error.name === 'ModelSpecError') throw error;
    const detail = error instanceof Error ? error.message.slice(0, 200) : String(error);
    throw tokenizerFault(name, `the tokenizer cannot be run (${detail}).`);
  }
}

/** WordLevel models take their unknown token from here. */
function libraryConfig({ model }: Structure): Json {
  const unknown = model['unk_token'];
  return {
    clean_up_tokenization_spaces: false,
    ...(typeof unknown === 'string' ? { unk_token: unknown } : {}),
  };
}

function readVocabulary(
  { model, added_tokens }: Structure,
  names: readonly string[] | undefined,
): {
  readonly vocabulary: number;
  readonly tokens: ReadonlyMap<number, string>;
  readonly unknown: number | undefined;
} {
  const tokens = new Map<number, string>();
  const { vocab } = model;
  if (Array.isArray(vocab)) {
    (vocab as readonly (readonly [string, number])[]).forEach(([piece], id) => tokens.set(id, piece));
  } else for (const [token, id] of Object.entries(asRecord(vocab) ?? {})) tokens.set(id as number, token);
  names?.forEach((token, id) => tokens.set(id, token));
  for (const { id, content } of added_tokens) tokens.set(id, content);
  let largest = -1;
  for (const id of tokens.keys()) if (id > largest) largest = id;
  const unknown = model['unk_id'];
  return { vocabulary: largest + 1, tokens, unknown: typeof unknown === 'number' ? unknown : undefined };
}

/** Ids of <0xE2> and so on for a part that is in no piece; null where a byte has no token. */
function byteTokens(text: string, ids: ReadonlyMap<string, number>): readonly number[] | null {
  const bytes = Array.from(new TextEncoder().encode(text), (byte) =>
    ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  );
  return bytes.every((id) => id !== undefined) ? bytes : null;
}

function sourceSentence({ name, what, around, remark }: Built, vocabulary: number): string {
  const { before, after } = around;
  const list = (tokens: Around['before']): string => tokens.map((token) => token.content).join(' ');
  const added =
    before.length + after.length === 0
      ? 'no special token is added'
      : `${list(before)} … ${list(after)}`.trim() + ' is put around the text';
  return `${name}: ${what}, ${grouped(vocabulary)} ids; ${added}${remark}`;
}
