// Layers from a graph that another runtime runs: each attention block is a layer. q, k, v are tapped, the mask is read
// off the pattern, and what the diagnostics compute from q, k, v is held against what the graph gave.

import type { CheckpointBytes } from '../checkpoint/byteSource';
import { readTensor } from '../checkpoint/readTensor';
import type { TensorEntry } from '../checkpoint/tensorIndex';
import type { ForeignHead, HeadInput, HeadProjection } from '../diagnostics/headInput';
import { EngineError, type Backend } from '../engine/backend';
import { headOf } from '../engine/headLayout';
import type { HeadKernels } from '../engine/headKernels';
import { fusedHeads } from '../engine/onnx/fusedHeads';
import { graphInputs } from '../engine/onnx/graphInputs';
import { GraphRun } from '../engine/onnx/graphRun';
import { float16Type, floatsOf, type GraphRuntime, type GraphTensor } from '../engine/onnx/graphTensor';
import { headColumns, projectionRows } from '../engine/onnx/headProjections';
import { findRule, patternTolerance, type FoundRule } from '../engine/onnx/scoreRules';
import { wantedValues } from '../engine/onnx/siteTaps';
import { tappedHeads, type TappedHeads } from '../engine/onnx/tappedHeads';
import { plainScores } from '../model/blockShape';
import type { ModelSpec } from '../model/modelSpec';
import type { AttentionSite, PlainSite, SiteProjection } from '../model/onnx/attentionSite';
import { scoreScale } from '../model/onnx/onnxSpec';
import type { OnnxModel } from '../model/onnx/onnxModel';
import { CancelledError } from './cancelledError';
import type { InspectionRequest } from './inspectionRequest';
import type { LayerSource, NamedArray, SourceLayer } from './layerSource';
import { ParityMeter, relativeError } from './parity';

export interface OnnxServices {
  readonly runtime: GraphRuntime;
  /** A runtime to be trusted, which the first block is run by as well; null: `runtime` is that one. */
  readonly check: GraphRuntime | null;
  readonly bytes: CheckpointBytes;
  /** Who computes, for the provenance. */
  readonly backend: Pick<Backend, 'kind' | 'adapter'>;
  /** Float64 kernels that compute patterns and outputs again. */
  readonly kernels: HeadKernels;
  readonly signal: AbortSignal;
}

/** The attention blocks of `request.index.graph`. Its calls reject with CancelledError once `signal` is aborted. */
export function onnxLayers(request: InspectionRequest, services: OnnxServices): LayerSource {
  const { onnx } = request.spec;
  if (onnx === undefined) throw new EngineError('internal', `${request.index.fileName} is no graph.`);
  return new OnnxLayers(request, onnx, services);
}

const noTwins = 'nobody knows how the weights of an arbitrary graph were initialised';

/** The linear maps of a block, cut into heads. */
interface Projections {
  /** [N, C] */
  readonly x: Float64Array;
  readonly query: readonly HeadProjection[];
  readonly key: readonly HeadProjection[];
  readonly value: readonly HeadProjection[];
}

class OnnxLayers implements LayerSource {
  readonly backend: LayerSource['backend'];
  readonly beginning = { at: 'graph' } as const;
  private readonly model: ModelSpec;
  private readonly meter = new ParityMeter();
  private readonly run: GraphRun;
  private readonly found: boolean[] = [];
  private readonly notes: string[] = [];

  constructor(
    private readonly request: InspectionRequest,
    private readonly graph: OnnxModel,
    private readonly services: OnnxServices,
  ) {
    const { index, spec, layers, input } = request;
    this.model = spec;
    this.backend = { ...services.backend, precision: 'float32' };
    const wanted = wantedValues(graph, layers);
    const { runtime, check, bytes } = services;
    const checks = check === null ? null : { runtime: check, compare: this.compareRuntimes.bind(this) };
    this.run = new GraphRun(runtime, index, bytes, wanted, graphInputs(graph.inputs, input), checks);
  }

  /** @throws EngineError selfCheck where a provider that is new to this graph computes something else. */
  private compareRuntimes(got: ReadonlyMap<string, GraphTensor>, want: ReadonlyMap<string, GraphTensor>): void {
    for (const [name, expected] of want) {
      const computed = got.get(name);
      if (computed === undefined || !isReal(expected)) continue;
      const error = relativeError(floatsOf(computed), floatsOf(expected));
      const allowed = runtimeTolerance[expected.elemType === float16Type ? 'float16' : 'float32'];
      if (!(error <= allowed)) {
        throw new EngineError(
          'selfCheck',
          `${this.services.runtime.description} computes the value "${name}" of ${this.request.index.fileName} wrong: error ${error.toExponential(1)} of the largest against the WebAssembly provider, allowed ${allowed}. Use the cpu backend and report the adapter.`,
        );
      }
      this.meter.note('first block against WebAssembly', error);
    }
  }

  begin(): Promise<void> {
    return Promise.resolve();
  }

  async forward(layer: number): Promise<SourceLayer> {
    const site = this.graph.sites[layer]!;
    const values = await this.run.step(`the attention at ${site.where}`);
    this.checkCancelled();
    if (!this.request.layers.includes(layer)) return emptyLayer;
    const tapped = await this.headsOf(site, values);
    const rule = this.ruleOf(site, tapped, values, layer);
    const projections = site.kind === 'plain' ? await this.projectionsOf(site, tapped, values) : noKnownProjections;
    return {
      runTwins: () => Promise.resolve(),
      heads: () => this.headInputs(site, layer, tapped, rule, projections),
      tensors: () => layerTensors(layer, tapped, rule, projections),
    };
  }

  async output(): ReturnType<LayerSource['output']> {
    const { output } = this.graph;
    if (output === null) return { reason: 'the graph has no output' };
    const value = (await this.run.step('its output')).get(output);
    if (value === undefined) return { reason: `the output "${output}" of the graph is one of its inputs` };
    const { shape } = value;
    const last = shape.at(-1) ?? 0;
    const rows = shape.slice(0, -1).reduce((all, size) => all * size, 1);
    const perToken = Boolean(this.model.text) && shape.length === 3;
    if (shape.length < 1 || shape.length > 3 || (rows !== 1 && !perToken)) {
      return {
        reason: `the first output of the graph, "${output}", has the shape [${shape.join(', ')}], which is neither one row of logits nor one for each token of a text`,
      };
    }
    if (!isReal(value)) return { reason: `the output "${output}" holds no real numbers` };
    const all = Float64Array.from(floatsOf(value));
    const float64 = all.subarray(all.length - last);
    return { float64, shown: float64 };
  }

  parity(): ReturnType<LayerSource['parity']> {
    const measured = this.meter.result();
    return Object.keys(measured.perTensor).length === 0
      ? { maxRelError: null, perTensor: {}, reason: 'the graph runs in float32 and was compared with nothing' }
      : measured;
  }

  /** Masks are known when the graph has run. */
  inspected(): ModelSpec {
    const causal = this.found.length > 0 && this.found.every(Boolean);
    return { ...this.model, causal, notes: [...this.model.notes, ...this.notes] };
  }

  private headsOf(site: AttentionSite, values: ReadonlyMap<string, GraphTensor>): Promise<TappedHeads> {
    if (site.kind === 'plain') return Promise.resolve(tappedHeads(site, values));
    return fusedHeads(site, values, (name) => this.weightOf(name), this.services.kernels);
  }

  private ruleOf(
    site: AttentionSite,
    tapped: TappedHeads,
    values: ReadonlyMap<string, GraphTensor>,
    layer: number,
  ): FoundRule {
    const half = [...values.values()].some(({ elemType }) => elemType === float16Type);
    const tolerance = patternTolerance[half ? 'float16' : 'float32'];
    const fixed = site.kind === 'fused' ? { causal: site.causal, window: site.window } : null;
    const found = findRule(tapped, scoreScale(site), fixed, tolerance, this.services.kernels);
    if (found.rule === null && site.kind === 'fused') {
      throw new EngineError(
        'internal',
        `${site.where} gives outputs that its queries, keys and values do not explain (largest difference ${found.difference.toExponential(1)}): its mask or bias is not read in this version. Export the model without this fusion to inspect it.`,
      );
    }
    if (found.rule === null) {
      this.notes.push(
        `Layer ${layer}: scores have a bias or mask that is not one of position (largest difference of the pattern without it: ${found.difference.toExponential(1)}). RPC and noise are left out there.`,
      );
    } else {
      this.found.push(found.rule.causal);
      if (tapped.pattern !== null) this.meter.compare('pattern', tapped.pattern, found.pattern);
      this.meter.compare('out', tapped.out, found.out);
    }
    return found;
  }

  private headInputs(
    site: AttentionSite,
    layer: number,
    tapped: TappedHeads,
    { rule }: FoundRule,
    projections: Projections | string,
  ): readonly HeadInput[] {
    const { model: spec, request } = this;
    const { tokens, heads, kvHeads, headDim } = tapped;
    const cut = (values: Float64Array, h: number): Float64Array => headOf(values, h, tokens, headDim).slice();
    const group = heads / kvHeads;
    const symmetric = site.kind === 'plain' && site.symmetric;
    const own = (head: number): ForeignHead['own'] => {
      if (rule !== null || tapped.pattern === null) return null;
      const pattern = tapped.pattern.slice(head * tokens * tokens, (head + 1) * tokens * tokens);
      return { pattern, out: cut(tapped.out, head), reason: biasReason };
    };
    const known = typeof projections === 'string' ? null : projections;
    const width = known === null ? spec.embedDim : known.x.length / tokens;
    return request.heads
      .filter((head) => head < heads)
      .map((head): HeadInput => {
        const kvHead = Math.floor(head / group);
        const others = Array.from({ length: kvHeads }, (_, kv) => kv).filter((kv) => kv !== kvHead);
        return {
          layer,
          head,
          kvHead,
          firstHead: kvHead * group,
          tokens,
          headDim,
          embedDim: width,
          prefixTokens: tokens === spec.tokens ? spec.prefixTokens : 0,
          q: symmetric ? null : cut(tapped.q, head),
          k: cut(tapped.k, head),
          v: cut(tapped.v, head),
          otherValues: others.map((kv) => cut(tapped.v, kv * group)),
          x: known === null ? new Float64Array(0) : known.x.slice(),
          query: symmetric || known === null ? null : known.query[head]!,
          key: known === null ? emptyProjection : known.key[head]!,
          value: known === null ? emptyProjection : known.value[head]!,
          standardise: false,
          rule: rule ?? { ...plainScores, scale: scoreScale(site) },
          rope: null,
          scaled: null,
          nativeRpc: null,
          foreign: {
            noTwins,
            noProjections: typeof projections === 'string' ? projections : null,
            own: own(head),
          },
          untrained: [],
        };
      });
  }

  /** A sentence: why there are none. */
  private async projectionsOf(
    site: PlainSite,
    tapped: TappedHeads,
    values: ReadonlyMap<string, GraphTensor>,
  ): Promise<Projections | string> {
    if (site.projections === null) return noKnownProjections;
    const { tokens, headDim } = tapped;
    const { q, k, v } = site.projections;
    const x = values.get(q.x);
    if (x === undefined) return noKnownProjections;
    const inputs = Float64Array.from(floatsOf(x));
    const cut = async (projection: SiteProjection, heads: Float64Array): Promise<readonly HeadProjection[] | null> => {
      const rows = values.get(projection.result);
      const weight = await this.weightOf(projection.weight);
      const bias = projection.bias === null ? null : await this.weightOf(projection.bias);
      if (rows === undefined || weight === null) return null;
      const result = Float64Array.from(floatsOf(rows));
      const columns = headColumns(heads, result, tokens, headDim);
      const width = result.length / tokens;
      if (columns === null || weight.data.length !== (inputs.length / tokens) * width) return null;
      return columns.map((of) => ({
        weight: projectionRows(weight.data, of, width, projection.turned),
        bias: bias === null ? null : Float64Array.from(of, (column) => bias.data[bias.data.length === 1 ? 0 : column]!),
        norm: null,
      }));
    };
    const [query, key, value] = [await cut(q, tapped.q), await cut(k, tapped.k), await cut(v, tapped.v)];
    if (query === null || key === null || value === null) return noKnownProjections;
    return { x: inputs, query, key, value };
  }

  /** The values of a tensor that the file holds; null for other names. */
  private async weightOf(name: string): Promise<{ shape: readonly number[]; data: Float64Array } | null> {
    const entry = entryOf(this.request, name);
    if (entry === null) return null;
    const data = await readTensor(await this.services.bytes.source(entry.shard), entry);
    return { shape: entry.shape, data: Float64Array.from(data) };
  }

  private checkCancelled(): void {
    if (this.services.signal.aborted) throw new CancelledError();
  }
}

const biasReason =
  'The scores of this layer have a bias or mask that is not one of position, so its attention cannot be computed again from other queries and keys.';
const noKnownProjections =
  'The graph computes q, k and v from its layer input by more than a linear map (a norm, rotary positions, a bias of another kind), or in one fused node, so token noise cannot be put in front of it.';

/** float32 backends may differ by this much, relative to the largest value; float16 by a few of its roundings. */
const runtimeTolerance = { float32: 2e-4, float16: 2e-2 } as const;

const isReal = ({ elemType }: GraphTensor): boolean => [1, float16Type, 11].includes(elemType);

const emptyProjection: HeadProjection = { weight: new Float64Array(0), bias: null, norm: null };

const emptyLayer: SourceLayer = {
  runTwins: () => Promise.resolve(),
  heads: () => [],
  tensors: () => [],
};

function entryOf({ index }: InspectionRequest, name: string): TensorEntry | null {
  const key = index.graph?.initializers.get(name)?.entry ?? name;
  return index.entries.get(key) ?? null;
}

function layerTensors(
  layer: number,
  tapped: TappedHeads,
  { rule, out }: FoundRule,
  projections: Projections | string,
): readonly NamedArray[] {
  const { tokens: n, heads: h, headDim: d } = tapped;
  const named = (name: string, shape: readonly number[], data: Float64Array | null): readonly NamedArray[] =>
    data === null ? [] : [{ name: `layer${layer}.${name}`, shape, data }];
  const x = typeof projections === 'string' ? null : projections.x;
  return [
    ...(['q', 'k', 'v', 'out'] as const).flatMap((name) => named(name, [h, n, d], tapped[name])),
    ...named('softmax', [h, n, d], rule === null ? null : out),
    ...named('pattern', [h, n, n], tapped.pattern),
    ...named('x', [n, (x?.length ?? 0) / n], x),
  ];
}
