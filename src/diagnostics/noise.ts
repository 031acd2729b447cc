// How far a head's output moves under noise, softmax and RPC under the same draws (spec section 6), and what may
// be said about it. Low deviation with low dispersion is collapse, not robustness.

import type { HeadKernels, RpcParameters } from '../engine/headKernels';
import { rpcOutput, softmaxOutput } from './headAttention';
import type { DiagnosticsOptions, QueryInput } from './headInput';
import type { Measured, NoiseCurve, NoiseKind, NoiseNumbers, NoiseVerdict, RpcNumbers } from './headResult';
import { createNoise, takeRows, type NoisyHead } from './noiseDraws';
import { defaultLevels } from './noiseLevels';
import { halfWidth95 } from './studentT';
import { distance, mean, measured, norm, sampleSd } from './vector';

/** RPC has collapsed where its rows differ by less than this part of softmax attention's. */
const collapseRatio = 0.5;

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
interface Sweep {
  readonly softmax: number[][];
  readonly rpc: number[][] | null;
  readonly rpcVsCleanSoftmax: number[][] | null;
}

/** One entry per kind asked for, in the order asked. */
export function noiseNumbers(
  input: QueryInput,
  options: DiagnosticsOptions,
  clean: CleanOutputs,
  kernels: HeadKernels,
): NoiseNumbers[] {
  return options.noise.kinds.map((kind) => {
    const foreign = foreignReason(kind, input);
    if (foreign !== null) return notMeasured(kind, foreign);
    const levels = options.noise.levels[kind] ?? defaultLevels(kind);
    const repeats = options.noise.repeats;
    if (levels.length === 0 || repeats < 1) return notMeasured(kind, 'No noise level or no repeat was asked for.');
    if (norm(clean.softmax) === 0) {
      return notMeasured(kind, 'The clean output of the head is zero, so a relative deviation has no value.');
    }
    const sweep = runSweep(kind, levels, repeats, input, options, clean, kernels);
    if (typeof sweep === 'string') return notMeasured(kind, sweep);
    return summarise(kind, levels, sweep, options.rpc !== null, clean.dispersion);
  });
}

/** Why a head of another runtime cannot be run again under this noise; null: it can. */
function foreignReason(kind: NoiseKind, { foreign }: QueryInput): string | null {
  if (foreign === undefined) return null;
  return foreign.own?.reason ?? (kind === 'token_gauss' ? foreign.noProjections : null);
}

function runSweep(
  kind: NoiseKind,
  levels: readonly number[],
  repeats: number,
  input: QueryInput,
  options: DiagnosticsOptions,
  clean: CleanOutputs,
  kernels: HeadKernels,
): Sweep | string {
  const noise = createNoise(kind, input, options.seed, kernels);
  const d = input.headDim;
  const parameters = clean.rpc === null ? null : options.rpc;
  const softmax: number[][] = [];
  const rpc: number[][] = [];
  const rpcVsCleanSoftmax: number[][] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const perturb = noise(repeat);
    const row = { softmax: [] as number[], rpc: [] as number[], cross: [] as number[] };
    for (const level of levels) {
      const noisy = perturb(level);
      if (noisy === null) {
        return kind === 'token_replace'
          ? 'There is no other token to copy from.'
          : `At level ${level} this noise leaves no token to compare.`;
      }
      const reference = (h: Float64Array): Float64Array => (noisy.kept === null ? h : takeRows(h, noisy.kept, d));
      const cleanSoftmax = reference(clean.softmax);
      row.softmax.push(deviation(softmaxOutput(noisy, d, noisy.scaled, kernels), cleanSoftmax));
      if (parameters === null || clean.rpc === null) continue;
      const h = rpcOfNoisy(noisy, d, parameters, kernels);
      row.rpc.push(h === null ? NaN : deviation(h, reference(clean.rpc)));
      row.cross.push(h === null ? NaN : deviation(h, cleanSoftmax));
    }
    softmax.push(row.softmax);
    rpc.push(row.rpc);
    rpcVsCleanSoftmax.push(row.cross);
  }
  if (!allFinite(softmax)) return 'The clean output of the tokens that are left is zero.';
  const measurable = parameters !== null && allFinite(rpc) && allFinite(rpcVsCleanSoftmax);
  return {
    softmax,
    rpc: measurable ? rpc : null,
    rpcVsCleanSoftmax: measurable ? rpcVsCleanSoftmax : null,
  };
}

function rpcOfNoisy(
  noisy: NoisyHead,
  headDim: number,
  parameters: RpcParameters,
  kernels: HeadKernels,
): Float64Array | null {
  return rpcOutput(noisy, headDim, parameters, kernels)?.out ?? null;
}

/** ||noisy - clean|| / ||clean|| */
function deviation(noisy: Float64Array, clean: Float64Array): number {
  return distance(noisy, clean) / norm(clean);
}

function summarise(
  kind: NoiseKind,
  levels: readonly number[],
  sweep: Sweep,
  rpcAsked: boolean,
  dispersion: RpcNumbers['dispersion'] | null,
): NoiseNumbers {
  const softmaxAreas = sweep.softmax.map((row) => areaUnderCurve(levels, row));
  const rpcAreas = sweep.rpc?.map((row) => areaUnderCurve(levels, row)) ?? null;
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
    softmax: curve(sweep.softmax),
    rpc: sweep.rpc === null ? null : curve(sweep.rpc),
    rpcVsCleanSoftmax: sweep.rpcVsCleanSoftmax === null ? null : curve(sweep.rpcVsCleanSoftmax),
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
