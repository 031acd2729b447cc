// What the network sees, as a picture for people: normalisation undone, clamped to 0..255, grey for one channel.

import { imagePreprocessing, imageShape } from '../blockShape';
import type { ImageInput, ModelSpec } from '../modelSpec';

/** RGBA of normalised pixels [channels, height, width]; null for channel counts that are no picture. */
export function networkPicture(pixels: Float64Array, spec: ModelSpec): ImageInput['picture'] {
  const { channels, height, width } = imageShape(spec);
  if (channels !== 1 && channels !== 3) return null;
  const { mean, std } = imagePreprocessing(spec);
  const area = height * width;
  const rgba = new Uint8ClampedArray(4 * area);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) {
      const from = channels === 1 ? 0 : c;
      rgba[4 * i + c] = Math.round((pixels[from * area + i]! * std[from]! + mean[from]!) * 255);
    }
    rgba[4 * i + 3] = 255;
  }
  return { width, height, rgba };
}
