// ViT in the names of Google's JAX code (vision_transformer, augreg, big_vision): kernels are [in, out], queries have
// an axis for heads, patches are [p, p, channels, C], and layers may be stacked along a first axis (section 2.5).

import { ModelSpecError, type BlockRoles, type LinearRole } from '../modelSpec';
import { inferHeads } from '../headCount';
import { inferGeometry } from '../imageGeometry';
import { flaxPictures } from '../pictureDefaults';
import { checkUnused } from '../refusals';
import type { Axis, SpecContext } from '../specContext';
import { countBlocks, finishVit, type VitHead } from '../vitCore';
import { placesOf, type NamedFamily } from './namedFamily';

const layout = 'a Flax ViT';
const anchor = /^(.*?)Transformer\/encoderblock(?:_0)?\/LayerNorm_0\/scale$/;
const stackedBlock = 'Transformer/encoderblock/';
const blocks = /^Transformer\/encoderblock(?:_(\d{1,9}))?\//;

export const flaxVit: NamedFamily = {
  layout,
  places: (index) => placesOf(index, anchor, ([, place = '']) => index.entries.has(`${place}embedding/kernel`)),
  build: (context) => {
    refuseVariants(context);
    context.fact('family', 'flax-vit', `tensor names ${context.prefix}Transformer/encoderblock*`);
    const tree = treeOf(context);
    const { layers, width, heads } = tree;
    const hasClass = context.has('cls');
    const position = ['pos_embedding', 'Transformer/posembed_input/pos_embedding', 'Transformer/pos_embedding'];
    const positionName = position.find((name) => context.has(name)) ?? position[0]!;
    context.fact('layers', layers, tree.source);
    context.fact('width', width.length, `shape of ${context.prefix}${tree.queryName}`);
    inferHeads(context, {
      embedDim: width.length,
      inShape: { heads, source: `shape of ${context.prefix}${tree.queryName}` },
    });
    context.fact('head size', width.length / heads, 'width / heads');
    const geometry = inferGeometry(context, {
      patch: 'embedding/kernel',
      position: positionName,
      prefixTokens: hasClass ? 1 : 0,
      covers: hasClass ? [1, 0] : [0],
      channelsLast: true,
    });
    const { patch, channels, gridHeight, gridWidth } = geometry.image;
    context.fact('MLP width', tree.mlp.length, `shape of ${context.prefix}${tree.mlpName}`);
    const spec = finishVit(
      context,
      {
        family: 'flax-vit',
        attention: 'softmax',
        standardise: false,
        rpc: null,
        eps: { value: 1e-6, source: 'default of Flax' },
        activation: { value: 'gelu_tanh', source: "Flax's gelu, the tanh form" },
        picture: flaxPictures,
      },
      {
        layers,
        heads,
        embedDim: width.length,
        mlpDim: tree.mlp.length,
        prefix: { classToken: hasClass ? 1 : 0, distToken: 0, registers: 0, all: hasClass ? 1 : 0 },
        geometry,
        embed: {
          patch: {
            weight: context.tensor('embedding/kernel', [
              { name: 'p', length: patch },
              { name: 'p', length: patch },
              { name: 'channels', length: channels },
              width,
            ]),
            bias: context.optionalTensor('embedding/bias', [width]),
            layout: 'hwio',
          },
          classToken: context.optionalTensor('cls', [width]),
          distToken: null,
          position: context.tensor(positionName, [
            { name: 'positions', length: gridHeight * gridWidth + geometry.covered },
            width,
          ]),
        },
        blocks: Array.from({ length: layers }, (_, i) => blockRoles(context, tree, i)),
        head: headOf(context, width, hasClass),
        block: {},
      },
    );
    if (context.overrides.activation === undefined) {
      context.notes.push(
        "The MLP uses the tanh form of GELU, as the family's JAX code does. timm runs the same weights with the exact one: --set activation=gelu.",
      );
    }
    checkUnused(context, blocks);
    return spec;
  },
};

interface FlaxTree {
  /** Layers are stacked along the first axis of every block tensor. */
  readonly stacked: boolean;
  readonly layers: number;
  readonly source: string;
  readonly blockAt: (i: number) => string;
  readonly attention: string;
  readonly mlpBlock: string;
  readonly norm2: string;
  readonly width: Axis;
  readonly heads: number;
  readonly mlp: Axis;
  readonly queryName: string;
  readonly mlpName: string;
}

function treeOf(context: SpecContext): FlaxTree {
  const stacked = context.has(`${stackedBlock}LayerNorm_0/scale`);
  const blockAt = (i: number): string => (stacked ? stackedBlock : `Transformer/encoderblock_${i}/`);
  const at = blockAt(0);
  // vision_transformer numbers the modules of a block through, big_vision by kind.
  const pick = (names: readonly string[], leaf: string): string =>
    names.find((name) => context.has(`${at}${name}/${leaf}`)) ?? names[0]!;
  const attention = pick(['MultiHeadDotProductAttention_1', 'MultiHeadDotProductAttention_0'], 'query/kernel');
  const mlpBlock = pick(['MlpBlock_3', 'MlpBlock_0'], 'Dense_0/kernel');
  const norm2 = pick(['LayerNorm_2', 'LayerNorm_1'], 'scale');
  const queryName = `${at}${attention}/query/kernel`;
  const shape = context.need(queryName).shape;
  const [width, heads, headDim] = stacked ? shape.slice(1) : shape;
  if (shape.length !== (stacked ? 4 : 3) || !width || !heads || !headDim || heads * headDim !== width) {
    throw context.mismatch(queryName, `expected [${stacked ? 'layers, ' : ''}C, H, d] with C = H d`);
  }
  const mlpName = `${at}${mlpBlock}/Dense_0/kernel`;
  const layers = stacked ? shape[0]! : countBlocks(context, blocks, blockAt);
  return {
    stacked,
    layers,
    source: stacked
      ? `shape of ${context.prefix}${queryName}`
      : `tensor names ${context.prefix}Transformer/encoderblock_*`,
    blockAt,
    attention,
    mlpBlock,
    norm2,
    width: { name: 'width C', length: width },
    heads,
    mlp: { name: 'MLP width', length: context.need(mlpName).shape.at(-1) ?? 0 },
    queryName,
    mlpName,
  };
}

function blockRoles(context: SpecContext, tree: FlaxTree, i: number): BlockRoles {
  const { width, mlp, heads } = tree;
  const at = tree.blockAt(i);
  const layerAxis: readonly Axis[] = tree.stacked ? [{ name: 'layers', length: tree.layers }] : [];
  const slice = tree.stacked ? { slice: { index: i, of: tree.layers } } : {};
  const headAxes: readonly Axis[] = [
    { name: 'heads', length: heads },
    { name: 'd', length: width.length / heads },
  ];
  const tensor = (name: string, axes: readonly Axis[]): string => exact(context, name, [...layerAxis, ...axes]);
  const optional = (name: string, axes: readonly Axis[]): string | null =>
    context.has(name) ? tensor(name, axes) : null;
  const norm = (name: string): LinearRole => ({
    weight: tensor(`${at}${name}/scale`, [width]),
    bias: optional(`${at}${name}/bias`, [width]),
    ...slice,
  });
  const projection = (name: string): LinearRole => ({
    weight: tensor(`${at}${tree.attention}/${name}/kernel`, [width, ...headAxes]),
    bias: optional(`${at}${tree.attention}/${name}/bias`, headAxes),
    layout: 'in-out',
    ...slice,
  });
  const dense = (name: string, input: Axis, out: Axis): LinearRole => ({
    weight: tensor(`${at}${tree.mlpBlock}/${name}/kernel`, [input, out]),
    bias: optional(`${at}${tree.mlpBlock}/${name}/bias`, [out]),
    layout: 'in-out',
    ...slice,
  });
  return {
    norm1: norm('LayerNorm_0'),
    qkv: { ...projection('query'), then: [projection('key'), projection('value')] },
    queryNorm: null,
    keyNorm: null,
    scale: null,
    proj: {
      weight: tensor(`${at}${tree.attention}/out/kernel`, [...headAxes, width]),
      bias: optional(`${at}${tree.attention}/out/bias`, [width]),
      layout: 'heads-out',
      ...slice,
    },
    layerScale1: null,
    norm2: norm(tree.norm2),
    fc1: dense('Dense_0', width, mlp),
    fc2: dense('Dense_1', mlp, width),
    layerScale2: null,
  };
}

/** Checks a shape axis by axis: a model of one layer or one head has axes of length 1 that mean something. */
function exact(context: SpecContext, name: string, axes: readonly Axis[]): string {
  const entry = context.need(name);
  if (entry.shape.length !== axes.length || axes.some((axis, i) => entry.shape[i] !== axis.length)) {
    throw context.mismatch(
      name,
      `expected [${axes.map((axis) => axis.length).join(', ')}] (${axes.map((axis) => axis.name).join(' x ')})`,
    );
  }
  if (entry.problem !== undefined) context.notes.push(`Tensor "${entry.name}" cannot be read: ${entry.problem}`);
  return entry.name;
}

/** encoder_norm over all tokens, class token or mean of all, a tanh layer in old files (pre_logits), head. */
function headOf(context: SpecContext, width: Axis, hasClass: boolean): VitHead {
  const norm: LinearRole = {
    weight: context.tensor('Transformer/encoder_norm/scale', [width]),
    bias: context.optionalTensor('Transformer/encoder_norm/bias', [width]),
  };
  const pooling = hasClass ? ({} as const) : ({ pooling: 'mean' } as const);
  if (!hasClass) context.fact('pooling', 'mean of all tokens', 'no class token');
  const source = `tensor ${context.prefix}head/kernel`;
  if (!context.has('head/kernel')) {
    context.notes.push('The file has no classifier (head/kernel): heads are inspected, there are no logits.');
    return { roles: { norm, classifier: null, distClassifier: null, ...pooling }, classes: null, source };
  }
  const dense = (name: string, input: Axis, out: Axis): LinearRole => ({
    weight: exact(context, `${name}/kernel`, [input, out]),
    bias: context.optionalTensor(`${name}/bias`, [out]),
    layout: 'in-out',
  });
  const classes = context.need('head/kernel').shape[1] ?? 0;
  const out: Axis = { name: 'classes', length: classes };
  if (!context.has('pre_logits/kernel')) {
    return {
      roles: { norm, classifier: dense('head', width, out), distClassifier: null, ...pooling },
      classes,
      source,
    };
  }
  const hidden: Axis = { name: 'representation', length: context.need('pre_logits/kernel').shape[1] ?? 0 };
  if (hidden.length !== width.length) {
    throw context.mismatch(
      'pre_logits/kernel',
      `but only a representation of the width ${width.length} is in this version`,
    );
  }
  const transforms = [{ dense: dense('pre_logits', width, hidden), activation: 'tanh', norm: null }] as const;
  return {
    roles: { norm, classifier: dense('head', hidden, out), distClassifier: null, ...pooling, transforms },
    classes,
    source,
  };
}

function refuseVariants(context: SpecContext): void {
  const variants: readonly (readonly [RegExp, string])[] = [
    [/^MAPHead_\d+\/|^probe$/, 'attention pooling (MAPHead)'],
    [/^(conv_root|gn_root|block\d+)\//, 'a convolutional stem (hybrid ViT)'],
  ];
  for (const [pattern, what] of variants) {
    const name = [...context.names()].find((candidate) => pattern.test(candidate));
    if (name === undefined) continue;
    throw new ModelSpecError(
      'unsupported',
      `${context.fileName} is a Flax ViT with ${what} (tensor "${context.prefix}${name}"). Gramlens knows this variant but does not run it in this version: its numbers would be wrong.`,
    );
  }
  const stored = ['pos_embedding', 'Transformer/posembed_input/pos_embedding', 'Transformer/pos_embedding'];
  if (stored.some((name) => context.has(name))) return;
  throw new ModelSpecError(
    'unsupported',
    `${context.fileName} is a Flax ViT without stored positions (pos_embedding): computed sin-cos positions are not in this version.`,
  );
}
