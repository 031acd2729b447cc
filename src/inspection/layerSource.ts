// Where the tensors of each layer come from: our engine on loaded weights (engineLayers.ts), or another runtime. The
// run (runInspection.ts) knows nothing else about the network.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { AblationNumbers } from '../diagnostics/headResult';
import type { HeadInput } from '../diagnostics/headInput';
import type { NetworkNoise } from '../diagnostics/networkNoise';
import type { AttentionRollout } from '../diagnostics/rollout';
import type { Backend } from '../engine/backend';
import type { ModelSpec } from '../model/modelSpec';
import type { Parity, Provenance } from './inspectionResult';
import type { ProgressLabel } from './progressLabel';

export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: FloatArray;
}

export interface SourceLayer {
  /** Carries the null `untrained` through this layer; `heads` needs it where the layer is inspected. */
  runTwins(): Promise<void>;
  /** Float64 inputs of the heads asked for. They hold copies: nothing of the layer stays alive through them. */
  heads(): readonly HeadInput[];
  /** What `tensors.npz` keeps of the layer. */
  tensors(): readonly NamedArray[];
  /** The heads are done (or not asked for): what only they needed may go. */
  release?(): void;
}

export interface LayerSource {
  /** Layers are so large that the heads of one shall be done before the next is read. */
  readonly oneLayerAtATime?: boolean;
  /** Who computes the forward pass, for the provenance. */
  readonly backend: Pick<Backend, 'kind' | 'adapter' | 'precision'>;
  /** What happens before the first layer, for the progress. */
  readonly beginning: ProgressLabel;
  begin(): Promise<void>;
  /** The forward pass of one layer; called for 0, 1, 2, … each once. */
  forward(layer: number): Promise<SourceLayer>;
  /**
   * What is behind the last layer (logits [classes], an embedding, states [N, C], masks [classes, gridHeight,
   * gridWidth]), or a sentence why there is nothing.
   */
  output(): Promise<{ readonly float64: FloatArray; readonly shown: FloatArray } | { readonly reason: string }>;
  /** Effects of head ablation by `layer/head`, once `output` is there; absent: it cannot be done. */
  ablations?(): ReadonlyMap<string, AblationNumbers>;
  /** Effects of noise between the layers, once `output` is there; null: not asked for. Absent: it cannot be done. */
  networkNoise?(): NetworkNoise | null;
  /** Attention rollout of the layers that ran. Absent: what stands between the blocks is not known to be a residual stream. */
  rollout?(): AttentionRollout | null;
  /** What was inspected, with what only running it told. */
  inspected(): ModelSpec;
  /** How far the forward pass was from float64, once it is over. */
  parity(): Parity;
  /** In which precision what is compared with the network ran, once it is over. */
  companions?(): Provenance['companions'];
}
