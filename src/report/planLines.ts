// The plan in words and units, for the overview and the terminal.

import * as l10n from '@vscode/l10n';
import type { InspectionPlan } from '../inspection/inspectionRequest';

/** 1.5 GB, 320 kB: decimal units, as file managers print them. */
export function readableBytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power]!}`;
}

export function readableSeconds(seconds: number): string {
  if (seconds < 1) return l10n.t('under 1 s');
  if (seconds < 100) return l10n.t('about {0} s', Math.round(seconds));
  return l10n.t('about {0} min', Math.round(seconds / 60));
}

function readableFlops(count: number): string {
  const gigaflops = count / 1e9;
  return `${gigaflops >= 10 ? Math.round(gigaflops) : gigaflops.toPrecision(2)} GFLOP`;
}

function inputLine({ input, inputs, tokens }: InspectionPlan): readonly [string, string] {
  if (inputs === undefined) return [l10n.t('input'), `${input}, N ${tokens}`];
  const { count, fewestTokens, mostTokens } = inputs;
  const range = fewestTokens === mostTokens ? String(mostTokens) : l10n.t('{0} to {1}', fewestTokens, mostTokens);
  return [l10n.t('inputs'), l10n.t('{0}, one after the other, the first {1}; N {2}', count, input, range)];
}

function timeText({ estimatedSeconds, backend, inputs }: InspectionPlan): string {
  const time = readableSeconds(estimatedSeconds);
  return inputs === undefined
    ? l10n.t('{0} on {1}', time, backend)
    : l10n.t('{0} on {1} for all {2} inputs', time, backend, inputs.count);
}

/** Whose they are: a checkpoint of another epoch has the same. */
export const knownTwinsText = l10n.t(
  "known from an earlier run on this input: untrained twins depend on the network's shapes and family, not on trained weights",
);

/** Term and value, in reading order. */
export function planLines(plan: InspectionPlan): readonly (readonly [string, string])[] {
  return [
    [l10n.t('model'), plan.description],
    inputLine(plan),
    [
      l10n.t('inspects'),
      plan.ablation
        ? l10n.t('{0} layers, {1} heads each, and the output without each of them', plan.layers, plan.heads)
        : l10n.t('{0} layers, {1} heads each', plan.layers, plan.heads),
    ],
    [
      l10n.t('peak memory'),
      l10n.t("{0} (one layer's weights: {1})", readableBytes(plan.peakByteLength), readableBytes(plan.layerByteLength)),
    ],
    [
      l10n.t('work'),
      l10n.t('{0} forward, {1} diagnostics', readableFlops(plan.forwardFlops), readableFlops(plan.diagnosticsFlops)),
    ],
    [l10n.t('time'), timeText(plan)],
    ...(plan.knownTwins ? [[l10n.t('twins'), knownTwinsText] as const] : []),
    [l10n.t('backend'), plan.backendReason],
  ];
}
