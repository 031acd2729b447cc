// Every direction that the values give against every leading eigenvector: what the principal angles sum up.

import * as l10n from '@vscode/l10n';
import type { HeadResult } from '../../diagnostics/headResult';
import { chanceCosine, type ValueDirections } from '../../diagnostics/valueDirections';
import { formatNumber } from '../format';
import { gramSentence, withGram } from '../gramText';
import type { HeatmapFigure } from './figure';
import type { HeadContext } from './headFigures';
import { formulas } from './sources';

/** None where the head was kept without them. */
export function directionFigure(
  mode: 'theory' | 'plain',
  directions: ValueDirections | null,
  { spectrum }: HeadResult,
  { tokens }: HeadContext,
): HeatmapFigure[] {
  if (directions === null) return [];
  const { rank, [mode]: cosines } = directions;
  const known = cosines.filter((cosine) => !Number.isNaN(cosine));
  if (known.length === 0) return [];
  const keys = spectrum.gramKeys === undefined ? tokens : spectrum.gramKeys.to - spectrum.gramKeys.from;
  const mean = formatNumber(known.reduce((sum, cosine) => sum + cosine, 0) / known.length);
  const most = formatNumber(known.reduce((a, b) => Math.max(a, b), 0));
  const chance = formatNumber(chanceCosine(keys - 1));
  const words =
    mode === 'theory'
      ? l10n.t(
          '|cos| of each column of the values as kernel PCA reads them (row) and each leading eigenvector (column): mean {0}, largest {1}; a random direction has {2} on average. Were each column an eigenvector, each row would hold a single 1.',
          mean,
          most,
          chance,
        )
      : l10n.t(
          '|cos| of each centred column of the values (row) and each leading eigenvector (column): mean {0}, largest {1}; a random direction has {2} on average. Were each column an eigenvector, each row would hold a single 1.',
          mean,
          most,
          chance,
        );
  return [
    {
      kind: 'heatmap',
      id: `directions-${mode}`,
      title: withGram(
        mode === 'theory'
          ? l10n.t('Value directions against eigenvectors, theory')
          : l10n.t('Value directions against eigenvectors, plain'),
        spectrum,
      ),
      shows: `${words}${gramSentence(spectrum)}`,
      caution: l10n.t(
        'Rows depend on the basis that the value weights happen to have, and the largest of so many lies far above the mean by chance; the principal angles compare the spans, whatever their bases.',
      ),
      formula: formulas.directions,
      rows: cosines.length / rank,
      columns: rank,
      values: cosines,
      rowAxis: { label: l10n.t('value dimension'), unit: '', scale: 'linear', integer: true },
      columnAxis: { label: l10n.t('eigenvector'), unit: '', scale: 'linear', integer: true },
      columnLabels: Array.from({ length: rank }, (_, i) => String(i + 1)),
      value: { label: l10n.t('|cos|'), unit: '', scale: 'linear' },
      palette: 'sequential',
      domain: [0, 1],
    },
  ];
}
