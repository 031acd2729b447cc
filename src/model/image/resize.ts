// Resizing as Pillow does it, which training code uses: a separable filter whose support grows with the shrinking
// factor (antialias), 22-bit fixed-point coefficients and 8-bit pixels between the two passes. Equal to the byte.

export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** [height, width, channels], 8 bits. */
  readonly data: Uint8ClampedArray;
}

export type Interpolation = 'bicubic' | 'bilinear';

/** Fraction bits of a coefficient: 32-bit sums of 8-bit pixels leave 22. */
const precisionBits = 22;
const one = 2 ** precisionBits;

const filters: Readonly<Record<Interpolation, { support: number; weight: (x: number) => number }>> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  /** Keys' cubic convolution with a = -0.5. */
  bicubic: {
    support: 2,
    weight: (x) => {
      const t = Math.abs(x);
      if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
      return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
    },
  },
};

/** Columns first, then rows; a direction that does not change is left alone. */
export function resize(plane: Plane, width: number, height: number, interpolation: Interpolation): Plane {
  const wide = width === plane.width ? plane : resizeColumns(plane, width, interpolation);
  return height === wide.height ? wide : resizeRows(wide, height, interpolation);
}

/** The middle `width` x `height`; halves round to even, as Python's round does in torchvision's centre crop. */
export function cropCentre(plane: Plane, width: number, height: number): Plane {
  const left = roundHalfEven((plane.width - width) / 2);
  const top = roundHalfEven((plane.height - height) / 2);
  const data = new Uint8ClampedArray(width * height * plane.channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * plane.width + left) * plane.channels;
    data.set(plane.data.subarray(from, from + width * plane.channels), y * width * plane.channels);
  }
  return { width, height, channels: plane.channels, data };
}

interface Window {
  readonly first: number;
  /** Fixed-point weights of the source pixels from `first` on. */
  readonly weights: Int32Array;
}

/** Which source pixels make each target pixel, along one direction. */
function windows(from: number, to: number, interpolation: Interpolation): Window[] {
  const { support, weight } = filters[interpolation];
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const reach = support * stretch;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(from, Math.trunc(centre + reach + 0.5));
    const raw = Array.from({ length: last - first }, (_unused, x) =>
      weight((x + first - centre + 0.5) * (1 / stretch)),
    );
    const sum = raw.reduce((total, w) => total + w, 0);
    const weights = Int32Array.from(raw, (w) => {
      const fixed = (sum === 0 ? w : w / sum) * one;
      return Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
    return { first, weights };
  });
}

function resizeColumns(plane: Plane, width: number, interpolation: Interpolation): Plane {
  const { height, channels, data } = plane;
  const out = new Uint8ClampedArray(width * height * channels);
  const columns = windows(plane.width, width, interpolation);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = columns[x]!;
      for (let c = 0; c < channels; c++) {
        let sum = one / 2;
        let at = (y * plane.width + first) * channels + c;
        for (let i = 0; i < weights.length; i++, at += channels) sum += data[at]! * weights[i]!;
        out[(y * width + x) * channels + c] = Math.floor(sum / one);
      }
    }
  }
  return { width, height, channels, data: out };
}

function resizeRows(plane: Plane, height: number, interpolation: Interpolation): Plane {
  const { width, channels, data } = plane;
  const line = width * channels;
  const out = new Uint8ClampedArray(height * line);
  const rows = windows(plane.height, height, interpolation);
  const sums = new Float64Array(line);
  for (let y = 0; y < height; y++) {
    const { first, weights } = rows[y]!;
    sums.fill(one / 2);
    for (let i = 0; i < weights.length; i++) {
      const from = (first + i) * line;
      const weight = weights[i]!;
      for (let x = 0; x < line; x++) sums[x]! += data[from + x]! * weight;
    }
    for (let x = 0; x < line; x++) out[y * line + x] = Math.floor(sums[x]! / one);
  }
  return { width, height, channels, data: out };
}

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}
