// What variant.yml, which Segmenter's training code writes beside its checkpoint, says of pictures, and whether it
// speaks of this checkpoint. Heads, normalisation and picture size come through the settings like those of any config.

import { ModelSpecError } from '../modelSpec';
import { asInteger, asRecord, asText } from '../parseValues';
import { segmenterNormalisations, type PictureDefaults } from '../pictureDefaults';
import type { SpecContext } from '../specContext';

interface Actual {
  readonly width: number;
  readonly layers: number;
  readonly patch: number;
  readonly classes: number;
  readonly decoder: 'mask_transformer' | 'linear';
  /** null: the linear decoder has none. */
  readonly decoderLayers: number | null;
}

/**
 * The file and the weights must speak of the same network.
 * @throws ModelSpecError shapeMismatch naming the first fact that differs
 */
export function checkVariant(context: SpecContext, actual: Actual): void {
  const decoder = context.settings.find(['decoder'], asRecord, 'a map')?.value ?? {};
  const said = (key: string): { value: unknown; source: string } | null =>
    context.settings.find([key], (value) => value, 'a value');
  const rows: readonly (readonly [string, { value: unknown; source: string } | null, string | number | null])[] = [
    ['numbers a token', said('d_model'), actual.width],
    ['layers in the encoder', said('n_layers'), actual.layers],
    ['pixels a patch', said('patch_size'), actual.patch],
    ['classes', said('n_cls'), actual.classes],
    ['decoder', { value: decoderName(decoder), source: 'its decoder.name' }, actual.decoder],
    ['layers in the decoder', { value: decoder['n_layers'], source: 'its decoder.n_layers' }, actual.decoderLayers],
  ];
  for (const [what, found, own] of rows) {
    const value = asInteger(found?.value) ?? asText(found?.value);
    if (found === null || value === null || own === null || value === own) continue;
    throw new ModelSpecError(
      'shapeMismatch',
      `${context.fileName} has ${typeof own === 'number' ? `${own} ${what}` : `the ${what} ${own}`}, but ${found.source} says ${value}. Check that the file is whole and that the variant.yml beside it belongs to it.`,
    );
  }
}

/** The code takes every name with "linear" in it for the linear decoder. */
function decoderName(decoder: Readonly<Record<string, unknown>>): string | null {
  const name = asText(decoder['name']);
  return name !== null && name.includes('linear') ? 'linear' : name;
}

/** `normalization`, and how pictures come to the window of the network (`inference_kwargs`). */
export function segmenterPictures(context: SpecContext, distilled: boolean): PictureDefaults {
  const kind = (value: unknown): 'vit' | 'deit' | null => {
    const name = asText(value);
    return name === 'vit' || name === 'deit' ? name : null;
  };
  const said = context.settings.find(['normalization'], kind, 'vit or deit');
  const base = segmenterNormalisations[said?.value ?? (distilled ? 'deit' : 'vit')];
  const found = context.settings.find(['inference_kwargs'], asRecord, 'a map');
  const size = (key: string): number | null => {
    const value = asInteger(found?.value[key]);
    return value !== null && value > 0 ? value : null;
  };
  const [short, window, stride] = [size('im_size'), size('window_size'), size('window_stride')];
  if (found === null || window === null) {
    context.notes.push(
      "One window from the middle of a picture is inspected, its short side resized to the network's; the family's code slides such windows over the whole picture and averages their masks.",
    );
    return base;
  }
  const whole = Math.max(window, short ?? window);
  context.fact('window', `${window} pixels, of pictures with a short side of ${whole}`, found.source);
  context.notes.push(
    `One window from the middle of a picture is inspected, the short side of the picture resized to ${whole}; the family's code slides windows of ${window} pixels in steps of ${stride ?? window} over the whole picture and averages their masks.`,
  );
  return { ...base, shortSide: whole, window: `one window of ${window} x ${window} from the middle` };
}
