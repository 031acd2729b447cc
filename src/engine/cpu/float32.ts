// Products and activations of the layers in float32 WebAssembly SIMD: copies in, one call, copies out. What arrives in
// float64 (norms, head outputs) is rounded on the way in, float32 weights are used as they are.

import type { FloatArray } from '../../checkpoint/tensorIndex';
import type { Activation } from '../../model/modelSpec';
import type { LinearWeights } from '../../model/weights';
import { inPanels } from './panels';
import type { WasmModule } from './wasmModule';

/** Of the activations x sigmoid(slope x); quick_gelu is OpenAI's stand-in for GELU. */
export const sigmoidSlope = { silu: 1, quick_gelu: 1.702 } as const;

/** x [rows, in] times weight^T [in, out] plus bias, [rows, out]. Sums of 256 terms are added up one to another. */
export function linear32(
  module: WasmModule,
  x: FloatArray,
  rows: number,
  weights: LinearWeights,
  inWidth: number,
  outWidth: number,
): Float32Array {
  const out = new Float32Array(rows * outWidth);
  return inPanels(out, rows, weights, inWidth, outWidth, ({ weight, bias }, width) => {
    module.reset();
    const scratch = module.alloc32(module.exports.linear32Scratch());
    const y = module.alloc32(rows * width);
    const from = module.put32(x);
    const by = module.put32(weight);
    // Address 0 holds nothing of ours: the kernel reads it as "no bias".
    const plus = bias === null ? 0 : module.put32(bias);
    module.exports.linear32(from, by, plus, y, rows, inWidth, width, scratch);
    return module.take32(y, rows * width);
  });
}

export function activate32(module: WasmModule, kind: Activation, x: FloatArray): Float32Array {
  module.reset();
  const at = module.put32(x);
  if (kind === 'gelu') module.exports.gelu32(at, x.length);
  else if (kind === 'gelu_tanh') module.exports.geluTanh32(at, x.length);
  else if (kind === 'relu') module.exports.relu32(at, x.length);
  else module.exports.sigmoidUnit32(at, x.length, sigmoidSlope[kind]);
  return module.take32(at, x.length);
}
