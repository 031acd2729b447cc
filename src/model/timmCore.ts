// The layout that timm's families share (model-families.md sections 2.1 and 2.2): names, what is told by shapes, and
// how the head pools. Roles and checks are those of every vision transformer (vitCore.ts).

import { dinoHead } from './families/dinoHead';
import { ModelSpecError, type ModelFamily, type ModelSpec } from './modelSpec';
import type { AttentionPart, AttentionProbe } from './families/family';
import { timmActivation, timmEps } from './numerics';
import { asBoolean, asText } from './parseValues';
import type { Axis, SpecContext } from './specContext';
import { buildVit, countBlocks, prefixTokens, type VitHead } from './vitCore';
import { optionalNorm, type VitNames } from './vitNames';

export function timmNames(blockAt: (i: number) => string): VitNames {
  return {
    layout: "a vision transformer in timm's layout",
    classToken: ['cls_token'],
    distToken: ['dist_token'],
    registers: ['reg_token', 'register_tokens'],
    position: ['pos_embed'],
    patch: ['patch_embed.proj'],
    embedNorm: ['norm_pre'],
    blockAt,
    block: {
      norm1: ['norm1'],
      qkv: ['attn.qkv'],
      query: [],
      key: [],
      value: [],
      queryNorm: ['attn.q_norm'],
      keyNorm: ['attn.k_norm'],
      proj: ['attn.proj'],
      layerScale1: ['ls1.gamma', 'gamma_1'],
      norm2: ['norm2'],
      fc1: ['mlp.fc1'],
      gateUp: ['mlp.w12'],
      gate: ['mlp.fc1_g'],
      up: ['mlp.fc1_x'],
      fc2: ['mlp.fc2', 'mlp.w3'],
      layerScale2: ['ls2.gamma', 'gamma_2'],
    },
    norm: ['norm'],
  };
}

/** Sizes that decide which family it is. Throws on shapes that are no transformer's. */
export function probeAttention(context: SpecContext): AttentionProbe {
  const { blockAt, chunked, layers } = findBlocks(context);
  const name = `${blockAt(0)}attn.qkv.weight`;
  const qkv = context.need(name).shape;
  const [rows, embedDim] = qkv;
  if (qkv.length !== 2 || rows === undefined || embedDim === undefined || embedDim < 1) {
    throw context.mismatch(name, 'expected [3C, C] or [2C, C]');
  }
  if (rows !== 3 * embedDim && rows !== 2 * embedDim) {
    throw context.mismatch(
      name,
      `expected ${3 * embedDim} rows (query, key, value) or ${2 * embedDim} rows (key, value) for the width ${embedDim}`,
    );
  }
  return {
    embedDim,
    projections: rows === 3 * embedDim ? 3 : 2,
    hasScale: context.has(`${blockAt(0)}attn.s`),
    hasDistToken: context.has('dist_token'),
    layers,
    blockAt,
    chunked,
  };
}

/** `blocks.i.`, or `blocks.c.i.` with i counting on through the chunks. */
function findBlocks(context: SpecContext): Pick<AttentionProbe, 'blockAt' | 'chunked' | 'layers'> {
  const chunkOf = new Map<number, number>();
  for (const name of context.names()) {
    const chunked = /^blocks\.(\d{1,9})\.(\d{1,9})\./.exec(name);
    if (chunked !== null) chunkOf.set(Number(chunked[2]), Number(chunked[1]));
  }
  const blockAt =
    chunkOf.size === 0
      ? (i: number): string => `blocks.${i}.`
      : (i: number): string => `blocks.${chunkOf.get(i) ?? 0}.${i}.`;
  const pattern = chunkOf.size === 0 ? /^blocks\.(\d{1,9})\./ : /^blocks\.\d{1,9}\.(\d{1,9})\./;
  return { blockAt, chunked: chunkOf.size > 0, layers: countBlocks(context, pattern, blockAt) };
}

/** The whole spec once the family is known. */
export function buildTimmSpec(context: SpecContext, probe: AttentionProbe, part: AttentionPart): ModelSpec {
  const names = timmNames(probe.blockAt);
  const prefix = prefixTokens(context, names);
  // timm's own registers (reg_token) are in the positions or all prefix tokens are out; DINOv2 inserts its registers later.
  const covers = part.family === 'dinov2' ? [prefix.all - prefix.registers, prefix.all, 0] : [prefix.all, 0];
  return buildVit(context, names, probe.layers, {
    ...part,
    projections: probe.projections,
    scaled: probe.hasScale,
    eps: part.eps ?? timmEps,
    activation: part.activation ?? timmActivation,
    covers: [...new Set(covers)],
    headClue: {
      reconstruction: part.family === 'reconstruction-vit',
      queryNorm: `${probe.blockAt(0)}attn.q_norm.weight`,
    },
    head: (_, width) => headOf(context, part.family, width, prefix.classToken > 0),
  });
}

function headOf(context: SpecContext, family: ModelFamily, width: Axis, hasClassToken: boolean): VitHead {
  const poolNorm = optionalNorm(context, ['fc_norm'], width);
  const pooling = poolingOf(context, poolNorm !== null, hasClassToken);
  // Files that only pool (fc_norm) have no norm before pooling; every other one needs it.
  const norm = poolNorm === null ? context.norm('norm', width) : optionalNorm(context, ['norm'], width);
  const source = `tensor ${context.prefix}head.weight`;
  const pooled = { norm, ...(pooling === 'mean' ? { pooling } : {}), ...(poolNorm === null ? {} : { poolNorm }) };
  const classes = context.has('head.weight') ? (context.need('head.weight').shape[0] ?? 0) : null;
  const projects = classes === null && norm !== null && pooling === 'class' && ['dino', 'dinov2'].includes(family);
  const projected = projects ? dinoHead(context, norm, width) : null;
  if (projected !== null) return projected;
  if (classes === null) {
    context.notes.push('The file has no classifier (head.weight): heads are inspected, there are no logits.');
    return { roles: { ...pooled, classifier: null, distClassifier: null }, classes, source };
  }
  const out: Axis = { name: 'classes', length: classes };
  const classifier = context.linear('head', out, width);
  const distClassifier = context.has('dist_token') ? context.linear('head_dist', out, width) : null;
  return { roles: { ...pooled, classifier, distClassifier }, classes, source };
}

/** Class token unless fc_norm, a missing class token, a config (`global_pool: avg`) or MAE's args (true) say mean. */
function poolingOf(context: SpecContext, hasPoolNorm: boolean, hasClassToken: boolean): 'class' | 'mean' {
  const word = (value: unknown): string | null => {
    const flag = asBoolean(value);
    return flag === null ? asText(value) : flag ? 'avg' : 'token';
  };
  const said = context.settings.find(['global_pool'], word, 'a kind of pooling');
  if (said !== null && !['avg', 'token', ''].includes(said.value)) {
    throw new ModelSpecError(
      'unsupported',
      `${context.fileName} pools its tokens by "${said.value}" (${said.source}). Gramlens knows this variant but does not ` +
        'run it in this version: its numbers would be wrong.',
    );
  }
  const mean = said === null ? hasPoolNorm || !hasClassToken : said.value === 'avg';
  const pooling = mean || !hasClassToken ? 'mean' : 'class';
  if (pooling === 'mean') {
    context.fact(
      'pooling',
      'mean of the patch tokens',
      said?.source ?? (hasPoolNorm ? 'tensor fc_norm' : 'no class token'),
    );
  }
  return pooling;
}
