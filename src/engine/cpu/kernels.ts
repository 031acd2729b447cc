// Head kernels and layer primitives in WebAssembly SIMD, float64: copies in, one call, copies out. The numbers
// agree with `reference` to round-off; sums run in another order.

import type { FloatArray } from '../../checkpoint/tensorIndex';
import type { LinearWeights } from '../../model/weights';
import { plainScores, type ScoreRule } from '../../model/blockShape';
import type { Activation } from '../../model/modelSpec';
import type { LayerOps } from '../layerOps';
import type { HeadKernels, RpcOutput, RpcParameters, RpcStep } from '../headKernels';
import { rpcConstants } from '../rpcConstants';
import { plainEigen } from '../reference/eigen';
import { checkedEigen } from '../symmetricEigen';
import { wasmEigen } from './eigen';
import { activate32, linear32, sigmoidSlope } from './float32';
import { inPanels } from './panels';
import { instantiateKernels, type WasmModule } from './wasmModule';

/** Head kernels of `cpu`, on a WebAssembly instance of their own. */
export async function createCpuKernels(): Promise<HeadKernels> {
  return headKernels(await instantiateKernels());
}

/** Layer primitives of `cpu`, on a WebAssembly instance of their own. */
export async function createCpuOps(): Promise<LayerOps> {
  const module = await instantiateKernels();
  return {
    kernels: headKernels(module),
    linear: (x, rows, weights, inWidth, outWidth) => linear(module, x, rows, weights, inWidth, outWidth),
    layerNorm: (x, rows, width, weights, eps) => layerNorm(module, x, rows, width, weights, eps),
    rmsNorm: (x, rows, width, weights, eps) => rmsNorm(module, x, rows, width, weights, eps),
    activate: (kind, x) => activate(module, kind, x),
  };
}

/** The same with products and activations in float32: weights are used as a float32 checkpoint stores them. */
export async function createFloat32CpuOps(): Promise<LayerOps> {
  const module = await instantiateKernels();
  return {
    kernels: headKernels(module),
    linear: (x, rows, weights, inWidth, outWidth) => linear32(module, x, rows, weights, inWidth, outWidth),
    layerNorm: (x, rows, width, weights, eps) => layerNorm(module, x, rows, width, weights, eps),
    rmsNorm: (x, rows, width, weights, eps) => rmsNorm(module, x, rows, width, weights, eps),
    activate: (kind, x) => activate32(module, kind, x),
  };
}

function headKernels(module: WasmModule): HeadKernels {
  return {
    name: 'wasm',
    attention: (q, k, v, tokens, headDim, rule) => attention(module, q, k, v, tokens, headDim, rule ?? plainScores),
    pattern: (q, k, tokens, headDim, rule) => pattern(module, q, k, tokens, headDim, rule ?? plainScores),
    rpc: (q, k, v, tokens, headDim, parameters, rule, onStep) =>
      rpc(module, q, k, v, tokens, headDim, parameters, rule ?? plainScores, onStep),
    symmetricEigen: (a, n, count) =>
      checkedEigen(
        a,
        n,
        () => wasmEigen(module, a, n, count),
        () => plainEigen(a, n, count),
      ),
    quadraticForm: (a, n, x) => quadraticForm(module, a, n, x),
    matmul: (a, b, m, k, n) => product(module, 0, a, b, null, m, k, n),
    matmulTransposed: (a, b, m, k, n) => product(module, 1, a, b, null, m, k, n),
  };
}

/** a [m, k] times b, plus bias [n]; b is [k, n], or [n, k] when transposed is 1. */
function product(
  module: WasmModule,
  transposed: 0 | 1,
  a: FloatArray,
  b: FloatArray,
  bias: FloatArray | null,
  m: number,
  k: number,
  n: number,
): Float64Array {
  // No inner dimension means a sum of nothing; the tiles would leave the output unwritten.
  if (k === 0) return new Float64Array(m * n).map((_, i) => bias?.[i % n] ?? 0);
  module.reset();
  const pack = module.alloc(module.exports.gemmScratch());
  const c = module.alloc(m * n);
  const pa = module.put(a);
  const pb = module.put(b);
  const pBias = bias === null ? null : module.put(bias);
  module.exports.gemm(transposed, pa, pb, c, m, k, n, pack);
  if (pBias !== null) module.exports.addBias(c, pBias, m, n);
  return module.take(c, m * n);
}

function quadraticForm(module: WasmModule, a: Float64Array, n: number, x: Float64Array): number {
  const count = x.length / n;
  module.reset();
  const pack = module.alloc(module.exports.gemmScratch());
  const work = module.alloc(module.exports.quadraticFormScratch(count));
  return module.exports.quadraticForm(module.put(a), n, module.put(x), count, work, pack);
}

/** Panels of the weight's rows: their float64 copies are 32 MB, where the matrices of a large model are 700 MB. */
function linear(
  module: WasmModule,
  x: FloatArray,
  rows: number,
  weights: LinearWeights,
  inWidth: number,
  outWidth: number,
): Float64Array {
  const out = new Float64Array(rows * outWidth);
  return inPanels(out, rows, weights, inWidth, outWidth, (some, width) =>
    product(module, 1, x, some.weight, some.bias, rows, inWidth, width),
  );
}

function layerNorm(
  module: WasmModule,
  x: FloatArray,
  rows: number,
  width: number,
  weights: LinearWeights,
  eps: number,
): Float64Array {
  module.reset();
  const from = module.put(x);
  const to = module.alloc(rows * width);
  const gain = module.put(weights.weight);
  // Address 0 holds nothing of ours: the kernel reads it as "no bias".
  const bias = weights.bias === null ? 0 : module.put(weights.bias);
  module.exports.layerNorm(from, to, rows, width, gain, bias, eps);
  return module.take(to, rows * width);
}

function rmsNorm(
  module: WasmModule,
  x: FloatArray,
  rows: number,
  width: number,
  weights: LinearWeights,
  eps: number,
): Float64Array {
  module.reset();
  const from = module.put(x);
  const to = module.alloc(rows * width);
  module.exports.rmsNorm(from, to, rows, width, module.put(weights.weight), eps);
  return module.take(to, rows * width);
}

/** Scale, causal flag and window as the kernels take them; window 0: none. */
function ruleArguments(rule: ScoreRule, headDim: number): [scale: number, causal: number, window: number] {
  return [rule.scale ?? 1 / Math.sqrt(headDim), rule.causal ? 1 : 0, rule.window ?? 0];
}

function activate(module: WasmModule, kind: Activation, x: FloatArray): Float64Array {
  module.reset();
  const at = module.put(x);
  if (kind === 'gelu') module.exports.gelu(at, x.length);
  else if (kind === 'gelu_tanh') module.exports.geluTanh(at, x.length);
  else if (kind === 'relu') module.exports.relu(at, x.length);
  else module.exports.sigmoidUnit(at, x.length, sigmoidSlope[kind]);
  return module.take(at, x.length);
}

function attention(
  module: WasmModule,
  q: Float64Array | null,
  k: Float64Array,
  v: Float64Array,
  tokens: number,
  headDim: number,
  rule: ScoreRule,
): Float64Array {
  module.reset();
  const valueDim = v.length / tokens;
  const keys = module.put(k);
  const queries = q === null ? keys : module.put(q);
  const values = module.put(v);
  const out = module.alloc(v.length);
  const scratch = module.alloc(module.exports.attentionScratch(tokens, headDim, valueDim));
  const how = ruleArguments(rule, headDim);
  module.exports.attention(queries, keys, values, out, tokens, headDim, valueDim, scratch, ...how);
  return module.take(out, v.length);
}

function pattern(
  module: WasmModule,
  q: Float64Array | null,
  k: Float64Array,
  tokens: number,
  headDim: number,
  rule: ScoreRule,
): Float64Array {
  module.reset();
  const keys = module.put(k);
  const queries = q === null ? keys : module.put(q);
  const out = module.alloc(tokens * tokens);
  const scratch = module.alloc(module.exports.attentionScratch(tokens, headDim, 0));
  module.exports.pattern(queries, keys, out, tokens, headDim, scratch, ...ruleArguments(rule, headDim));
  return module.take(out, tokens * tokens);
}

function rpc(
  module: WasmModule,
  q: Float64Array | null,
  k: Float64Array,
  v: Float64Array,
  tokens: number,
  headDim: number,
  parameters: RpcParameters,
  rule: ScoreRule,
  onStep?: (step: RpcStep) => void,
): RpcOutput {
  const size = tokens * headDim;
  const n = parameters.iterations;
  let keyNorm1 = 0;
  let keySquares = 0;
  for (const key of k) {
    keyNorm1 += Math.abs(key);
    keySquares += key * key;
  }
  const { mu, tau, sigma } = rpcConstants(parameters, keyNorm1, tokens, headDim);
  module.reset();
  const queries = q === null ? 0 : module.put(q);
  const keys = module.put(k);
  const values = module.put(v);
  const [low, cleaned, sparse, dual] = [size, size, size, size].map((length) => module.alloc(length));
  const numbersAt = module.alloc(3 * n);
  const scratch = module.alloc(module.exports.attentionScratch(tokens, headDim, headDim));
  const how = ruleArguments(rule, headDim);
  const iterate = (from: number, count: number): void => {
    const begin = from === 0 ? 1 : 0;
    const at = numbersAt + 3 * from * Float64Array.BYTES_PER_ELEMENT;
    const state = [low!, cleaned!, sparse!, dual!] as const;
    module.exports.rpc(
      queries,
      keys,
      values,
      ...state,
      tokens,
      headDim,
      begin,
      count,
      mu,
      tau,
      sigma,
      at,
      scratch,
      ...how,
    );
  };
  if (onStep === undefined) iterate(0, n);
  else {
    for (let t = 1; t <= n; t++) {
      iterate(t - 1, 1);
      onStep({
        iteration: t,
        low: () => module.take(low!, size),
        sparse: () => module.take(sparse!, size),
        cleanedKeys: () => module.take(cleaned!, size),
      });
    }
  }
  const numbers = module.take(numbersAt, 3 * n);
  const each = (read: (t: number) => number): number[] => Array.from({ length: n }, (_, t) => read(3 * t));
  return {
    out: module.take(low!, size),
    cleanedKeys: module.take(cleaned!, size),
    numbers: {
      mu,
      tau,
      residual: each((t) => Math.sqrt(numbers[t]! / keySquares)),
      density: each((t) => numbers[t + 1]! / size),
      sparseNorm: each((t) => Math.sqrt(numbers[t + 2]! / keySquares)),
    },
  };
}
