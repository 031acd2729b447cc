// Every kernel once, on small inputs, against float64 arithmetic written out here, before the first checkpoint is
// trusted to the device: drivers miscompile, and a wrong kernel looks like an interesting head.

import { plainScores, visibleKeys, type ScoreRule } from '../../model/blockShape';
import { EngineError } from '../backend';
import type { BufferScope } from './bufferPool';
import { paddedDim, type HeadAttention, type HeadSizes } from './headAttention';
import { activation, layerNorm, linear, read, tensorOf, type TensorFlow } from './tensorFlow';

/** Error relative to the largest value that a kernel may show. Float32 round-off here is below 2e-6. */
export const selfCheckTolerance = 2e-5;

export interface SelfCheckEntry {
  /** Kernel or operation. */
  readonly kernel: string;
  /** max |GPU - float64| / max |float64| */
  readonly error: number;
}

/** One over a tile of 32 rows, odd, with d no multiple of 4, and one key more than a vec4 holds. */
const sizes: HeadSizes = { heads: 2, tokens: 37, headDim: 6 };

/**
 * Runs scores + softmax (pattern), with and without a mask, weighted values, RPC shrink, and tfjs's matmul, LayerNorm and GELU.
 * @throws EngineError selfCheck naming the first kernel that is wrong, and by how much.
 */
export async function selfCheck(
  flow: TensorFlow,
  attention: HeadAttention,
  scope: BufferScope,
): Promise<SelfCheckEntry[]> {
  const entries: SelfCheckEntry[] = [];
  const note = (kernel: string, actual: Float32Array, expected: Float64Array): void => {
    const error = relativeError(actual, expected);
    entries.push({ kernel, error });
    // A comparison written this way round also fails for NaN.
    if (!(error <= selfCheckTolerance)) {
      throw new EngineError(
        'selfCheck',
        `The graphics device computes the kernel "${kernel}" wrong: error ${error.toExponential(1)} of the largest value, allowed ${selfCheckTolerance}. Use the cpu backend and report the adapter.`,
      );
    }
  };

  const { heads, tokens, headDim } = sizes;
  const q = waves(heads * tokens * headDim, 1.3, 2);
  const k = waves(heads * tokens * headDim, 0.7, 1.5);
  const v = waves(heads * tokens * headDim, 2.1, 1);
  const upload = (values: Float64Array, label: string): GPUBuffer => scope.upload(padded(values), label);
  const [queries, keys, values] = [upload(q, 'check q'), upload(k, 'check k'), upload(v, 'check v')];
  const count = heads * tokens * paddedDim(headDim);

  const soft = await attention.attend(scope, sizes, queries, keys, values, true);
  const pattern = patternOf(q, k);
  note(`attention scores and softmax (${attention.family})`, soft.pattern!, pattern);
  const weighed = await scope.read(soft.out, count, 'check weighted values');
  note(`weighted values (${attention.family})`, weighed, paddedDouble(weigh(pattern, v)));

  const rule = { causal: true, window: 5, scale: 0.6 };
  const masked = await attention.attend(scope, { ...sizes, rule }, queries, keys, values, true);
  note(`masked attention (${attention.family})`, masked.pattern!, patternOf(q, k, rule));

  const plan = { tau: [0.4, 0.8], sigma: -1 as const, iterations: 2 };
  const robust = await attention.rpc(scope, sizes, null, keys, values, plan, false);
  const low = await scope.read(robust.out, count, 'check RPC');
  note('RPC iteration', low, paddedDouble(rpcOf(k, v, plan.tau, plan.iterations)));

  flow.activate();
  const [rows, width, out] = [5, 7, 9];
  const x = waves(rows * width, 0.9, 3);
  const weight = waves(out * width, 1.7, 1);
  const bias = waves(out, 2.3, 1);
  const xTensor = tensorOf(x, [rows, width], 'self-check');
  const product = linear(xTensor, { weight, bias }, 'self-check');
  const [productRead, normRead, geluRead] = await Promise.all([
    read(product, 'self-check'),
    read(layerNorm(product, { weight: bias, bias: bias }, 1e-6, 'self-check'), 'self-check'),
    read(activation('gelu', product), 'self-check'),
  ]);
  const expected = new Float64Array(rows * out).map((_, at) => {
    const [i, o] = [Math.floor(at / out), at % out];
    let sum = bias[o]!;
    for (let j = 0; j < width; j++) sum += x[i * width + j]! * weight[o * width + j]!;
    return sum;
  });
  note('linear map (tfjs)', productRead, expected);
  note('LayerNorm (tfjs)', normRead, normOf(expected, out, bias));
  note('GELU (tfjs)', geluRead, expected.map(geluOf));
  return entries;
}

/** max |a - b| / max |b|; NaN stays NaN. */
function relativeError(actual: Float32Array, expected: Float64Array): number {
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(difference)) return NaN;
    worst = Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return worst / largest;
}

/** Values without a pattern, exact in float32. */
function waves(length: number, frequency: number, amplitude: number): Float64Array {
  return new Float64Array(length).map((_, i) => Math.fround(amplitude * Math.sin(frequency * i + 0.01 * i * i)));
}

function padded(values: Float64Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(paddedDouble(values));
}

/** [H, N, d] with zeros behind d. */
function paddedDouble(values: Float64Array): Float64Array {
  const { heads, tokens, headDim } = sizes;
  const d4 = paddedDim(headDim);
  const out = new Float64Array(heads * tokens * d4);
  for (let i = 0; i < heads * tokens; i++) out.set(values.subarray(i * headDim, (i + 1) * headDim), i * d4);
  return out;
}

function patternOf(q: Float64Array, k: Float64Array, rule: ScoreRule = plainScores): Float64Array {
  const { heads, tokens, headDim } = sizes;
  const out = new Float64Array(heads * tokens * tokens);
  for (let i = 0; i < heads * tokens; i++) {
    const first = Math.floor(i / tokens) * tokens;
    const row = out.subarray(i * tokens, (i + 1) * tokens);
    for (let j = 0; j < tokens; j++) {
      for (let c = 0; c < headDim; c++) row[j]! += q[i * headDim + c]! * k[(first + j) * headDim + c]!;
    }
    const { from, to } = visibleKeys(rule, i % tokens, tokens);
    const factor = rule.scale ?? 1 / Math.sqrt(headDim);
    const scaled = row.map((score, j) => (j >= from && j < to ? score * factor : -Infinity));
    const top = Math.max(...scaled);
    const sum = scaled.reduce((total, score) => total + Math.exp(score - top), 0);
    row.set(scaled.map((score) => Math.exp(score - top) / sum));
  }
  return out;
}

function weigh(pattern: Float64Array, v: Float64Array): Float64Array {
  const { heads, tokens, headDim } = sizes;
  const out = new Float64Array(heads * tokens * headDim);
  for (let i = 0; i < heads * tokens; i++) {
    const first = Math.floor(i / tokens) * tokens;
    for (let j = 0; j < tokens; j++) {
      for (let c = 0; c < headDim; c++)
        out[i * headDim + c]! += pattern[i * tokens + j]! * v[(first + j) * headDim + c]!;
    }
  }
  return out;
}

/** Spec section 2 with sigma = -1 and Y kept as Y/mu. */
function rpcOf(k: Float64Array, v: Float64Array, tau: readonly number[], iterations: number): Float64Array {
  const perHead = sizes.tokens * sizes.headDim;
  const dual = new Float64Array(k.length);
  let low = new Float64Array(k.length);
  for (let t = 0; t < iterations; t++) {
    const r = k.map((value, i) => value - low[i]! + dual[i]!);
    const sparse = r.map((value, i) => Math.sign(value) * Math.max(Math.abs(value) - tau[Math.floor(i / perHead)]!, 0));
    const cleaned = k.map((value, i) => value - sparse[i]! - dual[i]!);
    low = Float64Array.from(weigh(patternOf(cleaned, cleaned), v));
    for (let i = 0; i < k.length; i++) dual[i]! += k[i]! - low[i]! - sparse[i]!;
  }
  return low;
}

function normOf(x: Float64Array, width: number, weight: Float64Array): Float64Array {
  return x.map((value, at) => {
    const row = x.subarray(at - (at % width), at - (at % width) + width);
    const mean = row.reduce((sum, entry) => sum + entry, 0) / width;
    const variance = row.reduce((sum, entry) => sum + (entry - mean) ** 2, 0) / width;
    return ((value - mean) / Math.sqrt(variance + 1e-6)) * weight[at % width]! + weight[at % width]!;
  });
}

/** x/2 (1 + erf(x/sqrt 2)) by the Maclaurin series of erf, enough for the |x| < 15 used here. */
function geluOf(x: number): number {
  const z = x / Math.SQRT2;
  if (Math.abs(z) > 4) return x > 0 ? x : 0;
  let term = z;
  let sum = z;
  for (let n = 1; n < 120; n++) {
    term *= (-z * z) / n;
    sum += term / (2 * n + 1);
  }
  return 0.5 * x * (1 + (2 / Math.sqrt(Math.PI)) * sum);
}
