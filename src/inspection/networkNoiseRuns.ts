// Noise between the layers, carried to the output: a clean run with softmax attention and one with RPC, and beside each one
// run for every place, kind, level and repeat. Both methods get the same draws, levels of a repeat share theirs.

import type { FloatArray } from '../checkpoint/tensorIndex';
import {
  klDifference,
  networkEffect,
  outputEffect,
  type NetworkNoise,
  type NetworkNoiseKind,
  type NetworkNoiseSettings,
  type NoisePlace,
  type NoisyRun,
} from '../diagnostics/networkNoise';
import { klDivergence, topOf } from '../diagnostics/distribution';
import { keptTokens, replacedTokens, takeRows } from '../diagnostics/noiseDraws';
import { normals } from '../diagnostics/random';
import { distance, measured, norm, rms } from '../diagnostics/vector';
import { EngineError, type Backend, type LayerOptions, type Residual } from '../engine/backend';
import type { ModelSpec } from '../model/modelSpec';
import type { BlockWeights } from '../model/weights';
import { carryBranches, streamBytes, type Branch } from './branches';
import { runsRpc } from './headInputs';
import type { InspectionRequest } from './inspectionRequest';

type Method = 'softmax' | 'rpc';

interface NoisyBranch extends Branch {
  readonly method: Method;
  readonly place: NoisePlace;
  readonly kind: NetworkNoiseKind;
  readonly level: number;
  /** Rows of the clean stream that are left; null: all. */
  readonly kept: Int32Array | null;
  readonly deviations: number[];
}

interface CleanBranch extends Branch {
  readonly method: Method;
}

type Asked = Pick<InspectionRequest, 'spec' | 'rpc' | 'seed'> & { readonly networkNoise: NetworkNoiseSettings };

/** RPC flows on in no layer: then there is one method. */
function methodsOf({ rpc }: Pick<InspectionRequest, 'rpc'>): readonly Method[] {
  return rpc.layers === 'none' || rpc.layers.length === 0 ? ['softmax'] : ['softmax', 'rpc'];
}

/** Noisy runs that start at one place, of one method. */
export function runsOfPlace({ kinds, levels, repeats }: NetworkNoiseSettings): number {
  return kinds.reduce((sum, kind) => sum + (levels[kind] ?? []).length * repeats, 0);
}

/** Bytes of all streams and of the logits [classes] at their end. */
export function networkNoiseBytes(asked: Omit<Asked, 'seed'>, classes: number): number {
  const { spec, networkNoise } = asked;
  const runs = 1 + networkNoise.places.length * runsOfPlace(networkNoise);
  return methodsOf(asked).length * runs * (streamBytes(spec) + classes * Float64Array.BYTES_PER_ELEMENT);
}

export class NetworkNoiseRuns {
  private readonly clean: CleanBranch[] = [];
  private readonly noisy: NoisyBranch[] = [];
  /** Distance of both clean streams after each layer. */
  private readonly apart: number[] = [];

  constructor(
    private readonly asked: Asked,
    private readonly backend: Pick<Backend, 'runLayer'>,
  ) {}

  /** `embedded`: the stream entering the first layer. */
  begin(embedded: Residual): void {
    for (const method of methodsOf(this.asked)) this.clean.push({ method, residual: embedded });
    this.disturb('input');
  }

  async step(weights: BlockWeights, layer: number, check: () => void): Promise<void> {
    const { spec } = this.asked;
    const network = { spec, backend: this.backend, weights };
    const options = ({ method }: { readonly method: Method }): LayerOptions => this.options(method, layer);
    await carryBranches(this.clean, network, options, check);
    await carryBranches(this.noisy, network, options, check);
    for (const branch of this.noisy) {
      const clean = this.cleanRows(branch.method, branch.kept);
      branch.deviations.push(distance(Float64Array.from(branch.residual.data), clean) / norm(clean));
    }
    const [softmax, rpc] = this.clean;
    if (softmax !== undefined && rpc !== undefined) {
      const base = Float64Array.from(softmax.residual.data);
      this.apart.push(distance(Float64Array.from(rpc.residual.data), base) / norm(base));
    }
    if (this.asked.networkNoise.places.includes(layer)) this.disturb(layer);
  }

  /** In the order in which `numbers` wants their outputs. */
  get branches(): readonly Branch[] {
    return [...this.clean, ...this.noisy];
  }

  /** `outputs`: logits of `branches`. */
  numbers(outputs: readonly FloatArray[]): NetworkNoise {
    const { networkNoise, rpc } = this.asked;
    const logits = outputs.map((values) => Float64Array.from(values));
    const clean = { softmax: logits[0]!, rpc: logits[1]! };
    const two = this.clean.length === 2;
    const runs = this.noisy.map((branch, at) => ({ ...branch, logits: logits[this.clean.length + at]! }));
    const rowOf = (place: NoisePlace, kind: NetworkNoiseKind, level: number): NetworkNoise['rows'][number] => {
      const of = (method: Method): NoisyRun[] =>
        runs.filter((run) => run.method === method && run.place === place && run.kind === kind && run.level === level);
      const firstLayer = place === 'input' ? 0 : place + 1;
      const softmax = networkEffect(of('softmax'), clean.softmax, firstLayer);
      const few = networkNoise.repeats < 2 ? 'An interval needs 2 repeats or more.' : null;
      const alone = two ? null : 'RPC flows on in no layer, so there is no second run.';
      const reason = [few, alone].filter((sentence) => sentence !== null).join(' ');
      const both = two
        ? {
            rpc: networkEffect(of('rpc'), clean.rpc, firstLayer),
            rpcVsCleanSoftmax: outputEffect(of('rpc'), clean.softmax),
            klDifference: klDifference(of('softmax'), clean.softmax, of('rpc'), clean.rpc),
          }
        : { rpc: null, rpcVsCleanSoftmax: null, klDifference: null };
      return { place, kind, level, softmax, ...both, ...(reason === '' ? {} : { reason }) };
    };
    return {
      ...networkNoise,
      rpc: two ? rpc : null,
      clean: two
        ? {
            kl: measured(klDivergence(clean.softmax, clean.rpc)),
            topChanged: topOf(clean.softmax) !== topOf(clean.rpc),
            stream: this.apart.map(measured),
          }
        : null,
      rows: networkNoise.places.flatMap((place) =>
        networkNoise.kinds.flatMap((kind) =>
          (networkNoise.levels[kind] ?? []).map((level) => rowOf(place, kind, level)),
        ),
      ),
    };
  }

  private options(method: Method, layer: number): LayerOptions {
    const { rpc } = this.asked;
    return {
      layer,
      forward: method,
      rpc: method === 'rpc' && runsRpc(rpc, layer) ? rpc : null,
      wantPattern: false,
    };
  }

  private cleanRows(method: Method, kept: Int32Array | null): Float64Array {
    const { residual } = this.clean.find((branch) => branch.method === method)!;
    const data = Float64Array.from(residual.data);
    return kept === null ? data : takeRows(data, kept, residual.width);
  }

  /** Begins the noisy runs of `place`: each method's own stream there under the same draws. */
  private disturb(place: NoisePlace): void {
    const { spec, networkNoise, seed } = this.asked;
    if (!networkNoise.places.includes(place)) return;
    for (const kind of networkNoise.kinds) {
      for (let repeat = 0; repeat < networkNoise.repeats; repeat++) {
        const key = `${seed}/network/${kind}/${place}/${repeat}`;
        for (const { method, residual } of this.clean) {
          const noise = streamNoise(kind, key, residual, spec);
          for (const level of networkNoise.levels[kind] ?? []) {
            this.noisy.push({ method, place, kind, level, deviations: [], ...noise(level) });
          }
        }
      }
    }
  }
}

type Noised = Pick<NoisyBranch, 'residual' | 'kept'>;

/** The three token kinds of spec section 6 on a residual stream [N, C]; gauss by the size of this stream. */
function streamNoise(
  kind: NetworkNoiseKind,
  key: string,
  { tokens, width, data }: Residual,
  { prefixTokens }: ModelSpec,
): (level: number) => Noised {
  const clean = Float64Array.from(data);
  if (kind === 'token_gauss') {
    const noise = normals(key, clean.length);
    const size = rms(clean);
    return (level) => {
      const noisy = clean.map((value, i) => value + level * size * noise[i]!);
      return { residual: { tokens, width, data: noisy }, kept: null };
    };
  }
  const rows =
    kind === 'token_replace' ? replacedTokens(key, tokens, prefixTokens) : keptTokens(key, tokens, prefixTokens);
  return (level) => {
    const from = rows(level);
    // request.ts has refused inputs without tokens to spare.
    if (from === null) throw new EngineError('internal', `At level ${level}, ${kind} leaves no token of ${tokens}.`);
    const noisy = { tokens: from.length, width, data: takeRows(clean, from, width) };
    return { residual: noisy, kept: kind === 'token_drop' ? from : null };
  };
}
