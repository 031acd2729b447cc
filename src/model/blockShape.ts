// A spec's block description with its defaults filled in, and what follows from it: which keys a query sees and how
// scores are scaled in each layer.

import {
  ModelSpecError,
  plainBlock,
  type AudioShape,
  type BlockShape,
  type ImagePreprocessing,
  type ImageShape,
  type ModelInput,
  type ModelSpec,
  type StageShape,
} from './modelSpec';

/** Which keys a query sees, and the factor of q.k. Plain data: it crosses to workers. */
export interface ScoreRule {
  /** Query i sees keys j <= i only. */
  readonly causal: boolean;
  /** Query i sees keys with |i - j| < window only; null: no window. */
  readonly window: number | null;
  /** Factor of q.k; null: 1/sqrt(d). */
  readonly scale: number | null;
}

/** Every key, 1/sqrt(d). */
export const plainScores: ScoreRule = { causal: false, window: null, scale: null };

/** The block description, defaults of timm's ViT where the spec says nothing. */
export function blockShape(spec: ModelSpec): BlockShape {
  return { ...plainBlock, ...spec.block };
}

/** Mask and scale of the scores in one layer. */
export function scoreRule(spec: ModelSpec, layer: number): ScoreRule {
  const { windows, scoreScales } = blockShape(spec);
  return { causal: spec.causal, window: windows[layer] ?? null, scale: scoreScales[layer] ?? null };
}

/** Keys `from` to `to` (excluded) that query i of N sees; never empty, the query's own key is among them. */
export function visibleKeys(rule: ScoreRule, i: number, tokens: number): { from: number; to: number } {
  const { causal, window } = rule;
  return {
    from: window === null ? 0 : Math.max(0, i - window + 1),
    to: causal ? i + 1 : window === null ? tokens : Math.min(tokens, i + window),
  };
}

/** The spec as the block at `layer` has it: sizes of its stage. The spec itself where there is one stage. */
export function specOfLayer(spec: ModelSpec, layer: number): ModelSpec {
  const site = spec.onnx?.sites[layer];
  if (site !== undefined) {
    const [heads, headDim] = [site.heads ?? spec.heads, site.headDim ?? spec.headDim];
    const sizes = { heads, headDim, kvHeads: site.kvHeads ?? heads, tokens: site.tokens ?? spec.tokens };
    return { ...spec, ...sizes, embedDim: heads * headDim };
  }
  const found = spec.stages === undefined ? null : stageOf(spec.stages, layer);
  if (found === null) return spec;
  const { heads, headDim, embedDim, mlpDim, tokens, prefixTokens } = found.stage;
  return { ...spec, heads, kvHeads: heads, headDim, embedDim, mlpDim, tokens, prefixTokens };
}

/** The stage that has block `layer`, and the index of the block in it; null past the last block. */
export function stageOf<T extends Pick<StageShape, 'layers'>>(
  stages: readonly T[],
  layer: number,
): { readonly stage: T; readonly index: number } | null {
  let index = layer;
  for (const stage of stages) {
    if (index < stage.layers) return { stage, index };
    index -= stage.layers;
  }
  return null;
}

/** The spec as the head of the network has it. */
export function specOfHead(spec: ModelSpec): ModelSpec {
  return specOfLayer(spec, spec.layers - 1);
}

/** Key and value head that query head h reads: kvHeads groups of consecutive query heads. */
export function kvHeadOf(spec: Pick<ModelSpec, 'heads' | 'kvHeads'>, head: number): number {
  return Math.floor(head / (spec.heads / spec.kvHeads));
}

/** No queries of their own: scores are k.k. */
export function isSymmetric(spec: Pick<ModelSpec, 'attention'>): boolean {
  return spec.attention === 'symmetric' || spec.attention === 'rpc';
}

/** The image side of a vision model. @throws ModelSpecError badInput for a model that takes token ids. */
export function imageShape(spec: ModelSpec): ImageShape {
  if (spec.image !== null) return spec.image;
  throw new ModelSpecError(
    'badInput',
    spec.audio
      ? `This model takes log-mel features, not pictures. Give --input npy:FILE ([${spec.audio.mels}, ${spec.audio.frames}]) or random.`
      : 'This model takes token ids, not pictures. Give --input tokens:1,2,3 or random.',
  );
}

/** The features that a speech encoder takes. @throws ModelSpecError badInput for a model that takes something else. */
export function audioShape(spec: ModelSpec): AudioShape {
  if (spec.audio) return spec.audio;
  throw new ModelSpecError('badInput', 'This model takes no log-mel features.');
}

/** The network gives away something at its end that the file has the weights for. */
export function hasOutput({ head }: Pick<ModelSpec, 'head'>): boolean {
  const masks = (head.masks ?? null) !== null;
  return head.classifier !== null || masks || (head.output === 'states' && head.norm !== null);
}

/** How the family prepares pictures. @throws ModelSpecError badInput for a model that takes token ids. */
export function imagePreprocessing(spec: ModelSpec): ImagePreprocessing {
  imageShape(spec);
  if (spec.preprocessing !== null) return spec.preprocessing;
  throw new ModelSpecError(
    'badInput',
    'This model does not say how pictures are prepared. Give an array with npy:FILE.',
  );
}

/** The spec with N of this input: language models run on as many tokens as they are given. */
export function specForInput(spec: ModelSpec, input: ModelInput): ModelSpec {
  if (!('ids' in input)) return spec;
  const { ids } = input;
  const endToken = spec.text?.endToken;
  if (!spec.text || endToken === undefined) return { ...spec, tokens: ids.length };
  const at = ids.indexOf(endToken === 'highest' ? ids.reduce((most, id) => Math.max(most, id), 0) : endToken);
  return { ...spec, tokens: ids.length, text: { ...spec.text, endsAt: at < 0 ? null : at } };
}
