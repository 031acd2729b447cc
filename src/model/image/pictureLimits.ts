// Bounds that hold for every picture before memory is taken for it, and the shape of a decoded one.

import { ModelSpecError } from '../modelSpec';

/** Decoded pixels, row-major, four bytes each; not premultiplied. */
export interface Rgba {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray;
}

/** Larger files are no inputs of a 224-pixel network; against reading gigabytes by mistake. */
export const maxPictureBytes = 64 * 1024 * 1024;
/** 50 megapixels take 200 MB as RGBA; against small files that unfold into gigabytes. */
export const maxPicturePixels = 50_000_000;

export function badPicture(sentence: string): ModelSpecError {
  return new ModelSpecError('badInput', sentence);
}

/** Throws when the picture is empty or too large to decode. */
export function checkPictureSize(width: number, height: number, name: string): void {
  if (width < 1 || height < 1)
    throw badPicture(
      `${name} says it is ${width} x ${height} pixels; a picture needs at least one. Save it again and retry.`,
    );
  if (width * height > maxPicturePixels) {
    throw badPicture(
      `${name} says it is ${width} x ${height} pixels; Gramlens reads pictures of at most ${maxPicturePixels / 1e6} megapixels. Make it smaller first.`,
    );
  }
}
