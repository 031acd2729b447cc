// What a file cannot say is asked; what we do not run, and what is wrong, is refused with exactly these sentences.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { ModelSpecError, type SpecOverrides } from '../../../src/model/modelSpec';
import type { TensorIndex } from '../../../src/checkpoint/tensorIndex';
import { indexOf, timmIndex, timmShapes } from './syntheticIndex';

function errorOf(index: TensorIndex, overrides: SpecOverrides = {}, config: unknown = null): ModelSpecError {
  try {
    inferModelSpec(index, config, overrides);
  } catch (error) {
    assert.ok(error instanceof ModelSpecError, String(error));
    return error;
  }
  assert.fail('nothing was refused');
}

/** What the refusals say this version inspects. */
const inspected =
  'it knows the names of vision, text and speech transformers that the README lists; others run once their tensors are mapped.';

const named = (...names: string[]): TensorIndex => indexOf(new Map(names.map((name) => [name, [4, 4]] as const)));

describe('model: questions', () => {
  it('asks for the heads, offering the divisors of the width', () => {
    const error = errorOf(timmIndex({ width: 12 }));
    assert.equal(error.reason, 'question');
    assert.equal(
      error.message,
      'tiny.safetensors does not say how many attention heads it has (width 12). Give it with --set heads=N, N one of 1, 2, 3, 4, 6.',
    );
    assert.equal(error.question?.option, 'heads');
    assert.deepEqual(error.question.choices.map((choice) => choice.value).sort(), ['1', '2', '3', '4', '6']);
    assert.deepEqual(
      error.question.choices.find((choice) => choice.value === '3'),
      { value: '3', label: '3 heads', detail: 'd 4' },
    );
    for (const choice of error.question.choices) {
      assert.equal(inferModelSpec(timmIndex({ width: 12 }), null, { heads: choice.value }).heads, Number(choice.value));
    }
  });

  it('asks for the heads of a Reconstruction model of width 192, which may be 3 or 6', () => {
    assert.equal(errorOf(timmIndex({ width: 192 }), { attention: 'reconstruction' }).question?.option, 'heads');
  });

  it('asks for the grid when the patches are no square, and takes its own answers', () => {
    const index = timmIndex({ positions: 13 });
    const error = errorOf(index, { heads: '4' });
    assert.equal(
      error.message,
      'tiny.safetensors has 12 patches, which is not a square number, and does not say its grid. ' +
        'Give it with --set grid=ROWSxCOLUMNS, one of 4x3, 3x4, 6x2, 2x6, 12x1, 1x12.',
    );
    assert.equal(error.question?.option, 'grid');
    for (const choice of error.question.choices) {
      const { image } = inferModelSpec(index, null, { heads: '4', grid: choice.value });
      assert.equal(`${image!.gridHeight}x${image!.gridWidth}`, choice.value);
    }
  });

  it('asks which state, and takes its own answers', () => {
    const index = indexOf(new Map([...timmShapes({ prefix: 'model.' }), ...timmShapes({ prefix: 'model_ema.' })]), {
      fileName: 'run.pt',
    });
    const error = errorOf(index, { heads: '4' });
    assert.equal(error.message, 'run.pt holds 2 networks: model, model_ema. Choose one with --set state=NAME.');
    assert.equal(error.question?.option, 'state');
    assert.deepEqual(
      error.question.choices.map((choice) => choice.detail?.split(',')[0]),
      ['the weights as trained', 'moving average of the weights'],
    );
    for (const choice of error.question.choices) {
      const spec = inferModelSpec(index, null, { heads: '4', state: choice.value });
      assert.equal(spec.embed.classToken, `${choice.value}.cls_token`);
    }
  });

  it('asks for each RPC setting that neither args nor --set say', () => {
    const index = timmIndex({ projections: 2 });
    const answers: Record<string, string> = { heads: '4', attention: 'rpc' };
    for (const option of ['rpc.iterations', 'rpc.lambda', 'rpc.layers']) {
      const error = errorOf(index, answers);
      assert.equal(error.question?.option, option);
      answers[option] = error.question.choices[0]!.value;
    }
    assert.deepEqual(inferModelSpec(index, null, answers).rpc, {
      variant: 'code',
      iterations: 4,
      lambda: 4,
      layers: [0],
    });
    assert.equal(
      errorOf(index, { heads: '4', attention: 'rpc' }).message,
      'tiny.safetensors does not say its RPC settings. How many RPC iterations did the training run use (args.num_iter)? ' +
        'Give it with --set rpc.iterations=VALUE, for example rpc.iterations=4.',
    );
  });
});

describe('model: refusals by name', () => {
  const otherFamilies: readonly (readonly [tensor: string, what: string])[] = [
    ['bert.encoder.layer.0.attention.self.query.weight', 'a BERT model'],
    ['roberta.encoder.layer.0.attention.self.query.weight', 'a RoBERTa model'],
    ['model.layers.0.self_attn.q_proj.weight', 'a LLaMA, Mistral or Qwen model'],
    ['model.layers.0.self_attn.qkv_proj.weight', 'a Phi-3 model'],
    ['model.decoder.layers.0.self_attn.q_proj.weight', 'an OPT model'],
    ['layers.0.blocks.0.attn.qkv.weight', 'a Swin Transformer'],
    ['swin.encoder.layers.0.blocks.0.attention.self.query.weight', 'a Swin Transformer'],
    ['layer.0.attention.q_proj.weight', 'a DINOv3 model'],
    ['onnx::MatMul_123', 'an ONNX model'],
    ['encoder.layers.encoder_layer_0.self_attention.in_proj_weight', 'a torchvision ViT'],
  ];
  for (const [tensor, what] of otherFamilies) {
    it(`says "${what}"`, () => {
      const error = errorOf(named('embed.weight', tensor));
      assert.equal(error.reason, 'unsupported');
      assert.equal(
        error.message,
        `tiny.safetensors looks like ${what} (tensor "${tensor}"). That family is not in this version: ${inspected}`,
      );
    });
  }

  const incomplete: readonly (readonly [tensor: string, what: string, missing: string])[] = [
    [
      'vit.encoder.layer.0.attention.attention.query.weight',
      'a ViT or DeiT with Hugging Face names',
      'layernorm_before of layer 0',
    ],
    ['dinov2.encoder.layer.0.layer_scale1.lambda1', 'a DINOv2 model (Hugging Face names)', 'the attention of layer 0'],
    [
      'vision_model.encoder.layers.0.self_attn.q_proj.weight',
      'a CLIP or SigLIP model (Hugging Face names)',
      'the embedding of an image or a text tower',
    ],
    [
      'transformer.resblocks.0.attn.in_proj_weight',
      'a CLIP model (OpenAI names)',
      'class_embedding of an image tower that is a transformer, or token_embedding of a text tower',
    ],
    ['Transformer/encoderblock_0/LayerNorm_0/scale', 'a Flax ViT', 'embedding/kernel'],
  ];
  for (const [tensor, what, missing] of incomplete) {
    it(`says what is missing of ${what}: ${missing}`, () => {
      const error = errorOf(named('embed.weight', tensor));
      assert.equal(error.reason, 'missingTensor');
      assert.equal(
        error.message,
        `tiny.safetensors looks like ${what} (tensor "${tensor}"), but ${missing} is not in it. ` +
          'Check that the file holds the whole model, not a part of it.',
      );
    });
  }

  const variants: readonly (readonly [tensor: string, what: string])[] = [
    ['blocks.0.attns.0.qkv.weight', 'parallel attention blocks'],
    ['blocks.0.in_proj.weight', 'a fused in_proj (parallel scaling blocks)'],
    ['blocks.0.attn.lambda_q1', 'differential attention'],
    ['blocks.1.mlp.gate_proj.weight', 'a SwiGLU MLP in three matrices (EVA)'],
    ['blocks.0.attn.gate.weight', 'gated attention'],
    ['blocks.0.attn.norm.weight', 'a norm on the attention output (scale_norm)'],
    ['blocks.0.attn.relative_position_bias_table', 'relative positions (BEiT or SAM)'],
    ['blocks.0.attn.proj_l.weight', 'talking heads (CaiT)'],
    ['blocks.0.attn.temperature', 'cross-covariance attention (XCiT)'],
    ['blocks.0.attn.q_proj.weight', 'separate query, key and value projections'],
    ['blocks.0.attn.qkv.lora_A.weight', 'LoRA adapters that are not merged'],
    ['attn_pool.latent', 'attention pooling'],
    ['pre_logits.fc.weight', 'a representation layer before the classifier (pre_logits)'],
  ];
  for (const [tensor, what] of variants) {
    it(`says "${what}"`, () => {
      const error = errorOf(timmIndex({ prefix: 'model.', extra: { [tensor]: [1, 4, 16] } }), { heads: '4' });
      assert.equal(error.reason, 'unsupported');
      assert.equal(
        error.message,
        `tiny.safetensors has ${what} (tensor "model.${tensor}"). Gramlens knows this variant but does ` +
          'not run it in this version: its numbers would be wrong.',
      );
    });
  }
});

describe('model: refusals of damaged or odd files', () => {
  const whole = ' Check that the file holds one whole model.';
  const cases: readonly (readonly [what: string, index: TensorIndex, reason: string, message: string])[] = [
    [
      'no tensors',
      named(),
      'unknownFamily',
      'tiny.safetensors holds no tensors, so there is no model to inspect. Choose a checkpoint that holds weights.',
    ],
    [
      'unknown names',
      named('conv1.weight', 'fc.weight'),
      'unknownFamily',
      'tiny.safetensors has no transformer blocks under a name Gramlens knows (it begins with "conv1.weight", "fc.weight"). ' +
        `In this version ${inspected}`,
    ],
    [
      'a missing block',
      timmIndex({ layers: 1, extra: { 'blocks.2.norm1.weight': [16] } }),
      'missingTensor',
      'tiny.safetensors has 2 blocks but no "blocks.1.": blocks must be numbered from 0 without a gap. Check that the file holds the whole model, not a part of it.',
    ],
    [
      'a missing tensor',
      timmIndex({ extra: { 'blocks.1.attn.proj.weight': null } }),
      'missingTensor',
      'tiny.safetensors has no tensor "blocks.1.attn.proj.weight", which a vision transformer in timm\'s layout needs. Check that the file holds the whole model, not a part of it.',
    ],
    [
      'a wrong shape',
      timmIndex({ extra: { 'blocks.1.mlp.fc1.weight': [31, 16] } }),
      'shapeMismatch',
      `tiny.safetensors: tensor "blocks.1.mlp.fc1.weight" has shape [31, 16], expected [32, 16] (MLP width x width C).${whole}`,
    ],
    [
      'odd qkv rows',
      timmIndex({ extra: { 'blocks.0.attn.qkv.weight': [40, 16] } }),
      'shapeMismatch',
      `tiny.safetensors: tensor "blocks.0.attn.qkv.weight" has shape [40, 16], expected 48 rows (query, key, value) or 32 rows (key, value) for the width 16.${whole}`,
    ],
    [
      'patches that are not square',
      timmIndex({ extra: { 'patch_embed.proj.weight': [16, 1, 4, 2] } }),
      'shapeMismatch',
      `tiny.safetensors: tensor "patch_embed.proj.weight" has shape [16, 1, 4, 2], but only square patches [C, channels, p, p] are in this version.${whole}`,
    ],
    [
      'S of another number of tokens',
      timmIndex({ extra: { 'blocks.0.attn.s': [4, 17, 17], 'blocks.1.attn.s': [4, 16, 16] } }),
      'shapeMismatch',
      `tiny.safetensors: tensor "blocks.1.attn.s" has shape [4, 16, 16], expected [4, 17, 17] (heads x tokens x tokens) or [1].${whole}`,
    ],
    [
      'norms without a bias',
      timmIndex({ extra: { 'blocks.0.norm1.bias': null } }),
      'unsupported',
      'tiny.safetensors has norms without a bias ("blocks.0.norm1.weight" alone): RMSNorm, or LayerNorm without bias. Nothing in the file tells which, and vision transformers with either are not in this version.',
    ],
    [
      'an unknown tensor in a block',
      timmIndex({ extra: { 'blocks.0.attn.mystery': [4] } }),
      'unsupported',
      'tiny.safetensors: tensor "blocks.0.attn.mystery" has no place in a family Gramlens knows, and leaving it out would make the numbers wrong. Remove it from the file if the forward pass does not use it.',
    ],
    [
      'no positions',
      timmIndex({ extra: { pos_embed: null } }),
      'unsupported',
      'tiny.safetensors has no "pos_embed". Vision transformers without a learned position embedding are not in this version.',
    ],
    [
      'Scaled Attention without queries',
      timmIndex({ projections: 2, extra: { 'blocks.0.attn.s': [1] } }),
      'unsupported',
      'tiny.safetensors has Scaled Attention without queries ([2C, C] projections and attn.s). Gramlens knows no such model.',
    ],
    [
      'a distilled model without its second head',
      timmIndex({ distilled: true, positions: 18, extra: { 'head_dist.weight': null } }),
      'missingTensor',
      'tiny.safetensors has no tensor "head_dist.weight", which a vision transformer in timm\'s layout needs. Check that the file holds the whole model, not a part of it.',
    ],
  ];
  for (const [what, index, reason, message] of cases) {
    it(what, () => {
      const error = errorOf(index, what === 'S of another number of tokens' ? {} : { heads: '4' });
      assert.equal(error.message, message);
      assert.equal(error.reason, reason);
    });
  }

  it('notes a tensor that cannot be read, and gives the spec all the same', () => {
    const index = timmIndex();
    const entry = index.entries.get('norm.bias')!;
    (index.entries as Map<string, typeof entry>).set('norm.bias', {
      ...entry,
      dtype: null,
      problem: 'dtype F4 is not known.',
    });
    assert.deepEqual(inferModelSpec(index, null, { heads: '4' }).notes, [
      'Tensor "norm.bias" cannot be read: dtype F4 is not known.',
    ]);
  });

  it('refuses what config and weights say differently', () => {
    assert.equal(
      errorOf(timmIndex(), {}, { num_heads: 5 }).message,
      'tiny.safetensors: config.json num_heads says 5 heads, but the width 16 is not divisible by it. Give the right number with --set heads=N.',
    );
    const scaled = timmIndex({ extra: { 'blocks.0.attn.s': [4, 17, 17], 'blocks.1.attn.s': [4, 17, 17] } });
    assert.equal(
      errorOf(scaled, {}, { num_heads: 8 }).message,
      'tiny.safetensors: config.json num_heads says 8 heads, but shape of blocks.0.attn.s says 4. Give the right number with --set heads=N.',
    );
    assert.equal(
      errorOf(timmIndex(), { heads: '4' }, { hidden_act: 'mish' }).message,
      'tiny.safetensors: config.json hidden_act says the activation "mish", which is not in this version. If it is wrong, give --set activation=gelu, gelu_tanh, quick_gelu, relu or silu.',
    );
    assert.equal(
      errorOf(timmIndex(), {}, [1]).message,
      'The configuration beside tiny.safetensors is not a JSON object. Give another one with --config FILE.',
    );
  });

  it('refuses res-post-norm blocks of timm by the name of the model: their tensors are named as pre-LN ones', () => {
    assert.match(
      errorOf(timmIndex(), {}, { architecture: 'vit_base_patch16_rpn_224', num_heads: 2 }).message,
      /^tiny.safetensors is "vit_base_patch16_rpn_224" \(config.json architecture\), whose blocks have norms behind/,
    );
  });

  it('survives names of the object prototype', () => {
    const tree = { args: JSON.parse('{"__proto__": {"num_heads": 3}, "constructor": 1}') as Record<string, number> };
    assert.equal(errorOf(timmIndex({}, { tree })).question?.option, 'heads');
    assert.match(errorOf(timmIndex(), { constructor: '1' }).message, /there is no option "constructor"/);
  });
});

describe('model: --set', () => {
  const all =
    'heads, decoder.heads, eps, attention, rpc.variant, rpc.iterations, rpc.lambda, rpc.layers, activation, grid, image, tokens, frames, tower, state, mean, std, cutoffs, standardise, tokenizer';
  const bad: readonly (readonly [overrides: SpecOverrides, message: string])[] = [
    [{ head: '4' }, `--set head=4: there is no option "head". The options are ${all}.`],
    [{ heads: 'four' }, '--set heads=four: heads must be a whole number, 1 or more.'],
    [
      { heads: '5' },
      '--set heads=5: the width of tiny.safetensors is 16, which 5 does not divide. Use one of 1, 2, 4, 8.',
    ],
    [{ eps: '0' }, '--set eps=0: eps must be a number above 0 and at most 0.1.'],
    [
      { attention: 'linear' },
      '--set attention=linear: attention must be one of softmax, symmetric, scaled, rpc, reconstruction.',
    ],
    [{ 'rpc.variant': 'fast' }, '--set rpc.variant=fast: rpc.variant must be one of code, code-headdim, paper, admm.'],
    [{ 'rpc.iterations': '0' }, '--set rpc.iterations=0: rpc.iterations must be a whole number from 1 to 64.'],
    [{ 'rpc.lambda': '-1' }, '--set rpc.lambda=-1: rpc.lambda must be a number, 0 or more.'],
    [
      { 'rpc.layers': 'x' },
      '--set rpc.layers=x: rpc.layers must be all, none, or layer indexes such as 0 or 0/2 or 0-2.',
    ],
    [
      { activation: 'mish' },
      '--set activation=mish: activation must be one of gelu, gelu_tanh, quick_gelu, relu, silu.',
    ],
    [{ grid: '7by5' }, '--set grid=7by5: grid must be rows x columns of patches, such as 7x5.'],
    [{ std: '0' }, '--set std=0: std must be one number above 0, or one a channel such as 0.229/0.224/0.225.'],
    [{ standardise: 'maybe' }, '--set standardise=maybe: standardise must be true or false.'],
    [{ state: 'ema', heads: '4' }, '--set state=ema: tiny.safetensors has no such state. Its states are top level.'],
    [
      { heads: '4', grid: '7x5' },
      '--set grid: a grid of 7 x 5 has 35 patches, but the position embedding of tiny.safetensors has 17 rows (16 patches behind the class token, or 17 patches).',
    ],
    [
      { heads: '4', image: '15x16' },
      '--set image=15x16: the patches of tiny.safetensors are 4 pixels wide, and both sides must be multiples of 4.',
    ],
    [
      { heads: '4', grid: '4x4', image: '32x8' },
      '--set grid and --set image disagree with each other; give one of them.',
    ],
    [{ heads: '4', mean: '1/2' }, '--set mean=1/2: tiny.safetensors takes pictures of one channel; give one number.'],
    [
      { heads: '4', attention: 'rpc' },
      '--set attention=rpc: tiny.safetensors has query, key and value projections ([3C, C]) and no attn.s, so attention can be softmax or reconstruction. ' +
        'RPC beside the attention of such a model is a what-if: use --rpc for it.',
    ],
    [
      { heads: '4', attention: 'reconstruction', standardise: 'false' },
      '--set attention=reconstruction,standardise=false contradict each other; give one of them.',
    ],
  ];
  for (const [overrides, message] of bad) {
    it(`refuses ${JSON.stringify(overrides)}`, () => {
      const error = errorOf(timmIndex(), overrides);
      assert.equal(error.message, message);
      assert.equal(error.reason, 'badOverride');
    });
  }

  it('refuses attention kinds that contradict the weights', () => {
    const symmetric = timmIndex({ projections: 2 });
    assert.equal(
      errorOf(symmetric, { heads: '4', attention: 'softmax' }).message,
      '--set attention=softmax: tiny.safetensors has key and value projections only ([2C, C]), so attention can be symmetric or rpc.',
    );
    assert.match(
      errorOf(symmetric, { heads: '4', standardise: 'true' }).message,
      /standardised queries and keys belong to the Reconstruction model/,
    );
    const past = { heads: '4', attention: 'rpc', 'rpc.iterations': '1', 'rpc.lambda': '4', 'rpc.layers': '0/2' };
    assert.equal(
      errorOf(symmetric, past).message,
      '--set rpc.layers: tiny.safetensors has 2 layers, numbered 0 to 1; there is no layer 2.',
    );
  });
});
