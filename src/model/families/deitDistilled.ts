// DeiT with distillation: a second prefix token and a second classifier; logits are the mean of both heads.

import { imageNetPictures } from '../pictureDefaults';
import type { RecogniseFamily } from './family';

export const deitDistilled: RecogniseFamily = (context, probe) => {
  if (probe.projections !== 3 || probe.hasScale || !probe.hasDistToken) return null;
  return {
    family: 'deit-distilled',
    attention: 'softmax',
    standardise: false,
    rpc: null,
    picture: imageNetPictures,
    source: `tensor ${context.prefix}dist_token`,
  };
};
