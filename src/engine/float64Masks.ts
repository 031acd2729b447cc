// Outputs that belong to patches and not to the whole picture: a classifier at every patch, and the masks of a mask
// transformer (Segmenter's MaskTransformer).

import type { FloatArray } from '../checkpoint/tensorIndex';
import { transposed } from '../model/canonicalise';
import type { ModelSpec } from '../model/modelSpec';
import type { HeadWeights, LinearWeights } from '../model/weights';
import { EngineError, type Residual } from './backend';
import { pooledRows } from './endShapes';
import { normRows } from './float64Norm';
import type { LayerOps } from './layerOps';

/** Logits [classes, patches] of a classifier that reads every patch token. */
export function patchLogits(
  ops: LayerOps,
  spec: ModelSpec,
  weights: HeadWeights,
  classifier: LinearWeights,
  x: Residual,
): FloatArray {
  const { from, to } = pooledRows(spec, x.tokens, 'mean');
  const rows = x.data.subarray(from * x.width, to * x.width);
  const normed = weights.norm === null ? rows : normRows(ops, spec, rows, to - from, weights.norm);
  const classes = classifier.weight.length / x.width;
  return transposed(ops.linear(normed, to - from, classifier, x.width, classes), to - from);
}

/** Masks [classes, patches]: cosines of projected patch and class tokens, normed over the classes. */
export function maskLogits(
  ops: LayerOps,
  spec: ModelSpec,
  weights: HeadWeights,
  masks: NonNullable<HeadWeights['masks']>,
  x: Residual,
): FloatArray {
  const { classes, patches } = maskSizes(spec, x);
  const c = x.width;
  const normed = weights.norm === null ? x.data : normRows(ops, spec, x.data, x.tokens, weights.norm);
  const patchRows = unitRows(ops.linear(normed.subarray(0, patches * c), patches, masks.patchProj, c, c), c);
  const classRows = unitRows(ops.linear(normed.subarray(patches * c), classes, masks.classProj, c, c), c);
  const cosines = ops.kernels.matmulTransposed(patchRows, classRows, patches, c, classes);
  return transposed(normRows(ops, spec, cosines, patches, masks.norm), patches);
}

/** How many of the last stage's tokens are classes. @throws EngineError internal when no patch is left. */
export function maskSizes(spec: ModelSpec, x: Residual): { classes: number; patches: number } {
  const classes = spec.head.masks?.classes ?? 0;
  if (classes < 1 || classes >= x.tokens) {
    throw new EngineError('internal', `There are ${x.tokens} tokens for masks of ${classes} classes.`);
  }
  return { classes, patches: x.tokens - classes };
}

/** Each row of `width` entries over its length. */
function unitRows(x: FloatArray, width: number): Float64Array {
  const out = Float64Array.from(x);
  for (let start = 0; start < x.length; start += width) {
    const row = out.subarray(start, start + width);
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    for (let j = 0; j < width; j++) row[j]! /= length;
  }
  return out;
}
