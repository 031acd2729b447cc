// Each family from names and shapes alone: sizes, roles, facts and their sources.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { describeSpec } from '../../../src/model/describeSpec';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import type { ModelSpec } from '../../../src/model/modelSpec';
import { indexOf, timmIndex, timmShapes } from './syntheticIndex';

const factOf = (spec: ModelSpec, fact: string): { value: string; source: string } | undefined => {
  const found = spec.facts.find((entry) => entry.fact === fact);
  return found === undefined ? undefined : { value: found.value, source: found.source };
};

/** A square matrix of tokens a head: 4 heads, 17 tokens. */
const scaleShapes = { 'blocks.0.attn.s': [4, 17, 17], 'blocks.1.attn.s': [4, 17, 17] };

describe('model: families', () => {
  it('reads a timm ViT whole', () => {
    const spec = inferModelSpec(timmIndex(), { num_heads: 4 }, {});
    const sizes = [
      spec.family,
      spec.attention,
      spec.layers,
      spec.heads,
      spec.kvHeads,
      spec.headDim,
      spec.embedDim,
      spec.mlpDim,
    ];
    assert.deepEqual(sizes, ['timm-vit', 'softmax', 2, 4, 4, 4, 16, 32]);
    assert.deepEqual(
      [spec.tokens, spec.prefixTokens, spec.positionCoversPrefix, spec.classes, spec.layerNormEps, spec.activation],
      [17, 1, true, 10, 1e-6, 'gelu'],
    );
    assert.deepEqual(spec.image, { channels: 1, height: 16, width: 16, patch: 4, gridHeight: 4, gridWidth: 4 });
    assert.deepEqual([spec.standardise, spec.rpc, spec.head.distClassifier], [false, null, null]);
    assert.deepEqual(spec.blocks[1], {
      norm1: { weight: 'blocks.1.norm1.weight', bias: 'blocks.1.norm1.bias' },
      qkv: { weight: 'blocks.1.attn.qkv.weight', bias: 'blocks.1.attn.qkv.bias' },
      queryNorm: null,
      keyNorm: null,
      scale: null,
      proj: { weight: 'blocks.1.attn.proj.weight', bias: 'blocks.1.attn.proj.bias' },
      layerScale1: null,
      norm2: { weight: 'blocks.1.norm2.weight', bias: 'blocks.1.norm2.bias' },
      fc1: { weight: 'blocks.1.mlp.fc1.weight', bias: 'blocks.1.mlp.fc1.bias' },
      fc2: { weight: 'blocks.1.mlp.fc2.weight', bias: 'blocks.1.mlp.fc2.bias' },
      layerScale2: null,
    });
    assert.deepEqual(factOf(spec, 'heads'), { value: '4', source: 'config.json num_heads' });
    assert.equal(describeSpec(spec), 'ViT, 2 layers x 4 heads, d 4, N 17');
  });

  it('reads a distilled DeiT with both tokens and heads', () => {
    const spec = inferModelSpec(
      timmIndex({ distilled: true, positions: 18, width: 192, mlp: 768, channels: 3 }),
      null,
      {},
    );
    assert.deepEqual([spec.family, spec.prefixTokens, spec.tokens, spec.heads], ['deit-distilled', 2, 18, 3]);
    assert.equal(spec.embed.distToken, 'dist_token');
    assert.deepEqual(spec.head.distClassifier, { weight: 'head_dist.weight', bias: 'head_dist.bias' });
    assert.deepEqual(spec.preprocessing!.mean, [0.485, 0.456, 0.406]);
  });

  it('reads a SymViT by [2C, C] and says that RPC settings are not in the weights', () => {
    const spec = inferModelSpec(timmIndex({ projections: 2 }), null, { heads: '2' });
    assert.deepEqual([spec.family, spec.attention, spec.rpc], ['symvit', 'symmetric', null]);
    assert.match(spec.notes.join(' '), /--set attention=rpc,rpc\.iterations=4,rpc\.lambda=4,rpc\.layers=0/);
  });

  it('reads an RPC-SymViT from the args of a training checkpoint', () => {
    const tree = {
      epoch: 3,
      args: { model: 'deit_tiny_patch16_224', robust: true, num_iter: 4, lambd: 0.5, layer: 0, num_heads: 4 },
    };
    const spec = inferModelSpec(
      timmIndex({ prefix: 'model.', projections: 2 }, { tree, fileName: 'run.pt' }),
      null,
      {},
    );
    assert.deepEqual([spec.family, spec.attention], ['rpc-symvit', 'rpc']);
    assert.deepEqual(spec.rpc, { variant: 'code', iterations: 4, lambda: 0.5, layers: [0] });
    assert.equal(spec.blocks[0]!.qkv.weight, 'model.blocks.0.attn.qkv.weight');
    assert.deepEqual(factOf(spec, 'rpc.iterations'), { value: '4', source: 'args.num_iter' });
    assert.deepEqual(factOf(spec, 'heads'), { value: '4', source: 'args.num_heads' });
    assert.equal(describeSpec(spec), 'RPC-SymViT, 2 layers x 4 heads, d 4, N 17');
  });

  it('takes layer -1 of the args as every layer, and a layer past the end as none of them with a note', () => {
    const withLayer = (layer: number): ModelSpec =>
      inferModelSpec(
        timmIndex({ projections: 2 }, { tree: { args: { robust: true, num_iter: 1, lambd: 4, layer, heads: 4 } } }),
        null,
        {},
      );
    assert.equal(withLayer(-1).rpc?.layers, 'all');
    const past = withLayer(7);
    assert.deepEqual(past.rpc?.layers, [7]);
    assert.match(past.notes.join(' '), /args\.layer names layer 7, but there are 2 layers: RPC runs in none of them\./);
  });

  it('takes RPC settings from --set and from safetensors metadata', () => {
    const set = {
      heads: '4',
      attention: 'rpc',
      'rpc.iterations': '2',
      'rpc.lambda': '4',
      'rpc.layers': '0-1',
      'rpc.variant': 'admm',
    };
    assert.deepEqual(inferModelSpec(timmIndex({ projections: 2 }), null, set).rpc, {
      variant: 'admm',
      iterations: 2,
      lambda: 4,
      layers: [0, 1],
    });
    const metadata = { num_heads: '4', robust: 'True', num_iter: '3', lambd: '4.0', layer: '-1' };
    assert.deepEqual(inferModelSpec(timmIndex({ projections: 2 }, { metadata }), null, {}).rpc, {
      variant: 'code',
      iterations: 3,
      lambda: 4,
      layers: 'all',
    });
  });

  it('lets the person switch RPC of the args off', () => {
    const tree = { args: { robust: true, num_iter: 4, lambd: 4, layer: 0, heads: 4 } };
    const spec = inferModelSpec(timmIndex({ projections: 2 }, { tree }), null, { attention: 'symmetric' });
    assert.deepEqual([spec.family, spec.rpc], ['symvit', null]);
  });

  it('reads Scaled Attention in both forms, heads from S', () => {
    const full = inferModelSpec(timmIndex({ extra: scaleShapes }), null, {});
    assert.deepEqual([full.family, full.attention, full.heads], ['scaled-attention', 'scaled', 4]);
    assert.equal(full.blocks[1]!.scale, 'blocks.1.attn.s');
    assert.deepEqual(factOf(full, 'heads'), { value: '4', source: 'shape of blocks.0.attn.s' });
    const alpha = inferModelSpec(timmIndex({ extra: { 'blocks.0.attn.s': [1], 'blocks.1.attn.s': [1] } }), null, {
      heads: '2',
    });
    assert.deepEqual([alpha.attention, alpha.heads, alpha.blocks[0]!.scale], ['scaled', 2, 'blocks.0.attn.s']);
  });

  it('reads the Reconstruction model only by switch', () => {
    for (const override of [{ attention: 'reconstruction' }, { standardise: 'true' }]) {
      const spec = inferModelSpec(timmIndex(), null, { heads: '4', ...override });
      assert.deepEqual([spec.family, spec.attention, spec.standardise], ['reconstruction-vit', 'softmax', true]);
    }
    assert.equal(inferModelSpec(timmIndex(), null, { heads: '4' }).standardise, false);
  });

  it('gives deit_tiny 6 heads in the Reconstruction code and 3 elsewhere', () => {
    const index = timmIndex({ width: 192, mlp: 768 }, { tree: { args: { model: 'deit_tiny_patch16_224' } } });
    assert.equal(inferModelSpec(index, null, { attention: 'reconstruction' }).heads, 6);
    assert.equal(inferModelSpec(index, null, {}).heads, 3);
  });

  it('takes layer scale, query and key norms, no_embed_class, a missing qkv bias, no classifier', () => {
    const extra: Record<string, number[]> = {};
    for (const i of [0, 1]) {
      extra[`blocks.${i}.ls1.gamma`] = [16];
      extra[`blocks.${i}.gamma_2`] = [16];
      for (const part of ['q_norm.weight', 'q_norm.bias', 'k_norm.weight', 'k_norm.bias'])
        extra[`blocks.${i}.attn.${part}`] = [8];
    }
    const spec = inferModelSpec(timmIndex({ extra, positions: 16, qkvBias: false, classes: null }), null, {});
    const block = spec.blocks[0]!;
    assert.deepEqual([block.layerScale1, block.layerScale2], ['blocks.0.ls1.gamma', 'blocks.0.gamma_2']);
    assert.deepEqual(block.keyNorm, { weight: 'blocks.0.attn.k_norm.weight', bias: 'blocks.0.attn.k_norm.bias' });
    assert.deepEqual([spec.heads, spec.headDim], [2, 8]);
    assert.deepEqual([spec.positionCoversPrefix, spec.tokens, block.qkv.bias], [false, 17, null]);
    assert.deepEqual([spec.classes, spec.head.classifier], [null, null]);
  });

  it('finds the network under every wrapping', () => {
    for (const prefix of [
      'module.',
      'state_dict.',
      'model.module.',
      'backbone.',
      '_orig_mod.',
      'teacher.backbone.',
      'state_dict_ema.',
      'encoder.',
    ]) {
      const spec = inferModelSpec(timmIndex({ prefix }), null, { heads: '4' });
      assert.equal(spec.embed.classToken, `${prefix}cls_token`);
    }
  });

  it('takes one of several states by name and ignores the rest', () => {
    const shapes = new Map([...timmShapes({ prefix: 'model.' }), ...timmShapes({ prefix: 'model_ema.', layers: 2 })]);
    const index = indexOf(shapes, { tree: { args: { heads: 2 } } });
    assert.equal(inferModelSpec(index, null, { state: 'model_ema' }).embed.position, 'model_ema.pos_embed');
    assert.equal(inferModelSpec(index, null, { state: 'model' }).embed.position, 'model.pos_embed');
  });

  it('inspects the encoder of a masked autoencoder and notes the decoder', () => {
    const extra = { mask_token: [1, 1, 8], decoder_pos_embed: [1, 17, 8], 'decoder_blocks.0.attn.qkv.weight': [24, 8] };
    const spec = inferModelSpec(timmIndex({ extra, classes: null }), null, { heads: '4' });
    assert.match(
      spec.notes.join(' '),
      /3 tensors outside the encoder \(a masked autoencoder: its decoder is not inspected\)/,
    );
  });

  it('never reads a config value that is not the right kind, and says so', () => {
    const spec = inferModelSpec(timmIndex({ width: 192, mlp: 4 }), { num_heads: 'many', img_size: 9999 }, {});
    assert.equal(spec.heads, 3);
    assert.match(
      spec.notes.join('\n'),
      /config\.json num_heads is "many", which is not a whole number of heads; it was ignored\./,
    );
    assert.match(spec.notes.join('\n'), /config\.json img_size says an image of 9999 x 9999, which does not fit/);
  });
});

describe('model: head count', () => {
  const headsOf = (
    width: number,
    beside: Parameters<typeof timmIndex>[1] = {},
    config: unknown = null,
  ): { value: string; source: string } =>
    factOf(inferModelSpec(timmIndex({ width, mlp: 8 }, beside), config, {}), 'heads')!;

  it('knows the table of widths', () => {
    const table = [
      [192, 3],
      [348, 6],
      [384, 6],
      [512, 8],
      [768, 12],
      [1024, 16],
      [1280, 16],
      [1536, 24],
    ] as const;
    for (const [width, heads] of table) {
      assert.deepEqual(headsOf(width), { value: String(heads), source: `width ${width} in the table of known widths` });
    }
  });

  it('reads args.model, with the KPCA code 348 as small', () => {
    for (const [model, width, heads] of [
      ['deit_tiny_patch16_224', 192, 3],
      ['deit_small_patch16_224', 348, 6],
      ['vit_small_patch16_224', 384, 6],
      ['deit_base_distilled_patch16_384', 768, 12],
    ] as const) {
      assert.deepEqual(headsOf(width, { tree: { args: { model } } }), {
        value: String(heads),
        source: `args.model ${model}`,
      });
    }
  });

  it('reads configs of timm and Hugging Face, metadata, and args, in this order', () => {
    assert.equal(headsOf(16, {}, { num_attention_heads: 8 }).source, 'config.json num_attention_heads');
    assert.equal(headsOf(16, {}, { model_args: { num_heads: 8 } }).source, 'config.json model_args num_heads');
    assert.equal(headsOf(16, { metadata: { num_heads: '8' } }).value, '8');
    assert.equal(
      headsOf(16, { metadata: { config: '{"num_heads": 2}' } }).source,
      'safetensors metadata config num_heads',
    );
    for (const key of ['num_heads', 'heads', 'nhead'])
      assert.equal(headsOf(16, { tree: { args: { [key]: 4 } } }).source, `args.${key}`);
    assert.equal(headsOf(16, { tree: { args: { heads: 4 } } }, { num_heads: 8 }).value, '8');
  });

  it('puts --set before everything', () => {
    const spec = inferModelSpec(
      timmIndex({ width: 192, mlp: 8 }),
      { num_heads: 3 },
      { heads: '6', eps: '1e-5', activation: 'relu' },
    );
    assert.deepEqual([spec.heads, spec.layerNormEps, spec.activation], [6, 1e-5, 'relu']);
    assert.deepEqual(factOf(spec, 'heads'), { value: '6', source: '--set heads' });
  });
});

describe('model: image geometry and preprocessing', () => {
  it('takes grids that are not square from --set, config and args', () => {
    const index = timmIndex({ positions: 36 });
    const grid = { channels: 1, height: 28, width: 20, patch: 4, gridHeight: 7, gridWidth: 5 };
    for (const override of [{ grid: '7x5' }, { image: '28x20' }]) {
      assert.deepEqual(inferModelSpec(index, null, { heads: '4', ...override }).image, grid);
    }
    assert.deepEqual(inferModelSpec(index, { img_size: [28, 20], num_heads: 4 }, {}).image, grid);
    const metadata = { num_heads: '4', img_size: '[28, 20]' };
    assert.deepEqual(inferModelSpec(timmIndex({ positions: 36 }, { metadata }), null, {}).image, grid);
    const noClass = inferModelSpec(timmIndex({ positions: 35 }), null, { heads: '4', grid: '7x5' });
    assert.deepEqual([noClass.positionCoversPrefix, noClass.tokens], [false, 36]);
    assert.equal(noClass.preprocessing!.resizeShortSide, null);
  });

  it('prefers a stated shape over the square one of the same count', () => {
    assert.equal(inferModelSpec(timmIndex(), { img_size: [8, 32], num_heads: 4 }, {}).image!.gridHeight, 2);
  });

  it('follows the family, the config and --set', () => {
    const rgb = { width: 192, mlp: 8, channels: 3, patch: 16, positions: 197 };
    const vit = inferModelSpec(timmIndex(rgb), null, {});
    assert.deepEqual(vit.preprocessing, {
      resizeShortSide: 248,
      interpolation: 'bicubic',
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      source: 'default of timm ViT',
    });
    assert.match(vit.notes.join(' '), /DeiT has the same tensor names/);
    const deit = inferModelSpec(timmIndex(rgb, { fileName: 'deit_tiny_patch16_224-a1311bcf.pth' }), null, {});
    assert.deepEqual(
      [deit.preprocessing!.resizeShortSide, deit.preprocessing!.mean[0], deit.notes.length],
      [256, 0.485, 0],
    );
    const sym = inferModelSpec(timmIndex({ ...rgb, projections: 2 }), null, {});
    assert.deepEqual([sym.preprocessing!.resizeShortSide, sym.preprocessing!.std[2]], [256, 0.225]);
    const config = {
      pretrained_cfg: { mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6], crop_pct: 0.875, interpolation: 'bilinear' },
    };
    assert.deepEqual(inferModelSpec(timmIndex(rgb), config, {}).preprocessing, {
      resizeShortSide: 256,
      interpolation: 'bilinear',
      mean: [0.1, 0.2, 0.3],
      std: [0.4, 0.5, 0.6],
      source: 'config.json pretrained_cfg mean',
    });
    const set = inferModelSpec(timmIndex(rgb), config, { mean: '0.3/0.4/0.5', std: '0.25' }).preprocessing!;
    assert.deepEqual([set.mean, set.std, set.source], [[0.3, 0.4, 0.5], [0.25, 0.25, 0.25], '--set mean']);
  });

  it('normalises grey pictures by metadata, else by 0.5, and crops no thumbnails', () => {
    const plain = inferModelSpec(timmIndex(), null, { heads: '4' }).preprocessing!;
    assert.deepEqual([plain.mean, plain.std, plain.resizeShortSide], [[0.5], [0.5], 16]);
    const metadata = { num_heads: '4', mean: '0.1307', std: '[0.3081]' };
    const said = inferModelSpec(timmIndex({}, { metadata }), null, {}).preprocessing!;
    assert.deepEqual([said.mean, said.std, said.source], [[0.1307], [0.3081], 'safetensors metadata mean']);
  });
});
