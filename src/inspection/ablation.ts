// Head ablation: the network again from the layer of a head on, with that head's output taken away (0, or its mean over
// the tokens) or replaced by noise of the same size, which is the null. All branches share each layer's weights.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { AblationEffect, AblationNumbers } from '../diagnostics/headResult';
import { klDivergence, topOf } from '../diagnostics/distribution';
import { normals } from '../diagnostics/random';
import { columnMeans, distance, measured, norm } from '../diagnostics/vector';
import type { Backend, LayerOptions, Residual } from '../engine/backend';
import { specOfLayer } from '../model/blockShape';
import type { ModelSpec } from '../model/modelSpec';
import type { BlockWeights } from '../model/weights';
import { carryBranches, streamBytes, type Branch } from './branches';

/** `random` is the null. */
export const ablationKinds = ['zero', 'mean', 'random'] as const;
type AblationKind = (typeof ablationKinds)[number];

/** Bytes of all branches of `layers` x `heads` heads: each head of each layer has three. */
export function ablationBytes(spec: ModelSpec, layers: number, heads: number): number {
  return ablationKinds.length * layers * heads * streamBytes(spec);
}

interface AblationBranch extends Branch {
  readonly layer: number;
  readonly head: number;
  readonly kind: AblationKind;
}

export class HeadAblations {
  readonly branches: AblationBranch[] = [];

  constructor(
    private readonly spec: ModelSpec,
    private readonly backend: Pick<Backend, 'runLayer'>,
    private readonly seed: number,
  ) {}

  /**
   * Carries every branch through a layer, then begins those of `heads` in it. `before`: the clean stream entering it, in the
   * precision of the branches.
   */
  async step(
    weights: BlockWeights,
    before: Residual,
    options: LayerOptions,
    heads: readonly number[],
    check: () => void,
  ): Promise<void> {
    const { spec, backend } = this;
    await carryBranches(this.branches, { spec, backend, weights }, () => options, check);
    const { layer } = options;
    for (const head of heads) {
      for (const kind of ablationKinds) {
        const replaceHead = { head, by: (out: Float64Array) => this.replacement(kind, layer, head, out) };
        const { next } = await backend.runLayer(spec, weights, before, { ...options, replaceHead });
        this.branches.push({ layer, head, kind, residual: next });
        check();
      }
    }
  }

  private replacement(kind: AblationKind, layer: number, head: number, out: Float64Array): Float64Array {
    if (kind === 'zero') return new Float64Array(out.length);
    if (kind === 'mean') {
      const width = specOfLayer(this.spec, layer).headDim;
      const means = columnMeans(out, out.length / width, width);
      return out.map((_, at) => means[at % width]!);
    }
    const noise = normals(`${this.seed}/ablation/${layer}/${head}`, out.length);
    const factor = norm(out) / norm(noise);
    return noise.map((value) => value * factor);
  }
}

/** Effects by `layer/head`, of the outputs of the branches in their order. `logits`: outputs are logits of classes. */
export function ablationNumbers(
  branches: readonly Pick<AblationBranch, 'layer' | 'head' | 'kind'>[],
  outputs: readonly FloatArray[],
  clean: FloatArray,
  logits: boolean,
): ReadonlyMap<string, AblationNumbers> {
  const found = new Map<string, Record<AblationKind, AblationEffect>>();
  branches.forEach(({ layer, head, kind }, at) => {
    const key = `${layer}/${head}`;
    const entry = found.get(key) ?? ({} as Record<AblationKind, AblationEffect>);
    entry[kind] = effect(Float64Array.from(clean), Float64Array.from(outputs[at]!), logits);
    found.set(key, entry);
  });
  return found;
}

function effect(clean: Float64Array, changed: Float64Array, logits: boolean): AblationEffect {
  const relChange = measured(distance(changed, clean) / norm(clean));
  if (!logits) {
    return {
      kl: null,
      topChanged: null,
      relChange,
      reason: 'The output is no logits, so it is no distribution over classes.',
    };
  }
  const kl = measured(klDivergence(clean, changed));
  const effects = { kl, topChanged: topOf(clean) !== topOf(changed), relChange };
  return relChange === null ? { ...effects, reason: 'The clean output is zero.' } : effects;
}
