// Text for a language model: the input box counts tokens while it is typed, and heads name the tokens.
import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { fullIt } from '../../setup/full';
import { inFrame, outer, repositoryRoot, until } from '../outer';
import { cellPosition, headingShown, paintedCells } from './figures';
import {
  answer,
  closeEditors,
  gramlens,
  inspectorPage,
  phase,
  questionShown,
  quick,
  takePath,
  withSettings,
} from './drive';

const [width, vocabulary, context] = [12, 352, 9];

/** A GPT-2 of two layers whose weights are a smooth function of their place. */
function tinyModel(): Buffer {
  const shapes: (readonly [string, readonly number[]])[] = [
    ['wte.weight', [vocabulary, width]],
    ['wpe.weight', [context, width]],
    ['ln_f.weight', [width]],
    ['ln_f.bias', [width]],
  ];
  for (const layer of [0, 1]) {
    const at = (name: string): string => `h.${layer}.${name}`;
    for (const norm of ['ln_1', 'ln_2']) {
      for (const part of ['weight', 'bias']) shapes.push([at(`${norm}.${part}`), [width]]);
    }
    for (const [name, input, output] of [
      ['attn.c_attn', width, 3 * width],
      ['attn.c_proj', width, width],
      ['mlp.c_fc', width, 2 * width],
      ['mlp.c_proj', 2 * width, width],
    ] as const) {
      shapes.push([at(`${name}.weight`), [input, output]], [at(`${name}.bias`), [output]]);
    }
  }
  const header: Record<string, unknown> = {};
  const parts: Float32Array[] = [];
  let offset = 0;
  for (const [name, shape] of shapes) {
    const count = shape.reduce((product, n) => product * n, 1);
    const values = Float32Array.from({ length: count }, (_, i) => Math.sin(1.7 * i * i + offset));
    parts.push(values);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...parts.map((part) => Buffer.from(part.buffer))]);
}

/** What the input box says below the text. */
const boxMessage = (): Promise<string> =>
  inFrame(null, () => document.querySelector<HTMLElement>('.quick-input-widget .quick-input-message')?.innerText ?? '');

const boxSays = (pattern: RegExp): Promise<string> =>
  until(`the input box to say ${String(pattern)}`, async () => {
    const message = await boxMessage();
    return pattern.test(message) ? message : undefined;
  });

/** What the entries of an open question say, a line each. */
const questionSays = (title: string, pattern: RegExp): Promise<string> =>
  until(`"${title}" to say ${String(pattern)}`, async () => {
    await questionShown(title);
    const entries = await inFrame(null, () =>
      Array.from(document.querySelectorAll<HTMLElement>('.quick-input-list .monaco-list-row'), (row) =>
        row.innerText.replace(/\s+/g, ' ').trim(),
      ).join('\n'),
    );
    return pattern.test(entries) ? entries : undefined;
  });

describe('text for a language model', () => {
  let restore: () => Promise<void>;
  let folder: string;
  before(async () => {
    restore = await withSettings(quick);
    folder = mkdtempSync(join(tmpdir(), 'gramlens-text-'));
    const { vocab, merges } = JSON.parse(
      readFileSync(join(repositoryRoot(), 'test', 'fixtures', 'tokenizers', 'small.json'), 'utf8'),
    ) as { vocab: object; merges: string[] };
    for (const name of ['with', 'without']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'model.safetensors'), tinyModel());
      writeFileSync(join(folder, name, 'config.json'), '{"model_type": "gpt2", "n_head": 2}');
    }
    writeFileSync(join(folder, 'with', 'vocab.json'), JSON.stringify(vocab));
    writeFileSync(join(folder, 'with', 'merges.txt'), merges.join('\n'));
  });
  after(async () => {
    await closeEditors();
    rmSync(folder, { recursive: true, force: true });
    await restore();
  });

  it('counts tokens while it is typed, holds back what is too long, and names the tokens of a pattern', async () => {
    const uri = vscode.Uri.file(join(folder, 'with', 'model.safetensors'));
    const command = vscode.commands.executeCommand('gramlens.inspectCheckpoint', uri);
    await answer('Input for ', 'Text…');
    await questionShown('Text for ');
    await boxSays(/No tokens yet/);
    await outer('type', 'The cat sat on the mat.');
    await boxSays(/7 of 9 tokens/);
    await outer('screenshot', { name: 'text-count' });
    await outer('type', ' The cat sat');
    await boxSays(/10 tokens, 1 more than the 9 the model takes/);
    await outer('press', { key: 'Enter' });
    await boxSays(/10 tokens, 1 more/);
    for (let step = 0; step < 4; step += 1) await outer('press', { key: 'Backspace' });
    await boxSays(/9 of 9 tokens/);
    await outer('press', { key: 'Enter' });
    await answer('Plan: ', 'Inspect');
    const done = await phase('done');
    await command;
    assert.equal(done.provenance?.inputs[0]?.tokenLabels?.join('|'), 'The|·cat|·sat|·on|·the|·mat|.|·The|·cat');
    const strip = await outer('text', { inside: inspectorPage, selector: '.tokens' });
    assert.match(strip.replace(/\s+/g, ' '), /^The ·cat ·sat ·on ·the ·mat \. ·The ·cat$/);
    await outer('screenshot', { name: 'text-overview' });
    const figure = 'overview-alignment.theory.overlap';
    const grid = { rows: 2, columns: 2 };
    await paintedCells(inspectorPage, figure, grid);
    const position = await cellPosition(inspectorPage, figure, grid, 1, 0);
    await outer('click', { inside: inspectorPage, selector: `[data-figure="${figure}"] .stage`, position });
    await headingShown(inspectorPage, 'Layer 1, head 0');
    const pattern = { inside: inspectorPage, selector: '[data-figure="pattern-softmax"] .stage' };
    await outer('waitFor', pattern);
    const ticks = await until('the ticks of the pattern', async () => {
      const text = await outer('text', { inside: inspectorPage, selector: '[data-figure="pattern-softmax"] .frame' });
      return text.includes('"·cat"') ? text : undefined;
    });
    assert.match(ticks, /3 "·on"/);
    await outer('press', { key: 'Home', place: pattern });
    await outer('press', { key: 'ArrowDown', place: pattern });
    await outer('screenshot', { name: 'text-pattern' });
  });

  it('says which tokenizers were looked for, and takes token ids', async () => {
    const uri = vscode.Uri.file(join(folder, 'without', 'model.safetensors'));
    const command = vscode.commands.executeCommand('gramlens.inspectCheckpoint', uri);
    const row = await questionSays('Input for ', /no tokenizer/);
    assert.match(row, /tokenizer\.json, vocab\.json with merges\.txt, vocab\.txt and tokenizer\.model were looked for/);
    await answer('Input for ', 'Token ids…');
    await questionShown('Token ids for ');
    await outer('type', '1,2,3');
    await outer('press', { key: 'Enter' });
    // The plan offers which keys make the Gram matrix, and is made again with what was chosen.
    await questionSays(
      'Plan: ',
      /^Inspect.* on cpu, peak memory .*\nGram matrix: full-Gram….*All 3 keys, although each query/,
    );
    await answer('Plan: ', 'Gram matrix: full-Gram');
    await questionShown('Gram matrix of the first T keys');
    await outer('type', '4');
    await boxSays(/A whole number from 1 to 3, or nothing/);
    await outer('press', { key: 'Backspace' });
    await outer('type', '2');
    await outer('press', { key: 'Enter' });
    await questionSays(
      'Plan: ',
      /^Inspect.*\nGram matrix: prefix-2….*The first 2 of 3 keys, which are what query 1 sees$/,
    );
    await answer('Plan: ', 'Inspect');
    await command;
    const { provenance, layers } = (await gramlens()).snapshot();
    assert.deepEqual(provenance?.inputs[0]?.tokenIds, [1, 2, 3]);
    assert.equal(provenance.gram, 'prefix-2');
    assert.deepEqual(layers[0]?.heads[0]?.spectrum.gramKeys, { from: 0, to: 2 });
  });

  fullIt('takes a file with one text a line as several inputs', async () => {
    const lines = join(folder, 'lines.txt');
    writeFileSync(lines, 'The cat sat on the mat.\n\nThe mat sat on the cat.\n');
    const uri = vscode.Uri.file(join(folder, 'with', 'model.safetensors'));
    const command = vscode.commands.executeCommand('gramlens.inspectCheckpoint', uri);
    await answer('Input for ', 'Several inputs…');
    await answer('Several inputs for ', 'A text file, one input a line…');
    await takePath('Choose the inputs', lines);
    await answer('Plan: ', 'on cpu for all 2 inputs');
    await command;
    const { provenance, layers } = (await gramlens()).snapshot();
    assert.deepEqual(
      provenance?.inputs.map(({ label }) => label),
      ['lines.txt, line 1', 'lines.txt, line 3'],
    );
    assert.equal(layers[1]?.heads[0]?.over?.inputs, 2);
  });
});
