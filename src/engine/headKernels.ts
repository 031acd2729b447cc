// Float64 work on one head, as the diagnostics need it many times over: attention, RPC, products,
// eigenvectors. Implemented twice: plain TypeScript (`reference/`, the yardstick) and WebAssembly SIMD (`cpu/`).

import type { ScoreRule } from '../model/blockShape';
import type { RpcVariant } from '../model/modelSpec';
import type { EigenPairs } from './symmetricEigen';

export interface RpcParameters {
  readonly variant: RpcVariant;
  readonly iterations: number;
  readonly lambda: number;
  /** C, the model width: `code` has it in mu. */
  readonly embedDim: number;
}

/** What happens in each iteration t = 1..n, spec section 2 F4. All [n]. */
export interface RpcTraceNumbers {
  readonly mu: number;
  readonly tau: number;
  /** ||K - L - S|| / ||K|| */
  readonly residual: readonly number[];
  /** Fraction of S that is not zero. */
  readonly density: readonly number[];
  /** ||S|| / ||K|| */
  readonly sparseNorm: readonly number[];
}

export interface RpcOutput {
  /** [N, d] */
  readonly out: Float64Array;
  /** [N, d] cleaned keys of the last iteration. */
  readonly cleanedKeys: Float64Array;
  readonly numbers: RpcTraceNumbers;
}

/** Where the iteration stands after pass t; each reading is a copy [N, d]. */
export interface RpcStep {
  /** t, from 1. */
  readonly iteration: number;
  low(): Float64Array;
  sparse(): Float64Array;
  cleanedKeys(): Float64Array;
}

/**
 * q, k, v are [N, d] row-major. `q` null means symmetric (q = k). Scores are q.k / sqrt(d) over all keys, unless a
 * rule says otherwise (mask and scale inside the softmax; with RPC that is an extension, spec section 2).
 * All functions are pure: inputs are not changed, outputs are fresh arrays.
 */
export interface HeadKernels {
  readonly name: 'reference' | 'wasm';
  /** h = softmax(q k^T / sqrt(d)) v, [N, d]. `v` may have another width than q and k: [N, dv]. */
  attention(
    q: Float64Array | null,
    k: Float64Array,
    v: Float64Array,
    tokens: number,
    headDim: number,
    rule?: ScoreRule,
  ): Float64Array;
  /** Attention pattern [N, N], rows sum to 1. */
  pattern(q: Float64Array | null, k: Float64Array, tokens: number, headDim: number, rule?: ScoreRule): Float64Array;
  /**
   * RPC-Attention. With `q` the asymmetric what-if `+asym`: only the keys are cleaned, scores q K2^T. mu and tau do not
   * depend on n, so pass t of n is the last one of t: `onStep` hears of each, and may call none of these kernels.
   */
  rpc(
    q: Float64Array | null,
    k: Float64Array,
    v: Float64Array,
    tokens: number,
    headDim: number,
    parameters: RpcParameters,
    rule?: ScoreRule,
    onStep?: (step: RpcStep) => void,
  ): RpcOutput;
  /**
   * All eigenvalues of a symmetric a [n, n], descending, and the unit eigenvectors of the first `count` of them, checked
   * against spec section 7.
   * @throws EngineError internal when they do not pass.
   */
  symmetricEigen(a: Float64Array, n: number, count: number): EigenPairs;
  /** Sum over the rows q of x [count, n] of q a q^T, for a symmetric a [n, n]. */
  quadraticForm(a: Float64Array, n: number, x: Float64Array): number;
  /** a [m, k] times b [k, n]. */
  matmul(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array;
  /** a [m, k] times the transpose of b [n, k]. */
  matmulTransposed(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array;
}
