import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  blueToYellow,
  colourIndex,
  darkToLight,
  divergingOnDark,
  divergingOnLight,
  type Colormap,
  type Rgb,
} from '../../../webview/charts/colormap';

/** CIE L*, 0..100, of an sRGB colour (D65). */
function lightness(colour: Rgb): number {
  const [red, green, blue] = colour.map((byte) => {
    const part = byte / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const y = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
}

/** A byte of rounding moves L* by about this much. */
const roundingSlack = 0.5;

function assertMonotone(part: Colormap, sign: 1 | -1, name: string): void {
  for (let index = 1; index < part.length; index++) {
    const step = sign * (lightness(part[index]!) - lightness(part[index - 1]!));
    assert.ok(step > -roundingSlack, `${name}: lightness turns back by ${step} at ${index}`);
  }
}

/** Simulated deuteranopia (Vienot, Brettel, Mollon 1999, on linear RGB): red and green merge. */
function deuteranope([red, green]: Rgb): number {
  return 0.29275 * red + 0.70725 * green;
}

describe('charts colour maps', () => {
  it('rise evenly in lightness from dark to light', () => {
    for (const [name, map] of [
      ['blueToYellow', blueToYellow],
      ['darkToLight', darkToLight],
    ] as const) {
      assert.equal(map.length, 256);
      assertMonotone(map, 1, name);
      const span = lightness(map[255]!) - lightness(map[0]!);
      assert.ok(span > 70, `${name}: spans only ${span} of L*`);
      const worst = Math.max(
        ...map.map((colour, index) => Math.abs(lightness(colour) - (lightness(map[0]!) + (span * index) / 255))),
      );
      assert.ok(worst < 12, `${name}: lightness leaves the straight line by ${worst}`);
    }
  });

  it('keep their order for eyes without green cones', () => {
    for (let index = 8; index < 256; index += 8) {
      assert.ok(deuteranope(blueToYellow[index]!) > deuteranope(blueToYellow[index - 8]!), `step ${index}`);
    }
  });

  it('diverge from a neutral centre, with lightness monotone on both sides', () => {
    for (const [map, sign] of [
      [divergingOnLight, 1],
      [divergingOnDark, -1],
    ] as const) {
      const centre = map[128]!;
      assert.ok(Math.max(...centre) - Math.min(...centre) <= 6, `centre ${centre.join(' ')} is not neutral`);
      assertMonotone(map.slice(0, 128), sign, 'below 0');
      assertMonotone(map.slice(128), sign === 1 ? -1 : 1, 'above 0');
      const ends = Math.abs(lightness(map[0]!) - lightness(map[255]!));
      assert.ok(ends < 12, `ends differ by ${ends} of L*`);
    }
  });

  it('clip to the ends of the domain', () => {
    assert.equal(colourIndex(-5, [0, 1]), 0);
    assert.equal(colourIndex(5, [0, 1]), 255);
    assert.equal(colourIndex(0, [-2, 2]), 128);
  });
});
