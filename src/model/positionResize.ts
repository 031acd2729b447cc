// Position embeddings for another grid of patches than the one that was trained: every family's code has a rule of its
// own, and the rules give different numbers. Separable filters over rows and columns, in float64.

import type { FloatArray } from '../checkpoint/tensorIndex';

/**
 * 'bicubic', 'bilinear': torch.nn.functional.interpolate to the new size, align_corners false; 'antialias' with
 * antialias=True. 'offset': bicubic by a scale factor of (new + 0.1) / old (DINO, DINOv2). 'corners': linear, first and
 * last row kept (scipy.ndimage.zoom of order 1).
 */
export type PositionRule = 'bicubic' | 'antialias' | 'offset' | 'bilinear' | 'corners';

export interface GridSize {
  readonly height: number;
  readonly width: number;
}

export interface PositionResize {
  readonly rule: PositionRule;
  readonly from: GridSize;
  readonly to: GridSize;
}

/** What the offset adds to the new size before it is divided by the old one; against rounding, in DINO's code. */
const dinoOffset = 0.1;
/** Keys' cubic convolution: PyTorch has -0.75, with antialias -0.5 as Pillow. */
const plainCubic = -0.75;
const antialiasCubic = -0.5;

/** [prefix + h w, C] to [prefix + h' w', C] for a width C; the rows before the grid (class token, registers) stay. */
export function resizePositions(table: FloatArray, width: number, { rule, from, to }: PositionResize): Float64Array {
  const prefix = table.length - from.height * from.width * width;
  const grid = resizeGrid(Float64Array.from(table.subarray(prefix)), from, to, rule);
  const out = new Float64Array(prefix + grid.length);
  out.set(table.subarray(0, prefix));
  out.set(grid, prefix);
  return out;
}

/** A grid [h, w, C] as [h', w', C]. */
function resizeGrid(grid: Float64Array, from: GridSize, to: GridSize, rule: PositionRule): Float64Array {
  const c = grid.length / (from.height * from.width);
  const wide = new Float64Array(from.height * to.width * c);
  axisWeights(from.width, to.width, rule).forEach((taps, x) => {
    for (let y = 0; y < from.height; y++) {
      for (const { at, weight } of taps) {
        for (let j = 0; j < c; j++) wide[(y * to.width + x) * c + j]! += weight * grid[(y * from.width + at) * c + j]!;
      }
    }
  });
  const out = new Float64Array(to.height * to.width * c);
  const line = to.width * c;
  axisWeights(from.height, to.height, rule).forEach((taps, y) => {
    for (const { at, weight } of taps) {
      for (let j = 0; j < line; j++) out[y * line + j]! += weight * wide[at * line + j]!;
    }
  });
  return out;
}

interface Tap {
  readonly at: number;
  readonly weight: number;
}

/** For every place of the new axis, which places of the old one make it. */
function axisWeights(from: number, to: number, rule: PositionRule): readonly (readonly Tap[])[] {
  return Array.from({ length: to }, (_, i) => {
    if (rule === 'antialias') return antialiasTaps(from, from / to, i);
    if (rule === 'corners') return linearTaps(from, to === 1 ? 0 : (i * (from - 1)) / (to - 1));
    const scale = rule === 'offset' ? from / (to + dinoOffset) : from / to;
    const centre = (i + 0.5) * scale - 0.5;
    return rule === 'bilinear' ? linearTaps(from, Math.max(0, centre)) : cubicTaps(from, centre);
  });
}

function linearTaps(from: number, centre: number): readonly Tap[] {
  const first = Math.min(from - 1, Math.floor(centre));
  const share = centre - first;
  return [
    { at: first, weight: 1 - share },
    { at: Math.min(from - 1, first + 1), weight: share },
  ];
}

function cubicTaps(from: number, centre: number): readonly Tap[] {
  const first = Math.floor(centre);
  return [-1, 0, 1, 2].map((step) => ({
    at: Math.min(from - 1, Math.max(0, first + step)),
    weight: cubic(centre - first - step, plainCubic),
  }));
}

function antialiasTaps(from: number, scale: number, i: number): readonly Tap[] {
  const stretch = Math.max(1, scale);
  const reach = 2 * stretch;
  const centre = (i + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - reach + 0.5));
  const last = Math.min(from, Math.trunc(centre + reach + 0.5));
  const taps = Array.from({ length: last - first }, (_, k) => ({
    at: first + k,
    weight: cubic((first + k - centre + 0.5) / stretch, antialiasCubic),
  }));
  const sum = taps.reduce((total, { weight }) => total + weight, 0);
  return taps.map(({ at, weight }) => ({ at, weight: weight / sum }));
}

function cubic(x: number, a: number): number {
  const t = Math.abs(x);
  if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}
