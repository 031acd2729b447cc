// Matrices of a head as images: [N, d] (keys, values, outputs), a row a token, a column a dimension; and the scores [N, N].

import * as l10n from '@vscode/l10n';
import type { HeatmapFigure } from './figure';
import type { HeadContext } from './headFigures';
import { colourScale, scaleNote, type ColourScale, type HeadPictures } from './patternCells';
import { cellsOf } from './patternFigures';
import { formulas } from './sources';

interface MatrixWords extends Pick<HeatmapFigure, 'id' | 'title' | 'shows' | 'caution' | 'formula'> {
  /** What an entry is. */
  readonly value: string;
}

/** A matrix [N, d] on a scale that it may share. */
export function matrixFigure(
  { value, ...words }: MatrixWords,
  values: Float32Array,
  scale: ColourScale,
  { tokens, headDim, tokenNames }: Pick<HeadContext, 'tokens' | 'headDim' | 'tokenNames'>,
): HeatmapFigure {
  return {
    ...words,
    kind: 'heatmap',
    shows: `${words.shows} ${l10n.t('Rows are tokens, columns the d = {0} dimensions of the head.', headDim)}${scaleNote(scale)}`,
    rows: tokens,
    columns: headDim,
    values,
    rowAxis: { label: l10n.t('token'), unit: '', scale: 'linear', integer: true },
    columnAxis: { label: l10n.t('dimension'), unit: '', scale: 'linear', integer: true },
    ...(tokenNames?.length === tokens ? { rowLabels: tokenNames } : {}),
    value: { label: value, unit: '', scale: 'linear' },
    palette: 'diverging',
    domain: [-scale.end, scale.end],
  };
}

/** Scores before the softmax [N, N], masked ones left empty; none where the pattern is not made of them. */
export function scoreFigure({ scores }: HeadPictures, softmax: HeatmapFigure): HeatmapFigure[] {
  if (scores === null) return [];
  const { end } = scores.scale;
  return [
    {
      ...softmax,
      id: 'pattern-scores',
      title: l10n.t('Attention scores, before the softmax'),
      shows: `${l10n.t('The scaled product of each query (row) with each key (column), which the softmax of a row makes its weights of; 0: at right angles.')}${scaleNote(scores.scale)}`,
      caution: l10n.t(
        'The softmax sees only differences within a row: rows of large and of small scores can give the same weights.',
      ),
      ...cellsOf(scores),
      value: { label: l10n.t('score'), unit: '', scale: 'linear' },
      palette: 'diverging',
      domain: [-end, end],
    },
  ];
}

/** q and k on one scale, v and the output on another. */
export function tensorFigures({ tensors, tokens }: HeadPictures, context: HeadContext): HeatmapFigure[] {
  if (tensors === undefined) return [];
  const { q, k, v, out, headDim } = tensors;
  const sizes = { tokens, headDim, tokenNames: context.tokenNames ?? null };
  const inputs = colourScale(k, ...(q === null ? [] : [q]));
  const outputs = colourScale(v, ...(out === null ? [] : [out]));
  const caution = l10n.t(
    'Dimensions have no order and no meaning of their own: queries and keys turned alike give the same scores, and so do values that the output projection turns back.',
  );
  const own =
    context.trainedWith === 'rpc'
      ? ` ${l10n.t('The model itself puts out L of RPC, which the laboratory shows.')}`
      : '';
  const words = (name: string, rest: Pick<MatrixWords, 'title' | 'shows' | 'value'>): MatrixWords => ({
    ...rest,
    id: `tensor-${name}`,
    caution,
    formula: formulas.pattern,
  });
  const query = words('q', {
    title: l10n.t('Queries, q'),
    shows: l10n.t('The queries, on the scale of the keys.'),
    value: l10n.t('entry of q'),
  });
  const key = words('k', {
    title: q === null ? l10n.t('Keys, k, which are the queries too') : l10n.t('Keys, k'),
    shows:
      q === null
        ? l10n.t('The keys; the head has no queries of its own.')
        : l10n.t('The keys, on the scale of the queries.'),
    value: l10n.t('entry of k'),
  });
  const value = words('v', {
    title: l10n.t('Values, v'),
    shows: l10n.t('The values that the pattern mixes.'),
    value: l10n.t('entry of v'),
  });
  const output = words('out', {
    title: l10n.t('Head output, z'),
    shows: `${l10n.t('What softmax attention puts out before the output projection, on the scale of the values: means that cancel are pale.')}${own}`,
    value: l10n.t('entry of z'),
  });
  return [
    ...(q === null ? [] : [matrixFigure(query, q, inputs, sizes)]),
    matrixFigure(key, k, inputs, sizes),
    matrixFigure(value, v, outputs, sizes),
    ...(out === null ? [] : [matrixFigure(output, out, outputs, sizes)]),
  ];
}
