// The plan in words and units, for the overview and the terminal.

import type { InspectionPlan } from '../inspection/inspectionRequest';

/** 1.5 GB, 320 kB: decimal units, as file managers print them. */
export function readableBytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power]!}`;
}

export function readableSeconds(seconds: number): string {
  if (seconds < 1) return 'under 1 s';
  if (seconds < 100) return `about ${Math.round(seconds)} s`;
  return `about ${Math.round(seconds / 60)} min`;
}

function readableFlops(count: number): string {
  const gigaflops = count / 1e9;
  return `${gigaflops >= 10 ? Math.round(gigaflops) : gigaflops.toPrecision(2)} GFLOP`;
}

function inputLine({ input, inputs, tokens }: InspectionPlan): readonly [string, string] {
  if (inputs === undefined) return ['input', `${input}, N ${tokens}`];
  const { count, fewestTokens, mostTokens } = inputs;
  const range = fewestTokens === mostTokens ? String(mostTokens) : `${fewestTokens} to ${mostTokens}`;
  return ['inputs', `${count}, one after the other, the first ${input}; N ${range}`];
}

/** Whose they are: a checkpoint of another epoch has the same. */
export const knownTwinsText =
  "known from an earlier run on this input: untrained twins depend on the network's shapes and family, not on trained weights";

/** Term and value, in reading order. */
export function planLines(plan: InspectionPlan): readonly (readonly [string, string])[] {
  return [
    ['model', plan.description],
    inputLine(plan),
    [
      'inspects',
      `${plan.layers} layers, ${plan.heads} heads each${plan.ablation ? ', and the output without each of them' : ''}`,
    ],
    [
      'peak memory',
      `${readableBytes(plan.peakByteLength)} (one layer's weights: ${readableBytes(plan.layerByteLength)})`,
    ],
    ['work', `${readableFlops(plan.forwardFlops)} forward, ${readableFlops(plan.diagnosticsFlops)} diagnostics`],
    [
      'time',
      `${readableSeconds(plan.estimatedSeconds)} on ${plan.backend}${plan.inputs === undefined ? '' : ` for all ${plan.inputs.count} inputs`}`,
    ],
    ...(plan.knownTwins ? [['twins', knownTwinsText] as const] : []),
    ['backend', plan.backendReason],
  ];
}
