// Rotary positions: angles of every token and pair in float64, and their application to q or k. The same tables
// serve the layer, the GPU and token noise (which projects again).

import type { RopeShape } from '../model/modelSpec';
import type { FloatArray } from '../checkpoint/tensorIndex';

/** Plain data: it crosses to workers. cos and sin are [N, dims/2]. */
export interface RopeTables {
  readonly dims: number;
  readonly style: RopeShape['style'];
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

/** theta^(-2j/dims) for j < dims/2, scaled as the model was (model-families.md section 3). */
export function ropeFrequencies(rope: RopeShape): Float64Array {
  const { theta, dims, scaling } = rope;
  return Float64Array.from({ length: dims / 2 }, (_, j) => {
    const frequency = theta ** ((-2 * j) / dims);
    if (scaling === null) return frequency;
    if (scaling.kind === 'linear') return frequency / scaling.factor;
    const wavelength = (2 * Math.PI) / frequency;
    const { factor, lowFrequency, highFrequency, originalContext } = scaling;
    if (wavelength < originalContext / highFrequency) return frequency;
    if (wavelength > originalContext / lowFrequency) return frequency / factor;
    const smooth = (originalContext / wavelength - lowFrequency) / (highFrequency - lowFrequency);
    return ((1 - smooth) * frequency) / factor + smooth * frequency;
  });
}

/** Tables for tokens 0..N-1; null without rotary positions. `divisors` [dims/2]: of each frequency, from the file. */
export function ropeTables(
  rope: RopeShape | null,
  tokens: number,
  divisors: FloatArray | null = null,
): RopeTables | null {
  if (rope === null) return null;
  const scaled = ropeFrequencies(rope);
  const frequencies = divisors === null ? scaled : scaled.map((frequency, j) => frequency / divisors[j]!);
  const half = frequencies.length;
  const cos = new Float64Array(tokens * half);
  const sin = new Float64Array(tokens * half);
  for (let i = 0; i < tokens; i++) {
    for (let j = 0; j < half; j++) {
      cos[i * half + j] = Math.cos(i * frequencies[j]!);
      sin[i * half + j] = Math.sin(i * frequencies[j]!);
    }
  }
  return { dims: rope.dims, style: rope.style, cos, sin };
}

/** Copy of x [H, N, d] (or [N, d]) with the rotation undone: a rotation loses nothing but round-off. */
export function unrotate(x: FloatArray, tables: RopeTables | null, headDim: number): Float64Array {
  return rotate(x, tables === null ? null : { ...tables, sin: tables.sin.map((value) => -value) }, headDim);
}

/** Rotated copy of x [H, N, d] (or [N, d]); entries past `dims` stay. */
export function rotate(x: FloatArray, tables: RopeTables | null, headDim: number): Float64Array {
  const out = Float64Array.from(x);
  if (tables === null) return out;
  const { dims, style, cos, sin } = tables;
  const half = dims / 2;
  const tokens = half === 0 ? 0 : cos.length / half;
  for (let row = 0; row < x.length / headDim; row++) {
    const base = row * headDim;
    const angles = (row % tokens) * half;
    for (let j = 0; j < half; j++) {
      const [first, second] = style === 'half' ? [base + j, base + half + j] : [base + 2 * j, base + 2 * j + 1];
      const a = x[first]!;
      const b = x[second]!;
      out[first] = a * cos[angles + j]! - b * sin[angles + j]!;
      out[second] = b * cos[angles + j]! + a * sin[angles + j]!;
    }
  }
  return out;
}
