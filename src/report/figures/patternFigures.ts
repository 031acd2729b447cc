// Attention patterns of one head: softmax | RPC | difference. The first two share one scale; the difference has zero
// in the middle.

import type { HeadDetail } from '../../inspection/headDetail';
import type { HeatmapFigure } from './figure';
import type { HeadContext } from './headFigures';
import { whatIf } from './noiseFigures';
import { formulas } from './sources';

function largest(values: Float32Array): number {
  let most = 0;
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
  return most;
}

/** One figure without RPC, three with it. */
export function patternFigures(detail: HeadDetail, context: HeadContext): HeatmapFigure[] {
  const { tokens, softmaxPattern, rpcPattern } = detail;
  const top = Math.max(largest(softmaxPattern), rpcPattern ? largest(rpcPattern) : 0) || 1;
  const prefix =
    context.prefixTokens > 1
      ? `Tokens 0 to ${context.prefixTokens - 1} are class and distillation token.`
      : 'Token 0 is the class token.';
  const base = {
    kind: 'heatmap',
    rows: tokens,
    columns: tokens,
    rowAxis: { label: 'query position', unit: '', scale: 'linear', integer: true },
    columnAxis: { label: 'key position', unit: '', scale: 'linear', integer: true },
    formula: formulas.pattern,
  } as const;
  const weight = { label: 'attention weight', unit: '', scale: 'linear' } as const;
  const softmax: HeatmapFigure = {
    ...base,
    id: 'pattern-softmax',
    title: 'Attention pattern, softmax',
    shows: `Weight that each query (row) gives to each key (column); rows sum to 1. ${prefix}`,
    caution: 'A large weight does not say that the key mattered for the output: the value behind it may be small.',
    values: softmaxPattern,
    value: weight,
    palette: 'sequential',
    domain: [0, top],
  };
  if (!rpcPattern || rpcPattern.length !== softmaxPattern.length) return [softmax];
  const difference = softmaxPattern.map((value, index) => (rpcPattern[index] ?? 0) - value);
  const reach = largest(difference) || 1;
  return [
    softmax,
    {
      ...base,
      id: 'pattern-rpc',
      title: 'Attention pattern, RPC',
      shows: `Weights of RPC's last iteration, on the colour scale of the softmax pattern. ${prefix}`,
      caution: `RPC is computed beside the model on the same q, k, v.${whatIf(context)}`,
      values: rpcPattern,
      value: weight,
      palette: 'sequential',
      domain: [0, top],
    },
    {
      ...base,
      id: 'pattern-difference',
      title: 'Difference, RPC − softmax',
      shows: 'Where RPC gives more weight (above 0) or less (below 0) than softmax; rows sum to 0.',
      caution: 'A sharper pattern is not a cleaner one: with S = 0 the iteration alone sharpens.',
      values: difference,
      value: { label: 'weight RPC − softmax', unit: '', scale: 'linear' },
      palette: 'diverging',
      domain: [-reach, reach],
    },
  ];
}
