// The run itself: layer by layer, weights in, trace, heads, weights out. Knows no editor, no file and no GPU:
// all of them are handed in as `InspectionServices`.

import { benjaminiHochberg } from '../diagnostics/benjaminiHochberg';
import { createRandom } from '../diagnostics/random';
import type { DiagnosticsOptions, HeadInput } from '../diagnostics/headInput';
import type { AlignmentMode, HeadResult, NullResult } from '../diagnostics/headResult';
import type { Backend, LayerOptions, LayerTrace, Residual } from '../engine/backend';
import type { BlockWeights, EmbedWeights } from '../model/weights';
import type { FloatArray, TensorIndex } from '../checkpoint/tensorIndex';
import type { RowRange, WeightLoader } from '../model/loadWeights';
import { untrainedBlockWeights, untrainedEmbedWeights } from '../model/initialise';
import type { RandomNumbers } from '../model/initialise';
import type { ModelSpec } from '../model/modelSpec';
import { headInput, rpcParameters, runsRpc } from './headInputs';
import type { TwinTrace } from './headInputs';
import { lastForwardLayer } from './inspectionRequest';
import type { InspectionRequest } from './inspectionRequest';
import { resultSchemaName } from './inspectionResult';
import type { InspectionResult, LayerResult, ModelSummary, Parity } from './inspectionResult';
import { float64Parity, ParityMeter } from './parity';
import { TraceStore } from './traceStore';

/** Stops a run that the person cancelled; the message is what they read. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
  constructor() {
    super('The inspection was cancelled; nothing was written.');
  }
}

export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: FloatArray;
}

export interface InspectionServices {
  readonly weights: WeightLoader;
  /** Runs the forward pass that the person chose. */
  readonly backend: Backend;
  /** Float64 backend behind every metric; the same object when `backend` is float64 itself. */
  readonly metrics: Backend;
  /** Diagnoses heads, in any order, calling `onHead` for each; rejects with CancelledError when cancelled. */
  diagnoseHeads(
    inputs: readonly HeadInput[],
    options: DiagnosticsOptions,
    onHead: (head: HeadResult) => void,
  ): Promise<void>;
  onProgress(label: string, fraction: number): void;
  onHead(layer: number, head: HeadResult): void;
  readonly signal: AbortSignal;
  /** SHA-256 of the checkpoint file, computed beside the run; null where the file cannot be hashed. */
  checkpointSha256(): Promise<string | null>;
  /** Milliseconds, monotonic. */
  now(): number;
}

export interface InspectionOutcome {
  readonly result: InspectionResult;
  readonly traces: TraceStore;
  /** For `tensors.npz`; empty unless the request keeps tensors. */
  readonly tensors: readonly NamedArray[];
}

/** Runs `request`. Rejects with CancelledError, or with the layer's own error (CheckpointError, EngineError, ...). */
export async function runInspection(
  request: InspectionRequest,
  services: InspectionServices,
): Promise<InspectionOutcome> {
  const run = new Run(request, services);
  return run.start();
}

export function modelSummary(spec: ModelSpec): ModelSummary {
  return {
    family: spec.family,
    attention: spec.attention,
    causal: spec.causal,
    layers: spec.layers,
    heads: spec.heads,
    kvHeads: spec.kvHeads,
    headDim: spec.headDim,
    embedDim: spec.embedDim,
    tokens: spec.tokens,
    prefixTokens: spec.prefixTokens,
    grid: [spec.image?.gridHeight ?? 0, spec.image?.gridWidth ?? 0],
    facts: spec.facts,
    notes: spec.notes,
  };
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

/** What a head's diagnostics count for in the progress, against one layer's forward pass. */
const headWork = 4;

/** One residual stream a twin; twins share the input and nothing else. */
interface Twin {
  readonly seed: number;
  residual: Residual;
}

class Run {
  private readonly spec: ModelSpec;
  private readonly parity = new ParityMeter();
  private readonly traces = new TraceStore();
  private readonly tensors: NamedArray[] = [];
  private readonly layers: LayerResult[] = [];
  private readonly lastInspected: number;
  private readonly lastLayer: number;
  private readonly shadowed: boolean;
  /** Work that is done, in layers of the forward pass. */
  private done = 0;

  constructor(
    private readonly request: InspectionRequest,
    private readonly services: InspectionServices,
  ) {
    this.spec = request.spec;
    this.lastInspected = Math.max(...request.layers);
    this.lastLayer = lastForwardLayer(request);
    this.shadowed = services.backend !== services.metrics;
  }

  async start(): Promise<InspectionOutcome> {
    const { request, services, spec } = this;
    const started = services.now();
    services.onProgress('Patch embedding', 0);
    const ids = 'ids' in request.input ? request.input.ids : null;
    const embedWeights = await services.weights.embed(ids);
    this.checkCancelled();
    let metrics = await services.metrics.embed(spec, embedWeights, request.input);
    let painted = this.shadowed ? await services.backend.embed(spec, embedWeights, request.input) : metrics;
    if (this.shadowed) this.parity.compare('embedding', painted.data, metrics.data);
    const twins = await this.embedTwins(embedWeights, ids);

    let next = services.weights.block(0);
    // Heads of one layer are diagnosed (on other threads, where there are some) while the next layer's forward
    // pass runs; never more than one layer of heads at a time, so memory stays that of two layers.
    let heads: Promise<void> = Promise.resolve();
    for (let layer = 0; layer <= this.lastLayer; layer += 1) {
      const weights = await next;
      this.checkCancelled();
      // Read the next layer's weights while this one computes; a failure surfaces when it is awaited.
      if (layer < this.lastLayer) {
        next = services.weights.block(layer + 1);
        next.catch(() => undefined);
      }
      const options = this.layerOptions(layer);
      const trace = await services.metrics.runLayer(spec, weights, metrics, options);
      let shown = trace;
      if (this.shadowed) {
        shown = await services.backend.runLayer(spec, weights, painted, options);
        this.parity.compareLayer(shown, trace);
      }
      metrics = trace.next;
      painted = shown.next;
      this.done += 1;
      this.progress(layer, 'attention');
      if (layer > this.lastInspected) continue;
      const twinTraces = await this.runTwins(twins, weights, layer);
      await heads;
      if (!request.layers.includes(layer)) continue;
      if (request.keepTensors) this.keepTensors(layer, shown);
      heads = this.diagnoseLayer(layer, weights, trace, twinTraces);
      heads.catch(() => undefined);
    }
    await heads;
    const output = await this.output(metrics, painted);
    return { result: await this.result(started, output), traces: this.traces, tensors: this.tensors };
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

  private async embedTwins(trained: EmbedWeights, ids: Int32Array | null): Promise<Twin[]> {
    const { request, services, spec } = this;
    const twins: Twin[] = [];
    for (let seed = 0; seed < request.twins; seed += 1) {
      const random = randomNumbers(`${request.seed}/twin/${seed}/embed`);
      const weights = untrainedEmbedWeights(spec, trained, random, ids);
      twins.push({ seed, residual: await services.metrics.embed(spec, weights, request.input) });
      this.checkCancelled();
    }
    return twins;
  }

  private async runTwins(twins: readonly Twin[], trained: BlockWeights, layer: number): Promise<TwinTrace[]> {
    const { request, services, spec } = this;
    const traces: TwinTrace[] = [];
    for (const twin of twins) {
      const random = randomNumbers(`${request.seed}/twin/${twin.seed}/${layer}`);
      const weights = untrainedBlockWeights(spec, trained, random);
      // RPC beside a twin is of no use; RPC that flows on in the model flows on in its twin.
      const own = this.layerOptions(layer);
      const options = { ...own, rpc: own.forward === 'rpc' ? own.rpc : null, wantPattern: false };
      const trace = await services.metrics.runLayer(spec, weights, twin.residual, options);
      twin.residual = trace.next;
      traces.push({ k: trace.k, v: trace.v });
      this.checkCancelled();
    }
    return traces;
  }

  private async diagnoseLayer(
    layer: number,
    weights: BlockWeights,
    trace: LayerTrace,
    twins: readonly TwinTrace[],
  ): Promise<void> {
    const { request, services, spec } = this;
    const native =
      request.forward === 'native' && spec.attention === 'rpc' && runsRpc(spec.rpc, layer) ? spec.rpc : null;
    const forced = request.forward === 'rpc' && runsRpc(request.rpc, layer) ? request.rpc : null;
    const nativeSettings = native ?? forced;
    const rpc = runsRpc(request.rpc, layer) ? rpcParameters(request.rpc, spec) : null;
    const nativeRpc = nativeSettings === null ? null : rpcParameters(nativeSettings, spec);
    const inputs = request.heads.map((head) => headInput(spec, weights, trace, head, nativeRpc, twins));
    for (const input of inputs) this.traces.keep(input, rpc);
    const options: DiagnosticsOptions = { seed: request.seed, nulls: request.nulls, rpc, noise: request.noise };
    const known = request.known.filter((entry) => entry.layer === layer).map((entry) => entry.head);
    const heads: HeadResult[] = [...known];
    this.done += headWork * known.length;
    const open = inputs.filter((input) => !known.some((head) => head.index === input.head));
    await services.diagnoseHeads(open, options, (head) => {
      heads.push(head);
      services.onHead(layer, head);
      this.done += headWork;
      this.progress(layer, 'spectra, nulls and noise');
    });
    this.checkCancelled();
    heads.sort((a, b) => a.index - b.index);
    this.layers.push({ index: layer, heads });
  }

  private keepTensors(layer: number, trace: LayerTrace): void {
    const { tokens: n, heads: h, headDim: d } = trace;
    const cube = (name: string, data: FloatArray | null, shape: readonly number[]): void => {
      if (data !== null) this.tensors.push({ name: `layer${layer}.${name}`, shape, data });
    };
    for (const name of ['q', 'k', 'v', 'out', 'softmax', 'rpc'] as const) cube(name, trace[name], [h, n, d]);
    cube('pattern', trace.pattern, [h, n, n]);
    cube('x', trace.x, [n, this.spec.embedDim]);
  }

  private async output(metrics: Residual, painted: Residual): Promise<InspectionResult['output']> {
    const { request, services, spec } = this;
    if (spec.head.classifier === null) {
      return { logitsTop: [], reason: 'the checkpoint has no classifier, so there are no logits' };
    }
    this.services.onProgress('Logits', 1);
    const parts: FloatArray[] = [];
    const shownParts: FloatArray[] = [];
    for (const rows of classifierParts(request.index, spec)) {
      const weights = await services.weights.head(rows);
      const logits = await services.metrics.unembed(spec, weights, metrics);
      if (logits === null) break;
      parts.push(logits);
      if (this.shadowed) shownParts.push((await services.backend.unembed(spec, weights, painted)) ?? logits);
      this.checkCancelled();
    }
    if (parts.length === 0)
      return { logitsTop: [], reason: 'the checkpoint has no classifier, so there are no logits' };
    const logits = joined(parts);
    const shown = this.shadowed ? joined(shownParts) : logits;
    if (this.shadowed) this.parity.compare('logits', shown, logits);
    if (request.keepTensors) this.tensors.push({ name: 'logits', shape: [shown.length], data: shown });
    const top = Array.from(logits, (logit, index) => ({ index, label: String(index), logit }));
    top.sort((a, b) => b.logit - a.logit || a.index - b.index);
    return { logitsTop: top.slice(0, 10) };
  }

  private async result(started: number, output: InspectionResult['output']): Promise<InspectionResult> {
    const { request, services, spec } = this;
    const dtypes = new Set<string>();
    for (const entry of request.index.entries.values()) dtypes.add(entry.dtype ?? entry.dtypeName);
    const parity: Parity = this.shadowed ? this.parity.result() : float64Parity;
    this.services.onProgress('SHA-256 of the checkpoint', 1);
    const sha256 = await services.checkpointSha256();
    this.checkCancelled();
    return {
      schema: resultSchemaName,
      provenance: {
        gramlensVersion: request.gramlensVersion,
        checkpoint: {
          name: request.index.fileName,
          bytes: request.index.byteLength,
          sha256,
          format: request.index.format,
          dtypes: [...dtypes].sort(),
        },
        inputs: [
          { kind: request.input.kind, label: request.input.label, sha256: request.input.sha256, tokens: spec.tokens },
        ],
        seed: request.seed,
        backend: services.backend.kind,
        backendReason: request.backendReason,
        adapter: services.backend.adapter,
        ...(services.backend.adapter === null ? { adapterReason: 'this backend uses no graphics adapter' } : {}),
        precision: services.backend.precision,
        metricsPrecision: 'float64',
        parity,
        rpc: { ...request.rpc },
        forward: request.forward,
        nativeRpc: spec.rpc,
        nulls: request.nulls,
        twins: request.twins,
        noise: request.noise,
        overrides: Object.fromEntries(
          spec.facts.filter((fact) => fact.source.startsWith('--set')).map((fact) => [fact.fact, fact.value]),
        ),
        elapsedMs: Math.round(services.now() - started),
      },
      model: modelSummary(spec),
      layers: withFalseDiscoveryRates(this.layers),
      output,
    };
  }

  /** Forward pass and heads advance side by side: the fraction counts both, the label says which just did. */
  private progress(layer: number, what: string): void {
    const heads = this.request.layers.length * this.request.heads.length;
    const total = this.lastLayer + 1 + headWork * heads;
    this.services.onProgress(`Layer ${layer + 1} of ${this.lastLayer + 1}: ${what}`, this.done / total);
  }

  private checkCancelled(): void {
    if (this.services.signal.aborted) throw new CancelledError();
  }
}

/** Rows of a classifier read at once: vocabularies of 100,000 words are a gigabyte in float64. */
const classifierRowNumbers = 2 ** 24;

/** Parts of the classifier one after the other; undefined: the whole of it at once. */
function classifierParts(index: TensorIndex, spec: ModelSpec): readonly (RowRange | undefined)[] {
  const role = spec.head.classifier;
  const [rows = 0, width = 1] = role === null ? [] : (index.entries.get(role.weight)?.shape ?? []);
  const step = Math.max(1, Math.floor(classifierRowNumbers / width));
  if (rows <= step || role?.layout !== undefined || spec.head.distClassifier !== null) return [undefined];
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

const nullNames = ['random', 'permuted', 'untrained'] as const;
const statistics = ['overlap', 'energy', 'rayleigh'] as const;

/** Benjamini-Hochberg q beside every p, over all heads of the run (spec section 5). */
export function withFalseDiscoveryRates(layers: readonly LayerResult[]): LayerResult[] {
  const heads = layers.flatMap((layer) => layer.heads);
  const modes = {
    theory: heads.map((head) => head.alignment.theory),
    plain: heads.map((head) => head.alignment.plain),
  };
  const theory = adjusted(modes.theory);
  const plain = adjusted(modes.plain);
  let at = 0;
  return layers.map((layer) => ({
    ...layer,
    heads: layer.heads.map((head) => {
      const alignment = { ...head.alignment, theory: theory[at]!, plain: plain[at]! };
      at += 1;
      return { ...head, alignment };
    }),
  }));
}

function adjusted(modes: readonly AlignmentMode[]): AlignmentMode[] {
  const result = modes.map((mode) => ({ ...mode, nulls: { ...mode.nulls } }));
  for (const name of nullNames) {
    const present = result.filter((mode) => mode.nulls[name] !== null);
    for (const statistic of statistics) {
      const qs = benjaminiHochberg(present.map((mode) => mode.nulls[name]![statistic].p));
      present.forEach((mode, i) => {
        const before: NullResult = mode.nulls[name]!;
        mode.nulls[name] = { ...before, [statistic]: { ...before[statistic], q: qs[i]! } };
      });
    }
  }
  return result;
}
