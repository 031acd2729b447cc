// Where one stage of a network hands over to the next (Segmenter's encoder to its mask transformer): what becomes of
// the residual stream before the first block of the new stage, in float64.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { ModelSpec } from '../model/modelSpec';
import type { EntryWeights } from '../model/weights';
import { EngineError, type Residual } from './backend';
import { requireFinite } from './finite';
import { normRows } from './float64Norm';
import type { LayerOps } from './layerOps';

/** Sizes before and after the entry: tokens that go on, and both widths. */
export interface EntryShape {
  /** Leading tokens left behind. */
  readonly drop: number;
  readonly kept: number;
  readonly width: number;
}

/** @throws EngineError internal when the stream and the roles do not agree. */
export function entryShape(spec: ModelSpec, layer: number, weights: EntryWeights, before: Residual): EntryShape {
  const drop = spec.blocks[layer]?.entry?.drop ?? 0;
  const kept = before.tokens - drop;
  const width = weights.proj === null ? before.width : weights.proj.weight.length / before.width;
  if (kept < 1 || before.data.length !== before.tokens * before.width || !Number.isInteger(width)) {
    throw new EngineError(
      'internal',
      `The stage that begins with layer ${layer} leaves out ${drop} of ${before.tokens} tokens of width ${before.width} and projects them by ${weights.proj?.weight.length ?? 0} weights.`,
    );
  }
  return { drop, kept, width };
}

/** The residual stream [kept + M, C'] that the first block of the stage works on; `before` where it begins none. */
export function enterStage(
  ops: LayerOps,
  spec: ModelSpec,
  weights: EntryWeights | null | undefined,
  before: Residual,
  layer: number,
): Residual {
  if (!weights) return before;
  const { drop, kept, width } = entryShape(spec, layer, weights, before);
  const rows = before.data.subarray(drop * before.width);
  const normed = weights.norm === null ? rows : normRows(ops, spec, rows, kept, weights.norm);
  const projected = weights.proj === null ? normed : ops.linear(normed, kept, weights.proj, before.width, width);
  const appended: FloatArray = weights.append ?? new Float64Array(0);
  const data = new Float64Array(projected.length + appended.length);
  data.set(projected);
  data.set(appended, projected.length);
  return { tokens: data.length / width, width, data: requireFinite(data, `tokens entering layer ${layer}`) };
}
