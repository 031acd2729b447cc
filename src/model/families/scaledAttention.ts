// Scaled Attention (KPCA code, Scaled_Attention/): timm's qkv plus blocks.i.attn.s, either S [H, N, N] or one
// number alpha [1] a layer; values are mixed by I - S or I - alpha A before the softmax product (spec section 1).

import { imageNetPictures } from '../pictureDefaults';
import type { RecogniseFamily } from './family';

export const scaledAttention: RecogniseFamily = (context, probe) => {
  if (!probe.hasScale) return null;
  return {
    family: 'scaled-attention',
    attention: 'scaled',
    standardise: false,
    rpc: null,
    picture: imageNetPictures,
    source: `tensor ${context.prefix}blocks.0.attn.s`,
  };
};
