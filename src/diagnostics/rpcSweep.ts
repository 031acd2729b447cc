// RPC-Attention of one head over a grid of lambda and iterations: how far each setting is from softmax on clean input,
// and whether it deviates less under noise (spec sections 2 and 6). Every cell is what `rpcNumbers` and `noiseNumbers` give.

import type { HeadKernels, RpcParameters } from '../engine/headKernels';
import { plainScores } from '../model/blockShape';
import type { RpcVariant } from '../model/modelSpec';
import { rpcOutputs, softmaxOutput } from './headAttention';
import type { QueryInput } from './headInput';
import type { NoiseKind, RpcNumbers, RpcSweepCell, RpcSweepNumbers } from './headResult';
import { collapseRatio, noiseOfSettings, type Deviations, type NoiseDraws } from './noise';
import { rpcNumbers } from './rpcNumbers';

/** Each cell costs as much as the whole noise curve of a head: 64 of them are about a minute at N = 1024. */
export const maxSweepCells = 64;
/** As for RPC itself; no published setting has more than 4. */
export const maxSweepIterations = 64;

export interface RpcSweepSettings {
  readonly variant: RpcVariant;
  /** Both ascending, no value twice; their product is `maxSweepCells` at most. */
  readonly lambdas: readonly number[];
  readonly iterations: readonly number[];
  /** null: clean input only. */
  readonly noise: { readonly kind: NoiseKind; readonly levels: readonly number[]; readonly repeats: number } | null;
}

/** The published settings are in it: README n 4, lambda 4; attack scripts n 2; argparse defaults n 1, lambda 0. */
export const defaultSweep: Pick<RpcSweepSettings, 'lambdas' | 'iterations'> = {
  lambdas: [0, 0.5, 1, 2, 4, 8],
  iterations: [1, 2, 3, 4, 6],
};

const notYet = 'Not measured yet.';
const noNoise = 'No noise was asked for.';

/** Parameters of every cell, row by row: one lambda a row. */
function cellParameters({ variant, lambdas, iterations }: RpcSweepSettings, embedDim: number): RpcParameters[] {
  return lambdas.flatMap((lambda) => iterations.map((n) => ({ variant, lambda, iterations: n, embedDim })));
}

/** RPC has so little left of its rows' differences that it says little about what goes in. */
export function hasCollapsed({ dispersion: { softmax, rpc } }: Pick<RpcNumbers, 'dispersion'>): boolean {
  return softmax !== null && rpc !== null && rpc < collapseRatio * softmax;
}

function cleanCell(numbers: RpcNumbers, noise: RpcSweepSettings['noise']): RpcSweepCell {
  const { lambda, iterations, tau, cleanGap, dispersion, sparseNeverActive, reason } = numbers;
  return {
    lambda,
    iterations,
    tau,
    cleanGap,
    dispersion: dispersion.rpc,
    collapsed: hasCollapsed(numbers),
    sparseNeverActive,
    gain: null,
    gainCi: null,
    verdict: 'not measured',
    reason: reason ?? dispersion.reason ?? (noise === null ? noNoise : notYet),
  };
}

/**
 * The sweep in pieces: first every cell on clean input, then one row (lambda) under noise after the other, each time all
 * that is known. Whoever iterates may stop between them.
 */
export function* rpcSweepSteps(
  input: QueryInput,
  settings: RpcSweepSettings,
  seed: number,
  kernels: HeadKernels,
): Generator<RpcSweepNumbers, RpcSweepNumbers> {
  const { tokens, headDim, embedDim } = input;
  const rule = input.rule ?? plainScores;
  const head = { q: input.q, k: input.k, v: input.v, tokens, rule };
  const parameters = cellParameters(settings, embedDim);
  const softmax = softmaxOutput(head, headDim, input.scaled, kernels);
  const outputs = rpcOutputs(head, headDim, parameters, kernels);
  const clean = outputs.map((output, i) =>
    rpcNumbers(parameters[i]!, input.q !== null, softmax, output, tokens, headDim),
  );
  const cells = clean.map((numbers) => cleanCell(numbers, settings.noise));
  const known = (): RpcSweepNumbers => sweepNumbers(settings, input, clean[0]!.dispersion.softmax, cells.slice());
  yield known();
  if (settings.noise === null) return known();

  const draws: NoiseDraws = { ...settings.noise, seed };
  let shared: Deviations | null = null;
  const width = settings.iterations.length;
  for (let first = 0; first < cells.length; first += width) {
    const places = Array.from({ length: width }, (_, column) => first + column).filter((i) => outputs[i] !== null);
    const row = places.map((i) => ({
      parameters: parameters[i]!,
      clean: outputs[i]!.out,
      dispersion: clean[i]!.dispersion,
    }));
    const found = noiseOfSettings(draws, input, softmax, row, kernels, shared);
    if (typeof found === 'string') {
      cells.forEach((cell, i) => (cells[i] = { ...cell, reason: found }));
      return known();
    }
    shared = found.softmax;
    found.numbers.forEach(({ auc, verdict, reason }, at) => {
      const place = places[at]!;
      const { reason: before, ...cell } = cells[place]!;
      const why = before === notYet ? (reason ?? auc.ci.reason) : before;
      cells[place] = {
        ...cell,
        gain: auc.difference,
        gainCi: auc.ci.difference,
        verdict,
        ...(why === undefined ? {} : { reason: why }),
      };
    });
    yield known();
  }
  return known();
}

function sweepNumbers(
  { variant, lambdas, iterations, noise }: RpcSweepSettings,
  { q, rule }: QueryInput,
  dispersion: RpcSweepNumbers['softmaxDispersion'],
  cells: readonly RpcSweepCell[],
): RpcSweepNumbers {
  const masked = rule !== undefined && (rule.causal || rule.window !== null);
  return {
    variant,
    asymmetric: q !== null,
    ...(masked ? { masked } : {}),
    lambdas,
    iterations,
    noise,
    softmaxDispersion: dispersion,
    collapsedCells: cells.filter((cell) => cell.collapsed).length,
    neverActiveCells: cells.filter((cell) => cell.sparseNeverActive).length,
    deviatesLessCells: cells.filter((cell) => cell.verdict === 'RPC deviates less').length,
    cells,
    ...(dispersion === null ? { reason: 'The head output is zero, so it has no dispersion.' } : {}),
  };
}

/** The whole sweep. */
export function rpcSweep(
  input: QueryInput,
  settings: RpcSweepSettings,
  seed: number,
  kernels: HeadKernels,
): RpcSweepNumbers {
  const steps = rpcSweepSteps(input, settings, seed, kernels);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
