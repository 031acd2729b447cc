// Tokenizers against implementations that are not ours: byte-level BPE and WordPiece written out in Python, the
// SentencePiece library, and the original tokenizers in Rust (generators: test/fixtures/tokenizers).

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { buildTokenizer } from '../../../src/model/text/buildTokenizer';
import { tokenLabel } from '../../../src/model/text/tokenLabels';
import type { Tokenizer, TokenizerFiles } from '../../../src/model/text/tokenizer';
import { fixture, fixtureJson, golden, smallBytePairs } from '../cli/textFolders';

const utf8 = new TextEncoder();
const bytesOf = (value: unknown): Uint8Array => utf8.encode(typeof value === 'string' ? value : JSON.stringify(value));
const files = (
  kind: TokenizerFiles['kind'],
  bytes: TokenizerFiles['bytes'],
  more: Partial<TokenizerFiles> = {},
): TokenizerFiles => ({ kind, bytes, name: kind, gguf: null, family: 'gpt2', byteOffset: 0, why: '', ...more });

const merges = bytesOf(`#version: 0.2\n${smallBytePairs.merges.join('\n')}\n`);
const vocabulary = bytesOf(smallBytePairs.vocab);

/** Ids of the text alone, without what is put around it. */
function ownIds(tokenizer: Tokenizer, text: string): readonly number[] {
  const { ids, added } = tokenizer.encode(text);
  return ids.filter((_, place) => added[place] === 0);
}

function ggufOf(name: string): Readonly<Record<string, unknown>> {
  const pieces = golden.pieces[name]!;
  return {
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': pieces.map(([text]) => text),
    'tokenizer.ggml.scores': pieces.map(([, score]) => score),
    'tokenizer.ggml.token_type': pieces.map(([, , type]) => type),
    'tokenizer.ggml.bos_token_id': 1,
  };
}

/** BERT's vocabulary as llama.cpp spells it. */
function ggufWords(): Readonly<Record<string, unknown>> {
  const tokens = Buffer.from(fixture('wordpiece.txt')).toString().trimEnd().split('\n');
  return {
    'tokenizer.ggml.model': 'bert',
    'tokenizer.ggml.tokens': tokens.map((token, id) =>
      id < 5 ? token : token.startsWith('##') ? token.slice(2) : `▁${token}`,
    ),
    'tokenizer.ggml.token_type': tokens.map((_, id) => (id < 5 ? 3 : 1)),
    'tokenizer.ggml.unknown_token_id': 1,
    'tokenizer.ggml.cls_token_id': 2,
    'tokenizer.ggml.seperator_token_id': 3,
  };
}

function ggufBytePairs(pre: string): Readonly<Record<string, unknown>> {
  return {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': pre,
    // By id: digits come first among the keys of an object.
    'tokenizer.ggml.tokens': Object.entries(smallBytePairs.vocab)
      .sort(([, a], [, b]) => a - b)
      .map(([token]) => token),
    'tokenizer.ggml.merges': smallBytePairs.merges,
    'tokenizer.ggml.bos_token_id': 0,
  };
}

describe('tokenizers, against Python and SentencePiece', () => {
  const cases: Readonly<Record<string, TokenizerFiles>> = {
    'byte-pair': files('byte-pair', { main: vocabulary, merges }),
    'byte-pair, prefix space': files('byte-pair', {
      main: vocabulary,
      merges,
      config: bytesOf({ add_prefix_space: true }),
    }),
    wordpiece: files('wordpiece', { main: fixture('wordpiece.txt') }),
    'wordpiece-cased': files('wordpiece', { main: fixture('wordpiece-cased.txt') }),
    unigram: files('sentencepiece', { main: fixture('unigram.model') }),
    'unigram-strip': files('sentencepiece', { main: fixture('unigram-strip.model') }),
    bpe: files('sentencepiece', { main: fixture('bpe.model') }),
    'bpe in GGUF': files('gguf', {}, { gguf: ggufOf('bpe') }),
    'wordpiece in GGUF': files('gguf', {}, { gguf: ggufWords() }),
    'byte-pair in GGUF': files('gguf', {}, { gguf: ggufBytePairs('gpt-2') }),
  };
  for (const [name, made] of Object.entries(cases)) {
    it(name, () => {
      const tokenizer = buildTokenizer(made);
      const expected = golden.cases[name.replace(' in GGUF', '')]!;
      golden.plain.forEach((text, i) => {
        assert.deepEqual(ownIds(tokenizer, text), expected[i], JSON.stringify(text));
      });
    });
  }
});

interface RustCase {
  readonly structure: { readonly model: Readonly<Record<string, unknown>> };
  readonly ids: readonly (readonly number[])[];
}

describe('tokenizers, against the original in Rust', () => {
  const rust = fixtureJson('rust.json') as Readonly<Record<string, RustCase>>;
  const vocabularies: Readonly<Record<string, unknown>> = {
    small: smallBytePairs.vocab,
    ...Object.fromEntries(
      ['wordpiece', 'wordpiece-cased'].map((name) => {
        const lines = Buffer.from(fixture(`${name}.txt`))
          .toString()
          .trimEnd()
          .split('\n');
        return [name, Object.fromEntries(lines.map((token, id) => [token, id]))];
      }),
    ),
  };
  const whole = ({ structure }: RustCase): unknown => {
    const { vocab, merges: pairs } = structure.model;
    const model = {
      ...structure.model,
      vocab: typeof vocab === 'string' ? vocabularies[vocab] : vocab,
      ...(pairs === 'small' ? { merges: smallBytePairs.merges } : {}),
    };
    return { ...structure, model };
  };
  for (const [name, one] of Object.entries(rust)) {
    it(name, () => {
      const tokenizer = buildTokenizer(files('tokenizer.json', { main: bytesOf(whole(one)) }));
      golden.texts.forEach((text, i) => {
        assert.deepEqual(tokenizer.encode(text).ids, one.ids[i], JSON.stringify(text));
      });
    });
  }

  it('the pattern of LLaMA 3 in GGUF', () => {
    const tokenizer = buildTokenizer(files('gguf', {}, { gguf: ggufBytePairs('llama-bpe') }));
    golden.plain.forEach((text) => {
      assert.deepEqual(tokenizer.encode(text).ids, rust['LLaMA 3']!.ids[golden.texts.indexOf(text)]);
    });
  });

  it('settings of the tokenizer classes go over the file', () => {
    const built = (name: string, config: object): readonly string[] =>
      buildTokenizer(files('tokenizer.json', { main: bytesOf(whole(rust[name]!)), config: bytesOf(config) })).encode(
        'The Cat',
      ).labels;
    assert.deepEqual(built('BERT', { do_lower_case: false }), ['[CLS]', '[UNK]', '[UNK]', '[SEP]']);
    assert.equal(built('GPT-2', {})[0], 'The');
    assert.equal(built('GPT-2', { add_prefix_space: true })[0], '·The');
    const llama = { tokenizer_class: 'LlamaTokenizer', bos_token: '<s>', eos_token: { content: '</s>' } };
    assert.equal(built('LLaMA', llama)[0], '<s>');
    assert.equal(built('LLaMA', { ...llama, add_bos_token: false })[0], '·The');
    assert.equal(built('LLaMA', { ...llama, add_eos_token: true }).at(-1), '</s>');
  });
});

describe('token labels', () => {
  const bytes = { byteLevel: true, space: null, wordEnd: null };
  const pieces = { byteLevel: false, space: '▁', wordEnd: null };
  const clip = { byteLevel: true, space: null, wordEnd: '</w>' };
  for (const [token, spelling, special, label] of [
    ['Ġcat', bytes, false, '·cat'],
    ['ĠĠ', bytes, false, '··'],
    ['Ċ', bytes, false, '\\n'],
    ['Ã©', bytes, false, 'é'],
    ['âĤ', bytes, false, '\\xE2\\x82'],
    ['Ġâ', bytes, false, '·\\xE2'],
    ['cat</w>', clip, false, 'cat·'],
    ['▁cat', pieces, false, '·cat'],
    ['<0x0A>', pieces, false, '\\n'],
    ['<0xE2>', pieces, false, '\\xE2'],
    ['##ing', { ...pieces, space: null }, false, '##ing'],
    ['[CLS]', bytes, true, '[CLS]'],
    ['a\u202eb\u200b\u0000', pieces, false, 'a\\u{202E}b\\u{200B}\\x00'],
    ['\u00a0', pieces, false, '\\xA0'],
    ['\u0301', pieces, false, '◌\u0301'],
    ['x'.repeat(5000), pieces, false, `${'x'.repeat(39)}…`],
  ] as const) {
    it(`${JSON.stringify(token.slice(0, 20))} is shown as ${label.slice(0, 20)}`, () => {
      assert.equal(tokenLabel(token, spelling, special), label);
    });
  }
});
