// A tiny GPT-2 in safetensors through dist/cli.js, against PyTorch's logits; and what is said about wrong token ids.

import { before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { fileOf, goldenLogits, textCases } from '../engine/textCases';

/** Float64 forward pass. */
const tolerance = 1e-9;
const text = textCases.find(({ name }) => name === 'gpt2')!;

function writeModel(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gramlens-gpt2-'));
  const { index, file } = fileOf(text);
  const header: Record<string, unknown> = {};
  for (const { name, shape, byteOffset, byteLength } of index.entries.values()) {
    header[name] = { dtype: 'F32', shape, data_offsets: [byteOffset, byteOffset + byteLength] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(join(folder, 'model.safetensors'), Buffer.concat([length, json, file]));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(text.config));
  return folder;
}

function inspect(folder: string, input: string): { status: number | null; stdout: string; stderr: string } {
  const small = [
    '--nulls',
    '4',
    '--twins',
    '2',
    '--repeats',
    '2',
    '--backend',
    'cpu',
    '--noise',
    'token_gauss,token_drop',
  ];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      'dist/cli.js',
      'inspect',
      join(folder, 'model.safetensors'),
      '--input',
      input,
      ...small,
      '--out',
      join(folder, 'out'),
      '--format',
      'html,json,npz',
    ],
    { encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

describe('gramlens inspect, a language model', () => {
  let folder: string;
  before(() => {
    folder = writeModel();
  });

  it('runs a GPT-2 file on token ids, and its logits are those of PyTorch', () => {
    const run = inspect(folder, `tokens:${text.ids.join(',')}`);
    assert.equal(run.status, 0, run.stderr);
    const result = JSON.parse(readFileSync(join(folder, 'out', 'result.json'), 'utf8')) as InspectionResult;
    const { model, provenance, output, layers } = result;
    assert.deepEqual(
      [model.family, model.causal, model.tokens, model.prefixTokens, model.layers, model.heads],
      ['gpt2', true, text.ids.length, 0, 2, 2],
    );
    assert.deepEqual([provenance.inputs[0]!.kind, provenance.inputs[0]!.tokens], ['tokens', text.ids.length]);
    const logits = goldenLogits(text);
    const largest = Math.max(...logits.map(Math.abs));
    for (const { index, logit } of output.logitsTop) {
      const error = Math.abs(logit - logits[index]!) / largest;
      assert.ok(error <= tolerance, `logit ${index}: relative error ${error}`);
    }
    assert.equal(output.logitsTop[0]!.logit, Math.max(...output.logitsTop.map(({ logit }) => logit)));
    const heads = layers.flatMap((layer) => layer.heads);
    assert.equal(heads.length, 4);
    assert.ok(heads.every(({ spectrum, rpc }) => spectrum.gram === 'full-Gram' && rpc?.masked === true));
  });

  it('reads ids from a .json file, and seeds random ones', () => {
    const path = join(folder, 'ids.json');
    writeFileSync(
      path,
      JSON.stringify({ input_ids: [text.ids], attention_mask: [text.ids.map((_, i) => (i < 6 ? 1 : 0))] }),
    );
    for (const [input, tokens] of [
      [path, 6],
      ['random:3', 17],
    ] as const) {
      const run = inspect(folder, input);
      assert.equal(run.status, 0, run.stderr);
      const result = JSON.parse(readFileSync(join(folder, 'out', 'result.json'), 'utf8')) as InspectionResult;
      assert.equal(result.model.tokens, tokens);
    }
  });

  for (const [what, input, sentence] of [
    ['an id past the vocabulary', 'tokens:1,31', /token id 31, but the vocabulary of the model is 0 to 30/],
    ['more tokens than positions', `tokens:${'1,'.repeat(18)}`, /has 18 tokens, but the model takes at most 17/],
    ['no token', 'tokens:', /holds no tokens/],
    ['words', 'tokens:one', /holds "one", which is no token id/],
    ['a picture', 'cat.png', /takes token ids, not pictures|no such file/],
  ] as const) {
    it(`refuses ${what}`, () => {
      const run = inspect(folder, input);
      assert.equal(run.status, 2, run.stderr);
      assert.match(run.stderr, sentence);
    });
  }
});
