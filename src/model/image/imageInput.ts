// A picture file as network input: decoded, resized and cropped as the family was trained, normalised.

import { imagePreprocessing, imageShape } from '../blockShape';
import { ModelSpecError, type ImageInput, type ModelSpec } from '../modelSpec';
import { decodeImage } from './decodeImage';
import { networkPicture } from './networkPicture';
import { maxPicturePixels, type Rgba } from './pictureLimits';
import { cropCentre, resize, type Plane } from './resize';

export type Sha256 = (bytes: Uint8Array) => string;

/**
 * Pixels [channels, height, width] = (value / 255 - mean) / std from a PNG or JPEG. A picture of exactly the
 * network's size is not resized; otherwise short side and centre crop of `spec.preprocessing`, or straight to the
 * network's size where that has no short side. Transparency is dropped. Throws ModelSpecError 'badInput'.
 */
export function imageInput(bytes: Uint8Array, name: string, spec: ModelSpec, sha256: Sha256): ImageInput {
  const { channels } = imageShape(spec);
  if (channels !== 1 && channels !== 3) {
    throw new ModelSpecError(
      'badInput',
      `The network takes ${channels} channels, so a picture cannot be its input. Give an array with npy:FILE.`,
    );
  }
  const decoded = toPlane(decodeImage(bytes, name), channels);
  const sized = specForPicture(spec, decoded);
  const { height, width } = imageShape(sized);
  const pixels = normalisedPixels(fit(decoded, name, sized), spec);
  return {
    kind: 'image',
    label: name,
    pixels,
    channels,
    height,
    width,
    sha256: sha256(bytes),
    picture: networkPicture(pixels, sized),
  };
}

/** [channels, height, width] of 8-bit pixels: (value / 255 - mean) / std, each channel with its own. */
export function normalisedPixels({ width, height, channels, data }: Plane, spec: ModelSpec): Float64Array {
  const { mean, std } = imagePreprocessing(spec);
  const area = height * width;
  const pixels = new Float64Array(channels * area);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) pixels[c * area + i] = (data[i * channels + c]! / 255 - mean[c]!) / std[c]!;
  }
  return pixels;
}

/**
 * Where the network takes pictures of any size, it gets this one as it is; where one side is fixed, the other keeps the
 * aspect ratio.
 */
function specForPicture(spec: ModelSpec, picture: { readonly width: number; readonly height: number }): ModelSpec {
  const image = imageShape(spec);
  const { open } = image;
  if (open === undefined || !(open.height || open.width)) return spec;
  const scaled = (side: number, fixed: number, own: number): number => Math.max(1, Math.round((side * fixed) / own));
  const height = !open.height
    ? image.height
    : open.width
      ? picture.height
      : scaled(picture.height, image.width, picture.width);
  const width = !open.width
    ? image.width
    : open.height
      ? picture.width
      : scaled(picture.width, image.height, picture.height);
  return { ...spec, image: { ...image, height, width } };
}

/** RGB as it is, or luma by ITU-R 601 in 16-bit fixed point, as Pillow's mode L. */
function toPlane(picture: Rgba, channels: 1 | 3): Plane {
  const { width, height, rgba } = picture;
  const data = new Uint8ClampedArray(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const [r, g, b] = [rgba[4 * i]!, rgba[4 * i + 1]!, rgba[4 * i + 2]!];
    if (channels === 1) data[i] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
    else data.set([r, g, b], 3 * i);
  }
  return { width, height, channels, data };
}

function fit(plane: Plane, name: string, spec: ModelSpec): Plane {
  const { height, width } = imageShape(spec);
  const { resizeShortSide, interpolation } = imagePreprocessing(spec);
  if (plane.width === width && plane.height === height) return plane;
  if (resizeShortSide === null) return resize(plane, width, height, interpolation);
  const short = Math.min(plane.width, plane.height);
  const long = Math.trunc((resizeShortSide * Math.max(plane.width, plane.height)) / short);
  const [wide, high] = plane.width <= plane.height ? [resizeShortSide, long] : [long, resizeShortSide];
  if (wide * high > maxPicturePixels) {
    throw new ModelSpecError(
      'badInput',
      `${name} is ${plane.width} x ${plane.height} pixels, too narrow to be resized to a short side of ${resizeShortSide}. Crop it first.`,
    );
  }
  return cropCentre(resize(plane, wide, high, interpolation), width, height);
}
