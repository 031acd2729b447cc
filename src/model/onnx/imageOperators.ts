// Sizes behind convolutions and pooling, for inferShapes.ts.

import type { OnnxNode } from '../../checkpoint/onnx/onnxGraph';
import { intAttribute, intsAttribute, type Known, type Size, type Sizes, textAttribute } from './knownValue';

/** Size of one axis behind a sliding window. */
function slid(node: OnnxNode, size: Size, kernel: Size, axis: number, axes: number): Size {
  if (size === null || kernel === null) return null;
  const stride = intsAttribute(node, 'strides')?.[axis] ?? 1;
  const dilation = intsAttribute(node, 'dilations')?.[axis] ?? 1;
  const automatic = textAttribute(node, 'auto_pad') ?? 'NOTSET';
  if (automatic.startsWith('SAME')) return Math.ceil(size / stride);
  const pads = automatic === 'VALID' ? null : intsAttribute(node, 'pads');
  const padded = size + (pads?.[axis] ?? 0) + (pads?.[axis + axes] ?? 0);
  const steps = (padded - dilation * (kernel - 1) - 1) / stride;
  return (intAttribute(node, 'ceil_mode', 0) === 1 ? Math.ceil(steps) : Math.floor(steps)) + 1;
}

/** Conv of x [batch, channels, ...] with weight [out, in, ...]. */
export function convolved(node: OnnxNode, x: Sizes | null, weight: Sizes | null): Sizes | null {
  if (x === null) return null;
  const spatial = x.slice(2);
  const kernel = intsAttribute(node, 'kernel_shape') ?? weight?.slice(2) ?? spatial.map(() => null);
  const out = weight === null ? null : (weight[0] ?? null);
  return [x[0] ?? null, out, ...spatial.map((size, i) => slid(node, size, kernel[i] ?? null, i, spatial.length))];
}

/** ConvTranspose of x [batch, channels, ...] with weight [in, out / groups, ...]. */
export function transposedConvolution(node: OnnxNode, x: Sizes | null, weight: Sizes | null): Sizes | null {
  if (x === null) return null;
  const spatial = x.slice(2);
  const kernel = intsAttribute(node, 'kernel_shape') ?? weight?.slice(2) ?? [];
  const given = intsAttribute(node, 'output_shape');
  const automatic = (textAttribute(node, 'auto_pad') ?? 'NOTSET').startsWith('SAME');
  const pads = intsAttribute(node, 'pads');
  const sizes = spatial.map((size, i) => {
    const stride = intsAttribute(node, 'strides')?.[i] ?? 1;
    const window = kernel[i] ?? null;
    if (given !== null) return given[i] ?? null;
    if (size === null || window === null) return null;
    if (automatic) return size * stride;
    const dilation = intsAttribute(node, 'dilations')?.[i] ?? 1;
    const added = intsAttribute(node, 'output_padding')?.[i] ?? 0;
    const cut = (pads?.[i] ?? 0) + (pads?.[i + spatial.length] ?? 0);
    return stride * (size - 1) + added + dilation * (window - 1) + 1 - cut;
  });
  const width = weight === null ? null : (weight[1] ?? null);
  return [x[0] ?? null, width === null ? null : width * intAttribute(node, 'group', 1), ...sizes];
}

export function pooled(node: OnnxNode, x: Sizes | null): Sizes | null {
  if (x === null) return null;
  const kernel = intsAttribute(node, 'kernel_shape') ?? [];
  const spatial = x.slice(2);
  const sizes = spatial.map((size, i) => slid(node, size, kernel[i] ?? null, i, spatial.length));
  return [x[0] ?? null, x[1] ?? null, ...sizes];
}

/** Resize and Upsample: the last input that is given holds sizes or scales, one an axis. */
export function resized(x: Sizes | null, settings: readonly (Known | null)[]): Sizes | null {
  const target = settings.at(-1)?.values ?? null;
  if (x === null) return null;
  if (target?.length !== x.length) return x.map(() => null);
  // Upsample has (x, scales), Resize (x, roi, scales) or (x, roi, scales, sizes).
  const areSizes = settings.length === 3;
  return x.map((size, axis) => {
    const value = target[axis] ?? null;
    return areSizes ? value : size === null || value === null ? null : Math.floor(size * value);
  });
}
