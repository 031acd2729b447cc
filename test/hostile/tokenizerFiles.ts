// Broken and crafted tokenizer files with the exact sentence each must give.

import { buildTokenizer } from '../../src/model/text/buildTokenizer';
import type { TokenizerFiles } from '../../src/model/text/tokenizer';
import type { HostileTable } from './cases';

export const next = 'Give another tokenizer with --set tokenizer=FILE, or the ids with tokens:1,2,3.';
const crafted = 'the file is damaged or crafted.';

const bytesOf = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
export const files = (
  kind: TokenizerFiles['kind'],
  main: unknown,
  more: Partial<TokenizerFiles> = {},
): TokenizerFiles => ({
  kind,
  name: kind === 'byte-pair' ? 'vocab.json' : kind === 'wordpiece' ? 'vocab.txt' : kind,
  bytes: { main: main instanceof Uint8Array ? main : bytesOf(main) },
  gguf: null,
  family: 'gpt2',
  byteOffset: 0,
  why: '',
  ...more,
});

const wordLevel = { type: 'WordLevel', vocab: { a: 0, b: 1 }, unk_token: 'a' };
export const json = (more: object, model: object = wordLevel): TokenizerFiles =>
  files('tokenizer.json', { model, ...more });
const bpe = (more: object): TokenizerFiles =>
  json({}, { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: [], ...more });
export const pre = (config: unknown): TokenizerFiles => json({ pre_tokenizer: config });
const gguf = (tree: Record<string, unknown>): TokenizerFiles =>
  files('gguf', '', {
    name: 'model.gguf',
    gguf: Object.fromEntries(Object.entries(tree).map(([key, value]) => [`tokenizer.ggml.${key}`, value])),
  });
const pairs = (merges: string): TokenizerFiles =>
  files('byte-pair', '', { bytes: { main: bytesOf({ a: 0 }), merges: bytesOf(merges) } });

/** name -> files, message before the next step. */
const cases: Readonly<Record<string, readonly [make: () => TokenizerFiles, message: string]>> = {
  'no JSON': [
    () => files('tokenizer.json', '{"model": '),
    'tokenizer.json: this is not JSON (Unexpected end of JSON input).',
  ],
  'no UTF-8': [
    () => files('tokenizer.json', Uint8Array.of(0x7b, 0xff, 0x7d)),
    'tokenizer.json: this is not UTF-8 text, so it is no JSON file.',
  ],
  'no tokenizer': [
    () => files('tokenizer.json', []),
    'tokenizer.json: there is no "model" in it, so it is no tokenizer.json.',
  ],
  'a bomb of brackets': [
    () => files('tokenizer.json', '['.repeat(10_000_000)),
    `tokenizer.json: brackets are nested deeper than 32 levels; ${crafted}`,
  ],
  'a bomb of lists': [
    () => files('tokenizer.json', `[${'[],'.repeat(6_000_000)}[]]`),
    'tokenizer.json: the file has more than the 3,000,000 entries of the largest tokenizers; it is damaged or crafted.',
  ],
  'an unknown model': [
    () => json({}, { type: 'Rwkv' }),
    'tokenizer.json: model.type is "Rwkv"; Gramlens knows BPE, WordPiece, Unigram and WordLevel tokenizers.',
  ],
  'an empty vocabulary': [() => bpe({ vocab: {} }), 'tokenizer.json: the vocabulary is empty.'],
  'a vocabulary that is none': [
    () => bpe({ vocab: 7 }),
    'tokenizer.json: the vocabulary is no map from tokens to ids.',
  ],
  'an id of 2^53': [
    () => bpe({ vocab: { a: 2 ** 53 } }),
    'tokenizer.json: token "a" has the id 9007199254740992; ids are whole numbers from 0 to 1,048,575.',
  ],
  'a negative id': [
    () => bpe({ vocab: { a: -1 } }),
    'tokenizer.json: token "a" has the id -1; ids are whole numbers from 0 to 1,048,575.',
  ],
  'an id twice': [() => bpe({ vocab: { a: 3, b: 3 } }), 'tokenizer.json: two tokens have the id 3.'],
  'a token of megabytes': [
    () => bpe({ vocab: { ['a'.repeat(3_000_000)]: 0 } }),
    `tokenizer.json: a token has 3,000,000 characters, more than the 4,096 Gramlens accepts; ${crafted}`,
  ],
  'merges that are none': [() => bpe({ merges: { a: 1 } }), 'tokenizer.json: model.merges is no list.'],
  'a merge of one token': [() => bpe({ merges: ['a b', 'ab'] }), 'tokenizer.json: merge 2 is "ab", not two tokens.'],
  'a merge of numbers': [() => bpe({ merges: [[1, 2]] }), 'tokenizer.json: merge 1 is [1,2], not two tokens.'],
  'pieces without scores': [
    () => json({}, { type: 'Unigram', unk_id: 0, vocab: [['a', null]] }),
    'tokenizer.json: piece 0 of the vocabulary is ["a",null], not [piece, score].',
  ],
  'an unknown piece outside': [
    () => json({}, { type: 'Unigram', unk_id: 5, vocab: [['a', 0]] }),
    'tokenizer.json: model.unk_id is 5, which is no piece of the vocabulary.',
  ],
  'words of any length': [
    () => json({}, { type: 'WordPiece', vocab: { a: 0 }, unk_token: 'a', max_input_chars_per_word: 1e9 }),
    'tokenizer.json: model.max_input_chars_per_word must be a whole number from 1 to 1,000.',
  ],
  'pieces of no length': [
    () => pre({ type: 'FixedLength', length: 0 }),
    'tokenizer.json: the pre-tokenizer FixedLength has the length 0.',
  ],
  'a pre-tokenizer from the prototype': [
    () => pre({ type: 'constructor' }),
    'tokenizer.json: it uses the pre-tokenizer "constructor", which is not in this version.',
  ],
  'a way to split that is not ours': [
    () => pre({ type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithNext', invert: false }),
    'tokenizer.json: it uses the pre-tokenizer Split with "MergedWithNext", which is not in this version.',
  ],
  'a pattern of any length': [
    () => pre({ type: 'Split', pattern: { Regex: 'a'.repeat(5000) }, behavior: 'Isolated' }),
    'tokenizer.json: a pattern has 5,000 characters, more than the 4,096 Gramlens accepts.',
  ],
  'a broken pattern': [
    () => pre({ type: 'Split', pattern: { Regex: '(a' }, behavior: 'Isolated' }),
    'tokenizer.json: the tokenizer cannot be run (Invalid regular expression: /(a/gu: Unterminated group).',
  ],
  'a thousand normalisers': [
    () =>
      json({ normalizer: { type: 'Sequence', normalizers: Array.from({ length: 1000 }, () => ({ type: 'NFC' })) } }),
    'tokenizer.json: there are more than 64 normalizers.',
  ],
  'a replacement that blows text up': [
    () => json({ normalizer: { type: 'Replace', pattern: { Regex: '.' }, content: 'a'.repeat(1000) } }),
    'tokenizer.json: "Replace" has no text of at most 64 characters under "content".',
  ],
  'an empty added token': [
    () => json({ added_tokens: [{ id: 1, content: '' }] }),
    'tokenizer.json: the added token with id 1 is empty.',
  ],
  'a post-processor without the text': [
    () => json({ post_processor: { type: 'TemplateProcessing', single: [], special_tokens: {} } }),
    'tokenizer.json: the template of the post-processor leaves the text out.',
  ],
  'a post-processor that adds what is not there': [
    () =>
      json({
        post_processor: {
          type: 'TemplateProcessing',
          single: [{ SpecialToken: { id: '[X]' } }, { Sequence: { id: 'A' } }],
        },
      }),
    'tokenizer.json: the template adds "[X]", which is not in the vocabulary.',
  ],
  'a post-processor that adds a thousand': [
    () =>
      json({
        post_processor: {
          type: 'TemplateProcessing',
          single: Array.from({ length: 1000 }, () => ({ SpecialToken: { id: 'a' } })),
        },
      }),
    'tokenizer.json: the post-processor adds more than 16 special tokens.',
  ],
  'merges.txt of one word a line': [
    () => pairs('#version\na b\nc'),
    'merges.txt: line 2 is "c", not two tokens with a space between them.',
  ],
  'vocab.txt of something else': [
    () => files('wordpiece', 'hello\nworld\n'),
    'vocab.txt: it has no token "[UNK]", so it is no vocabulary of BERT.',
  ],
  'a cut protocol buffer': [
    () => files('sentencepiece', Uint8Array.of(0x0a, 0x7f, 0x01)),
    'sentencepiece: this is no SentencePiece model: its fields do not fit the file.',
  ],
  'a protocol buffer of another kind': [
    () => files('sentencepiece', Uint8Array.of(0x20, 0x01)),
    'sentencepiece: this is no SentencePiece model: there is no piece in it.',
  ],
  'a GGUF vocabulary of another kind': [
    () => gguf({ model: 'rwkv', tokens: ['a'] }),
    'model.gguf: its tokenizer.ggml.model is "rwkv"; Gramlens reads gpt2, llama and bert vocabularies.',
  ],
  'a GGUF vocabulary of numbers': [
    () => gguf({ model: 'gpt2', tokens: [1, 2] }),
    'model.gguf: tokenizer.ggml.tokens is no list of texts.',
  ],
  'GGUF scores of another length': [
    () => gguf({ model: 'llama', tokens: ['a', 'b'], scores: [1] }),
    'model.gguf: tokenizer.ggml.scores is no list of 2 numbers, one for each of its tokens.',
  ],
  'a tokenizer.json that is cut': [
    () => files('tokenizer.json', JSON.stringify({ model: wordLevel }).slice(0, -12)),
    'tokenizer.json: this is not JSON (Unterminated string in JSON at position 56).',
  ],
  'a vocab.json that is cut': [
    () => files('byte-pair', '', { bytes: { main: bytesOf('{"a": 0, "b'), merges: bytesOf('a b') } }),
    'vocab.json: this is not JSON (Unterminated string in JSON at position 11).',
  ],
  'an id of 2^63': [
    () =>
      files(
        'tokenizer.json',
        '{"model": {"type": "WordLevel", "vocab": {"a": 9223372036854775808}, "unk_token": "a"}}',
      ),
    'tokenizer.json: token "a" has the id 9223372036854776000; ids are whole numbers from 0 to 1,048,575.',
  ],
  'an added token of 2^63': [
    () => json({ added_tokens: [{ id: 2 ** 63, content: 'x' }] }),
    'tokenizer.json: token "x" has the id 9223372036854776000; ids are whole numbers from 0 to 1,048,575.',
  ],
  'a list of any number of added tokens': [
    () => json({ added_tokens: Array.from({ length: 65_537 }, (_, id) => ({ id, content: 'x' })) }),
    'tokenizer.json: there are 65,537 added tokens, more than 65,536.',
  ],
  'a piece of 2^63 bytes': [
    // Field 1, length-delimited, with the length 2^63 as a variable-length integer.
    () => files('sentencepiece', Uint8Array.of(0x0a, ...new Array<number>(9).fill(0x80), 0x01)),
    'sentencepiece: this is no SentencePiece model: its fields do not fit the file.',
  ],
  'a number that never ends': [
    () => files('sentencepiece', new Uint8Array(1_000_000).fill(0x80)),
    'sentencepiece: this is no SentencePiece model: its fields do not fit the file.',
  ],
  'a unigram vocabulary of any size': [
    () =>
      json(
        {},
        { type: 'Unigram', unk_id: 0, vocab: Array.from({ length: 1100 }, (_, i) => [`${i}${'x'.repeat(4000)}`, 0]) },
      ),
    'tokenizer.json: the pieces have 4,403,290 characters in all, more than the 4,000,000 Gramlens accepts.',
  ],
  'a tokenizer_config.json that is none': [
    () => ({ ...json({}), bytes: { ...json({}).bytes, config: bytesOf([]) } }),
    'tokenizer_config.json: this is no JSON object.',
  ],
  'a bomb of brackets in tokenizer_config.json': [
    () => ({ ...json({}), bytes: { ...json({}).bytes, config: bytesOf('{"a":'.repeat(800_000)) } }),
    `tokenizer_config.json: brackets are nested deeper than 32 levels; ${crafted}`,
  ],
};

export const hostileTokenizers: HostileTable = Object.fromEntries(
  Object.entries(cases).map(([name, [make, message]]) => [
    name,
    {
      prepare: () => {
        const files = make();
        return () => Promise.resolve(buildTokenizer(files));
      },
      error: { name: 'ModelSpecError', reason: 'badInput', message: `${message} ${next}` },
    },
  ]),
);
