// The generic operations by tfjs on our device: LayerNorm, linear maps, activations, head layout. tfjs keeps one
// active backend a thread, so every group of operations begins with `activate()` and stays synchronous.

import * as tf from '@tensorflow/tfjs-core';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { FloatArray } from '../../checkpoint/tensorIndex';
import { blockShape } from '../../model/blockShape';
import type { Activation, ModelSpec } from '../../model/modelSpec';
import { EngineError } from '../backend';
import type { LinearWeights } from '../../model/weights';
import { requireFinite } from '../finite';
import type { RopeTables } from '../rope';

let registered = 0;

export class TensorFlow {
  private readonly name: string;

  /** Registers a tfjs backend of our own on `device`; `info` is what tfjs reads from the adapter. */
  constructor(device: GPUDevice, info: GPUAdapterInfo) {
    // tfjs quietly keeps an older backend of the same name, with its device, lost or not.
    do registered += 1;
    while ((tf.findBackendFactory(nameOf(registered)) as unknown) !== null);
    this.name = nameOf(registered);
    tf.registerBackend(this.name, () => new WebGPUBackend(device, info));
    tf.copyRegisteredKernels('webgpu', this.name);
  }

  /** @throws EngineError internal when tfjs does not take the device. */
  async start(): Promise<void> {
    if (!(await tf.setBackend(this.name))) {
      throw new EngineError(
        'internal',
        'The tensor library did not start on this graphics device. Use the cpu backend and report this.',
      );
    }
  }

  /** Makes our tfjs backend the active one, at once (its factory is synchronous). */
  activate(): void {
    // Small tensors would otherwise be computed by tfjs's own CPU code, and their GPU buffers would be missing.
    tf.env().set('WEBGPU_CPU_FORWARD', false);
    void tf.setBackend(this.name);
  }

  /** Opens a scope; tensors made until the returned function is called are disposed by it. */
  openScope(name: string): () => void {
    const engine = tf.engine();
    this.activate();
    engine.startScope(name);
    return () => {
      this.activate();
      engine.endScope();
    };
  }

  /** Live tensors and bytes of all tfjs backends of this thread. */
  memory(): { readonly tensors: number; readonly bytes: number } {
    const { numTensors, numBytes } = tf.memory();
    return { tensors: numTensors, bytes: numBytes };
  }

  dispose(): void {
    for (const { kernelName } of tf.getKernelsForBackend(this.name)) tf.unregisterKernel(kernelName, this.name);
    tf.removeBackend(this.name);
  }
}

/** Values as a tensor of `shape` in float32. @throws EngineError nonFinite when float32 cannot hold them. */
export function tensorOf(values: FloatArray, shape: number[], what: string): tf.Tensor {
  return tf.tensor(requireFinite(float32Of(values), what), shape, 'float32');
}

/** x [rows, in] W^T + b. */
export function linear(x: tf.Tensor, weights: LinearWeights, what: string): tf.Tensor {
  const width = x.shape.at(-1)!;
  const weight = tensorOf(weights.weight, [weights.weight.length / width, width], `weights of ${what}`);
  const product = tf.matMul(x, weight, false, true);
  return weights.bias === null ? product : tf.add(product, vector(weights.bias, `bias of ${what}`));
}

/** LayerNorm over the last axis with biased variance (two passes: the mean is subtracted before squaring). */
export function layerNorm(x: tf.Tensor, weights: LinearWeights, eps: number, what: string): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  const unit = tf.div(centred, tf.sqrt(tf.add(variance, eps)));
  const scaled = tf.mul(unit, vector(weights.weight, `weights of ${what}`));
  return weights.bias === null ? scaled : tf.add(scaled, vector(weights.bias, `bias of ${what}`));
}

/** The last axis over sqrt(mean(x^2) + eps), times weight. */
export function rmsNorm(x: tf.Tensor, weights: LinearWeights, eps: number, what: string): tf.Tensor {
  const size = tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), eps));
  return tf.mul(tf.div(x, size), vector(weights.weight, `weights of ${what}`));
}

/** The norm that the network has everywhere: LayerNorm or RMSNorm. */
export function networkNorm(spec: ModelSpec, x: tf.Tensor, weights: LinearWeights, what: string): tf.Tensor {
  return (blockShape(spec).norm === 'rms' ? rmsNorm : layerNorm)(x, weights, spec.layerNormEps, what);
}

/** Rotary positions on x [H, N, d]; the tables are those of ../rope.ts. */
export function rotate(x: tf.Tensor, tables: RopeTables): tf.Tensor {
  const [heads, tokens, headDim] = x.shape as [number, number, number];
  const { dims, style } = tables;
  const half = dims / 2;
  if (half === 0) return x;
  const turned = tf.slice(x, [0, 0, 0], [heads, tokens, dims]);
  const rest = tf.slice(x, [0, 0, dims], [heads, tokens, headDim - dims]);
  const cos = tensorOf(tables.cos, [1, tokens, half], 'cosines of the positions');
  const sin = tensorOf(tables.sin, [1, tokens, half], 'sines of the positions');
  const halves =
    style === 'half'
      ? tf.split(turned, 2, 2)
      : tf.split(tf.reshape(turned, [heads, tokens, half, 2]), 2, 3).map((t) => tf.reshape(t, [heads, tokens, half]));
  const [a, b] = halves as [tf.Tensor, tf.Tensor];
  const first = tf.sub(tf.mul(a, cos), tf.mul(b, sin));
  const second = tf.add(tf.mul(b, cos), tf.mul(a, sin));
  const joined =
    style === 'half' ? tf.concat([first, second], 2) : tf.reshape(tf.stack([first, second], 3), [heads, tokens, dims]);
  return dims === headDim ? joined : tf.concat([joined, rest], 2);
}

/** Rows of the last axis to mean 0 and unbiased standard deviation 1 (spec section 3, `std`). */
export function standardise(x: tf.Tensor): tf.Tensor {
  const width = x.shape.at(-1)!;
  const centred = tf.sub(x, tf.mean(x, -1, true));
  return tf.div(centred, tf.sqrt(tf.div(tf.sum(tf.square(centred), -1, true), width - 1)));
}

export function activation(kind: Activation, x: tf.Tensor): tf.Tensor {
  if (kind === 'relu') return tf.relu(x);
  if (kind === 'silu') return tf.mul(x, tf.sigmoid(x));
  if (kind === 'quick_gelu') return tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)));
  const half = tf.mul(x, 0.5);
  if (kind === 'gelu') return tf.mul(half, tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
  const cubic = tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715));
  return tf.mul(half, tf.add(tf.tanh(tf.mul(cubic, Math.sqrt(2 / Math.PI))), 1));
}

/** x + scale * branch; scale [C] is the layer scale, null means 1. */
export function addBranch(x: tf.Tensor, branch: tf.Tensor, scale: FloatArray | null, what: string): tf.Tensor {
  return tf.add(x, scale === null ? branch : tf.mul(branch, vector(scale, what)));
}

/** Columns offset..offset+H*d of x [N, width] as [H, N, d]. */
export function splitHeads(x: tf.Tensor, offset: number, heads: number, headDim: number): tf.Tensor {
  const tokens = x.shape[0];
  const columns = tf.slice(x, [0, offset], [tokens, heads * headDim]);
  return tf.transpose(tf.reshape(columns, [tokens, heads, headDim]), [1, 0, 2]);
}

/** [kvHeads, N, d] once per query head, [H, N, d]. */
export function repeatHeads(x: tf.Tensor, heads: number): tf.Tensor {
  const [kvHeads, tokens, headDim] = x.shape as [number, number, number];
  if (kvHeads === heads) return x;
  const times = tf.tile(tf.reshape(x, [kvHeads, 1, tokens, headDim]), [1, heads / kvHeads, 1, 1]);
  return tf.reshape(times, [heads, tokens, headDim]);
}

/** [H, N, d] as [N, H d]. */
export function mergeHeads(x: tf.Tensor): tf.Tensor {
  const [heads, tokens, headDim] = x.shape as [number, number, number];
  return tf.reshape(tf.transpose(x, [1, 0, 2]), [tokens, heads * headDim]);
}

/** Zeros behind the last axis, up to `width`. */
export function padLast(x: tf.Tensor, width: number): tf.Tensor {
  const missing = width - x.shape.at(-1)!;
  return missing === 0 ? x : tf.pad(x, [...x.shape.slice(0, -1).map(() => [0, 0] as [number, number]), [0, missing]]);
}

/** Reads a tensor back. @throws EngineError nonFinite naming `what`. */
export async function read(x: tf.Tensor, what: string): Promise<Float32Array> {
  return requireFinite(await x.data<'float32'>(), what);
}

/** The GPU buffer of a copy of `x` on our device; it lives until the tfjs scope ends. */
export function bufferOf(x: tf.Tensor): GPUBuffer {
  const { buffer } = x.dataToGPU();
  if (buffer === undefined) throw new EngineError('internal', 'The tensor library gave no GPU buffer for a tensor.');
  return buffer;
}

/** A tensor over one of our buffers, without a copy; the buffer must live until its results are read. */
export function tensorOver(buffer: GPUBuffer, shape: number[]): tf.Tensor {
  return tf.tensor({ buffer, zeroCopy: true }, shape, 'float32');
}

function nameOf(index: number): string {
  return `gramlens-webgpu-${index}`;
}

function vector(values: FloatArray, what: string): tf.Tensor {
  return tensorOf(values, [values.length], what);
}

function float32Of(values: FloatArray): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}
