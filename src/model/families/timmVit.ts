// timm ViT, plain DeiT, DINO, MAE encoder: qkv [3C, C] in the order q, k, v, softmax attention, class token.

import type { RecogniseFamily } from './family';

export const timmVit: RecogniseFamily = (context, probe) => {
  if (probe.projections !== 3 || probe.hasScale) return null;
  return {
    family: 'timm-vit',
    attention: 'softmax',
    standardise: false,
    rpc: null,
    imageNet: false,
    source: `shape of ${context.prefix}blocks.0.attn.qkv.weight`,
  };
};
