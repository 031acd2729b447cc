// The sample picture of image families: gradients, shapes with soft edges and stripes, drawn at the network's size and
// normalised as the family wants it. Only + - * / and square roots, so that every machine draws the same bytes.

import { imageShape } from '../blockShape';
import { normalisedPixels } from '../image/imageInput';
import { networkPicture } from '../image/networkPicture';
import type { Plane } from '../image/resize';
import type { ImageInput, ModelSpec } from '../modelSpec';

/** Next number of a seeded stream, in (0, 1). */
export type Uniform = () => number;
export type Sha256 = (bytes: Uint8Array) => string;

/** Discs, bars and striped fields on a square; wider pictures have more. */
const shapesPerSquare = 5;
/** Against a strip of one row and a million columns. */
const maxShapes = 40;

/** `seed` is for the label; `uniform` is its stream. Kind 'sample'. */
export function samplePicture(seed: number, spec: ModelSpec, uniform: Uniform, sha256: Sha256): ImageInput {
  const { channels, height, width } = imageShape(spec);
  const plane = drawSample(width, height, channels, uniform);
  const pixels = normalisedPixels(plane, spec);
  return {
    kind: 'sample',
    label: `sample picture, seed ${seed}`,
    pixels,
    channels,
    height,
    width,
    sha256: sha256(new Uint8Array(plane.data.buffer)),
    picture: networkPicture(pixels, spec),
  };
}

/** A value a channel, 0 to 255. */
type Colour = readonly number[];

/** One thing in the picture: how much of the pixel at (x, y) it covers, 0 to 1, and its colour there. */
interface Shape {
  readonly covers: (x: number, y: number) => number;
  readonly colour: (x: number, y: number) => Colour;
}

/** [height, width, channels] in 8 bits. */
export function drawSample(width: number, height: number, channels: number, uniform: Uniform): Plane {
  const between = (least: number, most: number): number => least + (most - least) * uniform();
  const colour = (): Colour => Array.from({ length: channels }, () => between(16, 240));
  const corners = [colour(), colour(), colour(), colour()] as const;
  const short = Math.min(width, height);
  const count = Math.min(
    maxShapes,
    Math.max(shapesPerSquare, Math.round((shapesPerSquare * width * height) / short ** 2)),
  );
  const shapes = Array.from({ length: count }, (_, i): Shape => {
    const [x, y] = [between(0.1, 0.9) * width, between(0.1, 0.9) * height];
    const size = between(0.12, 0.3) * short;
    const direction = unit(between(-1, 1), between(0.2, 1));
    if (i % 3 === 0) return disc(x, y, size, colour(), colour());
    if (i % 3 === 1) return bar(x, y, size, between(0.3, 0.8) * size, direction, colour());
    return stripes(x, y, size, Math.max(2, between(0.2, 0.4) * size), direction, colour(), colour());
  });
  const data = new Uint8ClampedArray(width * height * channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x, y] = [column + 0.5, row + 0.5];
      let value: Colour = blend(
        blend(corners[0], corners[1], x / width),
        blend(corners[2], corners[3], x / width),
        y / height,
      );
      for (const shape of shapes) {
        const share = shape.covers(x, y);
        if (share > 0) value = blend(value, shape.colour(x, y), share);
      }
      data.set(value, (row * width + column) * channels);
    }
  }
  return { width, height, channels, data };
}

function blend(from: Colour, to: Colour, share: number): Colour {
  return from.map((value, c) => value + (to[c]! - value) * share);
}

function unit(x: number, y: number): readonly [number, number] {
  const length = Math.sqrt(x * x + y * y);
  return [x / length, y / length];
}

/** Coverage by the distance to the edge in pixels, negative inside: edges are one pixel soft. */
const edge = (distance: number): number => Math.min(1, Math.max(0, 0.5 - distance));

/** A ball: its colour goes from the middle to the rim. */
function disc(x: number, y: number, radius: number, middle: Colour, rim: Colour): Shape {
  const distance = (px: number, py: number): number => Math.sqrt((px - x) ** 2 + (py - y) ** 2);
  return {
    covers: (px, py) => edge(distance(px, py) - radius),
    colour: (px, py) => blend(middle, rim, Math.min(1, distance(px, py) / radius)),
  };
}

/** A rectangle with half sides `long` and `wide`, its long side along `direction`. */
function bar(
  x: number,
  y: number,
  long: number,
  wide: number,
  [dx, dy]: readonly [number, number],
  colour: Colour,
): Shape {
  return {
    covers: (px, py) => {
      const [along, across] = [(px - x) * dx + (py - y) * dy, (py - y) * dx - (px - x) * dy];
      return edge(Math.max(Math.abs(along) - long, Math.abs(across) - wide));
    },
    colour: () => colour,
  };
}

/** A round field of stripes, `period` pixels each pair. */
function stripes(
  x: number,
  y: number,
  radius: number,
  period: number,
  [dx, dy]: readonly [number, number],
  dark: Colour,
  light: Colour,
): Shape {
  return {
    covers: (px, py) => edge(Math.sqrt((px - x) ** 2 + (py - y) ** 2) - radius),
    colour: (px, py) => {
      const along = ((px - x) * dx + (py - y) * dy) / period;
      // A triangle wave, steepened to one pixel: 0 on dark stripes, 1 on light ones.
      const wave = Math.abs(2 * (along - Math.floor(along)) - 1);
      return blend(dark, light, Math.min(1, Math.max(0, (wave - 0.5) * period + 0.5)));
    },
  };
}
