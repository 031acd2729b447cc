// Noise as input: standard normal pixels, already normalised, from a generator that is handed in (spec section 8,
// key `seed/input`).

import { imageShape } from '../blockShape';
import type { ImageInput, ModelSpec } from '../modelSpec';
import type { Sha256 } from './imageInput';
import { networkPicture } from './networkPicture';

/** `normal(count)` gives `count` standard normal numbers; they fill [channels, height, width] row-major. */
export function randomInput(
  seed: number,
  spec: ModelSpec,
  normal: (count: number) => Float64Array,
  sha256: Sha256,
): ImageInput {
  const { channels, height, width } = imageShape(spec);
  const pixels = normal(channels * height * width);
  const bytes = new DataView(new ArrayBuffer(pixels.length * 8));
  for (let i = 0; i < pixels.length; i++) bytes.setFloat64(8 * i, pixels[i]!, true);
  return {
    kind: 'random',
    label: `random:${seed}`,
    pixels,
    channels,
    height,
    width,
    sha256: sha256(new Uint8Array(bytes.buffer)),
    picture: networkPicture(pixels, spec),
  };
}
