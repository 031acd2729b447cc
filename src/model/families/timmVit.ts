// timm ViT and plain DeiT: qkv [3C, C] in the order q, k, v, softmax attention, class token.

import { clipPictures, timmPictures } from '../pictureDefaults';
import { modelName } from '../headCount';
import type { RecogniseFamily } from './family';

export const timmVit: RecogniseFamily = (context, probe) => {
  if (probe.projections !== 3 || probe.hasScale) return null;
  const part = {
    family: 'timm-vit',
    attention: 'softmax',
    standardise: false,
    rpc: null,
    source: `shape of ${context.prefix}${probe.blockAt(0)}attn.qkv.weight`,
  } as const;
  if (!context.has('norm_pre.weight')) return { ...part, picture: timmPictures(context) };
  // CLIP's image towers in timm's names: LayerNorm with 1e-5, and QuickGELU in those with OpenAI's weights.
  const quick = /quickgelu/i.test(modelName(context)?.value ?? '');
  return {
    ...part,
    picture: clipPictures,
    eps: { value: 1e-5, source: "timm's CLIP towers (norm_pre)" },
    ...(quick ? { activation: { value: 'quick_gelu' as const, source: "the model's name" } } : {}),
  };
};
