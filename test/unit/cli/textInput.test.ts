// Text through dist/cli.js: every kind of tokenizer beside a tiny model, ids as independent implementations give them,
// labels in the result; and what is said where there is no tokenizer, too much text or the wrong one.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { readInput } from '../../../src/inspection/node/readInput';
import { TokenizerSource } from '../../../src/inspection/node/tokenizerSource';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { outputRows } from '../../../src/report/outputText';
import { fixture, ggufFolder, ggufPieces, golden, modelFolder, smallBytePairs } from './textFolders';

const sentence = 'The cat sat on the mat.';
const at = golden.plain.indexOf(sentence);
const merges = `#version: 0.2\n${smallBytePairs.merges.join('\n')}\n`;
const bytePairs = { 'vocab.json': smallBytePairs.vocab, 'merges.txt': merges };
const quick = ['--nulls', '0', '--twins', '0', '--noise', 'none', '--backend', 'reference', '--rpc', 'layers=none'];

function cli(path: string, ...more: readonly string[]): { status: number | null; stderr: string; out: string } {
  const out = join(path, '..', `out-${path.length}-${more.join('').length}`);
  const args = ['dist/cli.js', 'inspect', path, ...quick, '--out', out, '--format', 'json', ...more];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, stderr, out };
}

function resultOf(path: string, ...more: readonly string[]): InspectionResult {
  const { status, stderr, out } = cli(path, ...more);
  assert.equal(status, 0, stderr);
  return JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as InspectionResult;
}

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** One model of each kind of tokenizer: the ids that it must give for the sentence, its labels, its source. */
const models: Readonly<
  Record<
    string,
    {
      readonly make: () => string;
      readonly ids: readonly number[];
      readonly labels: string;
      readonly added: readonly number[];
      readonly tokenizer: string;
    }
  >
> = {
  'GPT-2 with vocab.json and merges.txt': {
    make: () => modelFolder('gpt2', 352, 64, bytePairs),
    ids: golden.cases['byte-pair']![at]!,
    labels: 'The|·cat|·sat|·on|·the|·mat|.',
    added: [],
    tokenizer: 'vocab.json: byte-level BPE, 352 ids; no special token is added',
  },
  'RoBERTa with vocab.json and merges.txt': {
    make: () => modelFolder('roberta', 352, 64, bytePairs),
    ids: [0, ...golden.cases['byte-pair']![at]!, 2],
    labels: '<s>|The|·cat|·sat|·on|·the|·mat|.|</s>',
    added: [0, 8],
    tokenizer: 'vocab.json: byte-level BPE, 352 ids; <s> … </s> is put around the text',
  },
  'BERT with vocab.txt': {
    make: () => modelFolder('bert-padded', 139, 64, { 'vocab.txt': fixture('wordpiece.txt') }),
    ids: [2, ...golden.cases['wordpiece']![at]!, 3],
    labels: '[CLS]|the|cat|sat|on|the|mat|.|[SEP]',
    added: [0, 8],
    tokenizer:
      'vocab.txt: WordPiece, 139 ids; [CLS] … [SEP] is put around the text; lower-cased (no word of the vocabulary is in upper case)',
  },
  'LLaMA in GGUF with its vocabulary': {
    make: () => ggufFolder(420, ggufPieces('bpe')),
    ids: [1, ...golden.cases['bpe']![at]!],
    labels: '<s>|·The|·cat|·sat|·on|·the|·mat|.',
    added: [0],
    tokenizer: 'model.gguf: SentencePiece BPE, 420 ids; <s> … is put around the text',
  },
  'LLaMA with tokenizer.model': {
    make: () => modelFolder('llama-linear', 405, 64, { 'tokenizer.model': fixture('unigram.model') }),
    ids: [1, ...golden.cases['unigram']![at]!],
    labels: '',
    added: [0],
    tokenizer: 'tokenizer.model: SentencePiece unigram, 405 ids; <s> … is put around the text',
  },
  'GPT-2 of bytes, said by its config': {
    make: () => modelFolder('gpt2', 259, 64, {}, { tokenizer_class: 'ByT5Tokenizer' }),
    ids: [...Buffer.from(sentence).map((byte) => byte + 3), 1],
    labels: `${Array.from(sentence.replaceAll(' ', '·')).join('|')}|</s>`,
    added: [sentence.length],
    tokenizer: 'plain bytes of UTF-8 (tokenizer_class ByT5Tokenizer of config.json); </s> is added at the end',
  },
};

/** Logits over the vocabulary carry the text of their tokens, as Python's files have it. */
function checkLogits(name: string, { output }: InspectionResult): void {
  const texts: Readonly<Record<string, (id: number) => string>> = {
    'LLaMA in GGUF with its vocabulary': (id) =>
      golden.pieces['bpe']![id]![0].replaceAll('▁', '·').replace(/^<0x(..)>$/, (_, byte: string) =>
        printable(String.fromCharCode(parseInt(byte, 16))),
      ),
    'GPT-2 of bytes, said by its config': (id) =>
      id < 3 ? ['<pad>', '</s>', '<unk>'][id]! : printable(String.fromCharCode(id - 3)),
  };
  const text = texts[name];
  if (text === undefined) return;
  assert.equal(output.logitsOf, 'tokens');
  assert.equal(output.logitsTop.length, 10);
  for (const { index, label } of output.logitsTop) assert.equal(label, text(index), `token ${index}`);
  const [first] = output.logitsTop;
  assert.equal(outputRows(output, 1)[0]![0], `token “${first!.label}” (${first!.index})`);
}

const printable = (char: string): string =>
  char === ' '
    ? '·'
    : /[!-~]/.test(char)
      ? char
      : `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

describe('gramlens inspect, text', () => {
  for (const [name, { make, ids, labels, added, tokenizer }] of Object.entries(models)) {
    it(`${name}: tokens as published, labels and special tokens in the result`, () => {
      const folder = make();
      const path = join(folder, name.includes('GGUF') ? 'model.gguf' : 'model.safetensors');
      const result = resultOf(path, '--input', `text:${sentence}`);
      const [input] = result.provenance.inputs;
      assert.equal(input!.kind, 'text');
      assert.equal(input!.label, `text:${sentence}`);
      assert.equal(input!.sha256, sha256(sentence));
      assert.deepEqual(input!.tokenIds, ids);
      assert.equal(input!.tokens, ids.length);
      assert.equal(result.model.tokens, ids.length);
      assert.deepEqual(input!.addedTokens, added);
      assert.equal(input!.tokenizer, tokenizer);
      if (labels !== '') assert.equal(input!.tokenLabels!.join('|'), labels);
      checkLogits(name, result);
      if (!name.startsWith('RoBERTa')) return;
      const same = resultOf(path, '--input', `tokens:${ids.join(',')}`);
      // Which ids are special tokens is known where the tokenizer put them there.
      const shared = JSON.parse(
        JSON.stringify(result.layers, (key, value: unknown) => (key === 'specialTokenMass' ? undefined : value)),
      ) as InspectionResult['layers'];
      assert.deepEqual(same.layers, shared, 'the heads are those of the same ids');
      assert.deepEqual(same.provenance.inputs[0]!.tokenLabels, input!.tokenLabels, 'ids are labelled, too');
    });
  }

  it('reads a text file with a byte order mark, and plain bytes where --set says so', () => {
    const folder = modelFolder('gpt2', 256, 64, bytePairs);
    const file = join(folder, 'note.txt');
    writeFileSync(file, '\ufeffé!\n');
    const result = resultOf(join(folder, 'model.safetensors'), '--input', file, '--set', 'tokenizer=bytes');
    const [input] = result.provenance.inputs;
    assert.deepEqual(input!.tokenIds, [0xc3, 0xa9, 0x21, 0x0a]);
    assert.deepEqual(input!.tokenLabels, ['\\xC3', '\\xA9', '!', '\\n']);
    assert.deepEqual([input!.label, input!.sha256], ['note.txt', sha256('\ufeffé!\n')]);
  });

  it('takes the tokenizer of another folder', () => {
    const folder = modelFolder('bert-padded', 139, 64);
    const other = join(folder, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'vocab.txt'), fixture('wordpiece.txt'));
    writeFileSync(join(other, 'tokenizer_config.json'), '{"do_lower_case": false}');
    const set = ['--set', `tokenizer=${join(other, 'vocab.txt')}`];
    const result = resultOf(join(folder, 'model.safetensors'), '--input', 'text:the Cat', ...set);
    assert.deepEqual(result.provenance.inputs[0]!.tokenLabels, ['[CLS]', 'the', '[UNK]', '[SEP]']);
  });

  const none = 'tokenizer.json, vocab.json with merges.txt, vocab.txt and tokenizer.model were looked for.';
  const out = 'say --set tokenizer=FILE or --set tokenizer=bytes, or give the ids with tokens:1,2,3.';
  const refusals: Readonly<Record<string, readonly [() => string, readonly string[], string]>> = {
    'a model without a tokenizer': [
      () => modelFolder('gpt2', 352, 64),
      ['--input', 'text:hello'],
      `There is no tokenizer beside model.safetensors: ${none} Put one there, ${out}`,
    ],
    'half a tokenizer': [
      () => modelFolder('gpt2', 352, 64, { 'vocab.json': {} }),
      ['--input', 'text:hello'],
      `There is no tokenizer beside model.safetensors (vocab.json is there, merges.txt is not): ${none} Put one there, ${out}`,
    ],
    'more text than the context': [
      () => modelFolder('gpt2', 352, 6, bytePairs),
      ['--input', `text:${sentence}`],
      `text:${sentence} has 7 tokens, but the model takes at most 6. Give fewer; nothing is cut off silently.`,
    ],
    'the tokenizer of another model': [
      () => modelFolder('gpt2', 300, 64, bytePairs),
      ['--input', `text:${sentence}`],
      `text:${sentence}: the tokenizer gives the id 337, but the vocabulary of the model is 0 to 299. The tokenizer belongs to another model; give the right one with --set tokenizer=FILE.`,
    ],
    'empty text': [
      () => modelFolder('gpt2', 352, 64, bytePairs),
      ['--input', 'text:'],
      'text: holds no tokens. Give at least one id.',
    ],
    'a text file that is not UTF-8': [
      () => modelFolder('gpt2', 352, 64, { ...bytePairs, 'a.txt': Uint8Array.of(0x61, 0xff, 0x62) }),
      ['--input', 'a.txt'],
      'a.txt is not UTF-8 text. Save it as UTF-8.',
    ],
    'a text file in UTF-16': [
      () => modelFolder('gpt2', 352, 64, { ...bytePairs, 'a.txt': Uint8Array.of(0xff, 0xfe, 0x61, 0) }),
      ['--input', 'a.txt'],
      'a.txt is UTF-16 text. Save it as UTF-8.',
    ],
    'too much text': [
      () => modelFolder('gpt2', 352, 64, { ...bytePairs, 'a.txt': 'a'.repeat(1024 * 1024 + 1) }),
      ['--input', 'a.txt'],
      'a.txt has 1,048,577 bytes, more than the 1,048,576 of one input. Give a part of it.',
    ],
    'a tokenizer that is not there': [
      () => modelFolder('gpt2', 352, 64),
      ['--input', 'tokens:1', '--set', 'tokenizer=nowhere.json'],
      '--set tokenizer=nowhere.json: there is no such file. Check the path.',
    ],
  };
  for (const [what, [make, args, message]] of Object.entries(refusals)) {
    it(`refuses ${what}`, async () => {
      const folder = make();
      const [, input = '', , set] = args.map((arg) => (arg === 'a.txt' ? join(folder, arg) : arg));
      const opened = await openCheckpoint(join(folder, 'model.safetensors'));
      const spec = inferModelSpec(opened.index, opened.config, {});
      const setting = set?.slice('tokenizer='.length) ?? null;
      const tokenizer = new TokenizerSource(join(process.cwd(), 'dist', 'tokenizer.js'), opened, spec, setting);
      try {
        await assert.rejects(readInput(input, spec, tokenizer), { name: 'ModelSpecError', message });
      } finally {
        await tokenizer.close();
      }
    });
  }

  it('ends with exit code 2 where there is no tokenizer', () => {
    const { status, stderr } = cli(join(modelFolder('gpt2', 352, 64), 'model.safetensors'), '--input', 'text:hello');
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^gramlens: There is no tokenizer beside model\.safetensors: [^\n]*\n$/);
  });
});
