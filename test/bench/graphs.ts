// ONNX graphs of the benchmarks' peers, float32, in the operators that an exporter writes: what ONNX Runtime makes of
// them is its own affair, with every optimisation on.

import { concat } from '../unit/checkpoint/crafted';
import { attribute, int, len, node, tensor, value } from '../unit/checkpoint/onnxCrafted';

const float = 1;
const int64 = 7;
/** LayerNormalization is an operator from here on. */
const opset = 17;

/** A model around the fields of its graph. */
const modelOf = (...graph: readonly Uint8Array[]): Uint8Array =>
  concat(int(1, 8), len(2, 'gramlens bench'), len(7, ...graph), len(8, int(2, opset)));

const bytesOf = (values: Float32Array | BigInt64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

const constant = (name: string, dims: readonly number[], values: Float32Array): Uint8Array =>
  len(5, tensor(name, dims, float, len(9, bytesOf(values))));

const sizes = (name: string, values: readonly number[]): Uint8Array =>
  len(5, tensor(name, [values.length], int64, len(9, bytesOf(BigInt64Array.from(values, BigInt)))));

const ints = (name: string, values: readonly number[]): Uint8Array =>
  attribute(name, ...values.map((one) => int(8, one)), int(20, 7));
const whole = (name: string, one: number): Uint8Array => attribute(name, int(3, one), int(20, 2));
const real = (name: string, one: number): Uint8Array =>
  attribute(name, concat(Uint8Array.of(2 * 8 + 5), bytesOf(Float32Array.of(one))), int(20, 1));

/** y [m, n] = a [m, k] times b [k, n]; inputs `a`, `b`. */
export function matmulGraph(m: number, k: number, n: number): Uint8Array {
  return modelOf(
    node('MatMul', ['a', 'b'], ['y']),
    value(11, 'a', [m, k]),
    value(11, 'b', [k, n]),
    value(12, 'y', [m, n]),
  );
}

/** y [1, H, N, d] = softmax(q k^T / sqrt d) v, decomposed. */
export function attentionGraph(heads: number, tokens: number, headDim: number): Uint8Array {
  const shape = [1, heads, tokens, headDim];
  return modelOf(
    ...attentionNodes('', 'q', 'k', 'v', 'y'),
    constant('scale', [], Float32Array.of(headDim ** -0.5)),
    ...['q', 'k', 'v'].map((name) => value(11, name, shape)),
    value(12, 'y', shape),
  );
}

function attentionNodes(prefix: string, q: string, k: string, v: string, out: string): Uint8Array[] {
  const name = (part: string): string => `${prefix}${part}`;
  return [
    node('Transpose', [k], [name('kT')], ints('perm', [0, 1, 3, 2])),
    node('MatMul', [q, name('kT')], [name('products')]),
    node('Mul', [name('products'), 'scale'], [name('scores')]),
    node('Softmax', [name('scores')], [name('pattern')], whole('axis', -1)),
    node('MatMul', [name('pattern'), v], [out]),
  ];
}

/**
 * RPC-Attention `code` of symmetric heads (spec section 2, Y kept as Y/mu): inputs `k`, `v` [1, H, N, d] and `tau`
 * [1, H, 1, 1].
 */
export function rpcGraph(heads: number, tokens: number, headDim: number, iterations: number): Uint8Array {
  const shape = [1, heads, tokens, headDim];
  const nodes: Uint8Array[] = [node('Neg', ['tau'], ['minusTau'])];
  let [low, dual] = ['zero', 'zero'];
  for (let t = 0; t < iterations; t += 1) {
    const name = (part: string): string => `${t}.${part}`;
    const last = t === iterations - 1;
    const out = last ? 'y' : name('low');
    nodes.push(
      node('Sub', ['k', low], [name('rest')]),
      node('Add', [name('rest'), dual], [name('r')]),
      node('Max', [name('r'), 'minusTau'], [name('above')]),
      node('Min', [name('above'), 'tau'], [name('inner')]),
      node('Sub', [name('r'), name('inner')], [name('sparse')]),
      node('Sub', ['k', name('sparse')], [name('kept')]),
      node('Sub', [name('kept'), dual], [name('cleaned')]),
      ...attentionNodes(name(''), name('cleaned'), name('cleaned'), 'v', out),
    );
    if (last) break;
    nodes.push(node('Sub', [name('kept'), out], [name('left')]), node('Add', [dual, name('left')], [name('dual')]));
    [low, dual] = [out, name('dual')];
  }
  return modelOf(
    ...nodes,
    constant('scale', [], Float32Array.of(headDim ** -0.5)),
    constant('zero', [], Float32Array.of(0)),
    value(11, 'k', shape),
    value(11, 'v', shape),
    value(11, 'tau', [1, heads, 1, 1]),
    value(12, 'y', shape),
  );
}

export interface LayerSizes {
  readonly tokens: number;
  readonly width: number;
  readonly heads: number;
  readonly mlp: number;
}

/** Arrays of a pre-LN block, [out, in] matrices, by the names of timm. */
export type LayerArrays = Readonly<Record<'qkv' | 'proj' | 'fc1' | 'fc2', Float32Array>>;

/** One ViT block as an exporter writes it: `x` [N, C] to `y`; norms 1 and 0, biases 0. */
export function layerGraph({ tokens, width, heads, mlp }: LayerSizes, arrays: LayerArrays): Uint8Array {
  const d = width / heads;
  const linear = (name: keyof LayerArrays, from: string, out: number, inner: number): Uint8Array[] => [
    node('MatMul', [from, `${name}.weight`], [`${name}.product`]),
    node('Add', [`${name}.product`, `${name}.bias`], [`${name}.out`]),
    constant(`${name}.weight`, [inner, out], transposed(arrays[name], out, inner)),
    constant(`${name}.bias`, [out], new Float32Array(out)),
  ];
  const norm = (from: string, to: string): Uint8Array =>
    node('LayerNormalization', [from, 'gain', 'shift'], [to], whole('axis', -1), real('epsilon', 1e-6));
  return modelOf(
    norm('x', 'x1'),
    ...linear('qkv', 'x1', 3 * width, width),
    node('Reshape', ['qkv.out', 'split'], ['parts']),
    node('Transpose', ['parts'], ['ordered'], ints('perm', [1, 2, 0, 3])),
    node('Split', ['ordered'], ['q', 'k', 'v'], whole('axis', 0)),
    ...attentionNodes('', 'q', 'k', 'v', 'attended'),
    node('Transpose', ['attended'], ['byToken'], ints('perm', [0, 2, 1, 3])),
    node('Reshape', ['byToken', 'merge'], ['merged']),
    ...linear('proj', 'merged', width, width),
    node('Add', ['x', 'proj.out'], ['middle']),
    norm('middle', 'x2'),
    ...linear('fc1', 'x2', mlp, width),
    node('Mul', ['fc1.out', 'halfRoot'], ['scaled']),
    node('Erf', ['scaled'], ['erf']),
    node('Add', ['erf', 'one'], ['raised']),
    node('Mul', ['fc1.out', 'raised'], ['double']),
    node('Mul', ['double', 'half'], ['gelu']),
    ...linear('fc2', 'gelu', width, mlp),
    node('Add', ['middle', 'fc2.out'], ['y']),
    constant('scale', [], Float32Array.of(d ** -0.5)),
    constant('halfRoot', [], Float32Array.of(Math.SQRT1_2)),
    constant('half', [], Float32Array.of(0.5)),
    constant('one', [], Float32Array.of(1)),
    constant('gain', [width], new Float32Array(width).fill(1)),
    constant('shift', [width], new Float32Array(width)),
    sizes('split', [tokens, 3, heads, d]),
    sizes('merge', [tokens, width]),
    value(11, 'x', [tokens, width]),
    value(12, 'y', [tokens, width]),
  );
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j]!;
  return out;
}
