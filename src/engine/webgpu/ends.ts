// The two ends of the network on the device: patches or token ids to residual stream, residual stream to logits.
// Twin of the float64 steps in ../float64Ends.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { FloatArray } from '../../checkpoint/tensorIndex';
import { imageShape, specOfHead } from '../../model/blockShape';
import type { FeatureInput, ImageInput, ModelInput, ModelSpec, Pooling, TokenInput } from '../../model/modelSpec';
import type { EmbedWeights, EntryWeights, HeadWeights, LinearWeights } from '../../model/weights';
import type { Residual } from '../backend';
import {
  checkFeatures,
  checkPatches,
  checkPositions,
  leastLength,
  pooledRows,
  positionRows,
  prefixRows,
  wordRows,
} from '../endShapes';
import { maskSizes } from '../float64Masks';
import { entryShape } from '../stageEntry';
import { activation, linear, networkNorm, read, tensorOf, type TensorFlow } from './tensorFlow';

/** Tokens with positions, normed where the family does that; result [N, C]. */
export async function embedSteps(spec: ModelSpec, weights: EmbedWeights, input: ModelInput): Promise<Residual> {
  const all =
    'ids' in input
      ? embedIds(spec, weights, input)
      : 'features' in input
        ? embedFeatures(spec, weights, input)
        : embedImage(spec, weights, input);
  const norm = weights.norm ?? null;
  const normed = norm === null ? all : networkNorm(spec, all, norm, 'the norm of the embedding');
  return { tokens: all.shape[0], width: spec.embedDim, data: await read(normed, 'embedded tokens') };
}

/** Word, type and position rows added up. */
function embedIds(spec: ModelSpec, weights: EmbedWeights, input: TokenInput): tf.Tensor {
  const c = spec.embedDim;
  const words = tensorOf(wordRows(spec, weights, input), [input.ids.length, c], 'word embeddings');
  let all: tf.Tensor = tf.mul(words, spec.text?.scale ?? 1);
  const types = weights.types ?? null;
  if (types !== null) all = tf.add(all, tensorOf(types.subarray(0, c), [1, c], 'token type embedding'));
  const positions = positionRows(spec, weights, input);
  if (positions === null) return all;
  const rows = new Float32Array(positions.rows.length * c);
  positions.rows.forEach((row, i) => {
    rows.set(positions.table.subarray(row * c, (row + 1) * c), i * c);
  });
  return tf.add(all, tensorOf(rows, [positions.rows.length, c], 'position embedding'));
}

/** Two convolutions over time with GELU behind each, then positions; the second has stride 2. */
function embedFeatures(spec: ModelSpec, weights: EmbedWeights, input: FeatureInput): tf.Tensor {
  const { first, second, position } = checkFeatures(spec, weights, input);
  const { mels, frames } = input;
  const convolve = (x: tf.Tensor, stride: number, by: LinearWeights, what: string): tf.Tensor =>
    activation('gelu', linear(timeWindows(x, stride), by, what));
  const rows = tf.transpose(tensorOf(input.features, [mels, frames], `features of ${input.label}`));
  const embedded = convolve(convolve(rows, 1, first, 'the first convolution'), 2, second, 'the second convolution');
  return tf.add(embedded, tensorOf(position, [spec.tokens, spec.embedDim], 'position embedding'));
}

/** Rows [T, width] (T even) as [T / stride, 3 width]: each row with its neighbours in time, three numbers a column. */
function timeWindows(x: tf.Tensor, stride: number): tf.Tensor {
  const [count, width] = x.shape as [number, number];
  const padded = tf.pad(x, [
    [1, 1],
    [0, 0],
  ]);
  const groups = tf.reshape(padded, [(count + 2) / stride, stride, width]);
  const kept = count / stride;
  const shifted = [0, 1, 2].map((k) =>
    tf.reshape(tf.slice(groups, [Math.floor(k / stride), k % stride, 0], [kept, 1, width]), [kept, width]),
  );
  return tf.reshape(tf.stack(shifted, 2), [kept, 3 * width]);
}

/** Patch embedding, prefix tokens (class, distillation, registers) and positions. */
function embedImage(spec: ModelSpec, weights: EmbedWeights, input: ImageInput): tf.Tensor {
  const image = imageShape(spec);
  const { channels, height, width, patch, gridHeight, gridWidth } = image;
  const projection = checkPatches(image, weights, input);
  const c = spec.embedDim;
  const count = gridHeight * gridWidth;
  const prefix = prefixRows(weights, c);
  const covered = checkPositions(spec, weights, prefix.length, count);
  // Columns and rows past the last whole patch are cut off, as a convolution with stride p does.
  const pixels = tensorOf(input.pixels, [channels, height, width], `pixels of ${input.label}`);
  const whole = tf.slice(pixels, [0, 0, 0], [channels, gridHeight * patch, gridWidth * patch]);
  const tiles = tf.transpose(tf.reshape(whole, [channels, gridHeight, patch, gridWidth * patch]), [1, 0, 2, 3]);
  const rows = tf.transpose(tf.reshape(tiles, [gridHeight, channels * patch, gridWidth, patch]), [0, 2, 1, 3]);
  const { patchNorm = null, tokenNorm = null } = weights;
  const flat = tf.reshape(rows, [count, channels * patch * patch]);
  const fed = patchNorm === null ? flat : networkNorm(spec, flat, patchNorm, 'the norm of the pixels');
  const projected = linear(fed, projection, 'the patch embedding');
  const patches = tokenNorm === null ? projected : networkNorm(spec, projected, tokenNorm, 'the norm of the patches');
  const tokens = tf.concat([...prefix.map((token) => tensorOf(token, [1, c], 'prefix tokens')), patches], 0);
  if (weights.position === null) return tokens;
  // Tokens without a position (registers, or the whole prefix) get zeros.
  const position = new Float32Array((prefix.length + count) * c);
  covered.forEach((token, row) => {
    position.set(weights.position!.subarray(row * c, (row + 1) * c), token * c);
  });
  return tf.add(tokens, tensorOf(position, [prefix.length + count, c], 'position embedding'));
}

/** The residual stream that the first block of a stage works on; twin of ../stageEntry.ts. */
export async function entrySteps(
  flow: TensorFlow,
  spec: ModelSpec,
  weights: EntryWeights,
  before: Residual,
  layer: number,
): Promise<Residual> {
  const { drop, kept, width } = entryShape(spec, layer, weights, before);
  flow.activate();
  const rows = tensorOf(
    before.data.subarray(drop * before.width),
    [kept, before.width],
    `tokens entering layer ${layer}`,
  );
  const normed = weights.norm === null ? rows : networkNorm(spec, rows, weights.norm, 'the norm between stages');
  const projected = weights.proj === null ? normed : linear(normed, weights.proj, 'the projection between stages');
  const all =
    weights.append === null
      ? projected
      : tf.concat([projected, tensorOf(weights.append, [weights.append.length / width, width], 'appended tokens')], 0);
  return { tokens: all.shape[0], width, data: await read(all, `tokens entering layer ${layer}`) };
}

/** Masks [classes, patches]; twin of `maskLogits`. */
function maskSteps(
  spec: ModelSpec,
  weights: HeadWeights,
  masks: NonNullable<HeadWeights['masks']>,
  x: Residual,
): Promise<FloatArray> {
  const { classes, patches } = maskSizes(spec, x);
  const all = tensorOf(x.data, [x.tokens, x.width], 'last residual stream');
  const normed = weights.norm === null ? all : networkNorm(spec, all, weights.norm, 'the final norm');
  const unit = (rows: tf.Tensor): tf.Tensor => tf.div(rows, tf.norm(rows, 2, 1, true));
  const patchRows = unit(linear(tf.slice(normed, [0, 0], [patches, x.width]), masks.patchProj, 'patch projection'));
  const classRows = unit(
    linear(tf.slice(normed, [patches, 0], [classes, x.width]), masks.classProj, 'class projection'),
  );
  const cosines = tf.matMul(patchRows, classRows, false, true);
  return read(tf.transpose(networkNorm(spec, cosines, masks.norm, 'the norm of the masks')), 'masks');
}

/** Final norm, pooling, transform and classifier; distilled models average both; or the states [N, C], or masks. */
export async function unembedSteps(whole: ModelSpec, weights: HeadWeights, x: Residual): Promise<FloatArray | null> {
  const { classifier, distClassifier, norm, masks } = weights;
  const spec = specOfHead(whole);
  if (masks) return maskSteps(spec, weights, masks, x);
  const c = spec.embedDim;
  if (spec.head.output === 'states' && norm !== null) {
    const states = tensorOf(x.data, [x.tokens, c], 'last residual stream');
    return read(networkNorm(spec, states, norm, 'the final norm'), 'output');
  }
  if (classifier === null) return null;
  const normedRows = (from: number, to: number): tf.Tensor => {
    const rows = tensorOf(x.data.subarray(from * c, to * c), [to - from, c], 'last residual stream');
    return norm === null ? rows : networkNorm(spec, rows, norm, 'the final norm');
  };
  const pool = (kind: Exclude<Pooling, 'class-mean'>): tf.Tensor => {
    const { from, to } = pooledRows(spec, x.tokens, kind);
    const rows = normedRows(from, to);
    return to - from === 1 ? rows : tf.mean(rows, 0, true);
  };
  const pooling = spec.head.pooling ?? 'class';
  if (pooling === 'patches') {
    const { from, to } = pooledRows(spec, x.tokens, 'mean');
    return read(tf.transpose(linear(normedRows(from, to), classifier, 'the classifier')), 'logits');
  }
  let pooled = pooling === 'class-mean' ? tf.concat([pool('class'), pool('mean')], 1) : pool(pooling);
  if (weights.poolNorm) pooled = networkNorm(spec, pooled, weights.poolNorm, 'the norm of the pooled tokens');
  weights.transforms?.forEach(({ dense, norm: headNorm }, i) => {
    const hidden = linear(pooled, dense, 'the dense layer of the head');
    const kind = spec.head.transforms?.[i]?.activation ?? 'none';
    const active = kind === 'none' ? hidden : kind === 'tanh' ? tf.tanh(hidden) : activation(kind, hidden);
    if (headNorm === null) pooled = active;
    else if (headNorm === 'unit') pooled = tf.div(active, tf.maximum(tf.norm(active, 2, 1, true), leastLength));
    else pooled = networkNorm(spec, active, headNorm, 'the norm of the head');
  });
  const logits = linear(pooled, classifier, 'the classifier');
  if (distClassifier === null) return read(logits, 'logits');
  const distilled = linear(normedRows(1, 2), distClassifier, 'the distillation classifier');
  return read(tf.mul(tf.add(logits, distilled), 0.5), 'logits');
}
