// Noise curves of one head, one figure a noise kind, always with clean gap and dispersion beside the AUC: a method
// that ignores its keys does not deviate either.

import type { HeadResult, Measured, NoiseCurve } from '../../diagnostics/headResult';
import { formatInterval, formatNumber, noiseLevelUnits, noiseNames, noiseVerdictText } from '../format';
import type { LineFigure, Series, SeriesRole } from './figure';
import type { HeadContext } from './headFigures';
import { formulas } from './sources';

/** The sentence that stands wherever RPC is computed on a model that was not trained with it; '' elsewhere. */
export function whatIf(context: Pick<HeadContext, 'trainedWith'>): string {
  if (context.trainedWith === 'rpc') return '';
  return ' This checkpoint was not trained with RPC: its RPC numbers are a what-if, and switching RPC on can change outputs by the order of their norm.';
}

function curve(name: string, role: SeriesRole, levels: readonly number[], noise: NoiseCurve, atZero: Measured): Series {
  const shift = (sign: 1 | -1): (number | null)[] => [
    noise.ci.some((half) => half !== null) ? atZero : null,
    ...noise.mean.map((mean, index) => {
      const half = noise.ci[index] ?? null;
      return half === null ? null : Math.max(0, mean + sign * half);
    }),
  ];
  return {
    name,
    role,
    x: [0, ...levels],
    y: [atZero, ...noise.mean],
    low: shift(-1),
    high: shift(1),
    draw: 'line+points',
  };
}

/** One figure for each noise kind that was run. */
export function noiseFigures(head: HeadResult, context: HeadContext): LineFigure[] {
  return head.noise
    .filter((noise) => noise.levels.length > 0)
    .map((noise) => {
      const { auc } = noise;
      const rpc = noise.rpc
        ? `, RPC ${formatInterval(auc.rpc, auc.ci.rpc)}, difference ${formatInterval(auc.difference, auc.ci.difference)}`
        : '';
      const beside = head.rpc
        ? ` Clean gap ${formatNumber(head.rpc.cleanGap)}; dispersion softmax ${formatNumber(head.rpc.dispersion.softmax)}, RPC ${formatNumber(head.rpc.dispersion.rpc)}.`
        : '';
      const repeats = noise.softmax.ci.some((half) => half !== null);
      return {
        kind: 'lines',
        id: `noise-${noise.kind}`,
        title: `Deviation under ${noiseNames[noise.kind]}`,
        shows: `How far noise moves the head's output, mean${repeats ? ' and 95 % interval' : ''} over ${head.over === undefined ? 'repeats' : `${head.over.inputs} inputs`}; AUC softmax ${formatInterval(auc.softmax, auc.ci.softmax)}${rpc}. Verdict: ${noiseVerdictText(noise, head.over)}.${beside}${noise.reason === undefined ? '' : ` ${noise.reason}`}`,
        caution: `Low deviation with low dispersion is collapse, not robustness, and a head that moves less need not make the model more accurate.${head.rpc ? whatIf(context) : ''}`,
        formula: formulas.noise,
        x: { label: 'noise level', unit: noiseLevelUnits[noise.kind], scale: 'linear' },
        y: { label: 'relative deviation', unit: '', scale: 'linear' },
        series: [
          curve('softmax', 'softmax', noise.levels, noise.softmax, 0),
          ...(noise.rpc ? [curve('RPC vs clean RPC', 'rpc', noise.levels, noise.rpc, 0)] : []),
          ...(noise.rpcVsCleanSoftmax
            ? [
                curve(
                  'RPC vs clean softmax',
                  'data2',
                  noise.levels,
                  noise.rpcVsCleanSoftmax,
                  head.rpc?.cleanGap ?? null,
                ),
              ]
            : []),
        ],
        levels: [],
      } satisfies LineFigure;
    });
}
