// What a comparison says of its numbers. A comparison holds names and meanings in English, so that its file is the same
// everywhere; whoever shows one takes them from here, in the reader's language.

import * as l10n from '@vscode/l10n';
import type { NoiseKind } from '../diagnostics/headResult';
import type { HeadMetric } from '../report/figures/headMetric';
import { metricById } from '../report/figures/metrics';
import { noiseNames } from '../report/format';
import type { ComparedMetric, Comparison } from './comparison';

export function plainMetric({ id, label, unit, group, explanation }: HeadMetric): ComparedMetric {
  return { id, label, unit, group, explanation };
}

/** How far the tokens' outputs are from their mean, with either method. */
export const dispersion: ComparedMetric = {
  id: 'rpc.dispersion',
  label: l10n.t('Dispersion of the output over tokens'),
  unit: '',
  group: 'RPC',
  explanation: l10n.t(
    '||h - 1_N h|| / ||h||; 0 = every token gets the same output. RPC below half of softmax is collapse.',
  ),
};

/** The area under noise of softmax, then of RPC. */
export function methodNoise(kind: NoiseKind): ComparedMetric {
  return {
    ...plainMetric(metricById(`noise.${kind}.rpc`)),
    id: `noise.${kind}`,
    label: l10n.t('Noise AUC, {0}', noiseNames[kind]),
    explanation: l10n.t('Mean relative deviation of the output from its own clean output; below 0 RPC deviates less.'),
  };
}

const isNoiseKind = (name: string): name is NoiseKind => Object.hasOwn(noiseNames, name);

/** A metric of the comparison; undefined where it has none of that id. One that this version does not know keeps its own words. */
export function metricHere({ kind, metrics }: Comparison, id: string): ComparedMetric | undefined {
  const stored = metrics.find((metric) => metric.id === id);
  if (stored === undefined) return undefined;
  if (kind !== 'methods') {
    const known = metricById(id);
    return known.id === id ? plainMetric(known) : stored;
  }
  if (id === dispersion.id) return dispersion;
  const [, noise = ''] = id.split('.');
  return isNoiseKind(noise) ? methodNoise(noise) : stored;
}
