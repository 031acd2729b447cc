// How a picture becomes network input: resize, crop, mean and std as the family was trained with (model-families.md
// section 5). Said by config, preprocessor_config.json, metadata or args where they do; otherwise the family's default.

import { ModelSpecError, type ImagePreprocessing, type ImageShape } from './modelSpec';
import { givenBy } from './overrides';
import { asNumber, asNumbers, asText } from './parseValues';
import type { PictureDefaults } from './pictureDefaults';
import { processorInterpolation, processorShortSide } from './processorConfig';
import type { SpecContext } from './specContext';

/** Networks for thumbnails (MNIST, CIFAR) are trained on whole pictures: no crop. */
const thumbnailSide = 64;

/** Mean and std for pictures that are not RGB: no family was released for them. */
const greyDefaults = { mean: [0.5], std: [0.5], source: 'default for pictures that are not RGB' };

/** What `defaults` say, unless something beside the weights says otherwise. */
export function inferPreprocessing(
  context: SpecContext,
  image: ImageShape,
  defaults: PictureDefaults,
): ImagePreprocessing {
  const rgb = image.channels === 3;
  const base = rgb ? defaults : greyDefaults;
  const mean = channelValues(context, 'mean', image.channels, base.mean);
  const std = channelValues(context, 'std', image.channels, base.std);
  const source = mean.source ?? std.source ?? base.source;
  if (mean.source === null && rgb && defaults.note !== undefined) context.notes.push(defaults.note);
  const result: ImagePreprocessing = {
    resizeShortSide: shortSide(context, image, defaults),
    interpolation: interpolation(context, defaults),
    mean: mean.values,
    std: std.values,
    source,
    ...(defaults.window === undefined ? {} : { window: defaults.window }),
  };
  context.fact('normalisation', `mean ${result.mean.join('/')}, std ${result.std.join('/')}`, source);
  return result;
}

function interpolation(context: SpecContext, defaults: PictureDefaults): ImagePreprocessing['interpolation'] {
  const said = context.settings.find(['interpolation'], asText, 'an interpolation')?.value;
  if (said !== undefined) return said === 'bilinear' ? 'bilinear' : 'bicubic';
  return processorInterpolation(context) ?? defaults.interpolation;
}

function shortSide(
  context: SpecContext,
  image: ImageShape,
  { crop: familyCrop, shortSide: own }: PictureDefaults,
): number | null {
  if (image.height !== image.width) return null;
  if (own !== undefined) return own;
  const said = context.settings.find(['crop_pct', 'eval_crop_ratio'], cropFraction, 'a fraction above 0 and at most 1');
  const processor = said === null ? processorShortSide(context, image) : null;
  if (processor !== null) return processor.shortSide;
  if (said === null && familyCrop === null) return null;
  const crop = said?.value ?? (image.height <= thumbnailSide ? 1 : (familyCrop ?? 1));
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
        `${givenBy(context.overrides, what)}=${wanted.join('/')}: ${context.fileName} takes pictures of ${channels === 1 ? 'one channel; give one number' : `${channels} channels; give one number or ${channels}`}.`,
      );
    }
    return { values: spread(wanted), source: givenBy(context.overrides, what) };
  }
  const check = (value: unknown): number[] | null => {
    const values = asNumbers(value);
    return values !== null && usable(values) ? values : null;
  };
  const found = context.settings.find([what, `image_${what}`], check, `one number or ${channels}`);
  return found === null
    ? { values: spread(fallback), source: null }
    : { values: spread(found.value), source: found.source };
}

function cropFraction(value: unknown): number | null {
  const crop = asNumber(value);
  return crop !== null && crop > 0 && crop <= 1 ? crop : null;
}
