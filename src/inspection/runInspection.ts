// The run itself: layer by layer, from a layer's tensors to its heads. Knows no editor, no file, no network and no
// GPU: all of them are handed in as `InspectionServices`.

import type { TokenPlaces } from '../diagnostics/attentionNumbers';
import type { ValueDirections } from '../diagnostics/valueDirections';
import { benjaminiHochberg } from '../diagnostics/benjaminiHochberg';
import type { OnHead } from '../diagnostics/diagnoseHead';
import { keyValueDirections, keyValueInput } from '../diagnostics/keyValueNumbers';
import type { HeadKernels } from '../engine/headKernels';
import type { DiagnosticsOptions, HeadInput, TwinNumbers } from '../diagnostics/headInput';
import type { AblationNumbers, AlignmentMode, HeadResult, NullResult, NullSummary } from '../diagnostics/headResult';
import { blockShape, specOfLayer } from '../model/blockShape';
import type { ModelSpec } from '../model/modelSpec';
import { isGiven } from '../model/overrides';
import { twinRule } from '../model/twinRule';
import { CancelledError } from './cancelledError';
import { rpcParameters, runsRpc } from './headInputs';
import { headsOfLayer, lastForwardLayer } from './inspectionRequest';
import type { InspectionRequest } from './inspectionRequest';
import { resultSchemaName } from './inspectionResult';
import { inputSummary } from './inputSummary';
import type { InspectionResult, LayerResult, ModelSummary, NetworkOutput, Provenance } from './inspectionResult';
import type { LayerSource, NamedArray, SourceLayer } from './layerSource';
import { networkOutput, outputKind, outputShape } from './networkOutput';
import { keptHeadOf, MemoryTraces, type TraceStore } from './traceStore';
import type { ProgressLabel } from './progressLabel';

export interface InspectionServices {
  /** Where the tensors of the layers come from; it stops by itself once `signal` is aborted. */
  readonly source: LayerSource;
  /** Diagnoses heads, in any order, calling `onHead` for each; rejects with CancelledError when cancelled. */
  diagnoseHeads(inputs: readonly HeadInput[], options: DiagnosticsOptions, onHead: OnHead): Promise<void>;
  /** For the pictures of heads whose numbers are known already; a result does not hold what they need. */
  readonly kernels: HeadKernels;
  onProgress(label: ProgressLabel, fraction: number): void;
  onHead(layer: number, head: HeadResult): void;
  /** The forward pass of a layer was computed. */
  onLayer?(): void;
  /** What the untrained twins gave for a kv head, told with each of its query heads; absent: nobody asks. */
  onTwins?(layer: number, kvHead: number, twins: TwinNumbers): void;
  readonly signal: AbortSignal;
  /** Where heads are kept that patterns are drawn from; absent: in memory. null: they are not kept. */
  readonly traces?: TraceStore | null;
  /** SHA-256 of the checkpoint file, computed beside the run; null where the file cannot be hashed. */
  checkpointSha256(): Promise<string | null>;
  /** Milliseconds, monotonic. */
  now(): number;
}

export interface InspectionOutcome {
  readonly result: InspectionResult;
  /** What is not kept is not in it. */
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

/** In the order they stand before the patches. */
function prefixNames({ embed, prefixTokens }: ModelSpec): readonly string[] {
  const own = [
    ...(embed.classToken === null ? [] : ['CLS']),
    ...(embed.distToken === null ? [] : ['distillation']),
  ].slice(0, prefixTokens);
  const registers = Array.from({ length: prefixTokens - own.length }, (_, i) => `register ${i}`);
  return [...own, ...registers];
}

/** Patches on their grid, and the tokens that are no content. */
function tokenPlaces({ spec, input }: InspectionRequest, layer: number): TokenPlaces {
  const { image, prefixTokens, tokens } = specOfLayer(spec, layer);
  const rows = image?.gridHeight ?? 0;
  const columns = image?.gridWidth ?? 0;
  const whole = rows * columns > 0 && prefixTokens + rows * columns <= tokens;
  const added = 'ids' in input ? (input.words?.added ?? []) : [];
  const behind = whole ? tokens - prefixTokens - rows * columns : 0;
  return {
    grid: whole ? { rows, columns, first: prefixTokens } : null,
    special: [
      ...Array.from({ length: prefixTokens }, (_, i) => i),
      ...added.flatMap((one, at) => (one === 1 ? [at] : [])),
      ...Array.from({ length: behind }, (_, i) => tokens - behind + i),
    ],
  };
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
    prefixNames: prefixNames(spec),
    grid: [spec.image?.gridHeight ?? 0, spec.image?.gridWidth ?? 0],
    facts: spec.facts,
    notes: spec.notes,
    ...(spec.stages === undefined ? {} : { stages: spec.stages }),
  };
}

/** What a head's diagnostics count for in the progress, against one layer's forward pass. */
const headWork = 4;

class Run {
  private readonly spec: ModelSpec;
  private readonly traces: TraceStore | null;
  private readonly tensors: NamedArray[] = [];
  private readonly layers: LayerResult[] = [];
  private readonly lastInspected: number;
  private readonly lastLayer: number;
  /** Work that is done, in layers of the forward pass. */
  private done = 0;

  constructor(
    private readonly request: InspectionRequest,
    private readonly services: InspectionServices,
  ) {
    this.spec = request.spec;
    this.traces = services.traces === undefined ? new MemoryTraces() : services.traces;
    this.lastInspected = Math.max(...request.layers);
    this.lastLayer = lastForwardLayer(request);
  }

  async start(): Promise<InspectionOutcome> {
    const { request, services } = this;
    const started = services.now();
    const { source } = services;
    services.onProgress(source.beginning, 0);
    await source.begin();
    // Heads of one layer are diagnosed (on other threads, where there are some) while the next layer's forward
    // pass runs; never more than one layer of heads at a time, so memory stays that of two layers.
    let heads: Promise<void> = Promise.resolve();
    for (let layer = 0; layer <= this.lastLayer; layer += 1) {
      if (source.oneLayerAtATime === true) await heads;
      const passed = await source.forward(layer);
      services.onLayer?.();
      this.checkCancelled();
      this.done += 1;
      this.progress(layer, 'attention');
      if (layer > this.lastInspected) {
        passed.release?.();
        continue;
      }
      await passed.runTwins();
      await heads;
      if (!request.layers.includes(layer)) {
        passed.release?.();
        continue;
      }
      if (request.keepTensors) this.tensors.push(...passed.tensors());
      heads = this.diagnoseLayer(layer, passed);
      heads.catch(() => undefined);
    }
    await heads;
    const output = await this.output();
    return {
      result: await this.result(started, output),
      traces: this.traces ?? new MemoryTraces(),
      tensors: this.tensors,
    };
  }

  private async diagnoseLayer(layer: number, passed: SourceLayer): Promise<void> {
    const { request, services, spec } = this;
    const rpc = runsRpc(request.rpc, layer) ? rpcParameters(request.rpc, specOfLayer(spec, layer)) : null;
    const inputs = passed.heads();
    const options: DiagnosticsOptions = {
      seed: request.seed,
      nulls: request.nulls,
      studyNulls: request.studyNulls,
      places: tokenPlaces(request, layer),
      rpc,
      noise: request.noise,
      ...(request.rpcSweep === undefined ? {} : { rpcSweep: request.rpcSweep }),
      gram: request.gram,
    };
    const known = request.known.filter((entry) => entry.layer === layer).map((entry) => entry.head);
    const heads: HeadResult[] = [...known];
    this.done += headWork * known.length;
    const open = inputs.filter((input) => !known.some((head) => head.index === input.head));
    const directions = new Map<number, ValueDirections | null>();
    await services.diagnoseHeads(open, options, (head, twins, found) => {
      heads.push(head);
      directions.set(head.index, found);
      services.onHead(layer, head);
      services.onTwins?.(layer, head.kvHead, twins);
      this.done += headWork;
      this.progress(layer, 'diagnostics');
    });
    if (this.traces !== null) {
      for (const input of inputs) {
        const found = directions.get(input.head);
        const own =
          found === undefined ? keyValueDirections(keyValueInput(input, request.gram), services.kernels) : found;
        await this.traces.keep(keptHeadOf(input, rpc, own));
      }
    }
    passed.release?.();
    this.checkCancelled();
    heads.sort((a, b) => a.index - b.index);
    this.layers.push({ index: layer, heads });
  }

  private async output(): Promise<NetworkOutput> {
    const { request, services } = this;
    services.onProgress({ at: 'output' }, 1);
    const output = await services.source.output();
    this.checkCancelled();
    if ('reason' in output) return { kind: 'none', logitsTop: [], reason: output.reason };
    const { float64, shown } = output;
    if (request.keepTensors) {
      const kind = outputKind(this.spec);
      const name = kind === 'masks' ? 'logits' : kind;
      this.tensors.push({ name, shape: outputShape(this.spec, shown), data: shown });
    }
    return networkOutput(this.spec, float64);
  }

  private async result(started: number, output: NetworkOutput): Promise<InspectionResult> {
    const { request, services, spec } = this;
    const dtypes = new Set<string>();
    for (const entry of request.index.entries.values()) dtypes.add(entry.dtype ?? entry.dtypeName);
    const { backend } = services.source;
    const networkNoise = services.source.networkNoise?.() ?? null;
    const companions = services.source.companions?.();
    const rollout = services.source.rollout?.() ?? null;
    this.services.onProgress({ at: 'hash' }, 1);
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
        inputs: [inputSummary(request.input, spec.tokens)],
        seed: request.seed,
        backend: backend.kind,
        backendReason: request.backendReason,
        adapter: backend.adapter,
        ...(backend.adapter === null ? { adapterReason: 'this backend uses no graphics adapter' } : {}),
        precision: backend.precision,
        metricsPrecision: spec.onnx === undefined ? 'float64' : 'float64 of float32 tensors',
        parity: services.source.parity(),
        ...(companions === undefined ? {} : { companions }),
        rpc: { ...request.rpc },
        forward: request.forward,
        nativeRpc: spec.rpc,
        nulls: request.nulls,
        studyNulls: request.studyNulls,
        twins: request.twins,
        ...(request.twins > 0 ? { twinInitialisation: twinRule(spec.family) } : {}),
        noise: request.noise,
        ...gramFacts(request),
        overrides: Object.fromEntries(
          spec.facts.filter((fact) => isGiven(fact.source)).map((fact) => [fact.fact, fact.value]),
        ),
        elapsedMs: Math.round(services.now() - started),
      },
      model: modelSummary(services.source.inspected()),
      layers: withFalseDiscoveryRates(this.withAblation()),
      output,
      ...(networkNoise === null ? {} : { networkNoise }),
      ...(rollout === null ? {} : { rollout }),
    };
  }

  private withAblation(): readonly LayerResult[] {
    const effects = this.services.source.ablations?.() ?? new Map<string, AblationNumbers>();
    if (effects.size === 0) return this.layers;
    return this.layers.map(({ index, heads }) => ({
      index,
      heads: heads.map((head) => {
        const ablation = effects.get(`${index}/${head.index}`);
        return ablation === undefined ? head : { ...head, ablation };
      }),
    }));
  }

  /** Forward pass and heads advance side by side: the fraction counts both, the label says which just did. */
  private progress(layer: number, at: 'attention' | 'diagnostics'): void {
    const { request } = this;
    const heads = request.layers.reduce((sum, one) => sum + headsOfLayer(request, one).length, 0);
    const total = this.lastLayer + 1 + headWork * heads;
    this.services.onProgress({ at, layer: layer + 1, layers: this.lastLayer + 1 }, this.done / total);
  }

  private checkCancelled(): void {
    if (this.services.signal.aborted) throw new CancelledError();
  }
}

type Mutable<T> = { -readonly [K in keyof T]: Mutable<T[K]> };

const nullNames = ['random', 'permuted', 'untrained'] as const;
const statistics = ['overlap', 'energy', 'rayleigh'] as const;

/** Said of models that leave a choice only. */
function gramFacts({ spec, gram }: InspectionRequest): Pick<Provenance, 'gram' | 'keys' | 'standardised'> {
  return {
    ...(spec.causal ? { gram: gram.prefix === null ? 'full-Gram' : (`prefix-${gram.prefix}` as const) } : {}),
    ...(blockShape(spec).rope === null ? {} : { keys: gram.keys }),
    ...(gram.standardise === true ? { standardised: true } : {}),
  };
}

/**
 * Benjamini-Hochberg q beside every p, over all heads of the run (spec section 5). Query heads of one kv head share
 * their p: it is one test, counted once however many of them were chosen.
 */
export function withFalseDiscoveryRates(layers: readonly LayerResult[]): LayerResult[] {
  const keyOf = (layer: number, { kvHead }: HeadResult): string => `${layer}/${kvHead}`;
  const tests = new Map(layers.flatMap(({ index, heads }) => heads.map((head) => [keyOf(index, head), head] as const)));
  const place = new Map([...tests.keys()].map((key, at) => [key, at]));
  const heads = [...tests.values()];
  const theory = adjusted(heads.map((head) => head.alignment.theory));
  const plain = adjusted(heads.map((head) => head.alignment.plain));
  const study = adjustedStudy(heads.map((head) => head.reproduction));
  return layers.map((layer) => ({
    ...layer,
    heads: layer.heads.map((head) => {
      const at = place.get(keyOf(layer.index, head))!;
      const alignment = { ...head.alignment, theory: theory[at]!, plain: plain[at]! };
      return { ...head, alignment, reproduction: study[at]! };
    }),
  }));
}

type Study = HeadResult['reproduction'];
const studyForms = ['asCoded', 'asCodedNlp', 'scaleFree', 'kpcaAxes'] as const;
const studyTests = [
  ['random', 'optimal'],
  ['random', 'linearCka'],
  ['random', 'kernelCka'],
  ['permuted', 'linearCka'],
  ['permuted', 'kernelCka'],
] as const;

function adjustedStudy(studies: readonly Study[]): Study[] {
  const result = studies.map((study) => structuredClone(study)) as Mutable<Study>[];
  for (const form of studyForms) {
    for (const [name, score] of studyTests) {
      const tests = result.flatMap((study) => {
        const drawn = study[form]?.nulls?.[name] as
          Mutable<Partial<Record<typeof score, NullSummary>>> | null | undefined;
        return drawn?.[score] === undefined ? [] : [drawn as Mutable<Record<typeof score, NullSummary>>];
      });
      const qs = benjaminiHochberg(tests.map((drawn) => ownP(drawn[score])));
      tests.forEach((drawn, i) => (drawn[score].q = qs[i]!));
    }
  }
  return result;
}

/** Only a mean over inputs has none. */
function ownP({ p }: NullSummary): number {
  if (p === null) throw new Error('a test of one input has no p');
  return p;
}

function adjusted(modes: readonly AlignmentMode[]): AlignmentMode[] {
  const result = modes.map((mode) => ({ ...mode, nulls: { ...mode.nulls } }));
  for (const name of nullNames) {
    const present = result.filter((mode) => mode.nulls[name] !== null);
    for (const statistic of statistics) {
      const qs = benjaminiHochberg(present.map((mode) => ownP(mode.nulls[name]![statistic])));
      present.forEach((mode, i) => {
        const before: NullResult = mode.nulls[name]!;
        mode.nulls[name] = { ...before, [statistic]: { ...before[statistic], q: qs[i]! } };
      });
    }
  }
  return result;
}
