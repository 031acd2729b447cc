// The sweep of RPC over lambda and iterations as two heatmaps: distance from softmax on clean input, and noise gain.
// Published settings, collapse and an S that never acts are marked in both.

import * as l10n from '@vscode/l10n';
import type { RpcSweepCell, RpcSweepNumbers } from '../../diagnostics/headResult';
import { formatInterval, formatNumber, noiseNames, notMeasured, verdictWord } from '../format';
import type { CellSign, HeatmapFigure } from './figure';
import type { HeadContext } from './headFigures';
import { whatIf } from './noiseFigures';
import { formulas } from './sources';

/** Settings that the published code of RPC-Attention is run with (discrepancy D7). */
export const publishedSettings: readonly {
  readonly lambda: number;
  readonly iterations: number;
  readonly who: string;
}[] = [
  { lambda: 4, iterations: 4, who: l10n.t('README and training scripts of the published code (num_iter 4, lambd 4)') },
  { lambda: 4, iterations: 2, who: l10n.t('attack scripts of the published code (num_iter 2)') },
  { lambda: 0, iterations: 1, who: l10n.t('argparse defaults of the published code (num_iter 1, lambd 0)') },
];

const whoPublished = ({ lambda, iterations }: RpcSweepCell): string | undefined =>
  publishedSettings.find((one) => one.lambda === lambda && one.iterations === iterations)?.who;

function signsOf(sweep: RpcSweepNumbers): CellSign[] {
  return sweep.cells.flatMap((cell, i) => {
    const at = { row: Math.floor(i / sweep.iterations.length), column: i % sweep.iterations.length };
    return [
      ...(whoPublished(cell) === undefined ? [] : [{ ...at, shape: 'ring' as const }]),
      ...(cell.collapsed ? [{ ...at, shape: 'cross' as const }] : []),
      ...(cell.sparseNeverActive ? [{ ...at, shape: 'dot' as const }] : []),
    ];
  });
}

/** The words of one cell; lines separated by \n. */
export function sweepCellText(cell: RpcSweepCell, sweep: RpcSweepNumbers): string {
  const who = whoPublished(cell);
  return [
    l10n.t('clean gap {0}, tau {1}', formatNumber(cell.cleanGap), formatNumber(cell.tau)),
    sweep.noise === null
      ? ''
      : l10n.t(
          'noise gain {0} ({1}); {2}',
          formatInterval(cell.gain, cell.gainCi),
          noiseNames[sweep.noise.kind],
          cell.verdict === null ? notMeasured : verdictWord(cell.verdict),
        ),
    l10n.t('dispersion softmax {0}, RPC {1}', formatNumber(sweep.softmaxDispersion), formatNumber(cell.dispersion)),
    cell.collapsed ? l10n.t('collapse: its rows hardly differ, so little deviation is no robustness') : '',
    cell.sparseNeverActive ? l10n.t('S never active: the robust step does nothing here') : '',
    who === undefined ? '' : l10n.t('published: {0}', who),
    cell.reason ?? '',
  ]
    .filter((line) => line !== '')
    .join('\n');
}

const legend = l10n.t(
  'Framed: settings of the published code; cross: collapse (dispersion below half of softmax attention’s); dot: S never active.',
);

/** Clean gap, and the gain where there was noise. */
export function rpcSweepFigures(sweep: RpcSweepNumbers, context: Pick<HeadContext, 'trainedWith'>): HeatmapFigure[] {
  const { variant, asymmetric, masked, lambdas, iterations, cells, noise } = sweep;
  const name = `${variant}${asymmetric ? '+asym' : ''}`;
  const extension = [
    asymmetric
      ? ` ${l10n.t('In heads with queries only the keys are cleaned (+asym), an extension of Gramlens.')}`
      : '',
    masked === true ? ` ${l10n.t('The mask inside the iteration is an extension of Gramlens.')}` : '',
  ].join('');
  const base = {
    kind: 'heatmap',
    rows: lambdas.length,
    columns: iterations.length,
    rowAxis: { label: 'λ', unit: '', scale: 'linear' },
    columnAxis: { label: l10n.t('iterations n'), unit: '', scale: 'linear', integer: true },
    rowLabels: lambdas.map(String),
    columnLabels: iterations.map(String),
    signs: signsOf(sweep),
    cellNote: (cell: number) => sweepCellText(cells[cell]!, sweep),
  } as const;
  const gaps = Float64Array.from(cells, (cell) => cell.cleanGap ?? Number.NaN);
  const clean: HeatmapFigure = {
    ...base,
    id: 'rpc-sweep-gap',
    title: l10n.t('Clean gap of RPC over λ and n ({0})', name),
    shows: `${l10n.t("How far RPC's output is from softmax attention's without any noise, at each setting.")} ${legend}`,
    caution: `${l10n.t('A large gap is another function, not a better one: read no noise gain without it.')}${whatIf(context)}${extension}`,
    formula: formulas.cleanGap,
    values: gaps,
    value: { label: l10n.t('clean gap'), unit: '', scale: 'linear' },
    palette: 'sequential',
    domain: [0, largest(gaps)],
  };
  if (noise === null) return [clean];
  const gains = Float64Array.from(cells, (cell) => cell.gain ?? Number.NaN);
  const reach = largest(gains);
  return [
    clean,
    {
      ...base,
      id: 'rpc-sweep-gain',
      title: l10n.t('Noise gain of RPC over λ and n ({0})', name),
      shows: `${l10n.t('AUC of softmax minus AUC of RPC under {0}, {1} repeats: above 0 RPC deviates less.', noiseNames[noise.kind], noise.repeats)} ${legend}`,
      caution: `${l10n.t('Of {0} settings some lie above 0 by chance; the interval of one cell says nothing of the best of many, and a cell with a cross is collapse, not robustness.', cells.length)}${whatIf(context)}${extension}`,
      formula: formulas.gain,
      values: gains,
      value: { label: l10n.t('AUC softmax − RPC'), unit: '', scale: 'linear' },
      palette: 'diverging',
      domain: [-reach, reach],
    },
  ];
}

function largest(values: Float64Array): number {
  const known = values.filter(Number.isFinite).map(Math.abs);
  return known.reduce((most, value) => Math.max(most, value), 0) || 1;
}
