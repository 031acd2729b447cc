// Tapped values of one attention block as [heads, tokens, d] in float64, whatever axes the graph gives them.

import type { PlainSite, Tap } from '../../model/onnx/attentionSite';
import { EngineError } from '../backend';
import { repeatHeads } from '../headLayout';
import { floatsOf, type GraphTensor } from './graphTensor';

export interface TappedHeads {
  readonly tokens: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** [H, N, d] each, as projected (without factors of the scale); k and v once per query head. */
  readonly q: Float64Array;
  readonly k: Float64Array;
  readonly v: Float64Array;
  /** [H, N, N] and [H, N, d] as the graph computes them; pattern null where it cannot be tapped. */
  readonly pattern: Float64Array | null;
  readonly out: Float64Array;
}

interface Cube {
  /** [lead, rows, columns] */
  readonly lead: number;
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** @throws EngineError internal when the values have other sizes than attention has. */
export function tappedHeads(site: PlainSite, values: ReadonlyMap<string, GraphTensor>): TappedHeads {
  const read = (tap: Tap): Cube => cube(site.where, tap, values.get(tap.name));
  const [q, k, v, pattern, out] = [site.q, site.k, site.v, site.pattern, site.out].map(read) as [
    Cube,
    Cube,
    Cube,
    Cube,
    Cube,
  ];
  const { lead: heads, rows: tokens, columns: headDim } = q;
  const fits =
    k.rows === tokens &&
    k.columns === headDim &&
    v.rows === tokens &&
    v.columns === headDim &&
    heads % k.lead === 0 &&
    heads % v.lead === 0 &&
    pattern.data.length === heads * tokens * tokens &&
    out.data.length === heads * tokens * headDim;
  if (!fits) {
    const sizes = [q, k, v, pattern, out].map(({ lead, rows, columns }) => `[${lead}, ${rows}, ${columns}]`).join(', ');
    throw new EngineError(
      'internal',
      `The attention at ${site.where} has q, k, v, pattern and output of the sizes ${sizes}, which are not those of self-attention. Leave this layer out with --layers.`,
    );
  }
  return {
    tokens,
    heads,
    kvHeads: sharedHeads(k.data, k.lead, site.kvHeads ?? k.lead),
    headDim,
    q: divided(q.data, site.queryFactor),
    k: repeatHeads(divided(k.data, site.keyFactor), k.lead, heads),
    v: repeatHeads(v.data, v.lead, heads),
    pattern: pattern.data,
    out: out.data,
  };
}

/** Expanded keys stand there once per query head; the shapes say how often, the values whether they are neighbours. */
function sharedHeads(k: Float64Array, heads: number, kvHeads: number): number {
  if (kvHeads >= heads || heads % kvHeads !== 0) return heads;
  const size = k.length / heads;
  const group = heads / kvHeads;
  for (let h = 0; h < heads; h += 1) {
    const first = Math.floor(h / group) * group;
    for (let i = 0; i < size; i += 1) if (k[h * size + i] !== k[first * size + i]) return heads;
  }
  return kvHeads;
}

function divided(values: Float64Array, factor: number): Float64Array {
  return factor === 1 ? values : values.map((value) => value / factor);
}

function cube(where: string, { name, layout }: Tap, tensor: GraphTensor | undefined): Cube {
  const shape = tensor?.shape ?? [];
  if (tensor === undefined || shape.length < 2) {
    throw new EngineError('internal', `The value "${name}" of the attention at ${where} could not be tapped.`);
  }
  const order = [...shape.keys()];
  if (layout === 'columns') order.push(...order.splice(-2, 1));
  const axes = typeof layout === 'string' ? order : layout;
  if (axes.length !== shape.length) {
    throw new EngineError('internal', `The value "${name}" of the attention at ${where} has ${shape.length} axes.`);
  }
  const sizes = axes.map((axis) => shape[axis] ?? 0);
  const [rows = 0, columns = 0] = sizes.slice(-2);
  const data = permuted(Float64Array.from(floatsOf(tensor)), shape, axes);
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new EngineError(
      'nonFinite',
      `The value "${name}" of the attention at ${where} holds ${data[bad]!}. Check the input, or the model's float16 range.`,
    );
  }
  return { lead: sizes.slice(0, -2).reduce((all, size) => all * size, 1), rows, columns, data };
}

/** x with its axes in the order given. */
function permuted(x: Float64Array, shape: readonly number[], axes: readonly number[]): Float64Array {
  if (axes.every((axis, i) => axis === i)) return x;
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((all, size) => all * size, 1));
  const sizes = axes.map((axis) => shape[axis]!);
  const steps = axes.map((axis) => strides[axis]!);
  const out = new Float64Array(x.length);
  const at = sizes.map(() => 0);
  let from = 0;
  for (let i = 0; i < out.length; i += 1) {
    out[i] = x[from]!;
    for (let axis = sizes.length - 1; axis >= 0; axis -= 1) {
      from += steps[axis]!;
      at[axis]! += 1;
      if (at[axis]! < sizes[axis]!) break;
      from -= steps[axis]! * sizes[axis]!;
      at[axis] = 0;
    }
  }
  return out;
}
