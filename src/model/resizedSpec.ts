// A vision model at another picture size than it was trained with: more or fewer patches, positions resized by the rule
// of its family's own code (model-families.md section 5). The rule is among the facts.

import { ModelSpecError, type ModelFamily, type ModelSpec } from './modelSpec';
import type { GridSize, PositionRule } from './positionResize';

const ruleWords: Readonly<Record<PositionRule, string>> = {
  bicubic: 'bicubic',
  antialias: 'bicubic, antialiased',
  offset: 'bicubic by a scale factor, 0.1 added to the new size',
  bilinear: 'bilinear',
  corners: 'linear between the corners',
};

const rules: Readonly<Partial<Record<ModelFamily, readonly [PositionRule, string]>>> = {
  'timm-vit': ['antialias', "timm's resample_abs_pos_embed"],
  'deit-distilled': ['antialias', "timm's resample_abs_pos_embed"],
  deit3: ['antialias', "timm's resample_abs_pos_embed"],
  symvit: ['bicubic', 'main.py of DeiT, as the KPCA code'],
  'rpc-symvit': ['bicubic', 'main.py of DeiT, as the KPCA code'],
  'scaled-attention': ['bicubic', 'main.py of DeiT, as the KPCA code'],
  'reconstruction-vit': ['bicubic', 'main.py of DeiT, as the KPCA code'],
  mae: ['bicubic', 'interpolate_pos_embed of MAE'],
  dino: ['offset', 'interpolate_pos_encoding of DINO'],
  vit: ['bicubic', 'interpolate_pos_encoding of transformers'],
  deit: ['bicubic', 'interpolate_pos_encoding of transformers'],
  'vit-mae': ['bicubic', 'interpolate_pos_encoding of transformers'],
  'vit-msn': ['bicubic', 'interpolate_pos_encoding of transformers'],
  'flax-vit': ['corners', 'scipy.ndimage.zoom, as vision_transformer and big_vision'],
  segmenter: ['bilinear', 'resize_pos_embed of the family'],
};

/** Rule of the family and whose code has it; null: not known. */
function ruleOf({ family, embed }: ModelSpec): readonly [PositionRule, string] | null {
  const name = embed.position ?? '';
  const registers = (embed.registers ?? null) !== null;
  if (family === 'dinov2') {
    if (/position_embeddings$/.test(name)) {
      return [registers ? 'antialias' : 'bicubic', 'interpolate_pos_encoding of transformers'];
    }
    return [registers ? 'antialias' : 'offset', 'interpolate_pos_encoding of DINOv2'];
  }
  if (family === 'clip-vision') {
    return /positional_embedding$/.test(name)
      ? ['antialias', 'resize_pos_embed of open_clip']
      : ['bicubic', 'interpolate_pos_encoding of transformers'];
  }
  return rules[family] ?? null;
}

/**
 * `spec` for pictures of `size`, `spec` itself where that is its size. `source`: who wants it, for facts and messages.
 * @throws ModelSpecError badInput where the size does not fit the patches or the model cannot be resized.
 */
export function resizedSpec(spec: ModelSpec, size: GridSize, source: string): ModelSpec {
  const { image } = spec;
  if (image === null || (size.height === image.height && size.width === image.width)) return spec;
  const asked = `${source}: a picture of ${size.height} x ${size.width}`;
  if (size.height % image.patch !== 0 || size.width % image.patch !== 0 || size.height < 1 || size.width < 1) {
    throw new ModelSpecError(
      'badInput',
      `${asked} has no whole patches; both sides must be multiples of ${image.patch} pixels.`,
    );
  }
  const rule = ruleOf(spec);
  if (rule === null || spec.embed.position === null) {
    throw new ModelSpecError(
      'badInput',
      `${asked} does not fit the trained size, ${image.height} x ${image.width}, and how this family resizes its positions is not known.`,
    );
  }
  if (spec.attention === 'scaled') {
    throw new ModelSpecError(
      'badInput',
      `${asked} does not fit: Scaled Attention is made for the ${spec.tokens} tokens it was trained with. Give the trained size, ${image.height} x ${image.width}.`,
    );
  }
  const from = { height: image.gridHeight, width: image.gridWidth };
  const to = { height: size.height / image.patch, width: size.width / image.patch };
  const more = to.height * to.width - from.height * from.width;
  const { preprocessing } = spec;
  const short = preprocessing?.resizeShortSide ?? null;
  const shortSide =
    short === null || size.height !== size.width ? null : Math.round((short * size.height) / image.height);
  return {
    ...spec,
    tokens: spec.tokens + more,
    ...(spec.stages === undefined
      ? {}
      : { stages: spec.stages.map((stage) => ({ ...stage, tokens: stage.tokens + more })) }),
    image: { ...image, ...size, gridHeight: to.height, gridWidth: to.width },
    embed: { ...spec.embed, positionResize: { rule: rule[0], from: spec.embed.positionResize?.from ?? from, to } },
    preprocessing: preprocessing === null ? null : { ...preprocessing, resizeShortSide: shortSide },
    facts: [
      ...spec.facts,
      { fact: 'inspected at', value: `${size.height} x ${size.width} pixels, ${spec.tokens + more} tokens`, source },
      {
        fact: 'positions resized',
        value: `from ${from.height} x ${from.width} to ${to.height} x ${to.width} patches, ${ruleWords[rule[0]]}`,
        source: rule[1],
      },
    ],
  };
}
