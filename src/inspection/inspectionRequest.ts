// What a person asks for and what it will cost, before anything runs.

import type { BackendKind, ForwardAttention } from '../engine/backend';
import type { GramChoice, NoiseSettings } from '../diagnostics/headInput';
import type { HeadResult } from '../diagnostics/headResult';
import type { NetworkNoiseSettings } from '../diagnostics/networkNoise';
import type { RpcSweepSettings } from '../diagnostics/rpcSweep';
import { hasOutput, specOfLayer } from '../model/blockShape';
import type { ModelInput, ModelSpec, RpcSettings } from '../model/modelSpec';
import { graphFromWire, graphToWire, type WireGraph } from '../checkpoint/onnx/wireGraph';
import type { TensorEntry, TensorIndex } from '../checkpoint/tensorIndex';

/** Plain data: it crosses to workers. */
export interface InspectionRequest {
  readonly index: TensorIndex;
  readonly spec: ModelSpec;
  readonly input: ModelInput;
  readonly checkpointSha256: string | null;
  readonly backend: BackendKind;
  readonly backendReason: string;
  /** Layers and heads to diagnose; the forward pass always runs as far as the last one asked for. */
  readonly layers: readonly number[];
  readonly heads: readonly number[];
  /** RPC beside the model's own attention. */
  readonly rpc: RpcSettings;
  readonly forward: ForwardAttention;
  readonly noise: NoiseSettings;
  /** RPC over a grid of settings, in the layers of `rpc`; absent: no. */
  readonly rpcSweep?: RpcSweepSettings;
  /** How keys enter the Gram matrix. */
  readonly gram: GramChoice;
  readonly nulls: number;
  /** Draws of the nulls of the reproduction study's metrics. */
  readonly studyNulls: number;
  /** Head ablation: the network again from each inspected head on. */
  readonly ablation: boolean;
  /** Noise between the layers, carried to the output; null: not run. */
  readonly networkNoise: NetworkNoiseSettings | null;
  /** Untrained twins for the null of that name; 0: not run. */
  readonly twins: number;
  readonly seed: number;
  /** Keep q, k, v, out, pattern of every layer for `tensors.npz`. */
  readonly keepTensors: boolean;
  readonly gramlensVersion: string;
  /** Heads already diagnosed on this request (a GPU that was lost half-way); they are kept, not computed again. */
  readonly known: readonly KnownHead[];
}

/** The output needs the whole network; without a classifier the last layer asked for is far enough. */
export function lastForwardLayer(request: Pick<InspectionRequest, 'spec' | 'layers'>): number {
  return hasOutput(request.spec) ? request.spec.layers - 1 : Math.max(...request.layers);
}

/** The heads asked for that a layer has: stages of a network may have fewer than others. */
export function headsOfLayer(request: Pick<InspectionRequest, 'spec' | 'heads'>, layer: number): readonly number[] {
  const { heads } = specOfLayer(request.spec, layer);
  return request.heads.filter((head) => head < heads);
}

export interface KnownHead {
  readonly layer: number;
  readonly head: HeadResult;
}

/** The request as it crosses postMessage of a webview, which drops Maps: entries as a list, no pickle tree. */
export interface WireRequest extends Omit<InspectionRequest, 'index'> {
  readonly index: Omit<TensorIndex, 'entries' | 'tree' | 'graph'> & {
    readonly entries: readonly TensorEntry[];
    readonly graph?: WireGraph;
  };
}

export function toWire(request: InspectionRequest): WireRequest {
  const { format, fileName, byteLength, shards, entries, metadata, notes, graph } = request.index;
  const index = {
    ...{ format, fileName, byteLength, metadata, notes, entries: [...entries.values()] },
    ...(shards === undefined ? {} : { shards }),
    ...(graph === undefined ? {} : { graph: graphToWire(graph) }),
  };
  return { ...request, index };
}

export function fromWire(wire: WireRequest): InspectionRequest {
  const entries = new Map(wire.index.entries.map((entry) => [entry.name, entry]));
  const { graph, ...index } = wire.index;
  const whole = graph === undefined ? {} : { graph: graphFromWire(graph) };
  return { ...wire, index: { ...index, ...whole, entries, tree: null } };
}

export interface InspectionPlan {
  readonly description: string;
  /** What the input is called: 'default input: sample picture, seed 0'. */
  readonly input: string;
  /** Of a run over several, one after the other; times and work are of all of them. */
  readonly inputs?: { readonly count: number; readonly fewestTokens: number; readonly mostTokens: number };
  readonly layers: number;
  readonly heads: number;
  /** Whether each of them is also taken out of the network. */
  readonly ablation: boolean;
  readonly tokens: number;
  readonly headDim: number;
  /** Bytes of one layer's weights as they are held while it runs. */
  readonly layerByteLength: number;
  readonly peakByteLength: number;
  /** Forward pass, floating-point operations. */
  readonly forwardFlops: number;
  readonly diagnosticsFlops: number;
  readonly estimatedSeconds: number;
  /** Untrained twins are not run: an earlier run kept their numbers. */
  readonly knownTwins: boolean;
  readonly backend: BackendKind;
  readonly backendReason: string;
}
