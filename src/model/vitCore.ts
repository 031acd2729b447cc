// The core that all vision transformer families share (model-families.md section 2): every tensor's role, its shape
// checked against the sizes, and the sizes themselves. Families hand in their names and what they default to.

import {
  ModelSpecError,
  type AttentionKind,
  type BlockRoles,
  type BlockShape,
  type EmbedRoles,
  type HeadRoles,
  type ModelFamily,
  type ModelSpec,
  type RpcSettings,
} from './modelSpec';
import { inferHeads, type HeadClue } from './headCount';
import { inferGeometry, type ImageGeometry } from './imageGeometry';
import { inferActivation, inferEps, type Default } from './numerics';
import type { PictureDefaults } from './pictureDefaults';
import { inferPreprocessing } from './preprocessing';
import type { Axis, SpecContext } from './specContext';
import { moduleBias, moduleWeight, neededModule, presentModule, presentTensor, type VitNames } from './vitNames';
import { blockRoles, embedRoles, headNormKind, mlpShape, type BlockSizes } from './vitRoles';

/** What a family says that no tensor does. */
export interface VitDefaults {
  readonly family: ModelFamily;
  readonly attention: AttentionKind;
  readonly standardise: boolean;
  readonly rpc: RpcSettings | null;
  readonly eps: Default<number>;
  readonly activation: Default<ModelSpec['activation']>;
  readonly picture: PictureDefaults;
}

/** What a family decides before the tensors get their roles. */
export interface VitTraits extends VitDefaults {
  /** 3: q, k, v; 2: k, v (symmetric). */
  readonly projections: 2 | 3;
  /** blocks.i.attn.s is there. */
  readonly scaled: boolean;
  /** How many of the prefix tokens (class, distillation, registers) the position embedding may cover, tried in order. */
  readonly covers: readonly number[];
  /** Where the file or its code says the heads, after config and before the table of widths. */
  readonly headClue: HeadClue;
  /** Final norm, pooling, classifier; called with the roles' sizes known. */
  readonly head: (context: SpecContext, width: Axis) => VitHead;
}

export interface VitHead {
  readonly roles: HeadRoles;
  readonly classes: number | null;
  /** Where the classifier was looked for, for the facts. */
  readonly source: string;
}

/** Prefix tokens of the file: class token, distillation token, registers. */
export interface PrefixTokens {
  readonly classToken: number;
  readonly distToken: number;
  readonly registers: number;
  readonly all: number;
}

export function prefixTokens(context: SpecContext, names: VitNames): PrefixTokens {
  const classToken = presentTensor(context, names.classToken) === null ? 0 : 1;
  const distToken = presentTensor(context, names.distToken) === null ? 0 : 1;
  const registerName = presentTensor(context, names.registers);
  const shape = registerName === null ? [0, 0] : context.shapeOf(registerName);
  const registers = shape.length === 2 ? shape[0]! : 1;
  return { classToken, distToken, registers, all: classToken + distToken + registers };
}

/** Width and number of blocks, from the first block's query, key and value projection. */
export function vitWidth(context: SpecContext, names: VitNames): { width: number; source: string } {
  const at = names.blockAt(0);
  const qkv = presentModule(context, names.block.qkv, at);
  const weight = moduleWeight(qkv ?? neededModule(context, names.block.query, at));
  const shape = context.need(weight).shape;
  if (shape.length !== 2 || shape[1]! < 1) throw context.mismatch(weight, 'expected a matrix [out, C]');
  return { width: shape[1]!, source: `shape of ${context.prefix}${weight}` };
}

/** The whole spec once the family is known. `layers` blocks are there. */
export function buildVit(context: SpecContext, names: VitNames, layers: number, traits: VitTraits): ModelSpec {
  const { width: embedDim, source } = vitWidth(context, names);
  const width: Axis = { name: 'width C', length: embedDim };
  context.fact('layers', layers, `tensor names ${context.prefix}${names.blockAt(0).replace(/0\.$/, '*')}`);
  context.fact('width', embedDim, source);
  const heads = inferHeads(context, { embedDim, ...traits.headClue });
  const headDim = embedDim / heads;
  context.fact('head size', headDim, 'width / heads');
  const prefix = prefixTokens(context, names);
  const position = presentTensor(context, names.position) ?? names.position[0]!;
  const geometry = inferGeometry(context, {
    patch: moduleWeight(neededModule(context, names.patch)),
    position,
    prefixTokens: prefix.all,
    covers: traits.covers,
  });
  const mlp = mlpShape(context, names);
  const embed = embedRoles(context, names, width, geometry, prefix.registers);
  const sizes: BlockSizes = {
    width,
    mlp: { name: 'MLP width', length: mlp.width },
    headDim,
    heads,
    tokens: geometry.tokens,
    projections: traits.projections,
    scaled: traits.scaled,
    gated: mlp.gated,
  };
  const headNorm = headNormKind(context, names);
  refuseBareNorms(context, names);
  const blocks = Array.from({ length: layers }, (_, i) => blockRoles(context, names, i, sizes));
  const norm = headNorm === 'rms' ? { headNorm } : {};
  return finishVit(context, traits, {
    layers,
    heads,
    embedDim,
    mlpDim: mlp.width,
    prefix,
    geometry,
    embed,
    blocks,
    head: traits.head(context, width),
    block: { ...(mlp.gated ? { mlp: 'gated' as const } : {}), ...norm },
  });
}

/** A norm without bias may be RMSNorm or LayerNorm: nothing in the file tells which. */
function refuseBareNorms(context: SpecContext, names: VitNames): void {
  const norm = neededModule(context, names.block.norm1, names.blockAt(0));
  if (context.has(moduleBias(norm)) || !context.has(moduleWeight(norm))) return;
  throw new ModelSpecError(
    'unsupported',
    `${context.fileName} has norms without a bias ("${context.prefix}${moduleWeight(norm)}" alone): RMSNorm, or LayerNorm without bias. ` +
      'Nothing in the file tells which, and vision transformers with either are not in this version.',
  );
}

export interface VitParts {
  readonly layers: number;
  readonly heads: number;
  readonly embedDim: number;
  readonly mlpDim: number;
  readonly prefix: PrefixTokens;
  readonly geometry: ImageGeometry;
  readonly embed: EmbedRoles;
  readonly blocks: readonly BlockRoles[];
  readonly head: VitHead;
  readonly block: Partial<BlockShape>;
}

/** Puts the parts together with the facts that weights never say: eps, activation, preprocessing. */
export function finishVit(context: SpecContext, traits: VitDefaults, parts: VitParts): ModelSpec {
  const { prefix, geometry, block, head } = parts;
  const what = head.roles.output === 'embedding' ? 'embedding' : 'classes';
  context.fact(what, head.classes ?? 'none: no classifier in the file', head.source);
  const gated = block.mlp === 'gated';
  const layerNormEps = inferEps(context, traits.eps);
  const activation = inferActivation(context, traits.activation, gated);
  const preprocessing = inferPreprocessing(context, geometry.image, traits.picture);
  return {
    family: traits.family,
    attention: traits.attention,
    causal: false,
    layers: parts.layers,
    heads: parts.heads,
    kvHeads: parts.heads,
    headDim: parts.embedDim / parts.heads,
    embedDim: parts.embedDim,
    mlpDim: parts.mlpDim,
    tokens: geometry.tokens,
    prefixTokens: prefix.all,
    positionCoversPrefix: geometry.covered > 0,
    ...(prefix.registers > 0 ? { positionCoversRegisters: geometry.covered === prefix.all } : {}),
    image: geometry.image,
    ...(Object.keys(block).length > 0 ? { block } : {}),
    classes: head.classes,
    layerNormEps,
    activation,
    standardise: traits.standardise,
    rpc: traits.rpc,
    embed: parts.embed,
    blocks: parts.blocks,
    head: head.roles,
    preprocessing,
    facts: context.facts,
    notes: context.notes,
  };
}

/** Blocks are numbered from 0 without a gap; `pattern` finds the number in a name. */
export function countBlocks(context: SpecContext, pattern: RegExp, blockAt: (i: number) => string): number {
  const present = new Set<number>();
  for (const name of context.names()) {
    const block = pattern.exec(name);
    if (block !== null) present.add(Number(block[1]));
  }
  for (let i = 0; i < present.size; i++) {
    if (present.has(i)) continue;
    throw new ModelSpecError(
      'missingTensor',
      `${context.fileName} has ${present.size} blocks but no "${context.prefix}${blockAt(i)}": blocks must be numbered from 0 without a gap. ` +
        'Check that the file holds the whole model, not a part of it.',
    );
  }
  return present.size;
}
