// q, k, v of a fused attention node from its inputs: what the node computes inside and does not give away. Packing as in
// ONNX Runtime's operator documentation (ContribOperators) and ONNX's for opset 23.

import type { FusedSite } from '../../model/onnx/attentionSite';
import { EngineError } from '../backend';
import { repeatHeads, splitHeads } from '../headLayout';
import type { HeadKernels } from '../headKernels';
import { rotate } from '../rope';
import { floatsOf, type GraphTensor } from './graphTensor';
import type { TappedHeads } from './tappedHeads';

interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** A tensor of the file; null where the name is a computed value. */
export type ReadWeight = (name: string) => Promise<Numbers | null>;

/** The inputs of GroupQueryAttention that hold cosines and sines. */
const [cosInput, sinInput] = [7, 8];

/** Values of the graph to look at. */
export function fusedTaps(site: FusedSite): readonly string[] {
  const used = site.operator === 'MultiHeadAttention' ? [0, 1, 2, 3] : [0, 1, 2];
  const names = [...used, ...(site.rotary === 'none' ? [] : [cosInput, sinInput])].map((i) => site.inputs[i] ?? '');
  return [...names.filter((name) => name !== ''), site.output];
}

interface Parts {
  /** [H, N, d] */
  readonly q: Float64Array;
  /** [kvHeads, N, d] */
  readonly k: Float64Array;
  readonly v: Float64Array;
}

/** @throws EngineError internal where the inputs have other sizes than the operator's documentation gives them. */
export async function fusedHeads(
  site: FusedSite,
  values: ReadonlyMap<string, GraphTensor>,
  weight: ReadWeight,
  kernels: HeadKernels,
): Promise<TappedHeads> {
  const { where } = site;
  const fail = (what: string): never => {
    throw new EngineError(
      'internal',
      `${where}: ${what}, which is not in this version. Export the model without this fusion to inspect it.`,
    );
  };
  const heads = site.heads ?? fail('it does not say its number of heads');
  const kvHeads = site.kvHeads ?? heads;
  const input = async (i: number): Promise<Numbers | null> => {
    const name = site.inputs[i] ?? '';
    const value = values.get(name);
    if (value !== undefined) return { shape: value.shape, data: Float64Array.from(floatsOf(value)) };
    return name === '' ? null : weight(name);
  };
  const first = (await input(0)) ?? fail('its first input is missing');
  const wide = first.shape.length === 4;
  const tokens = first.shape[wide ? 2 : 1] ?? 0;
  const d = site.headDim ?? fail('its head dimension is not known');

  const split = (x: Numbers, count: number, bias: Float64Array | null): Float64Array => {
    if (x.data.length !== count * tokens * d) return fail('it has queries, keys or values of unequal sizes');
    if (x.shape.length === 4) return bias === null ? x.data : fail('it adds a bias to keys that are cut into heads');
    const width = count * d;
    const sum = bias === null ? x.data : x.data.map((value, i) => value + bias[i % width]!);
    return splitHeads(sum, tokens, width, 0, count, d);
  };

  const parts = async (): Promise<Parts> => {
    if (site.operator === 'Attention') {
      const [packed, bias] = [await input(1), await input(2)];
      const inner = heads * d;
      const channels = first.data.length / tokens;
      const widths = site.widths ?? [inner, inner, inner];
      const total = widths.reduce((sum, width) => sum + width, 0);
      if (widths.some((width) => width !== inner) || packed?.data.length !== channels * total)
        return fail('it packs q, k and v of unequal sizes');
      const rows = kernels.matmul(first.data, packed.data, tokens, channels, total);
      const sums = bias === null ? rows : rows.map((value, i) => value + bias.data[i % total]!);
      const part = (at: number): Float64Array => splitHeads(sums, tokens, total, at * inner, heads, d);
      return { q: part(0), k: part(1), v: part(2) };
    }
    const [second, third] = [await input(1), await input(2)];
    const bias = site.operator === 'MultiHeadAttention' ? ((await input(3))?.data ?? null) : null;
    const biasOf = (at: number): Float64Array | null => bias?.subarray(at * heads * d, (at + 1) * heads * d) ?? null;
    if (second === null || third === null) return packedParts(first, biasOf);
    return {
      q: split(first, heads, biasOf(0)),
      k: split(second, kvHeads, biasOf(1)),
      v: split(third, kvHeads, biasOf(2)),
    };
  };

  /** Queries, keys and values in one input: [1, N, H, 3, d], or [1, N, (H + 2 kvHeads) d]. */
  const packedParts = (all: Numbers, biasOf: (at: number) => Float64Array | null): Parts => {
    if (all.shape.length === 5) {
      const part = (at: number): Float64Array => {
        const out = new Float64Array(heads * tokens * d);
        const bias = biasOf(at);
        for (let h = 0; h < heads; h += 1) {
          for (let i = 0; i < tokens; i += 1) {
            for (let j = 0; j < d; j += 1) {
              const value = all.data[((i * heads + h) * 3 + at) * d + j]!;
              out[(h * tokens + i) * d + j] = value + (bias?.[h * d + j] ?? 0);
            }
          }
        }
        return out;
      };
      return { q: part(0), k: part(1), v: part(2) };
    }
    const width = (heads + 2 * kvHeads) * d;
    if (all.data.length !== tokens * width) return fail('it packs q, k and v in another way');
    const part = (from: number, count: number): Float64Array => splitHeads(all.data, tokens, width, from * d, count, d);
    return { q: part(0, heads), k: part(heads, kvHeads), v: part(heads + kvHeads, kvHeads) };
  };

  const found = await parts();
  const turn = await rotation(site, input, tokens);
  const [q, k] = turn === null ? [found.q, found.k] : [turn(found.q, d), turn(found.k, d)];
  const output = values.get(site.output) ?? fail('its output could not be tapped');
  const out = Float64Array.from(floatsOf(output));
  if (out.length !== heads * tokens * d) return fail('its output has another size than its queries');
  return {
    tokens,
    heads,
    kvHeads,
    headDim: d,
    q,
    k: repeatHeads(k, kvHeads, heads),
    v: repeatHeads(found.v, kvHeads, heads),
    pattern: null,
    out: output.shape.length === 4 ? out : splitHeads(out, tokens, heads * d, 0, heads, d),
  };
}

/** Rotary positions of tokens 0, 1, 2, … by the tables among the inputs; null: none. */
async function rotation(
  site: FusedSite,
  input: (i: number) => Promise<Numbers | null>,
  tokens: number,
): Promise<((x: Float64Array, headDim: number) => Float64Array) | null> {
  if (site.rotary === 'none') return null;
  const { rotary: style } = site;
  const [cos, sin] = [await input(cosInput), await input(sinInput)];
  const half = cos === null ? 0 : (cos.shape.at(-1) ?? 0);
  if (cos === null || sin === null || cos.shape.length !== 2 || cos.data.length < tokens * half) {
    throw new EngineError('internal', `${site.where}: its tables of cosines and sines could not be read.`);
  }
  const table = (x: Float64Array): Float64Array => x.slice(0, tokens * half);
  const tables = { dims: 2 * half, style, cos: table(cos.data), sin: table(sin.data) };
  return (x, headDim) => rotate(x, tables, headDim);
}
