// Weights larger than WebAssembly shall hold, a piece at a time: what its memory has grown to is never given back.

import type { FloatArray } from '../../checkpoint/tensorIndex';
import type { LinearWeights } from '../../model/weights';

/** Weights that are in WebAssembly memory at once. */
const panelNumbers = 2 ** 22;

/**
 * Fills `out` [rows, outWidth] from panels of the weight's rows, which are columns of the result; `multiply` gives the
 * columns [rows, width] of one. Each number is the same sum as without panels.
 */
export function inPanels<T extends FloatArray>(
  out: T,
  rows: number,
  weights: LinearWeights,
  inWidth: number,
  outWidth: number,
  multiply: (some: LinearWeights, width: number) => T,
): T {
  const { weight, bias } = weights;
  const step = Math.max(8, Math.floor(panelNumbers / Math.max(1, inWidth) / 8) * 8);
  if (outWidth <= step) return multiply(weights, outWidth);
  for (let from = 0; from < outWidth; from += step) {
    const width = Math.min(step, outWidth - from);
    const some = weight.subarray(from * inWidth, (from + width) * inWidth);
    const part = multiply({ weight: some, bias: bias?.subarray(from, from + width) ?? null }, width);
    for (let i = 0; i < rows; i++) out.set(part.subarray(i * width, (i + 1) * width), i * outWidth + from);
  }
  return out;
}
