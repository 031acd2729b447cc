// How the families prepare pictures where nothing beside the weights says it (model-families.md section 5).

import type { ImagePreprocessing } from './modelSpec';
import { modelName } from './headCount';
import type { SpecContext } from './specContext';

export interface PictureDefaults {
  /** One number, or one a channel. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Part of the resized short side that the centre crop keeps; null: no crop, the whole picture is resized. */
  readonly crop: number | null;
  readonly interpolation: ImagePreprocessing['interpolation'];
  readonly source: string;
  /** Said to the person where the default is a guess among families with the same names. */
  readonly note?: string;
  /** As in `ImagePreprocessing`. */
  readonly window?: string;
  /** Short side before the centre crop, in pixels; before `crop`, because the model's own files say it. */
  readonly shortSide?: number;
}

/** DeiT, DINO and the KPCA code resize to 256 for a crop of 224. */
const deitCrop = 224 / 256;

export const imageNetPictures: PictureDefaults = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  crop: deitCrop,
  interpolation: 'bicubic',
  source: 'ImageNet statistics, as the training code of the family',
};

/** DeiT-III and DINOv2 are evaluated on whole pictures. */
export const wholeImageNetPictures: PictureDefaults = { ...imageNetPictures, crop: 1 };

/** OpenAI's statistics; short side to the network's size, then the centre. */
export const clipPictures: PictureDefaults = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
  crop: 1,
  interpolation: 'bicubic',
  source: "CLIP's statistics, as OpenAI's code",
};

/** ViTImageProcessor: the whole picture to the network's size, bilinear, mean and std 0.5. */
export const huggingFaceVitPictures: PictureDefaults = {
  mean: [0.5],
  std: [0.5],
  crop: null,
  interpolation: 'bilinear',
  source: 'default of ViTImageProcessor',
};

/** big_vision and vision_transformer scale pixels to -1..1 after a plain resize. */
export const flaxPictures: PictureDefaults = {
  mean: [0.5],
  std: [0.5],
  crop: null,
  interpolation: 'bilinear',
  source: "pixels from -1 to 1, as the family's JAX code",
};

/** Segmenter: pictures are not squeezed; the window of the network is cut from the middle of one. */
const segmenterPictures = {
  crop: 1,
  interpolation: 'bilinear',
  source: "the family's code (`normalization`)",
  window: 'one window from the middle',
} as const;

/** `deit` backbones have ImageNet statistics, `vit` ones 0.5. */
export const segmenterNormalisations: Readonly<Record<'vit' | 'deit', PictureDefaults>> = {
  vit: { ...segmenterPictures, mean: [0.5], std: [0.5] },
  deit: { ...segmenterPictures, mean: imageNetPictures.mean, std: imageNetPictures.std },
};

const timmVitPictures: PictureDefaults = {
  mean: [0.5],
  std: [0.5],
  crop: 0.9,
  interpolation: 'bicubic',
  source: 'default of timm ViT',
  note:
    'Pictures are normalised with mean 0.5 and std 0.5, as timm ViT expects. DeiT has the same tensor names and ' +
    'expects --set mean=0.485/0.456/0.406,std=0.229/0.224/0.225.',
};

/** A ViT in timm's layout: what model, file and state are called tells DeiT and DINO from augreg ViT. */
export function timmPictures(context: SpecContext): PictureDefaults {
  const hints = `${modelName(context)?.value ?? ''} ${context.fileName} ${context.prefix}`.toLowerCase();
  if (/deit_?3|deit-?iii/.test(hints)) return wholeImageNetPictures;
  return /deit|dino|(^|[. ])(teacher|student)\./.test(hints) ? imageNetPictures : timmVitPictures;
}
