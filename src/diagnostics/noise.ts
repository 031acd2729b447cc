// How far a head's output moves under noise, softmax and RPC under the same draws (spec section 6), and what may
// be said about it. Low deviation with low dispersion is collapse, not robustness.

import type { HeadKernels, RpcParameters } from '../engine/headKernels';
import { rpcOutputs, softmaxOutput } from './headAttention';
import type { DiagnosticsOptions, QueryInput } from './headInput';
import type { Measured, NoiseCurve, NoiseKind, NoiseNumbers, NoiseVerdict, RpcNumbers } from './headResult';
import { createNoise, takeRows } from './noiseDraws';
import { defaultLevels } from './noiseLevels';
import { halfWidth95 } from './studentT';
import { distance, mean, measured, norm, sampleSd } from './vector';

/** RPC has collapsed where its rows differ by less than this part of softmax attention's. */
export const collapseRatio = 0.5;

/** Below this part of their mean the spread of the repeats is round-off: every draw did the same. */
const smallestRelativeSd = 1e-9;

export const rpcNotAsked = 'RPC-Attention was not asked for in this layer.';
const rpcUndefined = 'RPC-Attention has no value for this head, or its clean output is zero.';
const oneRepeat = 'An interval needs 2 repeats or more.';
const equalDraws =
  'Every repeat gave the same deviation (no draw of this noise differs from another), so there is no interval and no verdict.';

interface CleanOutputs {
  /** [N, d] */
  readonly softmax: Float64Array;
  /** [N, d]; null: RPC was not asked for, or has no value. */
  readonly rpc: Float64Array | null;
  readonly dispersion: RpcNumbers['dispersion'] | null;
}

/** Deviations [repeat][level] of one kind. */
export type Deviations = readonly (readonly number[])[];

/** One setting of RPC under noise: what it does, and its clean output [N, d]. */
export interface RpcUnderNoise {
  readonly parameters: RpcParameters;
  readonly clean: Float64Array;
  readonly dispersion: RpcNumbers['dispersion'];
}

interface RpcDeviations {
  readonly rpc: number[][];
  readonly rpcVsCleanSoftmax: number[][];
}

/** One entry per kind asked for, in the order asked. */
export function noiseNumbers(
  input: QueryInput,
  options: DiagnosticsOptions,
  clean: CleanOutputs,
  kernels: HeadKernels,
): NoiseNumbers[] {
  return options.noise.kinds.map((kind) => {
    const levels = options.noise.levels[kind] ?? defaultLevels(kind);
    const { repeats } = options.noise;
    const draws = { kind, levels, repeats, seed: options.seed };
    const { rpc: asked } = options;
    const settings =
      asked === null || clean.rpc === null
        ? []
        : [{ parameters: asked, clean: clean.rpc, dispersion: clean.dispersion! }];
    const found = noiseOfSettings(draws, input, clean.softmax, settings, kernels);
    if (typeof found === 'string') return notMeasured(kind, found);
    return found.numbers[0] ?? summarise(kind, levels, found.softmax, null, asked !== null, clean.dispersion);
  });
}

/** Why a head of another runtime cannot be run again under this noise; null: it can. */
function foreignReason(kind: NoiseKind, { foreign }: QueryInput): string | null {
  if (foreign === undefined) return null;
  return foreign.own?.reason ?? (kind === 'token_gauss' ? foreign.noProjections : null);
}

/** One kind of noise with all that decides its draws. */
export interface NoiseDraws {
  readonly kind: NoiseKind;
  readonly levels: readonly number[];
  readonly repeats: number;
  readonly seed: number;
}

/**
 * Settings of RPC under the same draws, in their order, beside softmax; a sentence where that has no value. `known`: what
 * an earlier call with the same draws and `cleanSoftmax` [N, d] found for softmax, which is not computed again then.
 */
export function noiseOfSettings(
  { kind, levels, repeats, seed }: NoiseDraws,
  input: QueryInput,
  cleanSoftmax: Float64Array,
  settings: readonly RpcUnderNoise[],
  kernels: HeadKernels,
  known: Deviations | null = null,
): { readonly softmax: Deviations; readonly numbers: readonly NoiseNumbers[] } | string {
  const foreign = foreignReason(kind, input);
  if (foreign !== null) return foreign;
  if (levels.length === 0 || repeats < 1) return 'No noise level or no repeat was asked for.';
  if (norm(cleanSoftmax) === 0) return 'The clean output of the head is zero, so a relative deviation has no value.';
  const d = input.headDim;
  const noise = createNoise(kind, input, seed, kernels);
  const parameters = settings.map((setting) => setting.parameters);
  const softmax: number[][] = [];
  const found = settings.map((): RpcDeviations => ({ rpc: [], rpcVsCleanSoftmax: [] }));
  for (let repeat = 0; repeat < repeats; repeat++) {
    const perturb = noise(repeat);
    const row: number[] = [];
    const rows = settings.map(() => ({ rpc: [] as number[], cross: [] as number[] }));
    for (const level of levels) {
      const noisy = perturb(level);
      if (noisy === null) {
        return kind === 'token_replace'
          ? 'There is no other token to copy from.'
          : `At level ${level} this noise leaves no token to compare.`;
      }
      const reference = (h: Float64Array): Float64Array => (noisy.kept === null ? h : takeRows(h, noisy.kept, d));
      const cleanRows = reference(cleanSoftmax);
      if (known === null) row.push(deviation(softmaxOutput(noisy, d, noisy.scaled, kernels), cleanRows));
      rpcOutputs(noisy, d, parameters, kernels).forEach((output, i) => {
        rows[i]!.rpc.push(output === null ? NaN : deviation(output.out, reference(settings[i]!.clean)));
        rows[i]!.cross.push(output === null ? NaN : deviation(output.out, cleanRows));
      });
    }
    softmax.push(row);
    rows.forEach(({ rpc, cross }, i) => {
      found[i]!.rpc.push(rpc);
      found[i]!.rpcVsCleanSoftmax.push(cross);
    });
  }
  const shared = known ?? softmax;
  if (!allFinite(shared)) return 'The clean output of the tokens that are left is zero.';
  const numbers = found.map((one, i) => {
    const measurable = allFinite(one.rpc) && allFinite(one.rpcVsCleanSoftmax);
    return summarise(kind, levels, shared, measurable ? one : null, true, settings[i]!.dispersion);
  });
  return { softmax: shared, numbers };
}

/** ||noisy - clean|| / ||clean|| */
function deviation(noisy: Float64Array, clean: Float64Array): number {
  return distance(noisy, clean) / norm(clean);
}

function summarise(
  kind: NoiseKind,
  levels: readonly number[],
  softmax: Deviations,
  rpc: RpcDeviations | null,
  rpcAsked: boolean,
  dispersion: RpcNumbers['dispersion'] | null,
): NoiseNumbers {
  const softmaxAreas = softmax.map((row) => areaUnderCurve(levels, row));
  const rpcAreas = rpc?.rpc.map((row) => areaUnderCurve(levels, row)) ?? null;
  const differences = rpcAreas === null ? null : softmaxAreas.map((area, i) => area - rpcAreas[i]!);
  // Without chance in the draws an interval of zero width would look like certainty.
  const constant = allEqual(softmaxAreas) && (rpcAreas === null || allEqual(rpcAreas));
  const interval = (areas: readonly number[] | null): Measured =>
    areas === null || constant ? null : halfWidth(areas);
  const difference = differences === null ? null : measured(mean(differences));
  const ci = interval(differences);
  const noRpc = rpcAreas === null ? (rpcAsked ? rpcUndefined : rpcNotAsked) : null;
  const noInterval = softmaxAreas.length < 2 ? oneRepeat : constant ? equalDraws : noRpc;
  const verdict = noiseVerdict(difference, ci, dispersion);
  const reason = noRpc ?? noInterval ?? 'The head output is zero, so it has no dispersion.';
  return {
    kind,
    levels,
    softmax: curve(softmax),
    rpc: rpc === null ? null : curve(rpc.rpc),
    rpcVsCleanSoftmax: rpc === null ? null : curve(rpc.rpcVsCleanSoftmax),
    auc: {
      softmax: measured(mean(softmaxAreas)),
      rpc: rpcAreas === null ? null : measured(mean(rpcAreas)),
      difference,
      ci: {
        softmax: interval(softmaxAreas),
        rpc: interval(rpcAreas),
        difference: ci,
        ...(noInterval === null ? {} : { reason: noInterval }),
      },
      ...(noRpc === null ? {} : { reason: noRpc }),
    },
    verdict,
    ...(verdict === 'not measured' ? { reason } : {}),
  };
}

/** Trapezoid over the levels from (0, 0), divided by the last level: the mean relative deviation. Spec section 6. */
export function areaUnderCurve(levels: readonly number[], deviations: readonly number[]): number {
  let area = 0;
  let level = 0;
  let height = 0;
  levels.forEach((next, i) => {
    area += ((next - level) * (deviations[i]! + height)) / 2;
    level = next;
    height = deviations[i]!;
  });
  return area / level;
}

/** Wording of spec section 6. `difference` = softmax - RPC, `ci` its half width. */
export function noiseVerdict(
  difference: Measured,
  ci: Measured,
  dispersion: RpcNumbers['dispersion'] | null,
): NoiseVerdict {
  if (difference === null || ci === null || dispersion === null) return 'not measured';
  if (dispersion.softmax === null || dispersion.rpc === null) {
    return 'not measured';
  }
  if (difference + ci < 0) return 'RPC deviates more';
  if (difference - ci <= 0) return 'no difference';
  return dispersion.rpc >= collapseRatio * dispersion.softmax ? 'RPC deviates less' : 'collapsed';
}

function curve(rows: readonly (readonly number[])[]): NoiseCurve {
  const columns = rows[0]!.map((_, level) => rows.map((row) => row[level]!));
  return {
    mean: columns.map((column) => mean(column)),
    ci: columns.map(halfWidth),
    ...(rows.length < 2 ? { reason: oneRepeat } : {}),
  };
}

/** Two values or more without a spread; one value says nothing about it. */
function allEqual(values: readonly number[]): boolean {
  return values.length > 1 && sampleSd(values) <= smallestRelativeSd * Math.abs(mean(values));
}

function halfWidth(values: readonly number[]): Measured {
  return values.length < 2 ? null : measured(halfWidth95(sampleSd(values), values.length));
}

function allFinite(rows: readonly (readonly number[])[]): boolean {
  return rows.every((row) => row.every(Number.isFinite));
}

function notMeasured(kind: NoiseKind, reason: string): NoiseNumbers {
  return {
    kind,
    levels: [],
    softmax: { mean: [], ci: [] },
    rpc: null,
    rpcVsCleanSoftmax: null,
    auc: {
      softmax: null,
      rpc: null,
      difference: null,
      ci: { softmax: null, rpc: null, difference: null, reason },
      reason,
    },
    verdict: 'not measured',
    reason,
  };
}
