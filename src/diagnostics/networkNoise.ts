// What noise between the layers does to a whole network: to the distribution it gives away, and to the residual stream
// after every layer behind the noise. Plain numbers of the runs come in (inspection/networkNoiseRuns.ts makes them).

import type { RpcSettings } from '../model/modelSpec';
import { klDivergence, topOf } from './distribution';
import type { Measured, NoiseKind } from './headResult';
import { halfWidth95 } from './studentT';
import { mean, measured, sampleSd } from './vector';

/** Noise of keys has no place between the layers. */
export const networkNoiseKinds = ['token_gauss', 'token_replace', 'token_drop'] as const satisfies readonly NoiseKind[];
export type NetworkNoiseKind = (typeof networkNoiseKinds)[number];

/** The embedded input, or the output of a layer. */
export type NoisePlace = 'input' | number;

export interface NetworkNoiseSettings {
  readonly places: readonly NoisePlace[];
  readonly kinds: readonly NetworkNoiseKind[];
  /** Ascending, by kind. */
  readonly levels: Readonly<Partial<Record<NetworkNoiseKind, readonly number[]>>>;
  readonly repeats: number;
}

/** Mean over the repeats with half the width of its 95 % interval. */
export interface MeanOfRepeats {
  readonly mean: Measured;
  readonly ci: Measured;
}

/** Share of repeats in which the first class changes, with Wilson's 95 % interval. */
export interface FlipShare {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

export interface OutputEffect {
  /** KL(clean || noisy), nats. */
  readonly kl: MeanOfRepeats;
  readonly topFlips: FlipShare;
}

export interface NetworkEffect extends OutputEffect {
  /** ||noisy - clean|| / ||clean|| of the residual stream after layer `firstLayer`, the one behind it, … */
  readonly stream: {
    readonly firstLayer: number;
    readonly mean: readonly Measured[];
    readonly ci: readonly Measured[];
  };
}

export interface NetworkNoiseRow {
  readonly place: NoisePlace;
  readonly kind: NetworkNoiseKind;
  readonly level: number;
  /** Each method against its own clean run. */
  readonly softmax: NetworkEffect;
  readonly rpc: NetworkEffect | null;
  readonly rpcVsCleanSoftmax: OutputEffect | null;
  /** KL of softmax minus KL of RPC over paired repeats: above 0 RPC's output moves less. */
  readonly klDifference: MeanOfRepeats | null;
  readonly reason?: string;
}

export interface NetworkNoise extends NetworkNoiseSettings {
  /** RPC of the second run; null: one run with softmax attention only. */
  readonly rpc: RpcSettings | null;
  /** RPC without noise against softmax without noise. */
  readonly clean: {
    readonly kl: Measured;
    readonly topChanged: boolean;
    /** Relative distance of the residual streams after each layer. */
    readonly stream: readonly Measured[];
  } | null;
  readonly rows: readonly NetworkNoiseRow[];
}

/** One run of one repeat at one level. */
export interface NoisyRun {
  readonly logits: Float64Array;
  /** By layer behind the noise. */
  readonly deviations: readonly number[];
}

/** 0.975 quantile of the standard normal. */
const z975 = 1.959963984540054;

/** Runs over the repeats, against the clean logits. */
export function networkEffect(runs: readonly NoisyRun[], clean: Float64Array, firstLayer: number): NetworkEffect {
  const columns = runs[0]!.deviations.map((_, at) => overRepeats(runs.map((run) => run.deviations[at]!)));
  return {
    ...outputEffect(runs, clean),
    stream: { firstLayer, mean: columns.map((one) => one.mean), ci: columns.map((one) => one.ci) },
  };
}

export function outputEffect(runs: readonly NoisyRun[], clean: Float64Array): OutputEffect {
  const top = topOf(clean);
  return {
    kl: overRepeats(divergences(runs, clean)),
    topFlips: wilson(runs.filter((run) => topOf(run.logits) !== top).length, runs.length),
  };
}

/** KL of the first method minus KL of the second, repeat by repeat. */
export function klDifference(
  first: readonly NoisyRun[],
  clean: Float64Array,
  second: readonly NoisyRun[],
  secondClean: Float64Array,
): MeanOfRepeats {
  const others = divergences(second, secondClean);
  return overRepeats(divergences(first, clean).map((kl, repeat) => kl - others[repeat]!));
}

function divergences(runs: readonly NoisyRun[], clean: Float64Array): number[] {
  return runs.map((run) => klDivergence(clean, run.logits));
}

function overRepeats(values: readonly number[]): MeanOfRepeats {
  const ci = values.length < 2 ? null : measured(halfWidth95(sampleSd(values), values.length));
  return { mean: measured(mean(values)), ci };
}

/** Wilson's score interval: it stays within 0 and 1, and has a width where every repeat did the same. */
function wilson(hits: number, of: number): FlipShare {
  const share = hits / of;
  const square = z975 * z975;
  const middle = (share + square / (2 * of)) / (1 + square / of);
  const half = (z975 / (1 + square / of)) * Math.sqrt((share * (1 - share)) / of + square / (4 * of * of));
  return { share, low: hits === 0 ? 0 : middle - half, high: hits === of ? 1 : middle + half };
}
