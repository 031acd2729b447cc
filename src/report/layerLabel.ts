// How people read a layer's number: counted through where the network is one stack of blocks, within encoder and
// decoder where it has both. Files and options count through in either case.

import * as l10n from '@vscode/l10n';
import type { ModelSummary } from '../inspection/inspectionResult';
import { stageOf } from '../model/blockShape';

type Stages = Pick<ModelSummary, 'stages'>;

/** '3', or 'decoder 0'. */
export function layerLabel(model: Stages | null, layer: number): string {
  const found = model?.stages === undefined ? null : stageOf(model.stages, layer);
  return found === null ? String(layer) : `${found.stage.name} ${found.index}`;
}

/** 'Layer 3', or 'Layer 13 (decoder 1)'. */
export function layerTitle(model: Stages | null, layer: number): string {
  return model?.stages === undefined
    ? l10n.t('Layer {0}', layer)
    : l10n.t('Layer {0} ({1})', layer, layerLabel(model, layer));
}

/** Sizes of the layer's heads. */
export function layerSizes(
  model: Pick<ModelSummary, 'stages' | 'tokens' | 'prefixTokens' | 'headDim'>,
  layer: number,
): { tokens: number; prefixTokens: number; suffixTokens: number; headDim: number } {
  const stage = model.stages === undefined ? null : stageOf(model.stages, layer)?.stage;
  const { tokens, prefixTokens, headDim } = stage ?? model;
  return { tokens, prefixTokens, suffixTokens: stage?.suffixTokens ?? 0, headDim };
}
