// Matrices as files lay them out, turned into the one layout the engine knows: [out, in] row-major, q, k, v rows
// one after the other. Pure functions on one tensor, so that loading holds one layer at a time.

import type { FloatArray } from '../checkpoint/tensorIndex';
import { imageShape } from './blockShape';
import { ModelSpecError, type LinearRole, type ModelSpec, type WeightLayout } from './modelSpec';
import type { LinearWeights } from './weights';

/** A matrix read from the file, or a bias (one row); `shape` is the file's. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: FloatArray;
}

/** `stored` as [out, in]. @throws ModelSpecError shapeMismatch where the layout does not fit the shape. */
export function canonicalMatrix(spec: ModelSpec, layout: LinearRole['layout'], stored: StoredTensor): FloatArray {
  return steps(layout).reduce<StoredTensor>(
    (now, step) => ({
      ...now,
      shape: step === 'in-out' ? [...now.shape].reverse() : now.shape,
      values: undone(spec, step, now),
    }),
    stored,
  ).values;
}

function steps(layout: LinearRole['layout']): readonly WeightLayout[] {
  return layout === undefined ? [] : typeof layout === 'string' ? [layout] : layout;
}

/** Rows of the matrix as the engine wants it, from the file's shape. */
export function canonicalRows(layout: LinearRole['layout'], shape: readonly number[]): number {
  const [first] = steps(layout);
  if (first === 'in-out') return shape.slice(1).reduce((product, n) => product * n, 1);
  return (first === 'heads-out' || first === 'hwio' ? shape.at(-1) : shape[0]) ?? 1;
}

function undone(spec: ModelSpec, layout: WeightLayout, stored: StoredTensor): FloatArray {
  const { shape, values } = stored;
  switch (layout) {
    case 'in-out':
      return transposed(values, shape[0] ?? 1);
    case 'heads-out':
      return transposed(values, values.length / (shape.at(-1) ?? 1));
    case 'hwio':
      return kernelFromHwio(stored);
    case 'pixels-last':
    case 'pixel-norm':
      return channelsFirst(spec, stored);
    default:
      return reorderedRows(stored, shape[0] ?? 1, rowOrder(spec, layout, stored));
  }
}

/** A bias belongs to the rows of its matrix: it moves with them. */
export function canonicalBias(spec: ModelSpec, layout: LinearRole['layout'], stored: StoredTensor): FloatArray {
  let { values } = stored;
  for (const step of steps(layout)) {
    if (step === 'in-out' || step === 'heads-out' || step === 'hwio' || step === 'pixels-last') continue;
    values =
      step === 'pixel-norm'
        ? channelsFirst(spec, { ...stored, values })
        : reorderedRows({ ...stored, values }, values.length, rowOrder(spec, step, stored));
  }
  return values;
}

/** Matrices of the same width one below the other, taken in one at a time so that none is held twice. */
export class MatrixStack {
  private weight: FloatArray | null = null;
  private filled = 0;
  private readonly biases: { readonly values: FloatArray | null; readonly rows: number }[] = [];

  /** `length`: numbers of all the matrices together. */
  constructor(private readonly length: number) {}

  /** Where the next `length` numbers go, to be filled before `add`; null where they must come as an array of their own. */
  room(length: number): Float32Array | null {
    if (length === this.length) return null;
    this.weight ??= new Float32Array(this.length);
    return this.weight instanceof Float32Array ? this.weight.subarray(this.filled, this.filled + length) : null;
  }

  add(weight: FloatArray, bias: FloatArray | null, rows: number): void {
    this.biases.push({ values: bias, rows });
    if (this.weight === null && weight.length === this.length) {
      this.weight = weight;
      return;
    }
    this.weight ??= sameKind(weight, this.length);
    // float32 so far, and exactly so in float64.
    if (weight instanceof Float64Array && this.weight instanceof Float32Array) {
      this.weight = Float64Array.from(this.weight);
    }
    if (weight.buffer !== this.weight.buffer) this.weight.set(weight, this.filled);
    this.filled += weight.length;
  }

  /** Where one part has a bias, missing ones become zeros. */
  finish(): LinearWeights {
    const { biases } = this;
    const bias = biases.some(({ values }) => values !== null)
      ? concatenated(biases.map(({ values, rows }) => values ?? new Float32Array(rows)))
      : null;
    return { weight: this.weight ?? new Float32Array(0), bias };
  }
}

/** [rows, columns] as [columns, rows]. */
export function transposed(values: FloatArray, rows: number): FloatArray {
  const columns = values.length / rows;
  const out = sameKind(values, values.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j]!;
  }
  return out;
}

/** Convolution kernel [p, p, channels, C] as [C, channels, p, p]. */
function kernelFromHwio({ name, shape, values }: StoredTensor): FloatArray {
  const [height, width, channels, out] = shape;
  if (shape.length !== 4 || height === undefined || width === undefined || channels === undefined || !out) {
    throw new ModelSpecError(
      'shapeMismatch',
      `Tensor "${name}" has shape [${shape.join(', ')}], expected [p, p, channels, C].`,
    );
  }
  const area = height * width;
  const result = sameKind(values, values.length);
  for (let at = 0; at < values.length; at++) {
    const o = at % out;
    const c = Math.floor(at / out) % channels;
    const yx = Math.floor(at / (out * channels));
    result[(o * channels + c) * area + yx] = values[at]!;
  }
  return result;
}

/** Rows of flat patches (y, x, channel) as (channel, y, x). */
function channelsFirst(spec: ModelSpec, { values }: StoredTensor): FloatArray {
  const { channels, patch } = imageShape(spec);
  const area = patch * patch;
  const result = sameKind(values, values.length);
  for (let at = 0; at < values.length; at++) {
    const within = at % (area * channels);
    const channel = within % channels;
    result[at - within + channel * area + Math.floor(within / channels)] = values[at]!;
  }
  return result;
}

/** For every row of the result the row of the file it comes from. */
function rowOrder(
  spec: ModelSpec,
  layout: 'by-head' | 'query-pairs' | 'key-pairs',
  { name, shape }: StoredTensor,
): Int32Array {
  const { heads, kvHeads, headDim: d } = spec;
  const count = layout === 'by-head' ? 3 * heads : layout === 'query-pairs' ? heads : kvHeads;
  if (shape[0] !== count * d) {
    throw new ModelSpecError(
      'shapeMismatch',
      `Tensor "${name}" has shape [${shape.join(', ')}], expected ${count * d} rows for ${layout === 'key-pairs' ? kvHeads : heads} heads of ${d}.`,
    );
  }
  return Int32Array.from({ length: count * d }, (_, row) => {
    const within = row % d;
    const block = Math.floor(row / d);
    if (layout === 'by-head') return ((block % heads) * 3 + Math.floor(block / heads)) * d + within;
    // The file has entries j and j + d/2 of a head as neighbours 2j and 2j + 1.
    const half = d / 2;
    return block * d + (within < half ? 2 * within : 2 * (within - half) + 1);
  });
}

function reorderedRows({ values }: StoredTensor, rows: number, order: Int32Array): FloatArray {
  const width = values.length / rows;
  const out = sameKind(values, values.length);
  order.forEach((from, to) => {
    out.set(values.subarray(from * width, (from + 1) * width), to * width);
  });
  return out;
}

function concatenated(parts: readonly FloatArray[]): FloatArray {
  if (parts.length === 1) return parts[0]!;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const out = parts.every((part) => part instanceof Float32Array) ? new Float32Array(length) : new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function sameKind(values: FloatArray, length: number): FloatArray {
  return values instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
}
