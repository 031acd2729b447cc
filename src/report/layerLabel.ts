// How people read a layer's number: counted through where the network is one stack of blocks, within encoder and
// decoder where it has both. Files and options count through in either case.

import * as l10n from '@vscode/l10n';
import type { ModelSummary } from '../inspection/inspectionResult';
import { stageOf } from '../model/blockShape';

type Stages = Pick<ModelSummary, 'stages'>;

/** Results name the stages in English. */
export function stageName(name: string): string {
  return name === 'encoder' ? l10n.t('encoder') : name === 'decoder' ? l10n.t('decoder') : name;
}

/** '3', or 'decoder 0'. */
export function layerLabel(model: Stages | null, layer: number): string {
  const found = model?.stages === undefined ? null : stageOf(model.stages, layer);
  return found === null ? String(layer) : `${stageName(found.stage.name)} ${found.index}`;
}

/** 'Layer 3', or 'Layer 13 (decoder 1)'. */
export function layerTitle(model: Stages | null, layer: number): string {
  return model?.stages === undefined
    ? l10n.t('Layer {0}', layer)
    : l10n.t('Layer {0} ({1})', layer, layerLabel(model, layer));
}

/** 'layer 3, head 2' within a sentence, or 'layer 13 (decoder 1), head 2'. */
export function headPlace(model: Stages | null, layer: number, head: number): string {
  return model?.stages === undefined
    ? l10n.t('layer {0}, head {1}', layer, head)
    : l10n.t('layer {0} ({1}), head {2}', layer, layerLabel(model, layer), head);
}

/** 'Layer 3, head 2', or 'Layer 13 (decoder 1), head 2'. */
export function headTitle(model: Stages | null, layer: number, head: number): string {
  return l10n.t('{0}, head {1}', layerTitle(model, layer), head);
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
