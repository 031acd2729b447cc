// Hugging Face's preprocessor_config.json: how pictures are resized and cropped, in the spellings of the old feature
// extractors (size: 224) and of the image processors (size: {shortest_edge: 224}).

import type { ImagePreprocessing, ImageShape } from './modelSpec';
import { asBoolean, asInteger, asRecord } from './parseValues';
import type { SpecContext } from './specContext';

export const processorFile = 'preprocessor_config.json';

/** PIL's filter numbers. */
const filters: Readonly<Record<number, ImagePreprocessing['interpolation']>> = { 2: 'bilinear', 3: 'bicubic' };

/** `resample`, null where it is not said; filters that are not in this version are noted. */
export function processorInterpolation(context: SpecContext): ImagePreprocessing['interpolation'] | null {
  const resample = asInteger(context.settings.values(processorFile)?.['resample']);
  if (resample === null) return null;
  const filter = filters[resample] ?? null;
  if (filter === null) {
    context.notes.push(
      `${processorFile} asks for the resampling filter ${resample}, which is not in this version; pictures are resized with the family's default.`,
    );
  }
  return filter;
}

/** Short side to resize to before the centre crop, null for no crop; null altogether where the file does not say it. */
export function processorShortSide(context: SpecContext, image: ImageShape): { shortSide: number | null } | null {
  const values = context.settings.values(processorFile);
  if (values === null) return null;
  const size = side(values['size']);
  if (size === null) return null;
  const cropped = asBoolean(values['do_center_crop']) === true;
  const target = cropped ? (side(values['crop_size']) ?? size) : size;
  if (target.length !== image.height) {
    context.notes.push(
      `${processorFile} prepares pictures of ${target.length} x ${target.length}; the position embedding of ${context.fileName} is made for ` +
        `${image.height} x ${image.width}, and the model is inspected at that size.`,
    );
  }
  if (!cropped) return { shortSide: size.square ? null : image.height };
  if (size.square && asRecord(values['size']) !== null) {
    context.notes.push(
      `${processorFile} squeezes pictures to ${size.length} x ${size.length} before the centre crop; Gramlens keeps their aspect ratio. ` +
        'Square pictures come out the same.',
    );
  }
  return { shortSide: Math.round((image.height * size.length) / target.length) };
}

/** `square`: both sides are given, the aspect ratio is not kept. */
function side(value: unknown): { length: number; square: boolean } | null {
  const plain = positive(value);
  if (plain !== null) return { length: plain, square: true };
  const record = asRecord(value);
  const shortest = positive(record?.['shortest_edge']);
  if (shortest !== null) return { length: shortest, square: false };
  const height = positive(record?.['height']);
  return height !== null && positive(record?.['width']) === height ? { length: height, square: true } : null;
}

function positive(value: unknown): number | null {
  const n = asInteger(value);
  return n !== null && n > 0 ? n : null;
}
