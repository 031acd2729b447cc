// DINOv2 as its own code saves it: timm's layout with layer scale, a mask token [1, C], register tokens that get no
// position, SwiGLU as w12 and w3, and in training files blocks in chunks (model-families.md section 2.2).

import { wholeImageNetPictures } from '../pictureDefaults';
import type { RecogniseFamily } from './family';

export const dinov2Original: RecogniseFamily = (context, probe) => {
  if (probe.projections !== 3 || probe.hasScale) return null;
  const at = probe.blockAt(0);
  const tellTale = ['register_tokens', `${at}mlp.w12.weight`].find((name) => context.has(name));
  const masked = context.has('mask_token') && context.has(`${at}ls1.gamma`) && !context.has('decoder_embed.weight');
  if (tellTale === undefined && !masked && !probe.chunked) return null;
  if (context.has('mask_token')) context.used.add('mask_token');
  return {
    family: 'dinov2',
    attention: 'softmax',
    standardise: false,
    rpc: null,
    picture: wholeImageNetPictures,
    source: `tensor ${context.prefix}${tellTale ?? (masked ? 'mask_token beside layer scale' : `${at}* (blocks in chunks)`)}`,
  };
};
