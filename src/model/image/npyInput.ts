// An array file as network input: already normalised, taken as it is, so that other tools can be compared exactly.

import { imageShape } from '../blockShape';
import { ModelSpecError, type ImageInput, type ModelSpec } from '../modelSpec';
import type { Sha256 } from './imageInput';
import { networkPicture } from './networkPicture';
import { parseNpy } from './npyArray';

/** [C, H, W] or [1, C, H, W] of the network's size. Throws ModelSpecError 'badInput'. */
export function npyInput(bytes: Uint8Array, name: string, spec: ModelSpec, sha256: Sha256): ImageInput {
  const network = imageShape(spec);
  const { shape, values } = parseNpy(bytes, name);
  const image = shape.length === 4 ? shape.slice(1) : shape;
  const [, rows = 0, columns = 0] = image;
  const { channels } = network;
  // Sides that the network leaves open are those of the array.
  const height = network.open?.height === true ? Math.max(1, rows) : network.height;
  const width = network.open?.width === true ? Math.max(1, columns) : network.width;
  const expected = [channels, height, width];
  const matches = image.length === 3 && image.every((n, i) => n === expected[i]);
  if (matches && shape.length === 4 && shape[0] !== 1) {
    throw new ModelSpecError(
      'badInput',
      `${name} holds ${shape[0]!} images; this version takes one a file. Save each as [${expected.join(', ')}].`,
    );
  }
  if (!matches) {
    throw new ModelSpecError(
      'badInput',
      `${name} has shape [${shape.join(', ')}], but the network takes [${expected.join(', ')}] or [1, ${expected.join(', ')}] (channels, height, width).${resizable(image, spec)}`,
    );
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new ModelSpecError(
      'badInput',
      `${name} holds ${values[bad]!} at position ${bad}; an input must be finite numbers.`,
    );
  }
  return {
    kind: 'npy',
    label: name,
    pixels: values,
    channels,
    height,
    width,
    sha256: sha256(bytes),
    picture: networkPicture(values, { ...spec, image: { ...network, height, width } }),
  };
}

/** How to inspect at the size of `image` [C, H, W], where that can be. */
function resizable(image: readonly number[], spec: ModelSpec): string {
  const { channels, patch } = imageShape(spec);
  const [depth, height = 0, width = 0] = image;
  const whole = height > 0 && width > 0 && height % patch === 0 && width % patch === 0;
  if (image.length !== 3 || depth !== channels || !whole) return '';
  return ` To inspect it at that size, with resized positions, give --set image=${height}x${width}.`;
}
