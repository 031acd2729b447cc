// Noise curves of one head, one figure a noise kind, always with clean gap and dispersion beside the AUC: a method
// that ignores its keys does not deviate either.

import * as l10n from '@vscode/l10n';
import type { HeadResult, Measured, NoiseCurve, NoiseNumbers } from '../../diagnostics/headResult';
import { formatInterval, formatNumber, noiseLevelUnits, noiseNames, noiseVerdictText } from '../format';
import type { LineFigure, Series, SeriesRole } from './figure';
import type { HeadContext } from './headFigures';
import { formulas } from './sources';

/** The sentence that stands wherever RPC is computed on a model that was not trained with it; '' elsewhere. */
export function whatIf(context: Pick<HeadContext, 'trainedWith'>): string {
  if (context.trainedWith === 'rpc') return '';
  return ` ${l10n.t('This checkpoint was not trained with RPC: its RPC numbers are a what-if, and switching RPC on can change outputs by the order of their norm.')}`;
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

/** What the curve is a mean over, and whether its interval is known. */
function meanText({ over }: HeadResult, { softmax }: NoiseNumbers): string {
  const hasInterval = softmax.ci.some((half) => half !== null);
  if (over === undefined)
    return hasInterval
      ? l10n.t("How far noise moves the head's output, mean and 95 % interval over repeats.")
      : l10n.t("How far noise moves the head's output, mean over repeats.");
  return hasInterval
    ? l10n.t("How far noise moves the head's output, mean and 95 % interval over {0} inputs.", over.inputs)
    : l10n.t("How far noise moves the head's output, mean over {0} inputs.", over.inputs);
}

/** One figure for each noise kind that was run. */
export function noiseFigures(head: HeadResult, context: HeadContext): LineFigure[] {
  return head.noise
    .filter((noise) => noise.levels.length > 0)
    .map((noise) => {
      const { auc } = noise;
      const softmax = formatInterval(auc.softmax, auc.ci.softmax);
      const areas = noise.rpc
        ? l10n.t(
            'AUC softmax {0}, RPC {1}, difference {2}.',
            softmax,
            formatInterval(auc.rpc, auc.ci.rpc),
            formatInterval(auc.difference, auc.ci.difference),
          )
        : l10n.t('AUC softmax {0}.', softmax);
      const beside = head.rpc
        ? ` ${l10n.t(
            'Clean gap {0}; dispersion softmax {1}, RPC {2}.',
            formatNumber(head.rpc.cleanGap),
            formatNumber(head.rpc.dispersion.softmax),
            formatNumber(head.rpc.dispersion.rpc),
          )}`
        : '';
      const verdict = l10n.t('Verdict: {0}.', noiseVerdictText(noise, head.over));
      const reason = noise.reason === undefined ? '' : ` ${noise.reason}`;
      return {
        kind: 'lines',
        id: `noise-${noise.kind}`,
        title: l10n.t('Deviation under {0}', noiseNames[noise.kind]),
        shows: `${meanText(head, noise)} ${areas} ${verdict}${beside}${reason}`,
        caution: `${l10n.t('Low deviation with low dispersion is collapse, not robustness, and a head that moves less need not make the model more accurate.')}${head.rpc ? whatIf(context) : ''}`,
        formula: formulas.noise,
        x: { label: l10n.t('noise level'), unit: noiseLevelUnits[noise.kind], scale: 'linear' },
        y: { label: l10n.t('relative deviation'), unit: '', scale: 'linear' },
        series: [
          curve('softmax', 'softmax', noise.levels, noise.softmax, 0),
          ...(noise.rpc ? [curve(l10n.t('RPC vs clean RPC'), 'rpc', noise.levels, noise.rpc, 0)] : []),
          ...(noise.rpcVsCleanSoftmax
            ? [
                curve(
                  l10n.t('RPC vs clean softmax'),
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
