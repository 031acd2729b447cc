// What Hugging Face's ViT relatives default to where no configuration lies beside the weights.

import type { ModelFamily } from '../modelSpec';
import type { Default } from '../numerics';
import { huggingFaceVitPictures, imageNetPictures, type PictureDefaults } from '../pictureDefaults';

export type ViTKind = 'vit' | 'deit' | 'mae' | 'msn';

export interface KindDefaults {
  readonly family: ModelFamily;
  readonly eps: Default<number>;
  readonly picture: PictureDefaults;
  readonly note?: string;
}

const huggingFaceEps: Default<number> = { value: 1e-12, source: 'default of transformers' };

export const inferenceOf: Readonly<Record<ViTKind, KindDefaults>> = {
  vit: { family: 'vit', eps: huggingFaceEps, picture: huggingFaceVitPictures },
  // The image processor defaults to 0.5, DeiT itself was trained with ImageNet statistics.
  deit: { family: 'deit', eps: huggingFaceEps, picture: imageNetPictures },
  mae: {
    family: 'vit-mae',
    eps: huggingFaceEps,
    picture: { ...imageNetPictures, crop: null, interpolation: 'bilinear' },
    note: 'A masked autoencoder: its encoder is inspected on the whole picture, with no patch masked.',
  },
  msn: {
    family: 'vit-msn',
    eps: { value: 1e-6, source: 'default of transformers' },
    picture: { ...imageNetPictures, crop: null, interpolation: 'bilinear' },
  },
};
