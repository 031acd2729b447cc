// The two ends of the network on the device: patches to residual stream, residual stream to logits. Twin of the
// float64 steps in ../float64Backend.ts.

import * as tf from '@tensorflow/tfjs-core';
import type { FloatArray } from '../../checkpoint/tensorIndex';
import type { ModelInput, ModelSpec } from '../../model/modelSpec';
import { EngineError, type Residual } from '../backend';
import type { EmbedWeights, HeadWeights } from '../../model/weights';
import { layerNorm, linear, read, tensorOf } from './tensorFlow';

/** Patch embedding, prefix tokens (class, then distillation) and positions; result [N, C]. */
export async function embedSteps(spec: ModelSpec, weights: EmbedWeights, input: ModelInput): Promise<Residual> {
  const { channels, height, width, patch, gridHeight, gridWidth } = spec.image;
  if (input.channels !== channels || input.height !== height || input.width !== width) {
    throw new EngineError(
      'internal',
      `The input ${input.label} is ${input.channels} x ${input.height} x ${input.width}, the model takes ${channels} x ${height} x ${width}.`,
    );
  }
  const c = spec.embedDim;
  const count = gridHeight * gridWidth;
  const prefix = weights.distToken === null ? [weights.classToken] : [weights.classToken, weights.distToken];
  const tokens = prefix.length + count;
  const covered = spec.positionCoversPrefix ? tokens : count;
  if (tokens !== spec.tokens || weights.position.length !== covered * c) {
    throw new EngineError(
      'internal',
      `The position embedding has ${weights.position.length / c} rows for ${covered} tokens (${prefix.length} prefix tokens, ${gridHeight} x ${gridWidth} patches).`,
    );
  }
  // Columns and rows past the last whole patch are cut off, as a convolution with stride p does.
  const pixels = tensorOf(input.pixels, [channels, height, width], `pixels of ${input.label}`);
  const whole = tf.slice(pixels, [0, 0, 0], [channels, gridHeight * patch, gridWidth * patch]);
  const tiles = tf.transpose(tf.reshape(whole, [channels, gridHeight, patch, gridWidth * patch]), [1, 0, 2, 3]);
  const rows = tf.transpose(tf.reshape(tiles, [gridHeight, channels * patch, gridWidth, patch]), [0, 2, 1, 3]);
  const patches = linear(tf.reshape(rows, [count, channels * patch * patch]), weights.patch, 'the patch embedding');
  const position = tensorOf(weights.position, [covered, c], 'position embedding');
  const first = tf.concat(
    prefix.map((token) => tensorOf(token, [1, c], 'prefix tokens')),
    0,
  );
  const all = spec.positionCoversPrefix
    ? tf.add(tf.concat([first, patches], 0), position)
    : tf.concat([first, tf.add(patches, position)], 0);
  return { tokens, width: c, data: await read(all, 'embedded tokens') };
}

/** Final norm, then the classifier on the class token; distilled models average both classifiers. */
export async function unembedSteps(spec: ModelSpec, weights: HeadWeights, x: Residual): Promise<FloatArray | null> {
  const { classifier, distClassifier } = weights;
  if (classifier === null) return null;
  const c = spec.embedDim;
  const rows = distClassifier === null ? 1 : 2;
  const stream = tensorOf(x.data.subarray(0, rows * c), [rows, c], 'last residual stream');
  const normed = layerNorm(stream, weights.norm, spec.layerNormEps, 'the final norm');
  const logits = linear(tf.slice(normed, [0, 0], [1, c]), classifier, 'the classifier');
  if (distClassifier === null) return read(logits, 'logits');
  const distilled = linear(tf.slice(normed, [1, 0], [1, c]), distClassifier, 'the distillation classifier');
  return read(tf.mul(tf.add(logits, distilled), 0.5), 'logits');
}
