// The yardstick: head kernels and layer primitives in plain float64 TypeScript. Slow on purpose.

import type { FloatArray } from '../../checkpoint/tensorIndex';
import type { LinearWeights } from '../../model/weights';
import type { Activation } from '../../model/modelSpec';
import type { LayerOps } from '../layerOps';
import type { HeadKernels } from '../headKernels';
import { attention, pattern } from './attention';
import { symmetricEigen } from './eigen';
import { erfc } from './erf';
import { matmul, matmulTransposed, quadraticForm } from './matmul';
import { rpc } from './rpc';

/** Head kernels of `reference`. */
export function createReferenceKernels(): HeadKernels {
  return { name: 'reference', attention, pattern, rpc, symmetricEigen, quadraticForm, matmul, matmulTransposed };
}

/** Layer primitives of `reference`. */
export function createReferenceOps(): LayerOps {
  return { kernels: createReferenceKernels(), linear, layerNorm, rmsNorm, activate };
}

function linear(x: FloatArray, rows: number, weights: LinearWeights, inWidth: number, outWidth: number): Float64Array {
  const y = matmulTransposed(x, weights.weight, rows, inWidth, outWidth);
  if (weights.bias !== null) {
    for (let i = 0; i < y.length; i++) y[i]! += weights.bias[i % outWidth]!;
  }
  return y;
}

function layerNorm(x: FloatArray, rows: number, width: number, weights: LinearWeights, eps: number): Float64Array {
  const y = new Float64Array(rows * width);
  for (let i = 0; i < rows; i++) {
    let mean = 0;
    for (let j = 0; j < width; j++) mean += x[i * width + j]! / width;
    let variance = 0;
    for (let j = 0; j < width; j++) variance += (x[i * width + j]! - mean) ** 2 / width;
    for (let j = 0; j < width; j++) {
      const unit = (x[i * width + j]! - mean) / Math.sqrt(variance + eps);
      y[i * width + j] = unit * weights.weight[j]! + (weights.bias?.[j] ?? 0);
    }
  }
  return y;
}

function rmsNorm(x: FloatArray, rows: number, width: number, weights: LinearWeights, eps: number): Float64Array {
  const y = new Float64Array(rows * width);
  for (let i = 0; i < rows; i++) {
    let square = 0;
    for (let j = 0; j < width; j++) square += x[i * width + j]! ** 2 / width;
    for (let j = 0; j < width; j++)
      y[i * width + j] = (x[i * width + j]! / Math.sqrt(square + eps)) * weights.weight[j]!;
  }
  return y;
}

const functions: Readonly<Record<Activation, (x: number) => number>> = {
  gelu,
  gelu_tanh: geluTanh,
  quick_gelu: (x) => x * sigmoid(1.702 * x),
  relu,
  silu: (x) => x * sigmoid(x),
};

function activate(kind: Activation, x: FloatArray): Float64Array {
  return Float64Array.from(x, functions[kind]);
}

/** 1/(1 + exp(-x)); exp overflows to infinity only where the result is 0 anyway. */
function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** x/2 (1 + erf(x/sqrt 2)), written with erfc so that the left tail does not cancel. */
function gelu(x: number): number {
  return 0.5 * x * erfc(-x / Math.SQRT2);
}

function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

function relu(x: number): number {
  return x > 0 || Number.isNaN(x) ? x : 0;
}
