// A whole `Backend` from float64 primitives: patches in, blocks (runLayer.ts), logits out. `reference` and `cpu`
// are this with their own primitives.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { ModelInput, ModelSpec } from '../model/modelSpec';
import { EngineError, type Backend, type Residual } from './backend';
import type { EmbedWeights, HeadWeights } from '../model/weights';
import { requireFinite } from './finite';
import type { Float64Ops } from './float64Ops';
import { runLayer } from './runLayer';

/** Backend over the given primitives; errors arrive as rejections. */
export function createFloat64Backend(kind: 'reference' | 'cpu', ops: Float64Ops): Backend {
  const later = <T>(work: () => T): Promise<T> =>
    new Promise((resolve) => {
      resolve(work());
    });
  return {
    kind,
    precision: 'float64',
    adapter: null,
    embed: (spec, weights, input) => later(() => embed(ops, spec, weights, input)),
    runLayer: (spec, weights, x, options) => later(() => runLayer(ops, spec, weights, x, options)),
    unembed: (spec, weights, x) => later(() => unembed(ops, spec, weights, x)),
    dispose: () => undefined,
  };
}

/** Patch embedding, prefix tokens (class, then distillation) and positions; result [N, C]. */
function embed(ops: Float64Ops, spec: ModelSpec, weights: EmbedWeights, input: ModelInput): Residual {
  const { channels, height, width, patch, gridHeight, gridWidth } = spec.image;
  if (input.channels !== channels || input.height !== height || input.width !== width) {
    throw new EngineError(
      'internal',
      `The input ${input.label} is ${input.channels} x ${input.height} x ${input.width}, the model takes ${channels} x ${height} x ${width}.`,
    );
  }
  requireFinite(input.pixels, `pixels of ${input.label}`);
  const c = spec.embedDim;
  const count = gridHeight * gridWidth;
  const embedded = ops.linear(patches(spec, input), count, weights.patch, channels * patch * patch, c);
  const prefix = weights.distToken === null ? [weights.classToken] : [weights.classToken, weights.distToken];
  const tokens = prefix.length + count;
  const covered = spec.positionCoversPrefix ? tokens : count;
  if (tokens !== spec.tokens || weights.position.length !== covered * c) {
    throw new EngineError(
      'internal',
      `The position embedding has ${weights.position.length / c} rows for ${covered} tokens (${prefix.length} prefix tokens, ${gridHeight} x ${gridWidth} patches).`,
    );
  }
  const data = new Float64Array(tokens * c);
  prefix.forEach((token, i) => {
    data.set(token, i * c);
  });
  data.set(embedded, prefix.length * c);
  const shift = (tokens - covered) * c;
  for (let i = 0; i < weights.position.length; i++) data[shift + i]! += weights.position[i]!;
  return { tokens, width: c, data: requireFinite(data, 'embedded tokens') };
}

/** Image [channels, H, W] as rows of flattened patches (c, y, x), patches row-major: [gridHeight gridWidth, ch p p]. */
function patches(spec: ModelSpec, input: ModelInput): Float64Array {
  const { channels, width, height, patch, gridHeight, gridWidth } = spec.image;
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

/** Final norm, then the classifier on the class token; distilled models average both classifiers. */
function unembed(ops: Float64Ops, spec: ModelSpec, weights: HeadWeights, x: Residual): FloatArray | null {
  const { classifier, distClassifier } = weights;
  if (classifier === null) return null;
  const c = spec.embedDim;
  const rows = distClassifier === null ? 1 : 2;
  const normed = ops.layerNorm(x.data.subarray(0, rows * c), rows, c, weights.norm, spec.layerNormEps);
  const classes = classifier.weight.length / c;
  const logits = ops.linear(normed.subarray(0, c), 1, classifier, c, classes);
  if (distClassifier !== null) {
    const distilled = ops.linear(normed.subarray(c, 2 * c), 1, distClassifier, c, classes);
    for (let i = 0; i < classes; i++) logits[i] = (logits[i]! + distilled[i]!) / 2;
  }
  return requireFinite(logits, 'logits');
}
