// What both ends of the network check and count before they compute, shared by the float64 backends and the GPU:
// which rows are prefix tokens, which tokens have positions, which tokens the head reads.

import type { FloatArray } from '../checkpoint/tensorIndex';
import { audioShape } from '../model/blockShape';
import type { FeatureInput, ImageInput, ImageShape, ModelSpec, Pooling, TokenInput } from '../model/modelSpec';
import type { EmbedWeights, LinearWeights } from '../model/weights';
import { EngineError } from './backend';

/** PyTorch's `normalize` divides by no less. */
export const leastLength = 1e-12;

/** The patch projection, once image and model agree. @throws EngineError internal */
export function checkPatches(image: ImageShape, weights: EmbedWeights, input: ImageInput): LinearWeights {
  const { channels, height, width } = image;
  if (input.channels !== channels || input.height !== height || input.width !== width) {
    throw new EngineError(
      'internal',
      `The input ${input.label} is ${input.channels} x ${input.height} x ${input.width}, the model takes ${channels} x ${height} x ${width}.`,
    );
  }
  if (weights.patch === null) throw new EngineError('internal', 'The model has no patch embedding for a picture.');
  return weights.patch;
}

/** The convolutions of features and the positions of their N tokens, [N, C]. @throws EngineError internal */
export function checkFeatures(
  spec: ModelSpec,
  weights: EmbedWeights,
  input: FeatureInput,
): { readonly first: LinearWeights; readonly second: LinearWeights; readonly position: FloatArray } {
  const { mels, frames } = audioShape(spec);
  if (input.mels !== mels || input.frames !== frames) {
    throw new EngineError(
      'internal',
      `The input ${input.label} has ${input.frames} frames of ${input.mels} mel bins, the model takes ${frames} of ${mels}.`,
    );
  }
  const { convolutions, position } = weights;
  if (!convolutions || position === null || position.length < spec.tokens * spec.embedDim) {
    throw new EngineError('internal', `The model has no convolutions or too few positions for ${frames} frames.`);
  }
  return { ...convolutions, position: position.subarray(0, spec.tokens * spec.embedDim) };
}

/** Prefix tokens [C] in their order: class, distillation, registers. */
export function prefixRows(weights: EmbedWeights, width: number): readonly FloatArray[] {
  const registers = weights.registers ?? new Float32Array(0);
  const rows = Array.from({ length: registers.length / width }, (_, i) =>
    registers.subarray(i * width, (i + 1) * width),
  );
  return [weights.classToken, weights.distToken, ...rows].filter((row) => row !== null);
}

/** Token of each row of the position embedding, in order. @throws EngineError internal when they do not fit. */
export function checkPositions(
  spec: ModelSpec,
  weights: EmbedWeights,
  prefix: number,
  patches: number,
): readonly number[] {
  const c = spec.embedDim;
  const registers = (weights.registers?.length ?? 0) / c;
  const covered = !spec.positionCoversPrefix ? 0 : prefix - (spec.positionCoversRegisters === true ? 0 : registers);
  const tokens = Array.from({ length: prefix + patches }, (_, i) => i).filter((i) => i < covered || i >= prefix);
  const rows = weights.position === null ? tokens.length : weights.position.length / c;
  if (prefix + patches !== spec.tokens || rows !== tokens.length) {
    throw new EngineError(
      'internal',
      `The position embedding has ${rows} rows for ${tokens.length} tokens (${prefix} prefix tokens, ${patches} patches).`,
    );
  }
  return tokens;
}

/** Word embeddings [N, C] of the input. @throws EngineError internal when they are not those of this input. */
export function wordRows(spec: ModelSpec, weights: EmbedWeights, input: TokenInput): FloatArray {
  const words = weights.words ?? null;
  if (words === null || words.length !== input.ids.length * spec.embedDim || words.length === 0) {
    throw new EngineError(
      'internal',
      `There are ${(words?.length ?? 0) / spec.embedDim} word embeddings for the ${input.ids.length} tokens of ${input.label}.`,
    );
  }
  return words;
}

/** Rows of the position table that the tokens take; null without learned positions. @throws EngineError internal */
export function positionRows(
  spec: ModelSpec,
  weights: EmbedWeights,
  input: TokenInput,
): { readonly table: FloatArray; readonly rows: readonly number[] } | null {
  const { sinusoid } = spec.text ?? {};
  if (sinusoid !== undefined && 'clamp' in sinusoid)
    return endSinusoidRows(spec, weights, input.ids.length, sinusoid.clamp);
  const offset = spec.text?.positionOffset ?? 0;
  const rows = Array.from(input.positions ?? input.ids.keys(), (position) => position + offset);
  if (sinusoid !== undefined) return sinusoidRows(spec.embedDim, rows, sinusoid.order);
  if (weights.position === null) return null;
  const count = weights.position.length / spec.embedDim;
  if (rows.some((row) => row >= count)) {
    throw new EngineError(
      'internal',
      `The input ${input.label} has ${rows.length} tokens, the model has positions for ${count - offset}.`,
    );
  }
  return { table: weights.position, rows };
}

/** One row a token: sines, then cosines, of its distance to the last token times every frequency. */
function endSinusoidRows(
  spec: ModelSpec,
  weights: EmbedWeights,
  tokens: number,
  clamp: number | null,
): { readonly table: FloatArray; readonly rows: readonly number[] } {
  const c = spec.embedDim;
  const half = c / 2;
  const frequencies = weights.position ?? new Float64Array(0);
  if (frequencies.length !== half) {
    throw new EngineError('internal', `There are ${frequencies.length} position frequencies for a width of ${c}.`);
  }
  const table = new Float64Array(tokens * c);
  for (let i = 0; i < tokens; i++) {
    const distance = Math.min(tokens - 1 - i, clamp ?? Infinity);
    for (let j = 0; j < half; j++) {
      table[i * c + j] = Math.sin(distance * frequencies[j]!);
      table[i * c + half + j] = Math.cos(distance * frequencies[j]!);
    }
  }
  return { table, rows: Array.from({ length: tokens }, (_, i) => i) };
}

/** Base of the sinusoids of every code base. */
const sinusoidBase = 10_000;

/** Sines and cosines of each position, one row a token. */
function sinusoidRows(
  width: number,
  positions: readonly number[],
  order: 'interleaved' | 'halves',
): { readonly table: FloatArray; readonly rows: readonly number[] } {
  const half = width / 2;
  const last = order === 'halves' ? Math.max(1, half - 1) : half;
  const table = new Float64Array(positions.length * width);
  positions.forEach((position, i) => {
    for (let j = 0; j < half; j++) {
      const angle = position * sinusoidBase ** (-j / last);
      const [sine, cosine] = order === 'halves' ? [j, half + j] : [2 * j, 2 * j + 1];
      table[i * width + sine] = Math.sin(angle);
      table[i * width + cosine] = Math.cos(angle);
    }
  });
  return { table, rows: positions.map((_, i) => i) };
}

/** Tokens from..to (excluded) that a kind of pooling averages. */
export function pooledRows(
  spec: ModelSpec,
  tokens: number,
  kind: Exclude<Pooling, 'class-mean'>,
): { readonly from: number; readonly to: number } {
  if (kind === 'class') return { from: 0, to: 1 };
  if (kind === 'end') {
    // Without an end of text transformers' argmax over "is it the end" falls on token 0.
    const at = spec.text?.endsAt ?? 0;
    return { from: at, to: at + 1 };
  }
  return kind === 'last' ? { from: tokens - 1, to: tokens } : { from: spec.prefixTokens, to: tokens };
}
