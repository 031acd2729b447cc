// Segmenter (rstrudel/segmenter): a ViT encoder in timm's block names behind `encoder.`, and behind `decoder.` a mask
// transformer (patches and class embeddings side by side) or one linear layer a patch. LayerNorm eps is PyTorch's 1e-5.

import { checkAttentionOverride } from '../attentionOverride';
import { askHeads, divisors } from '../headCount';
import { ModelSpecError, type BlockRoles, type MaskRoles, type ModelSpec, type StageShape } from '../modelSpec';
import { timmActivation } from '../numerics';
import { givenBy } from '../overrides';
import { checkUnused, refuseVariants } from '../refusals';
import { SpecContext, type Axis } from '../specContext';
import { probeAttention, timmNames } from '../timmCore';
import { buildVit, countBlocks, type VitHead } from '../vitCore';
import { blockRoles, mlpShape } from '../vitRoles';
import type { AttentionPart, AttentionProbe } from './family';
import { placesOf, type NamedFamily } from './namedFamily';
import { rpcSymVit } from './rpcSymVit';
import { checkVariant, segmenterPictures } from './segmenterVariant';
import { symVit } from './symVit';

const layout = 'a Segmenter';
/** nn.LayerNorm without arguments; the backbones were trained with timm's 1e-6 and run with this in a Segmenter. */
const eps = { value: 1e-5, source: "default of PyTorch's LayerNorm, as the family's code" };
/** factory.py gives the mask transformer C / 64 heads, rounded down. */
const decoderHeadDim = 64;

export const segmenter: NamedFamily = {
  layout,
  choosesAttention: true,
  places: (index) =>
    placesOf(index, /^(.*?)encoder\.patch_embed\.proj\.weight$/).filter(
      (prefix) =>
        index.entries.has(`${prefix}encoder.blocks.0.attn.qkv.weight`) &&
        (index.entries.has(`${prefix}decoder.cls_emb`) || index.entries.has(`${prefix}decoder.head.weight`)),
    ),
  build: (context) => {
    const encoder = partOf(context, 'encoder.');
    const decoder = partOf(context, 'decoder.');
    const masked = decoder.has('cls_emb');
    context.fact('family', 'Segmenter', `tensor ${decoder.prefix}${masked ? 'cls_emb' : 'head.weight'}`);
    refuseVariants(encoder);
    const probe = probeAttention(encoder);
    checkAttentionOverride(encoder, probe);
    const part = attentionOf(encoder, probe);
    const spec = buildVit(encoder, timmNames(probe.blockAt), probe.layers, {
      ...part,
      family: 'segmenter',
      projections: probe.projections,
      scaled: probe.hasScale,
      eps,
      activation: timmActivation,
      picture: segmenterPictures(context, probe.hasDistToken),
      covers: [probe.hasDistToken ? 2 : 1],
      headClue: {},
      head: (_, width) => (masked ? maskHead(decoder) : linearHead(encoder, decoder, width)),
    });
    ignoreBackboneHead(encoder);
    const whole = masked ? withDecoder(spec, encoder, decoder) : spec;
    checkVariant(context, {
      width: spec.embedDim,
      layers: spec.layers,
      patch: spec.image?.patch ?? 0,
      classes: spec.classes ?? 0,
      decoder: masked ? 'mask_transformer' : 'linear',
      decoderLayers: masked ? whole.layers - spec.layers : null,
    });
    for (const inner of [encoder, decoder]) {
      for (const name of inner.used) context.used.add(inner.prefix.slice(context.prefix.length) + name);
    }
    checkUnused(context, /^(encoder|decoder)\./);
    return whole;
  },
};

function partOf({ index, prefix, settings, overrides, facts, notes }: SpecContext, inner: string): SpecContext {
  return new SpecContext(index, prefix + inner, settings, overrides, facts, notes, layout);
}

/** Softmax, or what the KPCA code makes of a backbone with [2C, C] projections. */
function attentionOf(
  encoder: SpecContext,
  probe: AttentionProbe,
): Pick<AttentionPart, 'attention' | 'standardise' | 'rpc'> {
  const symmetric = rpcSymVit(encoder, probe) ?? symVit(encoder, probe);
  if (symmetric === null) return { attention: 'softmax', standardise: false, rpc: null };
  // RPC of the backbone's training run says nothing about the decoder behind it.
  const { rpc } = symmetric;
  const all = Array.from({ length: probe.layers }, (_, i) => i);
  return { ...symmetric, rpc: rpc?.layers === 'all' ? { ...rpc, layers: all } : rpc };
}

/** One linear layer over the normed patch tokens of the encoder. */
function linearHead(encoder: SpecContext, decoder: SpecContext, width: Axis): VitHead {
  const classes = decoder.need('head.weight').shape[0] ?? 0;
  const classifier = decoder.linear('head', { name: 'classes', length: classes }, width);
  return {
    roles: { norm: encoder.norm('norm', width), classifier, distClassifier: null, pooling: 'patches', output: 'masks' },
    classes,
    source: `tensor ${decoder.prefix}head.weight`,
  };
}

function maskHead(decoder: SpecContext): VitHead {
  const [classes = 0, length = 0] = decoder.shapeOf('cls_emb');
  if (decoder.shapeOf('cls_emb').length !== 2) throw decoder.mismatch('cls_emb', 'expected [1, classes, C]');
  const width: Axis = { name: 'decoder width', length };
  const square = (name: string): MaskRoles['patchProj'] => ({
    weight: decoder.tensor(name, [width, width]),
    bias: null,
    layout: 'in-out',
  });
  const masks: MaskRoles = {
    classes,
    patchProj: square('proj_patch'),
    classProj: square('proj_classes'),
    norm: decoder.norm('mask_norm', { name: 'classes', length: classes }),
  };
  return {
    roles: {
      norm: decoder.norm('decoder_norm', width),
      classifier: null,
      distClassifier: null,
      masks,
      output: 'masks',
    },
    classes,
    source: `shape of ${decoder.prefix}cls_emb`,
  };
}

/** The encoder's own classifier (`head`, `head_dist`) is left over from the pre-trained backbone. */
function ignoreBackboneHead(encoder: SpecContext): void {
  const left = ['head.weight', 'head.bias', 'head_dist.weight', 'head_dist.bias'].filter((name) => encoder.has(name));
  for (const name of left) encoder.used.add(name);
  if (left.length === 0) return;
  encoder.notes.push(
    `${encoder.prefix}head is the classifier of the pre-trained backbone; segmentation does not use it, and it was ignored.`,
  );
}

/** The spec of the encoder with the mask transformer's blocks behind it. */
function withDecoder(spec: ModelSpec, encoder: SpecContext, decoder: SpecContext): ModelSpec {
  const names = timmNames((i) => `blocks.${i}.`);
  const layers = countBlocks(decoder, /^blocks\.(\d{1,9})\./, names.blockAt);
  const [classes = 0, embedDim = 0] = decoder.shapeOf('cls_emb');
  const width: Axis = { name: 'decoder width', length: embedDim };
  decoder.fact('decoder layers', layers, `tensor names ${decoder.prefix}blocks.*`);
  if (embedDim !== spec.embedDim) decoder.fact('decoder width', embedDim, `shape of ${decoder.prefix}cls_emb`);
  const heads = decoderHeads(decoder, embedDim);
  const probe = layers === 0 ? null : probeAttention(decoder);
  const mlp = layers === 0 ? { width: 0, gated: false } : mlpShape(decoder, names);
  const patches = spec.tokens - spec.prefixTokens;
  const tokens = patches + classes;
  decoder.fact('decoder tokens', `${patches} patches, then ${classes} classes`, `shape of ${decoder.prefix}cls_emb`);
  const blocks = Array.from({ length: layers }, (_, i) =>
    blockRoles(decoder, names, i, {
      width,
      mlp: { name: 'decoder MLP width', length: mlp.width },
      headDim: embedDim / heads,
      heads,
      tokens,
      projections: probe?.projections ?? 3,
      scaled: false,
      gated: mlp.gated,
    }),
  );
  const first = blocks[0];
  if (first === undefined) {
    throw new ModelSpecError(
      'missingTensor',
      `${decoder.fileName} has the class embeddings of a mask transformer ("${decoder.prefix}cls_emb") and no "${decoder.prefix}blocks.0.". Check that the file holds the whole model, not a part of it.`,
    );
  }
  const { embedDim: before } = spec;
  const entering: BlockRoles = {
    ...first,
    entry: {
      norm: encoder.norm('norm', { name: 'width C', length: before }),
      drop: spec.prefixTokens,
      proj: decoder.linear('proj_dec', width, { name: 'width C', length: before }),
      append: decoder.tensor('cls_emb', [{ name: 'classes', length: classes }, width]),
    },
  };
  const { headDim, mlpDim, prefixTokens } = spec;
  const stages: StageShape[] = [
    {
      name: 'encoder',
      layers: spec.layers,
      heads: spec.heads,
      headDim,
      embedDim: before,
      mlpDim,
      tokens: spec.tokens,
      prefixTokens,
      suffixTokens: 0,
    },
    {
      name: 'decoder',
      layers,
      heads,
      headDim: embedDim / heads,
      embedDim,
      mlpDim: mlp.width,
      tokens,
      prefixTokens: 0,
      suffixTokens: classes,
    },
  ];
  return {
    ...spec,
    layers: spec.layers + layers,
    heads: Math.max(spec.heads, heads),
    kvHeads: Math.max(spec.heads, heads),
    stages,
    blocks: [...spec.blocks, entering, ...blocks.slice(1)],
  };
}

function decoderHeads(decoder: SpecContext, width: number): number {
  const wanted = decoder.overrides.decoderHeads;
  if (wanted !== undefined && width % wanted !== 0) {
    throw new ModelSpecError(
      'badOverride',
      `${givenBy(decoder.overrides, 'decoder.heads')}=${wanted}: the mask transformer of ${decoder.fileName} has the width ${width}, which ${wanted} does not divide. Use one of ${divisors(width).join(', ')}.`,
    );
  }
  const usual = Math.max(1, Math.floor(width / decoderHeadDim));
  if (wanted === undefined && (width < decoderHeadDim || width % usual !== 0)) {
    throw askHeads(decoder, width, 'decoder.heads', 'its mask transformer');
  }
  const heads = wanted ?? usual;
  decoder.fact(
    'decoder heads',
    heads,
    wanted === undefined
      ? `width ${width} / ${decoderHeadDim}, the head size of the family's code`
      : givenBy(decoder.overrides, 'decoder.heads'),
  );
  return heads;
}
