// The attention rollout of a run, carried along with its forward pass: one matrix [N, N] at a time.

import {
  effectiveTokens,
  readRows,
  uniformRollout,
  type AttentionRollout,
  type RolloutLayer,
} from '../diagnostics/rollout';
import { identityRollout } from '../engine/rollout';
import { scoreRule, specOfHead, specOfLayer } from '../model/blockShape';
import type { ModelSpec } from '../model/modelSpec';

/** Weights of all layers together that a result keeps: about a megabyte of JSON. */
const maxKeptWeights = 2 ** 16;

interface Read {
  readonly from: string;
  readonly tokens: readonly number[];
}

/** The tokens that the output is read from; all of them where each is read by itself. */
export function readTokens(spec: ModelSpec): Read {
  const { head, prefixTokens, tokens, causal } = specOfHead(spec);
  const range = (start: number, end: number): number[] => Array.from({ length: end - start }, (_, i) => start + i);
  if (head.output === 'states' || head.pooling === 'patches') {
    return causal
      ? { from: 'the last token', tokens: [tokens - 1] }
      : { from: 'the mean of all tokens', tokens: range(0, tokens) };
  }
  switch (head.pooling ?? 'class') {
    case 'last':
      return { from: 'the last token', tokens: [tokens - 1] };
    case 'end':
      return { from: 'the token that ends the text', tokens: [spec.text?.endsAt ?? 0] };
    case 'mean':
      return {
        from: 'the mean of the tokens behind the prefix',
        tokens: range(Math.min(prefixTokens, tokens - 1), tokens),
      };
    default:
      return { from: 'the token that the output is read from (token 0)', tokens: [0] };
  }
}

export class RolloutRun {
  private matrix: Float64Array | null = null;
  private firstLayer = 0;
  private readonly read: Read;
  private kept: { readonly layer: RolloutLayer; readonly weights: Float64Array }[] = [];

  constructor(private readonly spec: ModelSpec) {
    this.read = readTokens(spec);
  }

  /** What the layer starts from; undefined: its tokens are not those that are read in the end, as in an earlier stage. */
  before(layer: number): Float64Array | undefined {
    const { tokens } = specOfLayer(this.spec, layer);
    if (tokens !== specOfHead(this.spec).tokens) return undefined;
    if (this.matrix === null) {
      this.matrix = identityRollout(tokens);
      this.firstLayer = layer;
    }
    return this.matrix;
  }

  after(layer: number, rollout: Float64Array): void {
    this.matrix = rollout;
    const weights = readRows(rollout, this.read.tokens);
    const rules = Array.from({ length: layer + 1 - this.firstLayer }, (_, i) =>
      scoreRule(this.spec, this.firstLayer + i),
    );
    const uniform = uniformRollout(weights.length, this.read.tokens, rules);
    this.kept.push({
      layer: {
        index: layer,
        effectiveTokens: effectiveTokens(weights),
        uniformEffectiveTokens: effectiveTokens(uniform),
      },
      weights,
    });
  }

  /** null: no layer ran. */
  result(): AttentionRollout | null {
    const { kept, firstLayer } = this;
    const numbers = kept.reduce((sum, { weights }) => sum + weights.length, 0);
    if (numbers === 0) return null;
    const all = numbers <= maxKeptWeights;
    return {
      from: this.read.from,
      firstLayer,
      layers: kept.map(({ layer, weights }, at) =>
        all || at === kept.length - 1 ? { ...layer, weights: [...weights] } : layer,
      ),
    };
  }
}
