// Layers from our own engine: weights by role, the backend that the person chose, the float64 one behind the metrics, and
// beside them the untrained twins, ablated and noisy runs. Weights of two layers are in memory at a time, of one where they
// are large; of a twin one matrix.

import type { FloatArray, TensorIndex } from '../checkpoint/tensorIndex';
import type { AblationNumbers } from '../diagnostics/headResult';
import type { NetworkNoise } from '../diagnostics/networkNoise';
import type { AttentionRollout } from '../diagnostics/rollout';
import { createRandom } from '../diagnostics/random';
import { adaptiveLogProbabilities } from '../engine/adaptiveSoftmax';
import type { Backend, LayerOptions, LayerTrace, Residual } from '../engine/backend';
import { createReferenceKernels } from '../engine/reference/kernels';
import { hasOutput, specOfLayer } from '../model/blockShape';
import { lengthsOf, matrixRoom, untrainedBlockWeights, untrainedEmbedWeights } from '../model/initialise';
import type { RandomNumbers } from '../model/initialRules';
import type { RowRange, WeightLoader } from '../model/loadWeights';
import type { ModelSpec } from '../model/modelSpec';
import type { BlockWeights, EmbedWeights, Length, ProjectionWeights } from '../model/weights';
import { ablationNumbers, HeadAblations } from './ablation';
import type { Branch } from './branches';
import { CancelledError } from './cancelledError';
import { Companions } from './companions';
import { headInputs, rpcParameters, runsRpc } from './headInputs';
import type { TwinTable, TwinTrace } from './headInputs';
import { headsOfLayer, lastForwardLayer } from './inspectionRequest';
import type { InspectionRequest } from './inspectionRequest';
import { NetworkNoiseRuns } from './networkNoiseRuns';
import { RolloutRun } from './rolloutRun';
import { outputKind } from './networkOutput';
import type { LayerSource, NamedArray, SourceLayer } from './layerSource';
import { float64Parity, ParityMeter } from './parity';
import { SampledHeads } from './sampledHeads';
import { oneLayerAtATime } from './readAhead';

export interface EngineServices {
  readonly weights: WeightLoader;
  /** Runs the forward pass that the person chose. */
  readonly backend: Backend;
  /** Float64 backend behind every metric; the same object when `backend` is float64 itself. */
  readonly metrics: Backend;
  /** Runs untrained twins, ablated and noisy runs; the same object as `metrics` on `reference`. */
  readonly companions: Backend;
  readonly signal: AbortSignal;
  /** Untrained twins whose numbers are known for every head asked for: they are not run. Absent or null: they are. */
  readonly knownTwins?: TwinTable | null;
}

/** The layers of `request.spec` on our engine. Its calls reject with CancelledError once `signal` is aborted. */
export function engineLayers(request: InspectionRequest, services: EngineServices): LayerSource {
  return new EngineLayers(request, services);
}

/** The portable generator one number at a time; normals come in the pairs of the stream. */
function randomNumbers(key: string): RandomNumbers {
  const stream = createRandom(key);
  let pair: Float64Array | null = null;
  return {
    uniform: () => stream.uniform(),
    normal: () => {
      if (pair !== null) {
        const second = pair[1]!;
        pair = null;
        return second;
      }
      pair = stream.normals(2);
      return pair[0]!;
    },
  };
}

/** One residual stream a twin; twins share the input and nothing else. */
interface Twin {
  readonly seed: number;
  residual: Residual;
}

/** Rows of a classifier read at once: vocabularies of 100,000 words are a gigabyte in float64. */
const classifierRowNumbers = 2 ** 24;

/** Parts of the classifier one after the other; undefined: the whole of it at once. */
function classifierParts(index: TensorIndex, spec: ModelSpec): readonly (RowRange | undefined)[] {
  const role = spec.head.classifier;
  const [rows = 0, width = 1] = role === null ? [] : (index.entries.get(role.weight)?.shape ?? []);
  const step = Math.max(1, Math.floor(classifierRowNumbers / width));
  const whole = role?.layout !== undefined || spec.head.distClassifier !== null || spec.head.pooling === 'patches';
  if (rows <= step || whole) return [undefined];
  return Array.from({ length: Math.ceil(rows / step) }, (_, part) => ({
    from: part * step,
    to: Math.min(rows, (part + 1) * step),
  }));
}

function joined(parts: readonly FloatArray[]): FloatArray {
  if (parts.length === 1) return parts[0]!;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = parts[0] instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const noResidual: Residual = { tokens: 0, width: 0, data: new Float64Array(0) };

class EngineLayers implements LayerSource {
  readonly backend: Backend;
  readonly beginning = { at: 'patches' } as const;
  private readonly spec: ModelSpec;
  private readonly meter = new ParityMeter();
  readonly oneLayerAtATime: boolean;
  private readonly lastLayer: number;
  private readonly shadowed: boolean;
  private metrics: Residual = noResidual;
  private painted: Residual = noResidual;
  private twins: readonly Twin[] = [];
  private readonly twinPasses: Companions;
  private readonly branchPasses: Companions;
  /** The network as it is, in the precision of the branches: where they begin, and on what that precision is measured. */
  private clean: Branch = { residual: noResidual };
  private next: Promise<BlockWeights> | null = null;
  private readonly ablated: HeadAblations | null;
  private effects: ReadonlyMap<string, AblationNumbers> = new Map();
  private readonly noisy: NetworkNoiseRuns | null;
  private noiseNumbers: NetworkNoise | null = null;
  private readonly rolled: RolloutRun;
  /** null: the metrics are those of the plain kernels. */
  private readonly sampled: SampledHeads | null;

  constructor(
    private readonly request: InspectionRequest,
    private readonly services: EngineServices,
  ) {
    this.spec = request.spec;
    this.backend = services.backend;
    this.lastLayer = lastForwardLayer(request);
    this.shadowed = services.backend !== services.metrics;
    this.twinPasses = new Companions(services.companions, services.metrics);
    this.branchPasses = new Companions(services.companions, services.metrics);
    this.ablated = request.ablation ? new HeadAblations(this.spec, this.branchPasses, request.seed) : null;
    const { networkNoise } = request;
    this.noisy = networkNoise === null ? null : new NetworkNoiseRuns({ ...request, networkNoise }, this.branchPasses);
    this.rolled = new RolloutRun(this.spec);
    const isPlain = services.metrics.kind === 'reference';
    this.sampled = isPlain ? null : new SampledHeads(createReferenceKernels(), request.layers);
    this.oneLayerAtATime = oneLayerAtATime(request.index, this.spec);
  }

  async begin(): Promise<void> {
    const { request, services, spec } = this;
    const ids = 'ids' in request.input ? request.input.ids : null;
    const embedWeights = await services.weights.embed(ids);
    this.checkCancelled();
    this.metrics = await services.metrics.embed(spec, embedWeights, request.input);
    this.painted = this.shadowed ? await services.backend.embed(spec, embedWeights, request.input) : this.metrics;
    if (this.shadowed) this.meter.compare('embedding', this.painted.data, this.metrics.data);
    if (this.accompanied) {
      const { input } = request;
      const residual = await this.branchPasses.embedding(
        (backend) => backend.embed(spec, embedWeights, input),
        this.metrics,
      );
      this.clean = { residual };
    }
    this.noisy?.begin(this.clean.residual);
    this.twins = await this.embedTwins(embedWeights, ids);
    if (!this.oneLayerAtATime) this.readAhead(0);
  }

  async forward(layer: number): Promise<SourceLayer> {
    const { request, services, spec } = this;
    if (this.next === null) this.readAhead(layer);
    const weights = await this.next!;
    this.next = null;
    this.checkCancelled();
    if (layer < this.lastLayer && !this.oneLayerAtATime) this.readAhead(layer + 1);
    const options = this.layerOptions(layer);
    const rollout = this.rolled.before(layer);
    const trace = await services.metrics.runLayer(spec, weights, this.metrics, {
      ...options,
      ...(rollout === undefined ? {} : { rollout }),
    });
    if (trace.rollout !== undefined) this.rolled.after(layer, trace.rollout);
    this.compareSampled(weights, trace);
    let shown = trace;
    if (this.shadowed) {
      shown = await services.backend.runLayer(spec, weights, this.painted, options);
      this.meter.compareLayer(shown, trace);
    }
    const plain = this.plainOptions(layer);
    const carried = this.accompanied ? await this.carryClean(weights, plain, trace) : trace;
    if (this.ablated !== null) {
      const heads = request.layers.includes(layer) ? headsOfLayer(request, layer) : [];
      await this.ablated.step(weights, this.clean.residual, plain, heads, () => {
        this.checkCancelled();
      });
    }
    await this.noisy?.step(weights, layer, () => {
      this.checkCancelled();
    });
    this.metrics = trace.next;
    this.clean = { residual: carried.next };
    this.painted = shown.next;
    let twins: readonly TwinTrace[] = [];
    // The layer has run: its large matrices go before a twin's are drawn.
    const lengths = lengthsOf(weights);
    let held: ProjectionWeights | null = projectionsOf(weights);
    const kept = (): ProjectionWeights => {
      if (held === null) throw new RangeError(`layer ${layer} was released`);
      return held;
    };
    return {
      runTwins: async () => {
        twins = await this.runTwins(lengths, layer);
      },
      heads: () => {
        const native = this.nativeRpc(layer);
        const own = twins;
        // The inputs hold copies.
        twins = [];
        return headInputs(spec, kept, trace, headsOfLayer(request, layer), native, own, services.knownTwins);
      },
      tensors: () => layerTensors(shown),
      release: () => {
        held = null;
      },
    };
  }

  async output(): ReturnType<LayerSource['output']> {
    const { request, services, spec } = this;
    const parts: FloatArray[] = [];
    const shownParts: FloatArray[] = [];
    const ablated: readonly Branch[] = this.ablated === null ? [] : [this.clean, ...this.ablated.branches];
    const branches = [...ablated, ...(this.noisy?.branches ?? [])];
    const branchParts = branches.map((): FloatArray[] => []);
    for (const rows of hasOutput(spec) ? classifierParts(request.index, spec) : []) {
      const weights = await services.weights.head(rows);
      const part = await services.metrics.unembed(spec, weights, this.metrics);
      if (part === null) break;
      parts.push(part);
      if (this.shadowed) shownParts.push((await services.backend.unembed(spec, weights, this.painted)) ?? part);
      for (const [at, { residual }] of branches.entries()) {
        const beside = await this.branchPasses.unembed(spec, weights, residual);
        if (beside !== null) branchParts[at]!.push(beside);
      }
      this.checkCancelled();
    }
    if (parts.length === 0) return { reason: 'the checkpoint has no classifier, so there are no logits' };
    const float64 = await this.finished(services.metrics, this.metrics, joined(parts));
    const outputs: FloatArray[] = [];
    for (const [at, { residual }] of branches.entries()) {
      outputs.push(await this.finished(this.branchPasses, residual, joined(branchParts[at]!)));
    }
    const [clean, ...others] = outputs.slice(0, ablated.length);
    if (this.ablated !== null && clean !== undefined) {
      this.branchPasses.watchedOutput(outputKind(spec), clean, float64);
      this.effects = ablationNumbers(this.ablated.branches, others, clean, outputKind(spec) === 'logits');
    }
    this.noiseNumbers = this.noisy?.numbers(outputs.slice(ablated.length)) ?? null;
    const shown = this.shadowed ? await this.finished(services.backend, this.painted, joined(shownParts)) : float64;
    if (this.shadowed) this.meter.compare(outputKind(spec), shown, float64);
    return { float64, shown };
  }

  ablations(): ReadonlyMap<string, AblationNumbers> {
    return this.effects;
  }

  networkNoise(): NetworkNoise | null {
    return this.noiseNumbers;
  }

  rollout(): AttentionRollout | null {
    return this.rolled.result();
  }

  inspected(): ModelSpec {
    return this.spec;
  }

  /** Logits as they are, or log-probabilities where the head is an adaptive softmax. */
  private async finished(backend: Pick<Backend, 'unembed'>, last: Residual, logits: FloatArray): Promise<FloatArray> {
    const { clusters } = this.spec.head;
    if (clusters === undefined) return logits;
    const rows = await backend.unembed(this.spec, await this.services.weights.head('clusters'), last);
    return rows === null ? logits : adaptiveLogProbabilities(logits, rows, clusters.cutoffs);
  }

  parity(): ReturnType<LayerSource['parity']> {
    const sampled = this.sampled?.result() ?? float64Parity;
    if (!this.shadowed) return sampled;
    const { maxRelError, perTensor } = this.meter.result();
    const all = { ...perTensor, ...sampled.perTensor };
    return { ...sampled, maxRelError: Math.max(maxRelError ?? 0, sampled.maxRelError ?? 0), perTensor: all };
  }

  companions(): ReturnType<NonNullable<LayerSource['companions']>> {
    return this.accompanied ? this.branchPasses.precision() : undefined;
  }

  /** Twins, or runs that leave the network somewhere, were asked for. */
  private get accompanied(): boolean {
    return this.request.twins > 0 || this.ablated !== null || this.noisy !== null;
  }

  private compareSampled(weights: BlockWeights, trace: LayerTrace): void {
    const head = this.sampled?.headOf(trace, headsOfLayer(this.request, trace.layer)) ?? null;
    if (this.sampled === null || head === null) return;
    const [input] = headInputs(this.spec, () => projectionsOf(weights), trace, [head], null, []);
    this.sampled.compare(input!, trace);
  }

  /** The next layer's weights are read while this one computes; a failure surfaces when it is awaited. */
  private readAhead(layer: number): void {
    this.next = this.services.weights.block(layer);
    this.next.catch(() => undefined);
  }

  private layerOptions(layer: number): LayerOptions {
    const { request } = this;
    return {
      layer,
      forward: request.forward,
      rpc: runsRpc(request.rpc, layer) ? request.rpc : null,
      wantPattern: request.keepTensors && request.layers.includes(layer),
    };
  }

  /** On its own, because a closure in `forward` would keep the weights for as long as the layer's heads are at work. */
  private carryClean(weights: BlockWeights, options: LayerOptions, trace: LayerTrace): Promise<LayerTrace> {
    const { spec, clean } = this;
    return this.branchPasses.layer(
      options.layer,
      (backend) => backend.runLayer(spec, weights, clean.residual, options),
      trace,
    );
  }

  /** What flows on and nothing beside it. */
  private plainOptions(layer: number): LayerOptions {
    const own = this.layerOptions(layer);
    return { ...own, rpc: own.forward === 'rpc' ? own.rpc : null, wantPattern: false };
  }

  /** RPC that the model itself runs in this layer, or is made to run. */
  private nativeRpc(layer: number): ReturnType<typeof rpcParameters> | null {
    const { request, spec } = this;
    const native =
      request.forward === 'native' && spec.attention === 'rpc' && runsRpc(spec.rpc, layer) ? spec.rpc : null;
    const forced = request.forward === 'rpc' && runsRpc(request.rpc, layer) ? request.rpc : null;
    const settings = native ?? forced;
    return settings === null ? null : rpcParameters(settings, specOfLayer(spec, layer));
  }

  private async embedTwins(trained: EmbedWeights, ids: Int32Array | null): Promise<Twin[]> {
    const { request, services, spec } = this;
    const twins: Twin[] = [];
    if (services.knownTwins) return twins;
    for (let seed = 0; seed < request.twins; seed += 1) {
      const random = randomNumbers(`${request.seed}/twin/${seed}/embed`);
      const weights = untrainedEmbedWeights(spec, trained, random, ids);
      const residual = await this.twinPasses.embedding((pass) => pass.embed(spec, weights, request.input), null);
      twins.push({ seed, residual });
      this.checkCancelled();
    }
    return twins;
  }

  private async runTwins(trained: BlockWeights<Length>, layer: number): Promise<TwinTrace[]> {
    const { request, spec } = this;
    const traces: TwinTrace[] = [];
    const room = matrixRoom();
    const options = this.plainOptions(layer);
    for (const twin of this.twins) {
      const key = `${request.seed}/twin/${twin.seed}/${layer}`;
      // Drawn afresh by each pass: a block takes its matrices one after the other.
      const trace = await this.twinPasses.layer(
        layer,
        (pass) =>
          pass.runLayer(spec, untrainedBlockWeights(spec, trained, randomNumbers(key), room), twin.residual, options),
        null,
      );
      twin.residual = trace.next;
      traces.push({ k: trace.k, v: trace.v });
      this.checkCancelled();
    }
    return traces;
  }

  private checkCancelled(): void {
    if (this.services.signal.aborted) throw new CancelledError();
  }
}

function projectionsOf({ qkv, queryNorm, keyNorm, scale, proj, ropeDivisors }: BlockWeights): ProjectionWeights {
  return { qkv, queryNorm, keyNorm, scale, proj, ...(ropeDivisors === undefined ? {} : { ropeDivisors }) };
}

function layerTensors(trace: LayerTrace): readonly NamedArray[] {
  const { tokens: n, heads: h, headDim: d } = trace;
  const cubes = (['q', 'k', 'v', 'out', 'softmax', 'rpc'] as const).map((name) => [name, [h, n, d]] as const);
  return [...cubes, ['pattern', [h, n, n]] as const, ['x', [n, trace.x.length / n]] as const].flatMap(
    ([name, shape]) => {
      const data = trace[name];
      return data === null ? [] : [{ name: `layer${trace.layer}.${name}`, shape, data }];
    },
  );
}
