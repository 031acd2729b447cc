// The core that all families of timm's layout share (model-families.md section 2.1): every tensor's role, its shape
// checked against the sizes, and the sizes themselves.

import {
  ModelSpecError,
  type BlockRoles,
  type EmbedRoles,
  type HeadRoles,
  type LinearRole,
  type ModelSpec,
} from './modelSpec';
import type { AttentionPart, AttentionProbe } from './families/family';
import { inferHeads } from './headCount';
import { inferGeometry } from './imageGeometry';
import { inferActivation, inferEps } from './numerics';
import { inferPreprocessing } from './preprocessing';
import type { Axis, SpecContext } from './specContext';

/** Sizes that decide which family it is. Throws on shapes that are no transformer's. */
export function probeAttention(context: SpecContext): AttentionProbe {
  const layers = countBlocks(context);
  const qkv = context.need('blocks.0.attn.qkv.weight').shape;
  const [rows, embedDim] = qkv;
  if (qkv.length !== 2 || rows === undefined || embedDim === undefined || embedDim < 1) {
    throw context.mismatch('blocks.0.attn.qkv.weight', 'expected [3C, C] or [2C, C]');
  }
  if (rows !== 3 * embedDim && rows !== 2 * embedDim) {
    throw context.mismatch(
      'blocks.0.attn.qkv.weight',
      `expected ${3 * embedDim} rows (query, key, value) or ${2 * embedDim} rows (key, value) for the width ${embedDim}`,
    );
  }
  return {
    embedDim,
    projections: rows === 3 * embedDim ? 3 : 2,
    hasScale: context.has('blocks.0.attn.s'),
    hasDistToken: context.has('dist_token'),
    layers,
  };
}

/** The whole spec once the family is known. */
export function buildTimmSpec(context: SpecContext, probe: AttentionProbe, part: AttentionPart): ModelSpec {
  const { embedDim, layers } = probe;
  const width: Axis = { name: 'width C', length: embedDim };
  const weightName = `shape of ${context.prefix}blocks.0.attn.qkv.weight`;
  context.fact('layers', layers, `tensor names ${context.prefix}blocks.*`);
  context.fact('width', embedDim, weightName);
  const heads = inferHeads(context, { embedDim, reconstruction: part.family === 'reconstruction-vit' });
  const headDim = embedDim / heads;
  context.fact('head size', headDim, 'width / heads');
  const prefixTokens = probe.hasDistToken ? 2 : 1;
  const geometry = inferGeometry(context, prefixTokens);
  const fc1Rows = context.need('blocks.0.mlp.fc1.weight').shape[0] ?? 0;
  const fc2Columns = context.need('blocks.0.mlp.fc2.weight').shape[1] ?? 0;
  if (fc1Rows === 2 * fc2Columns && fc1Rows > 0) {
    throw new ModelSpecError(
      'unsupported',
      `${context.fileName} has a SwiGLU MLP (tensor "${context.prefix}blocks.0.mlp.fc1.weight" is twice as high as fc2 is wide). ` +
        'Gramlens knows this variant but does not run it in this version: its numbers would be wrong.',
    );
  }
  const mlp: Axis = { name: 'MLP width', length: fc1Rows };
  context.fact('MLP width', fc1Rows, `shape of ${context.prefix}blocks.0.mlp.fc1.weight`);

  const embed = embedRoles(context, width, geometry);
  const blocks = Array.from({ length: layers }, (_, i) =>
    blockRoles(context, i, {
      width,
      mlp,
      headDim,
      heads,
      tokens: geometry.tokens,
      projections: probe.projections,
      scaled: probe.hasScale,
    }),
  );
  const { head, classes } = headRoles(context, width, probe.hasDistToken);
  context.fact('classes', classes ?? 'none: no classifier in the file', `tensor ${context.prefix}head.weight`);
  const eps = inferEps(context);
  const activation = inferActivation(context);
  return {
    family: part.family,
    attention: part.attention,
    causal: false,
    layers,
    heads,
    kvHeads: heads,
    headDim,
    embedDim,
    mlpDim: fc1Rows,
    tokens: geometry.tokens,
    prefixTokens,
    positionCoversPrefix: geometry.positionCoversPrefix,
    image: geometry.image,
    classes,
    layerNormEps: eps,
    activation,
    standardise: part.standardise,
    rpc: part.rpc,
    embed,
    blocks,
    head,
    preprocessing: inferPreprocessing(context, geometry.image, part.imageNet),
    facts: context.facts,
    notes: context.notes,
  };
}

/** Blocks are numbered from 0 without a gap. */
function countBlocks(context: SpecContext): number {
  const present = new Set<number>();
  for (const name of context.names()) {
    const block = /^blocks\.(\d{1,9})\./.exec(name);
    if (block !== null) present.add(Number(block[1]));
  }
  for (let i = 0; i < present.size; i++) {
    if (present.has(i)) continue;
    throw new ModelSpecError(
      'missingTensor',
      `${context.fileName} has ${present.size} blocks but no "${context.prefix}blocks.${i}.": blocks must be numbered from 0 without a gap. ` +
        'Check that the file holds the whole model, not a part of it.',
    );
  }
  return present.size;
}

interface BlockSizes {
  readonly width: Axis;
  readonly mlp: Axis;
  readonly headDim: number;
  readonly heads: number;
  readonly tokens: number;
  readonly projections: 2 | 3;
  readonly scaled: boolean;
}

function blockRoles(context: SpecContext, i: number, sizes: BlockSizes): BlockRoles {
  const { width, mlp } = sizes;
  const at = (part: string): string => `blocks.${i}.${part}`;
  const rows: Axis = { name: `${sizes.projections} x C`, length: sizes.projections * width.length };
  const headSize: Axis = { name: 'head size d', length: sizes.headDim };
  const headNorm = (name: string): LinearRole | null => {
    if (sizes.projections === 2 || !context.has(`${at(name)}.weight`)) return null;
    if (context.has(`${at(name)}.bias`)) return context.norm(at(name), headSize);
    throw new ModelSpecError(
      'unsupported',
      `${context.fileName} has ${at(name)} without a bias (RMSNorm on queries and keys). Gramlens runs LayerNorm there, not RMSNorm, in this version.`,
    );
  };
  const layerScale = (names: readonly string[]): string | null => {
    const name = names.map(at).find((candidate) => context.has(candidate));
    return name === undefined ? null : context.tensor(name, [width]);
  };
  return {
    norm1: context.norm(at('norm1'), width),
    qkv: context.linear(at('attn.qkv'), rows, width),
    queryNorm: headNorm('attn.q_norm'),
    keyNorm: headNorm('attn.k_norm'),
    scale: sizes.scaled ? scaleRole(context, at('attn.s'), sizes) : null,
    proj: context.linear(at('attn.proj'), width, width),
    layerScale1: layerScale(['ls1.gamma', 'gamma_1']),
    norm2: context.norm(at('norm2'), width),
    fc1: context.linear(at('mlp.fc1'), mlp, width),
    fc2: context.linear(at('mlp.fc2'), width, mlp),
    layerScale2: layerScale(['ls2.gamma', 'gamma_2']),
  };
}

function scaleRole(context: SpecContext, name: string, sizes: BlockSizes): string {
  const shape = context.need(name).shape;
  if (shape.length <= 1) return context.tensor(name, [{ name: 'alpha', length: 1 }]);
  const { heads, tokens } = sizes;
  if (shape.length !== 3 || shape[0] !== heads || shape[1] !== tokens || shape[2] !== tokens) {
    throw context.mismatch(name, `expected [${heads}, ${tokens}, ${tokens}] (heads x tokens x tokens) or [1]`);
  }
  return context.prefix + name;
}

function embedRoles(context: SpecContext, width: Axis, geometry: ReturnType<typeof inferGeometry>): EmbedRoles {
  const { channels, patch } = geometry.image;
  const patchName = 'patch_embed.proj.weight';
  const flat = context.need(patchName).shape.length === 2;
  const inner: Axis[] = flat
    ? [{ name: 'channels x p x p', length: channels * patch * patch }]
    : [
        { name: 'channels', length: channels },
        { name: 'p', length: patch },
        { name: 'p', length: patch },
      ];
  const rows = geometry.tokens - (geometry.positionCoversPrefix ? 0 : context.has('dist_token') ? 2 : 1);
  return {
    patch: {
      weight: context.tensor(patchName, [width, ...inner]),
      bias: context.optionalTensor('patch_embed.proj.bias', [width]),
    },
    classToken: context.tensor('cls_token', [width]),
    distToken: context.optionalTensor('dist_token', [width]),
    position: context.tensor('pos_embed', [{ name: 'positions', length: rows }, width]),
  };
}

function headRoles(context: SpecContext, width: Axis, distilled: boolean): { head: HeadRoles; classes: number | null } {
  const norm = context.norm('norm', width);
  const classes = context.has('head.weight') ? (context.need('head.weight').shape[0] ?? 0) : null;
  if (classes === null) {
    context.notes.push('The file has no classifier (head.weight): heads are inspected, there are no logits.');
    return { head: { norm, classifier: null, distClassifier: null }, classes };
  }
  const out: Axis = { name: 'classes', length: classes };
  const classifier = context.linear('head', out, width);
  const distClassifier = distilled ? context.linear('head_dist', out, width) : null;
  return { head: { norm, classifier, distClassifier }, classes };
}
