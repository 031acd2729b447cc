// The image families by names and configuration: what each is recognised as, what it defaults to, and what its
// relatives are refused with. Numbers are tested in engine-families-image.test.ts, on the same synthetic files.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import type { TensorIndex } from '../../../src/checkpoint/tensorIndex';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import {
  ModelSpecError,
  type ImagePreprocessing,
  type ModelSpec,
  type SpecOverrides,
} from '../../../src/model/modelSpec';
import { indexOf, timmShapes } from './syntheticIndex';

interface FamilyCase {
  readonly name: string;
  readonly config: unknown;
  readonly overrides: SpecOverrides;
  readonly tensors: Readonly<Record<string, readonly [number[], number, number]>>;
}

const { cases } = JSON.parse(readFileSync('test/fixtures/model/image-families.json', 'utf8')) as {
  cases: FamilyCase[];
};

type Shapes = Map<string, readonly number[]>;

function shapesOf(name: string): Shapes {
  const found = cases.find((entry) => entry.name === name)!;
  return new Map(Object.entries(found.tensors).map(([tensor, [shape]]) => [tensor, shape]));
}

/** The spec of a case, with tensors changed (null removes) and other settings beside it. */
function specOf(
  name: string,
  options: {
    readonly change?: Readonly<Record<string, readonly number[] | null>>;
    readonly config?: unknown;
    readonly overrides?: SpecOverrides;
    readonly preprocessor?: unknown;
    readonly fileName?: string;
  } = {},
): ModelSpec {
  const found = cases.find((entry) => entry.name === name)!;
  const shapes = shapesOf(name);
  for (const [tensor, shape] of Object.entries(options.change ?? {})) {
    if (shape === null) shapes.delete(tensor);
    else shapes.set(tensor, shape);
  }
  const config = options.config === undefined ? found.config : options.config;
  const index = indexOf(shapes, options.fileName === undefined ? {} : { fileName: options.fileName });
  return inferModelSpec(index, config, { ...found.overrides, ...options.overrides }, options.preprocessor ?? null);
}

function errorOf(run: () => unknown): ModelSpecError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ModelSpecError, String(error));
    return error;
  }
  assert.fail('nothing was refused');
}

const factOf = (spec: ModelSpec, fact: string): string | undefined => {
  const found = spec.facts.find((entry) => entry.fact === fact);
  return found === undefined ? undefined : `${found.value} (${found.source})`;
};

const picturesOf = (spec: ModelSpec): ImagePreprocessing => {
  assert.ok(spec.preprocessing !== null);
  return spec.preprocessing;
};

/** A ViT of Hugging Face at a released size, for preprocessing: 224 pixels, patches of 16. */
function large(
  prefix: string,
  extra: Readonly<Record<string, readonly number[]>> = {},
  side = 224,
  patch = 16,
): TensorIndex {
  const shapes = shapesOf('hf-vit-bare');
  const renamed: Shapes = new Map([...shapes].map(([tensor, shape]) => [prefix + tensor, shape]));
  const patches = (side / patch) ** 2;
  renamed.set(`${prefix}embeddings.patch_embeddings.projection.weight`, [12, 3, patch, patch]);
  renamed.set(`${prefix}embeddings.position_embeddings`, [
    1,
    patches + 1 + ('deit' === prefix.slice(0, 4) ? 1 : 0),
    12,
  ]);
  for (const [tensor, shape] of Object.entries(extra)) renamed.set(prefix + tensor, shape);
  return indexOf(renamed);
}

describe('model: image families, Hugging Face ViT', () => {
  it('reads q, k, v, the MLP and the norms under both sets of names', () => {
    const v4 = specOf('hf-vit-v4').blocks[1]!;
    const at = 'vit.encoder.layer.1.';
    assert.equal(v4.qkv.weight, `${at}attention.attention.query.weight`);
    assert.deepEqual(
      v4.qkv.then?.map((role) => role.bias),
      [`${at}attention.attention.key.bias`, `${at}attention.attention.value.bias`],
    );
    assert.deepEqual(
      [v4.proj.weight, v4.fc1.weight, v4.fc2.weight, v4.norm2.weight],
      ['attention.output.dense', 'intermediate.dense', 'output.dense', 'layernorm_after'].map(
        (part) => `${at}${part}.weight`,
      ),
    );
    const v5 = specOf('hf-vit-v5').blocks[1]!;
    assert.deepEqual(
      [v5.qkv.weight, v5.proj.weight, v5.fc1.weight, v5.fc2.weight],
      ['attention.q_proj', 'attention.o_proj', 'mlp.fc1', 'mlp.fc2'].map((part) => `vit.layers.1.${part}.weight`),
    );
  });

  it('tells ViT, DeiT, ViT-MAE and ViT-MSN by model_type first, by tensors second', () => {
    const families = ['vit', 'deit', 'vit_mae', 'vit_msn'].map((type) => {
      const config = { model_type: type, num_attention_heads: 2 };
      return specOf('hf-vit-bare', { config }).family;
    });
    assert.deepEqual(families, ['vit', 'deit', 'vit-mae', 'vit-msn']);
    const heads = { heads: '3' };
    assert.equal(specOf('hf-deit-distilled-v4', { config: null, overrides: heads }).family, 'deit');
    assert.equal(specOf('hf-mae-v5', { config: null, overrides: { heads: '2' } }).family, 'vit-mae');
    assert.equal(specOf('hf-vit-v5', { config: null, overrides: { heads: '2' } }).family, 'vit');
  });

  it('has eps 1e-12 where the configuration says none, and 1e-6 for ViT-MSN', () => {
    assert.equal(factOf(specOf('hf-vit-v4'), 'LayerNorm eps'), '1e-12 (default of transformers)');
    assert.equal(specOf('hf-deit-distilled-v5').layerNormEps, 1e-6);
    assert.equal(specOf('hf-vit-bare', { config: { model_type: 'vit_msn' } }).layerNormEps, 1e-6);
  });

  it('reads heads from the configuration, and asks without one', () => {
    assert.equal(factOf(specOf('hf-vit-v4'), 'heads'), '2 (config.json num_attention_heads)');
    assert.equal(errorOf(() => specOf('hf-vit-v4', { config: null })).question?.option, 'heads');
  });

  it('averages both classifiers of a distilled DeiT, and takes the class token where there is one classifier', () => {
    const both = specOf('hf-deit-distilled-v4');
    assert.equal(both.head.distClassifier?.weight, 'distillation_classifier.weight');
    assert.deepEqual([both.prefixTokens, both.tokens, both.positionCoversPrefix], [2, 6, true]);
    const one = specOf('hf-deit-distilled-v4', {
      change: {
        'cls_classifier.weight': null,
        'cls_classifier.bias': null,
        'distillation_classifier.weight': null,
        'distillation_classifier.bias': null,
        'classifier.weight': [5, 12],
        'classifier.bias': [5],
      },
    });
    assert.deepEqual([one.head.classifier?.weight, one.head.distClassifier], ['classifier.weight', null]);
  });

  it('notes what is left out: the decoder of a masked autoencoder, a pooler', () => {
    assert.match(
      specOf('hf-mae-v4').notes.join(' '),
      /its encoder is inspected on the whole picture, with no patch masked/,
    );
    assert.match(
      specOf('hf-vit-bare').notes.join(' '),
      /1 tensors outside the network that is inspected were ignored: pooler\./,
    );
  });

  it('refuses a file and a configuration of different sizes', () => {
    const config = { model_type: 'vit', num_attention_heads: 2, num_hidden_layers: 12, hidden_size: 14 };
    assert.equal(
      errorOf(() => specOf('hf-vit-v4', { config })).message,
      'tiny.safetensors has 2 layers, but config.json num_hidden_layers says 12. Check that the file is whole and that the configuration beside it belongs to it.',
    );
    assert.match(
      errorOf(() => specOf('hf-vit-v4', { config: { ...config, num_hidden_layers: 2, hidden_size: 768 } })).message,
      /has 14 numbers a token \(hidden_size\), but config\.json hidden_size says 768\./,
    );
  });

  it('says which tensor is missing or has the wrong shape', () => {
    const missing = { 'vit.encoder.layer.1.attention.attention.value.weight': null };
    assert.equal(
      errorOf(() => specOf('hf-vit-v4', { change: missing })).message,
      'tiny.safetensors has no tensor "vit.encoder.layer.1.attention.attention.value.weight", which a ViT with Hugging Face names needs. ' +
        'Check that the file holds the whole model, not a part of it.',
    );
    const wrong = { 'vit.encoder.layer.1.output.dense.weight': [14, 19] };
    assert.equal(
      errorOf(() => specOf('hf-vit-v4', { change: wrong })).message,
      'tiny.safetensors: tensor "vit.encoder.layer.1.output.dense.weight" has shape [14, 19], expected [14, 20] (width C x MLP width). Check that the file holds one whole model.',
    );
    const gap = Object.fromEntries(
      [...shapesOf('hf-vit-v4').keys()].filter((name) => name.includes('.layer.1.')).map((name) => [name, null]),
    );
    assert.match(
      errorOf(() => specOf('hf-vit-v4', { change: { ...gap, 'vit.encoder.layer.2.output.dense.bias': [14] } })).message,
      /has 2 blocks but no "vit\.encoder\.layer\.1\."/,
    );
  });

  const relatives: readonly (readonly [tensor: string, what: string])[] = [
    ['vit.embeddings.detection_tokens', 'a YOLOS detector'],
    [
      'vit.encoder.layer.0.attention.attention.relative_position_bias.relative_position_index',
      'a BEiT or Data2Vec model',
    ],
    ['vit.encoder.layer.0.lambda_1', 'a BEiT or Data2Vec model'],
    ['vit.encoder.layer.0.attention.attention.q_bias', 'a VideoMAE model'],
  ];
  for (const [tensor, what] of relatives) {
    it(`refuses ${what} by ${tensor}`, () => {
      const error = errorOf(() => specOf('hf-vit-v4', { change: { [tensor]: [4] } }));
      assert.equal(error.reason, 'unsupported');
      assert.equal(
        error.message,
        `tiny.safetensors looks like ${what} (tensor "${tensor}"). Its layers have the names of a Hugging Face ViT, but its forward pass is another one that is not in this version.`,
      );
    });
  }

  it('refuses a relative by its model_type, an unknown tensor in a layer, a missing class token', () => {
    assert.match(
      errorOf(() => specOf('hf-vit-v4', { config: { model_type: 'dpt', num_attention_heads: 2 } })).message,
      /looks like a model of another kind \(model_type "dpt" in config\.json\)/,
    );
    const mystery = { 'vit.encoder.layer.0.mystery': [4] };
    assert.match(
      errorOf(() => specOf('hf-vit-v4', { change: mystery })).message,
      /"vit\.encoder\.layer\.0\.mystery" has no place/,
    );
    const headless = { 'vit.embeddings.cls_token': null };
    assert.match(errorOf(() => specOf('hf-vit-v4', { change: headless })).message, /but no class token/);
  });

  it('finds the network under a prefix, and asks when there are two', () => {
    const prefixed: Shapes = new Map([...shapesOf('hf-vit-v4')].map(([name, shape]) => [`module.${name}`, shape]));
    assert.equal(
      inferModelSpec(indexOf(prefixed), null, { heads: '2' }).embed.classToken,
      'module.vit.embeddings.cls_token',
    );
    const two: Shapes = new Map([...prefixed, ...shapesOf('hf-vit-v4')]);
    assert.equal(errorOf(() => inferModelSpec(indexOf(two), null, { heads: '2' })).question?.option, 'state');
    const chosen = inferModelSpec(indexOf(two), null, { heads: '2', state: 'module' });
    assert.equal(chosen.head.classifier?.weight, 'module.classifier.weight');
  });

  it('has nothing but softmax to choose', () => {
    assert.equal(
      errorOf(() => specOf('hf-vit-v4', { overrides: { attention: 'symmetric' } })).message,
      '--set attention=symmetric: tiny.safetensors is of a family whose attention is softmax. RPC beside it is a what-if: use --rpc for it.',
    );
  });
});

describe('model: image families, DINOv2', () => {
  it('reads registers behind the class token, without positions, in both spellings', () => {
    for (const name of ['hf-dinov2-registers-v4', 'hf-dinov2-registers-v5', 'dinov2-chunks-registers-swiglu']) {
      const spec = specOf(name);
      assert.deepEqual(
        [spec.family, spec.prefixTokens, spec.tokens, spec.positionCoversPrefix, spec.positionCoversRegisters],
        ['dinov2', 5, 9, true, false],
        name,
      );
    }
    assert.equal(specOf('dinov2-chunks-registers-swiglu').embed.registers, 'register_tokens');
  });

  it('classifies by the class token beside the mean of the patches where the classifier is 2C wide', () => {
    assert.equal(specOf('hf-dinov2-v4').head.pooling, 'class-mean');
    assert.equal(specOf('hf-dinov2-v4', { change: { 'classifier.weight': [5, 12] } }).head.pooling, 'class');
    assert.match(
      errorOf(() => specOf('hf-dinov2-v4', { change: { 'classifier.weight': [5, 13] } })).message,
      /expected \[5, 24\] \(classes x class token and mean of patches, 2 C\)/,
    );
  });

  it('reads SwiGLU packed and split, with SiLU whatever hidden_act says', () => {
    const packed = specOf('hf-dinov2-swiglu-v4');
    assert.deepEqual([packed.block?.mlp, packed.mlpDim, packed.activation], ['gated', 16, 'silu']);
    assert.equal(packed.blocks[0]!.fc1.weight, 'encoder.layer.0.mlp.weights_in.weight');
    const split = specOf('hf-dinov2-swiglu-v5').blocks[0]!;
    assert.equal(split.fc1.weight, 'encoder.layer.0.mlp.gate_proj.weight');
    assert.equal(split.fc1.then?.[0]?.weight, 'encoder.layer.0.mlp.up_proj.weight');
    const original = specOf('dinov2-chunks-registers-swiglu');
    assert.deepEqual(
      [original.blocks[0]!.fc1.weight, original.blocks[0]!.fc2.weight],
      ['blocks.0.0.mlp.w12.weight', 'blocks.0.0.mlp.w3.weight'],
    );
  });

  it('counts blocks through the chunks, and names one that is missing', () => {
    const spec = specOf('dinov2-chunks-registers-swiglu');
    assert.deepEqual(
      spec.blocks.map((block) => block.proj.weight.replace('.attn.proj.weight', '')),
      ['blocks.0.0', 'blocks.0.1', 'blocks.1.2', 'blocks.1.3'],
    );
    const gone = [...shapesOf('dinov2-chunks-registers-swiglu').keys()].filter((name) =>
      name.startsWith('blocks.0.1.'),
    );
    const error = errorOf(() =>
      specOf('dinov2-chunks-registers-swiglu', { change: Object.fromEntries(gone.map((name) => [name, null])) }),
    );
    assert.equal(error.reason, 'missingTensor');
  });

  it('has eps 1e-6 and whole pictures with ImageNet statistics', () => {
    const spec = specOf('hf-dinov2-v4');
    assert.equal(spec.layerNormEps, 1e-6);
    assert.deepEqual(picturesOf(spec).mean, [0.485, 0.456, 0.406]);
    assert.equal(picturesOf(spec).resizeShortSide, 8);
  });
});

describe("model: image families, timm's layout", () => {
  it('tells DINO, MAE, DeiT-III and DINOv2 from a plain ViT', () => {
    const families = ['dino-teacher', 'mae-encoder', 'deit3', 'dinov2-original'].map((name) => specOf(name).family);
    assert.deepEqual(families, ['dino', 'mae', 'deit3', 'dinov2']);
    const plain = indexOf(timmShapes({ classes: null }), { fileName: 'dino_vits16.pth' });
    assert.equal(inferModelSpec(plain, null, { heads: '4' }).family, 'dino');
    const called = inferModelSpec(
      indexOf(timmShapes({ positions: 16 })),
      { architecture: 'deit3_small', num_heads: 4 },
      {},
    );
    assert.equal(called.family, 'deit3');
  });

  it('asks for student or teacher of a DINO training file', () => {
    const both: Shapes = new Map([
      ...timmShapes({ prefix: 'student.module.backbone.', classes: null }),
      ...timmShapes({ prefix: 'teacher.backbone.', classes: null }),
      ['teacher.head.mlp.0.weight', [4, 16]],
    ]);
    const error = errorOf(() => inferModelSpec(indexOf(both), null, { heads: '4' }));
    assert.deepEqual(
      error.question?.choices.map((choice) => choice.value),
      ['student.module.backbone', 'teacher.backbone'],
    );
    const teacher = inferModelSpec(indexOf(both), null, { heads: '4', state: 'teacher' });
    assert.deepEqual([teacher.family, teacher.classes], ['dino', null]);
  });

  it("runs DINO's projection head where it is whole, and says why where it is not", () => {
    const head: Readonly<Record<string, readonly number[]>> = {
      'teacher.head.mlp.0.weight': [16, 12],
      'teacher.head.mlp.2.weight': [5, 16],
      'teacher.head.last_layer.weight_g': [9, 1],
      'teacher.head.last_layer.weight_v': [9, 5],
    };
    const spec = specOf('dino-teacher', { change: head });
    assert.deepEqual([spec.classes, spec.head.classifier?.gain], [9, 'teacher.head.last_layer.weight_g']);
    assert.deepEqual(
      spec.head.transforms?.map(({ activation, norm }) => [activation, norm]),
      [
        ['gelu', null],
        ['none', 'unit'],
      ],
    );
    assert.ok(spec.notes.some((note) => note.startsWith("The logits are the scores of the 9 prototypes of DINO's")));
    // As torch.nn.utils.parametrizations spells weight norm.
    const { 'teacher.head.last_layer.weight_g': gain, 'teacher.head.last_layer.weight_v': rows, ...mlp } = head;
    const last = 'teacher.head.last_layer.parametrizations.weight.original';
    const other = { ...mlp, 'teacher.head.last_layer.weight_g': null, [`${last}0`]: gain!, [`${last}1`]: rows! };
    assert.equal(specOf('dino-teacher', { change: other }).head.classifier?.weight, `${last}1`);
    for (const [change, why] of [
      [{ 'teacher.head.last_layer.weight_v': null }, 'its last layer is missing'],
      [{ 'teacher.head.mlp.1.running_mean': [16] }, 'it has batch norms ("teacher.head.mlp.1.running_mean")'],
    ] as const) {
      const without = specOf('dino-teacher', { change: { ...head, ...change } });
      assert.deepEqual([without.classes, without.head.classifier], [null, null]);
      assert.ok(without.notes.includes(`The projection head teacher.head is not run: ${why}. There are no logits.`));
    }
    const wrong = errorOf(() =>
      specOf('dino-teacher', { change: { ...head, 'teacher.head.last_layer.weight_v': [9, 7] } }),
    );
    assert.match(wrong.message, /"teacher\.head\.last_layer\.weight_v" has shape \[9, 7\], expected \[9, 5\]/);
  });

  it("has positions for timm's registers, or for no prefix token at all", () => {
    const inside = specOf('timm-registers');
    assert.deepEqual(
      [inside.prefixTokens, inside.positionCoversPrefix, inside.positionCoversRegisters],
      [4, true, true],
    );
    const outside = specOf('timm-registers-outside');
    assert.deepEqual(
      [outside.prefixTokens, outside.positionCoversPrefix, outside.positionCoversRegisters],
      [5, false, false],
    );
  });

  it('pools by mean where fc_norm, global_pool or a missing class token say so', () => {
    const pooled = specOf('timm-average-pool');
    assert.deepEqual(
      [pooled.head.pooling, pooled.head.norm, pooled.head.poolNorm?.weight],
      ['mean', null, 'fc_norm.weight'],
    );
    const avg = inferModelSpec(indexOf(timmShapes()), { num_heads: 4, global_pool: 'avg' }, {});
    assert.deepEqual([avg.head.pooling, avg.head.norm?.weight], ['mean', 'norm.weight']);
    const args = inferModelSpec(indexOf(timmShapes(), { tree: { args: { global_pool: true, heads: 4 } } }), null, {});
    assert.equal(args.head.pooling, 'mean');
    assert.equal(
      inferModelSpec(indexOf(timmShapes()), { num_heads: 4, global_pool: 'token' }, {}).head.pooling,
      undefined,
    );
    const none = specOf('timm-no-class-token');
    assert.deepEqual([none.prefixTokens, none.embed.classToken, none.head.pooling], [0, null, 'mean']);
    assert.equal(
      errorOf(() => inferModelSpec(indexOf(timmShapes()), { num_heads: 4, global_pool: 'map' }, {})).message,
      'tiny.safetensors pools its tokens by "map" (config.json global_pool). Gramlens knows this variant but does not run it in this version: its numbers would be wrong.',
    );
  });

  it('takes a packed SwiGLU, a split one, and RMSNorm on queries and keys', () => {
    const packed: Record<string, readonly number[]> = {};
    const split: Record<string, readonly number[] | null> = {};
    const norms: Record<string, readonly number[]> = {};
    for (const i of [0, 1]) {
      packed[`blocks.${i}.mlp.fc2.weight`] = [16, 16];
      for (const part of ['fc1_g', 'fc1_x']) {
        split[`blocks.${i}.mlp.${part}.weight`] = [32, 16];
        split[`blocks.${i}.mlp.${part}.bias`] = [32];
      }
      split[`blocks.${i}.mlp.fc1.weight`] = null;
      split[`blocks.${i}.mlp.fc1.bias`] = null;
      for (const part of ['q_norm', 'k_norm']) norms[`blocks.${i}.attn.${part}.weight`] = [4];
    }
    const packedSpec = inferModelSpec(indexOf(timmShapes({ extra: packed })), null, { heads: '4' });
    assert.deepEqual([packedSpec.block, packedSpec.mlpDim, packedSpec.activation], [{ mlp: 'gated' }, 16, 'silu']);
    const splitSpec = inferModelSpec(indexOf(timmShapes({ extra: split })), null, { heads: '4' });
    assert.equal(splitSpec.blocks[1]!.fc1.then?.[0]?.weight, 'blocks.1.mlp.fc1_x.weight');
    const normed = inferModelSpec(indexOf(timmShapes({ extra: norms })), null, {});
    assert.deepEqual([normed.heads, normed.block], [4, { headNorm: 'rms' }]);
  });

  it("gives timm's CLIP towers eps 1e-5, CLIP's statistics, and QuickGELU by name", () => {
    const spec = specOf('timm-clip-tower');
    assert.deepEqual(
      [spec.layerNormEps, spec.activation, spec.embed.norm?.weight],
      [1e-5, 'quick_gelu', 'norm_pre.weight'],
    );
    assert.equal(picturesOf(spec).mean[0], 0.48145466);
    const plain = specOf('timm-clip-tower', { config: { architecture: 'vit_tiny_clip', num_heads: 2 } });
    assert.equal(plain.activation, 'gelu');
  });
});

describe('model: image families, CLIP', () => {
  it('reads the image tower from vision_config, whatever stands beside it', () => {
    const text = { num_attention_heads: 8, hidden_size: 512, hidden_act: 'gelu' };
    const vision = { num_attention_heads: 2, hidden_size: 12, num_hidden_layers: 2, hidden_act: 'quick_gelu' };
    const config = { model_type: 'clip', text_config: text, vision_config: vision, hidden_size: 512, image_size: 99 };
    const spec = specOf('hf-clip-gelu', { config });
    assert.deepEqual(
      [spec.family, spec.heads, spec.activation, spec.layerNormEps],
      ['clip-vision', 2, 'quick_gelu', 1e-5],
    );
    assert.equal(factOf(spec, 'heads'), '2 (config.json vision_config num_attention_heads)');
    assert.equal(spec.embed.norm?.weight, 'vision_model.pre_layrnorm.weight');
    assert.equal(spec.embed.patch?.bias, null);
    assert.match(spec.notes.join(' '), /image embedding of 7 numbers, before it is normalised/);
    assert.match(spec.notes.join(' '), /ignored: text_model, logit_scale\./);
  });

  it('reads the tower alone, in the names of transformers 5 too, and without a projection', () => {
    const bare: Shapes = new Map(
      [...shapesOf('hf-clip-gelu')]
        .filter(([name]) => name.startsWith('vision_model.'))
        .map(([name, shape]) => [name.replace('vision_model.', ''), shape]),
    );
    const spec = inferModelSpec(indexOf(bare), { model_type: 'clip_vision_model', num_attention_heads: 2 }, {});
    assert.deepEqual([spec.family, spec.classes, spec.activation], ['clip-vision', null, 'quick_gelu']);
    assert.equal(spec.embed.classToken, 'embeddings.class_embedding');
  });

  it('classifies by the mean of the patches without the final norm (CLIPForImageClassification)', () => {
    const change = { 'visual_projection.weight': null, 'classifier.weight': [5, 12], 'classifier.bias': [5] };
    const { head } = specOf('hf-clip-gelu', { change });
    assert.deepEqual([head.norm, head.pooling, head.classifier?.weight], [null, 'mean', 'classifier.weight']);
  });

  it('reads OpenAI names, QuickGELU with a note, heads of 64, and OpenCLIP by its configuration', () => {
    const spec = specOf('openai-clip');
    assert.equal(spec.blocks[0]!.qkv.weight, 'visual.transformer.resblocks.0.attn.in_proj_weight');
    assert.equal(spec.blocks[0]!.qkv.bias, 'visual.transformer.resblocks.0.attn.in_proj_bias');
    assert.deepEqual(spec.head.classifier, { weight: 'visual.proj', bias: null, layout: 'in-out' });
    assert.equal(spec.activation, 'quick_gelu');
    assert.match(spec.notes.join(' '), /for those give --set activation=gelu/);
    const open = specOf('openclip-gelu');
    assert.deepEqual([open.heads, open.activation], [2, 'gelu']);
    const quick = { model_cfg: { quick_gelu: true, vision_cfg: { head_width: 4 } } };
    const other = specOf('openclip-gelu', { config: quick });
    assert.deepEqual([other.heads, other.activation], [3, 'quick_gelu']);
  });

  it('refuses SigLIP and attention pooling by name', () => {
    const siglip = { 'vision_model.head.probe': [1, 1, 12], 'vision_model.embeddings.class_embedding': null };
    assert.equal(
      errorOf(() => specOf('hf-clip-gelu', { change: siglip })).message,
      'tiny.safetensors looks like a SigLIP model (tensor "vision_model.head.probe"). It has no class token and pools by attention (head.probe), which is not in this version.',
    );
    assert.match(
      errorOf(() => specOf('openai-clip', { change: { 'visual.attn_pool.query': [1, 14] } })).message,
      /has attention pooling \(tensor "visual\.attn_pool\.query"\)/,
    );
  });
});

describe('model: image families, Flax', () => {
  it('reads heads from the shape, and every prefix', () => {
    const spec = specOf('flax-augreg');
    assert.equal(
      factOf(spec, 'heads'),
      '2 (shape of Transformer/encoderblock_0/MultiHeadDotProductAttention_1/query/kernel)',
    );
    assert.deepEqual([spec.layerNormEps, spec.activation], [1e-6, 'gelu_tanh']);
    for (const prefix of ['', 'opt/target/', 'params/', 'params/img/']) {
      const shapes: Shapes = new Map([...shapesOf('flax-augreg')].map(([name, shape]) => [prefix + name, shape]));
      const found = inferModelSpec(indexOf(shapes), null, {});
      assert.deepEqual([found.family, found.embed.classToken], ['flax-vit', `${prefix}cls`]);
    }
    assert.match(
      errorOf(() => specOf('flax-augreg', { overrides: { heads: '3' } })).message,
      /--set heads=3: shape of Transformer\/encoderblock_0\/.*query\/kernel of tiny\.safetensors says 2 heads\./,
    );
  });

  it('says the layouts of its kernels', () => {
    const { embed, blocks } = specOf('flax-augreg');
    assert.equal(embed.patch?.layout, 'hwio');
    const [block] = blocks;
    assert.deepEqual(
      [block!.qkv.layout, block!.qkv.then?.[1]?.layout, block!.proj.layout, block!.fc2.layout],
      ['in-out', 'in-out', 'heads-out', 'in-out'],
    );
  });

  it('takes stacked layers apart, each with its row', () => {
    const spec = specOf('flax-scanned');
    assert.equal(spec.layers, 2);
    assert.deepEqual(
      spec.blocks.map((block) => [block.fc1.slice, block.qkv.then?.[0]?.slice]),
      [0, 1].map((index) => [
        { index, of: 2 },
        { index, of: 2 },
      ]),
    );
  });

  it('refuses attention pooling, computed positions, and kernels of odd shapes', () => {
    const message = (change: Readonly<Record<string, readonly number[] | null>>): string =>
      errorOf(() => specOf('flax-augreg', { change })).message;
    assert.match(message({ 'MAPHead_0/probe': [1, 1, 12] }), /is a Flax ViT with attention pooling \(MAPHead\)/);
    assert.match(message({ 'Transformer/posembed_input/pos_embedding': null }), /without stored positions/);
    const kernel = 'Transformer/encoderblock_0/MultiHeadDotProductAttention_1/query/kernel';
    assert.match(message({ [kernel]: [12, 12] }), /expected \[C, H, d\] with C = H d/);
    assert.match(message({ 'Transformer/encoderblock_1/MlpBlock_3/Dense_1/kernel': [12, 20] }), /expected \[20, 12\]/);
  });
});

describe('model: image families, preprocessing', () => {
  const heads = { heads: '2' };
  const vit = (preprocessor: unknown): ImagePreprocessing =>
    picturesOf(inferModelSpec(large(''), null, heads, preprocessor));

  it('follows the class of the family where nothing is said', () => {
    const plain = vit(null);
    assert.deepEqual(
      [plain.resizeShortSide, plain.interpolation, plain.mean, plain.source],
      [null, 'bilinear', [0.5, 0.5, 0.5], 'default of ViTImageProcessor'],
    );
    const deit = picturesOf(
      inferModelSpec(large('deit.', { 'embeddings.distillation_token': [1, 1, 12] }), null, heads),
    );
    assert.deepEqual([deit.resizeShortSide, deit.interpolation, deit.std[0]], [256, 'bicubic', 0.229]);
  });

  it('takes preprocessor_config.json before the default, in old and new spelling', () => {
    const mean = { image_mean: [0.1, 0.2, 0.3], image_std: [0.4, 0.5, 0.6] };
    const old = vit({ size: 224, resample: 2, ...mean });
    assert.deepEqual(
      [old.resizeShortSide, old.interpolation, old.mean, old.source],
      [null, 'bilinear', [0.1, 0.2, 0.3], 'preprocessor_config.json image_mean'],
    );
    const crop = { size: { shortest_edge: 256 }, do_center_crop: true, crop_size: { height: 224, width: 224 } };
    const cropped = vit({ ...crop, resample: 3 });
    assert.deepEqual([cropped.resizeShortSide, cropped.interpolation], [256, 'bicubic']);
    assert.equal(vit({ size: 256, do_center_crop: true, crop_size: 224 }).resizeShortSide, 256);
    assert.equal(vit({ size: { height: 224, width: 224 } }).resizeShortSide, null);
  });

  it('keeps the part that is cropped when the network is larger than the processor says, and notes it', () => {
    const spec = inferModelSpec(large('', {}, 448), null, heads, {
      size: { shortest_edge: 256 },
      do_center_crop: true,
      crop_size: { height: 224, width: 224 },
    });
    assert.equal(picturesOf(spec).resizeShortSide, 512);
    assert.match(
      spec.notes.join(' '),
      /prepares pictures of 224 x 224; the position embedding of tiny\.safetensors is made for 448 x 448/,
    );
  });

  it('notes a squeeze before the crop and a filter it does not have; ignores values of the wrong kind', () => {
    const squeeze = { size: { height: 256, width: 256 }, do_center_crop: true, crop_size: 224, resample: 1 };
    const { notes } = inferModelSpec(large(''), null, heads, squeeze);
    assert.match(notes.join(' '), /squeezes pictures to 256 x 256 before the centre crop/);
    assert.match(notes.join(' '), /resampling filter 1/);
    assert.equal(vit({ size: 'large', image_std: [0, 0, 0] }).std[0], 0.5);
    assert.equal(
      errorOf(() => inferModelSpec(large(''), null, heads, [1])).message,
      'The preprocessor_config.json beside tiny.safetensors is not a JSON object.',
    );
  });
});
