// The two ends of the network over the primitives of a backend: pixels or token ids to residual stream, residual stream
// to logits.

import type { FloatArray } from '../checkpoint/tensorIndex';
import { imageShape, specOfHead } from '../model/blockShape';
import type {
  FeatureInput,
  ImageInput,
  ImageShape,
  ModelInput,
  ModelSpec,
  Pooling,
  TokenInput,
} from '../model/modelSpec';
import type { EmbedWeights, HeadWeights, LinearWeights } from '../model/weights';
import type { Residual } from './backend';
import {
  checkFeatures,
  checkPatches,
  checkPositions,
  leastLength,
  pooledRows,
  positionRows,
  prefixRows,
  wordRows,
} from './endShapes';
import { requireFinite } from './finite';
import { maskLogits, patchLogits } from './float64Masks';
import { normRows } from './float64Norm';
import type { LayerOps } from './layerOps';

/** Tokens with positions, normed where the family does that; result [N, C]. */
export function embed(ops: LayerOps, spec: ModelSpec, weights: EmbedWeights, input: ModelInput): Residual {
  const data =
    'ids' in input
      ? embedIds(spec, weights, input)
      : 'features' in input
        ? embedFeatures(ops, spec, weights, input)
        : embedImage(ops, spec, weights, input);
  const c = spec.embedDim;
  const tokens = data.length / c;
  const norm = weights.norm ?? null;
  const normed = norm === null ? data : normRows(ops, spec, data, tokens, norm);
  return { tokens, width: c, data: requireFinite(normed, 'embedded tokens') };
}

/** Word, type and position rows added up. */
function embedIds(spec: ModelSpec, weights: EmbedWeights, input: TokenInput): Float64Array {
  const c = spec.embedDim;
  const words = wordRows(spec, weights, input);
  const positions = positionRows(spec, weights, input);
  const types = weights.types ?? null;
  const scale = spec.text?.scale ?? 1;
  return Float64Array.from(words, (word, at) => {
    const column = at % c;
    const place = positions === null ? 0 : positions.table[positions.rows[(at - column) / c]! * c + column]!;
    return word * scale + (types === null ? 0 : types[column]!) + place;
  });
}

/** Two convolutions over time with GELU behind each, then positions; the second has stride 2. */
function embedFeatures(ops: LayerOps, spec: ModelSpec, weights: EmbedWeights, input: FeatureInput): Float64Array {
  const { first, second, position } = checkFeatures(spec, weights, input);
  requireFinite(input.features, `features of ${input.label}`);
  const { mels, frames } = input;
  const c = spec.embedDim;
  const columns = Float64Array.from(
    input.features,
    (_, at) => input.features[(at % mels) * frames + Math.floor(at / mels)]!,
  );
  const convolve = (rows: FloatArray, width: number, stride: number, by: LinearWeights): FloatArray => {
    const windows = timeWindows(rows, width, stride);
    return ops.activate('gelu', ops.linear(windows, windows.length / (3 * width), by, 3 * width, c));
  };
  const embedded = convolve(convolve(columns, mels, 1, first), c, 2, second);
  return Float64Array.from(embedded).map((value, at) => value + position[at]!);
}

/** Rows [T, width] as [ceil(T / stride), width, 3]: each row with its neighbours in time, zeros past both ends. */
function timeWindows(rows: FloatArray, width: number, stride: number): Float64Array {
  const count = rows.length / width;
  const out = new Float64Array(Math.ceil(count / stride) * width * 3);
  for (let t = 0; t * stride < count; t++) {
    for (let k = 0; k < 3; k++) {
      const from = t * stride + k - 1;
      if (from < 0 || from >= count) continue;
      for (let c = 0; c < width; c++) out[(t * width + c) * 3 + k] = rows[from * width + c]!;
    }
  }
  return out;
}

/** Patch embedding, prefix tokens (class, distillation, registers) and positions. */
function embedImage(ops: LayerOps, spec: ModelSpec, weights: EmbedWeights, input: ImageInput): Float64Array {
  const image = imageShape(spec);
  const patch = checkPatches(image, weights, input);
  requireFinite(input.pixels, `pixels of ${input.label}`);
  const c = spec.embedDim;
  const { channels, gridHeight, gridWidth } = image;
  const count = gridHeight * gridWidth;
  const pixels = patches(image, input);
  const { patchNorm = null, tokenNorm = null } = weights;
  const fed = patchNorm === null ? pixels : normRows(ops, spec, pixels, count, patchNorm);
  const projected = ops.linear(fed, count, patch, channels * image.patch * image.patch, c);
  const embedded = tokenNorm === null ? projected : normRows(ops, spec, projected, count, tokenNorm);
  const prefix = prefixRows(weights, c);
  const covered = checkPositions(spec, weights, prefix.length, count);
  const data = new Float64Array((prefix.length + count) * c);
  prefix.forEach((token, i) => {
    data.set(token, i * c);
  });
  data.set(embedded, prefix.length * c);
  if (weights.position === null) return data;
  covered.forEach((token, row) => {
    for (let j = 0; j < c; j++) data[token * c + j]! += weights.position![row * c + j]!;
  });
  return data;
}

/** Image [channels, H, W] as rows of flattened patches (c, y, x), patches row-major: [gridHeight gridWidth, ch p p]. */
function patches(image: ImageShape, input: ImageInput): Float64Array {
  const { channels, width, height, patch, gridHeight, gridWidth } = image;
  const out = new Float64Array(gridHeight * gridWidth * channels * patch * patch);
  let to = 0;
  for (let gy = 0; gy < gridHeight; gy++) {
    for (let gx = 0; gx < gridWidth; gx++) {
      for (let c = 0; c < channels; c++) {
        for (let y = 0; y < patch; y++) {
          const from = (c * height + gy * patch + y) * width + gx * patch;
          out.set(input.pixels.subarray(from, from + patch), to);
          to += patch;
        }
      }
    }
  }
  return out;
}

/**
 * Final norm, pooling, transform and classifier; distilled models average both classifiers. Encoders that end with
 * their states: the final norm of every token, [N, C]. Segmentation: masks [classes, patches].
 */
export function unembed(ops: LayerOps, whole: ModelSpec, weights: HeadWeights, x: Residual): FloatArray | null {
  const { classifier, distClassifier, masks } = weights;
  const spec = specOfHead(whole);
  if (spec.head.output === 'states' && weights.norm !== null) {
    return requireFinite(normRows(ops, spec, x.data, x.tokens, weights.norm), 'output');
  }
  if (masks) return requireFinite(maskLogits(ops, spec, weights, masks, x), 'masks');
  if (classifier === null) return null;
  const c = spec.embedDim;
  const pool = (kind: Exclude<Pooling, 'class-mean'>): Float64Array => {
    const { from, to } = pooledRows(spec, x.tokens, kind);
    const rows = x.data.subarray(from * c, to * c);
    const normed = weights.norm === null ? rows : normRows(ops, spec, rows, to - from, weights.norm);
    const mean = new Float64Array(c);
    for (let at = 0; at < normed.length; at++) mean[at % c]! += normed[at]! / (to - from);
    return mean;
  };
  const pooling = spec.head.pooling ?? 'class';
  if (pooling === 'patches') return requireFinite(patchLogits(ops, spec, weights, classifier, x), 'logits');
  let pooled: FloatArray =
    pooling === 'class-mean' ? Float64Array.of(...pool('class'), ...pool('mean')) : pool(pooling);
  if (weights.poolNorm) pooled = normRows(ops, spec, pooled, 1, weights.poolNorm);
  weights.transforms?.forEach(({ dense, norm }, i) => {
    const width = dense.weight.length / pooled.length;
    const hidden = ops.linear(pooled, 1, dense, pooled.length, width);
    const kind = spec.head.transforms?.[i]?.activation ?? 'none';
    const active = kind === 'none' ? hidden : kind === 'tanh' ? hidden.map(Math.tanh) : ops.activate(kind, hidden);
    pooled = norm === null ? active : norm === 'unit' ? unitLength(active) : normRows(ops, spec, active, 1, norm);
  });
  const classes = classifier.weight.length / pooled.length;
  const logits = ops.linear(pooled, 1, classifier, pooled.length, classes);
  if (distClassifier !== null) {
    const second = x.data.subarray(c, 2 * c);
    const normed = weights.norm === null ? second : normRows(ops, spec, second, 1, weights.norm);
    const distilled = ops.linear(normed, 1, distClassifier, c, classes);
    for (let i = 0; i < classes; i++) logits[i] = (logits[i]! + distilled[i]!) / 2;
  }
  return requireFinite(logits, 'logits');
}

function unitLength(row: FloatArray): Float64Array {
  const unit = Float64Array.from(row);
  const length = Math.sqrt(unit.reduce((sum, value) => sum + value * value, 0));
  return unit.map((value) => value / Math.max(length, leastLength));
}
