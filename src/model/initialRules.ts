// How the code of each family draws its weights before training, as a table: what initialise.ts draws an untrained twin
// by, and what a result says of it (spec section 5). Where a family was ported, the rule is that of the code its weights
// come from, whatever names a file has. Checked in that code; the file is named beside each rule.

import type { ModelFamily } from './modelSpec';

export interface RandomNumbers {
  /** Uniform in (0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
}

/** What the scale of a matrix may depend on. */
export interface MatrixSizes {
  /** Numbers that one output is a sum over; the width of a table of tokens or positions. */
  readonly inputs: number;
  readonly outputs: number;
  /** Blocks of the network. */
  readonly layers: number;
}

/** The numbers of one array, one after the other. */
export type Draw = (sizes: MatrixSizes) => (random: RandomNumbers) => number;

/** A matrix and its bias; biases without a rule are 0. */
export interface LinearDraw {
  readonly weight: Draw;
  readonly bias?: Draw;
}

export interface InitialRule {
  /** In words, as results print it. */
  readonly drawn: string;
  readonly qkv: LinearDraw;
  readonly proj: LinearDraw;
  readonly fc1: LinearDraw;
  readonly fc2: LinearDraw;
  /** The file's packed q, k, v bias has rows of 0 for the keys, which have none. */
  readonly keysWithoutBias?: boolean;
  /** Weights of norms; absent: 1. Their biases are 0. */
  readonly norm?: Draw;
  readonly layerScale: number;
  readonly patch: LinearDraw;
  readonly convolution: LinearDraw;
  readonly classToken: Draw;
  readonly registers: Draw;
  readonly words: Draw;
  /** null: fixed by the code, not drawn; the file's are taken. */
  readonly position: Draw | null;
}

const normal =
  (sd: number | ((sizes: MatrixSizes) => number), mean = 0): Draw =>
  (sizes) => {
    const scale = typeof sd === 'number' ? sd : sd(sizes);
    return (random) => mean + scale * random.normal();
  };

const uniform =
  (bound: (sizes: MatrixSizes) => number): Draw =>
  (sizes) => {
    const within = bound(sizes);
    return (random) => (2 * random.uniform() - 1) * within;
  };

const zero: Draw = () => () => 0;

/** Glorot and Bengio 2010, equation 16; `xavier_uniform` of PyTorch and of JAX. */
const xavier: LinearDraw = { weight: uniform(({ inputs, outputs }) => Math.sqrt(6 / (inputs + outputs))) };

/** What PyTorch's Linear and Conv leave of Kaiming's uniform distribution (a = sqrt 5). */
const fanIn = uniform(({ inputs }) => 1 / Math.sqrt(inputs));
const torchDefault: LinearDraw = { weight: fanIn, bias: fanIn };

/** Standard deviation of a standard normal that is cut off at +-2. */
const truncatedSd = 0.87962566103423978;

/** `lecun_normal` of JAX: sd 1/sqrt(inputs) after cutting off at two standard deviations. */
const lecun: Draw = ({ inputs }) => {
  const scale = 1 / Math.sqrt(inputs) / truncatedSd;
  return (random) => {
    let z = random.normal();
    while (Math.abs(z) > 2) z = random.normal();
    return scale * z;
  };
};

/** timm cuts its normal off at +-2, a hundred standard deviations away: the plain one is the same. */
export const small = normal(0.02);
const smallMatrix: LinearDraw = { weight: small };

/** timm's, DeiT's and, but for the patches, BERT's; LayerScale starts at timm's 1e-5. */
const timm: InitialRule = {
  drawn: 'weights N(0, 0.02), biases 0, norms 1 and 0, LayerScale 1e-5 where there is one',
  qkv: smallMatrix,
  proj: smallMatrix,
  fc1: smallMatrix,
  fc2: smallMatrix,
  layerScale: 1e-5,
  patch: torchDefault,
  convolution: smallMatrix,
  classToken: small,
  registers: small,
  words: small,
  position: small,
};

/** The KPCA code leaves its own qkv at PyTorch's default and its biases at 0 (spec section 5). */
const kpca: Partial<InitialRule> = {
  drawn: 'q, k, v weights U(-1/sqrt(C), 1/sqrt(C)), other weights N(0, 0.02), biases 0, norms 1 and 0',
  qkv: { weight: fanIn },
};

const perWidth = normal(({ inputs }) => inputs ** -0.5);

/** A standard deviation that shrinks with the number of residual branches, two a block. */
const perDepth = (sd: (sizes: MatrixSizes) => number): LinearDraw => ({
  weight: normal((sizes) => sd(sizes) / Math.sqrt(2 * sizes.layers)),
});

const smallInit: LinearDraw = { weight: normal(({ inputs }) => Math.sqrt(2 / (5 * inputs))) };
const wangInit: LinearDraw = { weight: normal(({ outputs, layers }) => 2 / layers / Math.sqrt(outputs)) };

const rules: Readonly<Partial<Record<ModelFamily, Partial<InitialRule>>>> = {
  symvit: kpca,
  'rpc-symvit': kpca,
  'scaled-attention': kpca,
  'reconstruction-vit': kpca,
  // lmtool-fwms, as Transformer-XL, draws the weights of its norms, too.
  'lmtool-fwms': { drawn: 'weights N(0, 0.02), biases 0, weights of norms N(1, 0.02)', norm: normal(0.02, 1) },
  // openai/CLIP clip/model.py: initialize_parameters leaves the image tower to PyTorch's MultiheadAttention and Linear.
  'clip-vision': {
    drawn:
      "as openai/CLIP: q, k, v weights Xavier uniform with biases 0, output projection U(-1/sqrt(C), 1/sqrt(C)) with biases 0, MLP at PyTorch's default, tokens and positions N(0, 1/sqrt(C)), norms 1 and 0",
    qkv: xavier,
    proj: { weight: fanIn },
    fc1: torchDefault,
    fc2: torchDefault,
    classToken: perWidth,
    position: perWidth,
  },
  // openai/CLIP clip/model.py, initialize_parameters.
  'clip-text': {
    drawn:
      'as openai/CLIP: q, k, v weights N(0, 1/sqrt(C)), both output projections N(0, 1/sqrt(2 C layers)), first MLP matrix N(0, 1/sqrt(2 C)), words N(0, 0.02), positions N(0, 0.01), biases 0, norms 1 and 0',
    qkv: { weight: perWidth },
    proj: perDepth(({ outputs }) => outputs ** -0.5),
    fc1: { weight: normal(({ inputs }) => (2 * inputs) ** -0.5) },
    fc2: perDepth(({ outputs }) => outputs ** -0.5),
    position: normal(0.01),
  },
  // google-research/vision_transformer vit_jax/models_vit.py, with the defaults of flax.linen.
  'flax-vit': {
    drawn:
      'as vit_jax: matrices of attention and MLP Xavier uniform (q, k, v one by one), biases 0 and N(0, 1e-6) in the MLP, patches LeCun normal, class token 0, positions N(0, 0.02), norms 1 and 0',
    // q, k and v are matrices of their own there: a third of our rows each.
    qkv: { weight: uniform(({ inputs, outputs }) => Math.sqrt(6 / (inputs + outputs / 3))) },
    proj: xavier,
    fc1: { ...xavier, bias: normal(1e-6) },
    fc2: { ...xavier, bias: normal(1e-6) },
    patch: { weight: lecun },
    classToken: zero,
  },
  // facebookresearch/mae models_mae.py, initialize_weights.
  mae: {
    drawn:
      "as facebookresearch/mae: matrices and patches Xavier uniform (q, k, v as one), biases 0 (of patches PyTorch's default), class token N(0, 0.02), sin-cos positions as fixed, norms 1 and 0",
    qkv: xavier,
    proj: xavier,
    fc1: xavier,
    fc2: xavier,
    patch: { ...xavier, bias: fanIn },
    position: null,
  },
  // openai/gpt-2 src/model.py; the factor of the paper (section 2.3), which that code leaves out, as transformers has it.
  gpt2: {
    drawn:
      'as GPT-2: weights N(0, 0.02), both output projections of a block N(0, 0.02/sqrt(2 layers)), positions N(0, 0.01), biases 0, norms 1 and 0',
    proj: perDepth(() => 0.02),
    fc2: perDepth(() => 0.02),
    position: normal(0.01),
  },
  // EleutherAI/gpt-neox megatron/model/init_functions.py by configs/20B.yml (small_init, wang_init), as Pythia's.
  'gpt-neox': {
    drawn:
      'as EleutherAI/gpt-neox: weights and words N(0, sqrt(2/(5 C))), both output projections of a block N(0, 2/(layers sqrt(C))), biases 0, norms 1 and 0',
    qkv: smallInit,
    proj: wangInit,
    fc1: smallInit,
    fc2: wangInit,
    words: smallInit.weight,
  },
  // facebookresearch/deit models_v2.py.
  deit3: {
    drawn: 'as facebookresearch/deit: weights N(0, 0.02), biases 0, norms 1 and 0, LayerScale 1e-4 where there is one',
    layerScale: 1e-4,
  },
  // facebookresearch/dinov2 dinov2/models/vision_transformer.py by dinov2/configs/ssl_default_config.yaml.
  dinov2: {
    drawn:
      'as facebookresearch/dinov2: weights N(0, 0.02), class token and registers N(0, 1e-6), biases 0, norms 1 and 0, LayerScale 1e-5',
    classToken: normal(1e-6),
    registers: normal(1e-6),
  },
  // openai/whisper whisper/model.py leaves everything to PyTorch.
  'whisper-encoder': {
    drawn:
      "as openai/whisper: weights and biases at PyTorch's default U(-1/sqrt(inputs), 1/sqrt(inputs)), norms 1 and 0",
    qkv: torchDefault,
    keysWithoutBias: true,
    proj: torchDefault,
    fc1: torchDefault,
    fc2: torchDefault,
    convolution: torchDefault,
    position: null,
  },
};

/** The rule of a family; families without one of their own in the table begin as timm's ViT does. */
export function initialRule(family: ModelFamily): InitialRule {
  return { ...timm, ...rules[family] };
}
