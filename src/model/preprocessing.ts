// How a picture becomes network input: resize, crop, mean and std as the family was trained with (model-families.md
// section 5). Said by config, metadata or args where they do; otherwise the family's default, and a note.

import { ModelSpecError, type ImagePreprocessing, type ImageShape } from './modelSpec';
import { modelName } from './headCount';
import { asNumber, asNumbers, asText } from './parseValues';
import type { SpecContext } from './specContext';

const imageNetMean = [0.485, 0.456, 0.406];
const imageNetStd = [0.229, 0.224, 0.225];
/** DeiT, DINO and the KPCA code resize to 256 for a crop of 224. */
const deitCrop = 224 / 256;
const timmVitCrop = 0.9;
/** Networks for thumbnails (MNIST, CIFAR) are trained on whole pictures: no crop. */
const thumbnailSide = 64;

/** `imageNet`: the family's released training code uses ImageNet statistics. */
export function inferPreprocessing(context: SpecContext, image: ImageShape, imageNet: boolean): ImagePreprocessing {
  const name = modelName(context)?.value ?? '';
  const hints = `${name} ${context.fileName} ${context.prefix}`.toLowerCase();
  const deit3 = /deit_?3|deit-?iii/.test(hints);
  const likeDeit = imageNet || deit3 || /deit|dino|(^|[. ])(teacher|student)\./.test(hints);
  const base =
    image.channels !== 3
      ? { mean: [0.5], std: [0.5], source: 'default for pictures that are not RGB' }
      : likeDeit
        ? { mean: imageNetMean, std: imageNetStd, source: 'ImageNet statistics, as the training code of the family' }
        : { mean: [0.5], std: [0.5], source: 'default of timm ViT' };
  const mean = channelValues(context, 'mean', image.channels, base.mean);
  const std = channelValues(context, 'std', image.channels, base.std);
  const source = mean.source ?? std.source ?? base.source;
  if (mean.source === null && !imageNet && !likeDeit && image.channels === 3) {
    context.notes.push(
      'Pictures are normalised with mean 0.5 and std 0.5, as timm ViT expects. DeiT has the same tensor names and ' +
        'expects --set mean=0.485/0.456/0.406,std=0.229/0.224/0.225.',
    );
  }
  const resizeShortSide = shortSide(context, image, deit3 ? 1 : likeDeit ? deitCrop : timmVitCrop);
  const interpolation = context.settings.find(['interpolation'], asText, 'an interpolation')?.value;
  const result: ImagePreprocessing = {
    resizeShortSide,
    interpolation: interpolation === 'bilinear' ? 'bilinear' : 'bicubic',
    mean: mean.values,
    std: std.values,
    source,
  };
  context.fact('normalisation', `mean ${result.mean.join('/')}, std ${result.std.join('/')}`, source);
  return result;
}

function shortSide(context: SpecContext, image: ImageShape, familyCrop: number): number | null {
  if (image.height !== image.width) return null;
  const said = context.settings.find(['crop_pct', 'eval_crop_ratio'], cropFraction, 'a fraction above 0 and at most 1');
  const crop = said?.value ?? (image.height <= thumbnailSide ? 1 : familyCrop);
  return Math.floor(image.height / crop + 1e-9);
}

function channelValues(
  context: SpecContext,
  what: 'mean' | 'std',
  channels: number,
  fallback: readonly number[],
): { values: number[]; source: string | null } {
  const usable = (values: readonly number[]): boolean =>
    (values.length === 1 || values.length === channels) && (what === 'mean' || values.every((value) => value > 0));
  const spread = (values: readonly number[]): number[] =>
    Array.from({ length: channels }, (_, c) => values[c] ?? values[0]!);
  const wanted = context.overrides[what];
  if (wanted !== undefined) {
    if (!usable(wanted)) {
      throw new ModelSpecError(
        'badOverride',
        `--set ${what}=${wanted.join('/')}: ${context.fileName} takes pictures of ${channels === 1 ? 'one channel; give one number' : `${channels} channels; give one number or ${channels}`}.`,
      );
    }
    return { values: spread(wanted), source: `--set ${what}` };
  }
  const check = (value: unknown): number[] | null => {
    const values = asNumbers(value);
    return values !== null && usable(values) ? values : null;
  };
  const found = context.settings.find([what], check, `one number or ${channels}`);
  return found === null
    ? { values: spread(fallback), source: null }
    : { values: spread(found.value), source: found.source };
}

function cropFraction(value: unknown): number | null {
  const crop = asNumber(value);
  return crop !== null && crop > 0 && crop <= 1 ? crop : null;
}
