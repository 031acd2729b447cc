// The pictures of the RPC laboratory: the trace of the iteration, the parts of one pass as images, and its pattern beside
// softmax. The same view models as everywhere, so that they save as PNG, SVG and CSV.

import * as l10n from '@vscode/l10n';
import type { LabMap, RpcLabView } from '../../inspection/rpcLab';
import { formatNumber } from '../format';
import type { Figure, HeatmapFigure, LineFigure } from './figure';
import { rpcTraceFigures, type HeadContext } from './headFigures';
import { whatIf } from './noiseFigures';
import { colourScale, type PatternCells } from './patternCells';
import { patternFigures } from './patternFigures';
import { formulas } from './sources';
import { matrixFigure } from './tensorFigures';

interface MapWords {
  readonly title: string;
  readonly shows: string;
  readonly value: string;
  /** Maps with the same word share one scale: they may be compared. */
  readonly scale: 'keys' | 'outputs' | 'difference';
}

const words: Readonly<Record<LabMap, MapWords>> = {
  keys: {
    title: l10n.t('K, the keys'),
    shows: l10n.t('The keys of the head as the model has them.'),
    value: l10n.t('entry of K (as the keys)'),
    scale: 'keys',
  },
  sparse: {
    title: l10n.t('S, the sparse part'),
    shows: l10n.t('What the threshold cuts off the keys as outliers, on the scale of the keys.'),
    value: l10n.t('entry of S (as the keys)'),
    scale: 'keys',
  },
  cleanedKeys: {
    title: l10n.t('K2, the cleaned keys'),
    shows: l10n.t('The keys that this pass computes attention with, on the scale of the keys.'),
    value: l10n.t('entry of K2 (as the keys)'),
    scale: 'keys',
  },
  low: {
    title: l10n.t('L, the output of RPC'),
    shows: l10n.t('Attention of the cleaned keys: what RPC puts out, and what the next pass subtracts from the keys.'),
    value: l10n.t('entry of L (as the values)'),
    scale: 'outputs',
  },
  softmax: {
    title: l10n.t('Output of softmax attention'),
    shows: l10n.t('What the head puts out without RPC, on the scale of L.'),
    value: l10n.t('entry of h (as the values)'),
    scale: 'outputs',
  },
  difference: {
    title: l10n.t('Output, RPC − softmax'),
    shows: l10n.t('Where RPC puts out more (above 0) or less than softmax attention.'),
    value: l10n.t('L − h (as the values)'),
    scale: 'difference',
  },
};
const order: readonly LabMap[] = ['keys', 'sparse', 'cleanedKeys', 'low', 'softmax', 'difference'];

/** A setting with its patterns ready to be drawn. */
export interface RpcLabPictures extends Omit<RpcLabView, 'softmaxPattern' | 'rpcPattern'> {
  readonly patterns: PatternCells;
}

/** Figures of one setting in reading order; those of RPC only where it has a value. */
export function rpcLabFigures(view: RpcLabPictures, context: HeadContext): Figure[] {
  const trace = rpcTraceFigures(view.numbers, context).map((figure) => ({ ...figure, id: 'lab-trace' }));
  return [...trace, ...scoresFigure(view), ...mapFigures(view, context), ...labPatterns(view, context)];
}

function passWords({ settings }: Pick<RpcLabView, 'settings'>): string {
  return l10n.t('pass {0} of {1}', settings.shown, settings.iterations);
}

function scoresFigure({ maxScores, numbers }: Pick<RpcLabView, 'maxScores' | 'numbers'>): LineFigure[] {
  if (maxScores.rpc.length === 0) return [];
  return [
    {
      kind: 'lines',
      id: 'lab-scores',
      title: l10n.t('Largest score per iteration'),
      shows: l10n.t(
        "Largest score before the softmax in each pass, beside {0} of the model's own keys: larger scores make a sharper pattern.",
        formatNumber(maxScores.softmax),
      ),
      caution: numbers.sparseNeverActive
        ? l10n.t('S is 0 throughout, so what changes here is the iteration itself, not the removal of outliers.')
        : l10n.t('A sharper pattern is not a cleaner one; passes sharpen even where nothing is removed.'),
      formula: formulas.rpc,
      x: { label: l10n.t('iteration'), unit: '', scale: 'linear', integer: true },
      y: { label: l10n.t('largest score'), unit: '', scale: 'linear' },
      series: [
        {
          name: 'RPC',
          role: 'rpc',
          x: maxScores.rpc.map((_, t) => t + 1),
          y: maxScores.rpc,
          draw: 'line+points',
        },
      ],
      levels: [{ y: maxScores.softmax, name: 'softmax', role: 'softmax' }],
    },
  ];
}

function mapFigures(view: RpcLabPictures, context: HeadContext): HeatmapFigure[] {
  const { maps, tokens, headDim } = view;
  if (maps === null) return [];
  const scales = {
    keys: colourScale(maps.keys, maps.sparse, maps.cleanedKeys),
    outputs: colourScale(maps.low, maps.softmax),
    difference: colourScale(maps.difference),
  };
  return order.map((map) => {
    const { title, shows, value, scale } = words[map];
    const passes = map === 'keys' || map === 'softmax' ? '' : `, ${passWords(view)}`;
    const caution =
      scale === 'keys'
        ? l10n.t('L is no low-rank part of the keys, so K − S − L need not become small.')
        : `${l10n.t('A difference is no error of either.')}${whatIf(context)}`;
    return matrixFigure(
      { id: `lab-${map}`, title: `${title}${passes}`, shows, caution, formula: formulas.rpc, value },
      maps[map],
      scales[scale],
      { tokens, headDim, tokenNames: context.tokenNames ?? null },
    );
  });
}

/** RPC's pattern and its difference from softmax; the softmax pattern stands above the laboratory. */
function labPatterns(view: RpcLabPictures, context: HeadContext): HeatmapFigure[] {
  return patternFigures(view.patterns, context)
    .filter(({ id }) => id !== 'pattern-softmax')
    .map((figure) => ({ ...figure, id: `lab-${figure.id}`, title: `${figure.title}, ${passWords(view)}` }));
}
