// Names of code bases that people train with, as their sources have them, and what the guess makes of them.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { summariseGuess } from '../../../src/model/mapping/describeGuess';
import { guessMapping } from '../../../src/model/mapping/guessMapping';
import { mappingJson, parseMapping } from '../../../src/model/mapping/mappingFile';
import { shapesOf } from '../../../src/model/mapping/mappedSpec';
import type { MappingGuess } from '../../../src/model/mapping/guessTypes';
import { indexOf } from './syntheticIndex';

type Shape = readonly number[];
const c = 12;
const m = 24;

function network(ends: Readonly<Record<string, Shape>>, layers: number, block: (i: number) => Record<string, Shape>) {
  const shapes = new Map<string, Shape>(Object.entries(ends));
  for (let i = 0; i < layers; i += 1) for (const [name, shape] of Object.entries(block(i))) shapes.set(name, shape);
  return indexOf(new Map([...shapes].sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** The guess is complete and makes a spec. */
function complete(index: ReturnType<typeof network>): MappingGuess {
  const shapes = shapesOf(index);
  const guess = guessMapping(shapes);
  const { missing, complete: whole, report } = summariseGuess(guess, shapes);
  assert.deepEqual(missing, []);
  assert.ok(whole, report.left.join());
  const file = parseMapping(JSON.parse(mappingJson(guess.mapping, { heads: '2' })), 'm.gramlens.json');
  const spec = inferModelSpec(index, null, {}, null, file);
  assert.equal(spec.family, 'mapped');
  for (const [role, found] of Object.entries(guess.roles)) {
    assert.match(found!.reason, /^[A-Z].*\.$/, role);
  }
  return guess;
}

const layerNorm = (name: string): Record<string, Shape> => ({ [`${name}.weight`]: [c], [`${name}.bias`]: [c] });
const linear = (name: string, out: number, input: number): Record<string, Shape> => ({
  [`${name}.weight`]: [out, input],
  [`${name}.bias`]: [out],
});

describe('mapping guess: code bases', () => {
  it('lucidrains/vit-pytorch: heads of their own width, norms around flat patches', () => {
    const index = network(
      {
        pos_embedding: [1, 5, c],
        cls_token: [1, 1, c],
        'to_patch_embedding.1.weight': [48],
        'to_patch_embedding.1.bias': [48],
        ...linear('to_patch_embedding.2', c, 48),
        ...layerNorm('to_patch_embedding.3'),
        ...layerNorm('transformer.norm'),
        ...linear('mlp_head', 5, c),
      },
      2,
      (i) => ({
        ...layerNorm(`transformer.layers.${i}.0.norm`),
        [`transformer.layers.${i}.0.to_qkv.weight`]: [48, c],
        ...linear(`transformer.layers.${i}.0.to_out.0`, c, 16),
        ...layerNorm(`transformer.layers.${i}.1.net.0`),
        ...linear(`transformer.layers.${i}.1.net.1`, m, c),
        ...linear(`transformer.layers.${i}.1.net.4`, c, m),
      }),
    );
    const { mapping } = complete(index);
    assert.equal(mapping.roles['patchNorm.weight'], 'to_patch_embedding.1.weight');
    assert.equal(mapping.roles['tokenNorm.weight'], 'to_patch_embedding.3.weight');
    assert.equal(mapping.roles['norm1.weight'], 'transformer.layers.{i}.0.norm.weight');
    assert.equal(mapping.roles['norm2.weight'], 'transformer.layers.{i}.1.net.0.weight');
    assert.equal(mapping.roles['fc1.weight'], 'transformer.layers.{i}.1.net.1.weight');
    assert.equal(mapping.roles['classifier.weight'], 'mlp_head.weight');
  });

  it('karpathy/nanoGPT: no biases, Linear matrices, a mask beside them', () => {
    const index = network(
      {
        'transformer.wte.weight': [31, c],
        'transformer.wpe.weight': [9, c],
        'transformer.ln_f.weight': [c],
        'lm_head.weight': [31, c],
      },
      2,
      (i) => ({
        [`transformer.h.${i}.ln_1.weight`]: [c],
        [`transformer.h.${i}.attn.bias`]: [1, 1, 9, 9],
        [`transformer.h.${i}.attn.c_attn.weight`]: [3 * c, c],
        [`transformer.h.${i}.attn.c_proj.weight`]: [c, c],
        [`transformer.h.${i}.ln_2.weight`]: [c],
        [`transformer.h.${i}.mlp.c_fc.weight`]: [4 * c, c],
        [`transformer.h.${i}.mlp.c_proj.weight`]: [c, 4 * c],
      }),
    );
    const { mapping, facts } = complete(index);
    assert.deepEqual(mapping.ignore, ['transformer.h.{i}.attn.bias']);
    assert.equal(mapping.architecture.stored, 'out-in');
    assert.deepEqual([facts.causal?.value, facts.causal?.sureness], [true, 'sure']);
    assert.deepEqual([facts.norm?.value, facts.norm?.sureness], ['layer', 'weak']);
  });

  it('torch.nn.TransformerEncoder: in_proj_weight, post-LN', () => {
    const index = network(
      { 'embedding.weight': [31, c], ...linear('decoder', 31, c), 'pos.weight': [9, c] },
      3,
      (i) => ({
        [`encoder.layers.${i}.self_attn.in_proj_weight`]: [3 * c, c],
        [`encoder.layers.${i}.self_attn.in_proj_bias`]: [3 * c],
        ...linear(`encoder.layers.${i}.self_attn.out_proj`, c, c),
        ...linear(`encoder.layers.${i}.linear1`, m, c),
        ...linear(`encoder.layers.${i}.linear2`, c, m),
        ...layerNorm(`encoder.layers.${i}.norm1`),
        ...layerNorm(`encoder.layers.${i}.norm2`),
      }),
    );
    const { mapping } = complete(index);
    assert.equal(mapping.roles['qkv.bias'], 'encoder.layers.{i}.self_attn.in_proj_bias');
    assert.equal(mapping.architecture.placement, 'post');
    assert.equal(mapping.architecture.causal, false);
  });

  it("Meta's LLaMA: w1 is the gate, neighbours rotate", () => {
    const index = network(
      { 'tok_embeddings.weight': [31, c], 'norm.weight': [c], 'output.weight': [31, c], 'rope.freqs': [3] },
      2,
      (i) => ({
        [`layers.${i}.attention.wq.weight`]: [c, c],
        [`layers.${i}.attention.wk.weight`]: [c / 2, c],
        [`layers.${i}.attention.wv.weight`]: [c / 2, c],
        [`layers.${i}.attention.wo.weight`]: [c, c],
        [`layers.${i}.feed_forward.w1.weight`]: [m, c],
        [`layers.${i}.feed_forward.w2.weight`]: [c, m],
        [`layers.${i}.feed_forward.w3.weight`]: [m, c],
        [`layers.${i}.attention_norm.weight`]: [c],
        [`layers.${i}.ffn_norm.weight`]: [c],
      }),
    );
    const { mapping } = complete(index);
    assert.equal(mapping.roles['gate.weight'], 'layers.{i}.feed_forward.w1.weight');
    assert.equal(mapping.roles['up.weight'], 'layers.{i}.feed_forward.w3.weight');
    assert.equal(mapping.architecture.norm, 'rms');
    assert.equal(mapping.architecture.ropeStyle, 'pairs');
  });

  it('torchvision ViT: blocks in one word, numbered; a SymViT of other names has no queries', () => {
    const vision = network(
      {
        'conv_proj.weight': [c, 3, 4, 4],
        'conv_proj.bias': [c],
        class_token: [1, 1, c],
        'encoder.pos_embedding': [1, 5, c],
        ...layerNorm('encoder.ln'),
        ...linear('heads.head', 5, c),
      },
      2,
      (i) => ({
        ...layerNorm(`encoder.layers.encoder_layer_${i}.ln_1`),
        [`encoder.layers.encoder_layer_${i}.self_attention.in_proj_weight`]: [3 * c, c],
        [`encoder.layers.encoder_layer_${i}.self_attention.in_proj_bias`]: [3 * c],
        ...linear(`encoder.layers.encoder_layer_${i}.self_attention.out_proj`, c, c),
        ...layerNorm(`encoder.layers.encoder_layer_${i}.ln_2`),
        ...linear(`encoder.layers.encoder_layer_${i}.mlp.linear_1`, m, c),
        ...linear(`encoder.layers.encoder_layer_${i}.mlp.linear_2`, c, m),
      }),
    );
    assert.equal(complete(vision).mapping.roles['finalNorm.weight'], 'encoder.ln.weight');
    const symmetric = new Map(
      [...shapesOf(vision)].map(([name, shape]) => [name, /in_proj/.test(name) ? [2 * c, ...shape.slice(1)] : shape]),
    );
    assert.equal(
      complete(indexOf(symmetric)).mapping.roles['kv.weight'],
      'encoder.layers.encoder_layer_{i}.self_attention.in_proj_weight',
    );
  });

  it('says what it could not find, and never fails', () => {
    const nothing = new Map<string, Shape>([
      ['a', [3, 3]],
      ['b.0.weight', []],
    ]);
    assert.match(guessMapping(nothing).notes[0]!, /^No list of blocks was found/);
    const crafted = new Map<string, Shape>();
    for (let i = 0; i < 20_000; i += 1) crafted.set(`x${i}.${i * 7}.${i % 13}.9.8.7.weight`, [i % 5, 2 ** 53 - 1]);
    const begun = performance.now();
    guessMapping(crafted);
    assert.ok(performance.now() - begun < 3000, 'a crafted file takes no longer than seconds');
  });
});

describe('mapping guess: what is refused of a mapping', () => {
  const index = network({ words: [31, c], ...layerNorm('norm') }, 2, (i) => ({
    ...layerNorm(`l.${i}.norm1`),
    [`l.${i}.qkv.weight`]: [3 * c, c],
    [`l.${i}.proj.weight`]: [c, c],
    ...layerNorm(`l.${i}.norm2`),
    [`l.${i}.fc1.weight`]: [m, c],
    [`l.${i}.fc2.weight`]: [c, m],
  }));
  const roles = {
    words: 'words',
    'norm1.weight': 'l.{i}.norm1.weight',
    'norm1.bias': 'l.{i}.norm1.bias',
    'qkv.weight': 'l.{i}.qkv.weight',
    'proj.weight': 'l.{i}.proj.weight',
    'norm2.weight': 'l.{i}.norm2.weight',
    'norm2.bias': 'l.{i}.norm2.bias',
    'fc1.weight': 'l.{i}.fc1.weight',
    'fc2.weight': 'l.{i}.fc2.weight',
  };
  const spec = (change: object, architecture: object = {}) => {
    // Through JSON, where a role without a name is none.
    const text = JSON.stringify({
      architecture: { positions: 'none', ...architecture },
      roles: { ...roles, ...change },
    });
    const mapping = JSON.parse(text) as object;
    return inferModelSpec(
      index,
      null,
      { heads: '2' },
      null,
      parseMapping({ schema: 'gramlens.mapping/1', mapping }, 'm.json'),
    );
  };
  const table: readonly (readonly [change: object, architecture: object, sentence: RegExp | string])[] = [
    [
      { 'qkv.weight': 'l.{i}.qkw.weight' },
      {},
      'm.json: mapping.roles.qkv.weight does not fit tiny.safetensors. There is no tensor "l.0.qkw.weight". Did you mean "l.0.qkv.weight"?',
    ],
    [
      { 'fc2.weight': 'l.{i}.proj.weight', 'fc1.weight': 'l.{i}.fc2.weight' },
      {},
      'm.json: mapping.roles.fc1.weight does not fit tiny.safetensors. "l.0.fc2.weight" has shape [12, 24], expected [M, C] = [12, 12].',
    ],
    [
      { 'qkv.weight': undefined },
      {},
      'm.json: mapping.roles.qkv.weight does not fit tiny.safetensors. No tensor is named; [3C, C] = [36, 12] is needed.',
    ],
    [
      {},
      { layers: 3 },
      /mapping\.roles\.norm1\.weight does not fit .* There is no tensor "l\.2\.norm1\.weight"\. Did you mean/,
    ],
    [
      { 'norm1.bias': undefined },
      {},
      'm.json: tensor "l.0.norm1.bias" (and 1 more) stands in the blocks of tiny.safetensors without a role, and leaving it out would make the numbers wrong. Give it a role, or name it under mapping.ignore if the forward pass does not use it.',
    ],
    [
      { 'q.weight': 'l.{i}.proj.weight', 'k.weight': 'l.{i}.proj.weight', 'v.weight': 'l.{i}.proj.weight' },
      {},
      'm.json: mapping.roles.qkv.weight is one too many: queries, keys and values are mapped apart as well. Leave one of them out.',
    ],
    [{}, { positions: 'learned' }, /mapping\.roles\.position does not fit .* No tensor is named/],
    [
      {},
      { positions: 'rope', ropeDims: 10 },
      'tiny.safetensors: ropeDims is 10, not an even number of at most 6, the size of a head.',
    ],
  ];
  for (const [change, architecture, sentence] of table) {
    it(String(sentence).slice(0, 90), () => {
      assert.throws(() => spec(change, architecture), typeof sentence === 'string' ? { message: sentence } : sentence);
    });
  }

  it('and that the same mapping without the fault is taken', () => {
    assert.equal(spec({}).layers, 2);
    assert.throws(
      () =>
        inferModelSpec(
          index,
          null,
          { state: 'model' },
          null,
          parseMapping(
            { schema: 'gramlens.mapping/1', mapping: { architecture: { positions: 'none' }, roles } },
            'm.json',
          ),
        ),
      /--set state=model: m\.json names the tensors of tiny\.safetensors whole/,
    );
  });
});
