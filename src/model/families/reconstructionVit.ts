// The Reconstruction model (KPCA code, Reconstruction/): a ViT or DeiT file with nothing to tell it by, whose
// forward pass standardises q and k over d. Only by the person's switch.

import { givenBy } from '../overrides';
import { imageNetPictures } from '../pictureDefaults';
import type { RecogniseFamily } from './family';

export const reconstructionVit: RecogniseFamily = (context, probe) => {
  const { attention, standardise } = context.overrides;
  if (probe.projections !== 3 || probe.hasScale) return null;
  if (attention !== 'reconstruction' && standardise !== true) return null;
  return {
    family: 'reconstruction-vit',
    attention: 'softmax',
    standardise: true,
    rpc: null,
    picture: imageNetPictures,
    source: givenBy(context.overrides, attention === 'reconstruction' ? 'attention' : 'standardise'),
  };
};
