// Attention patterns of one head: softmax | RPC | difference, and any single row of them. The first two share one scale;
// the difference has zero in the middle.

import * as l10n from '@vscode/l10n';
import type { ScoreRule } from '../../model/blockShape';
import { formatNumber, notMeasured } from '../format';
import type { HeatmapFigure } from './figure';
import type { HeadContext } from './headFigures';
import { whatIf } from './noiseFigures';
import { scaleNote, type Cells, type PatternCells } from './patternCells';
import { formulas } from './sources';

function largest(values: HeatmapFigure['values']): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.abs(values[i]!) > most ? Math.abs(values[i]!) : most;
  return most;
}

function maskWords(rule: ScoreRule | undefined): string {
  if (rule === undefined) return '';
  const words = !rule.causal
    ? l10n.t('Empty cells are masked: a query sees no key outside its window.')
    : rule.window === null
      ? l10n.t('Empty cells are masked: a query sees no later key.')
      : l10n.t('Empty cells are masked: a query sees no later key, and the last {0} keys only.', rule.window);
  return ` ${words}`;
}

/** Which tokens are no patches. */
function tokenWords({ tokens, prefixTokens, suffixTokens = 0 }: HeadContext): string {
  if (suffixTokens > 0) {
    const first = tokens - suffixTokens;
    return ` ${l10n.t('Tokens 0 to {0} are patches, {1} to {2} class embeddings.', first - 1, first, tokens - 1)}`;
  }
  if (prefixTokens === 0) return '';
  return prefixTokens > 1
    ? ` ${l10n.t('Tokens 0 to {0} are the class token and those added beside it.', prefixTokens - 1)}`
    : ` ${l10n.t('Token 0 is the class token.')}`;
}

export function cellsOf({ values, coarser }: Cells): Pick<HeatmapFigure, 'values' | 'coarser'> {
  return { values, ...(coarser === undefined ? {} : { coarser }) };
}

/** One figure without RPC, three with it. */
export function patternFigures(cells: PatternCells, context: HeadContext): [HeatmapFigure, ...HeatmapFigure[]] {
  const { tokens, rule, rpc, difference } = cells;
  const { scale } = cells.softmax;
  const prefix = tokenWords(context) + maskWords(rule);
  const names = context.tokenNames?.length === tokens ? context.tokenNames : null;
  const base = {
    kind: 'heatmap',
    ...(rule === undefined ? {} : { blank: l10n.t('masked') }),
    rows: tokens,
    columns: tokens,
    rowAxis: { label: l10n.t('query position'), unit: '', scale: 'linear', integer: true },
    columnAxis: { label: l10n.t('key position'), unit: '', scale: 'linear', integer: true },
    ...(names === null ? {} : { rowLabels: names, columnLabels: names }),
    formula: formulas.pattern,
  } as const;
  const weight = { label: l10n.t('attention weight'), unit: '', scale: 'linear' } as const;
  const softmax: HeatmapFigure = {
    ...base,
    id: 'pattern-softmax',
    title: l10n.t('Attention pattern, softmax'),
    shows: `${l10n.t('Weight that each query (row) gives to each key (column); rows sum to 1.')}${prefix}${scaleNote(scale)}`,
    caution: l10n.t(
      'A large weight does not say that the key mattered for the output: the value behind it may be small.',
    ),
    ...cellsOf(cells.softmax),
    value: weight,
    palette: 'sequential',
    domain: [0, scale.end],
  };
  if (rpc === null || difference === null) return [softmax];
  const reach = difference.scale.end;
  return [
    softmax,
    {
      ...base,
      id: 'pattern-rpc',
      title: l10n.t('Attention pattern, RPC'),
      shows: `${l10n.t("Weights of RPC's last iteration, on the colour scale of the softmax pattern.")}${prefix}`,
      caution: `${l10n.t('RPC is computed beside the model on the same q, k, v.')}${whatIf(context)}`,
      ...cellsOf(rpc),
      value: weight,
      palette: 'sequential',
      domain: [0, scale.end],
    },
    {
      ...base,
      id: 'pattern-difference',
      title: l10n.t('Difference, RPC − softmax'),
      shows: `${l10n.t('Where RPC gives more weight (above 0) or less (below 0) than softmax; rows sum to 0.')}${scaleNote(difference.scale)}`,
      caution: l10n.t('A sharper pattern is not a cleaner one: with S = 0 the iteration alone sharpens.'),
      ...cellsOf(difference),
      value: { label: l10n.t('weight RPC − softmax'), unit: '', scale: 'linear' },
      palette: 'diverging',
      domain: [-reach, reach],
    },
  ];
}

/** Patches [rows, columns] of the head's tokens and where they begin; null where the tokens are no picture. */
function patchPlaces({ tokens, prefixTokens, suffixTokens = 0, grid }: HeadContext): PatchPlaces | null {
  const [rows, columns] = grid ?? [0, 0];
  const patches = rows * columns;
  if (patches === 0 || prefixTokens + patches + suffixTokens !== tokens) return null;
  return { rows, columns, from: prefixTokens, to: prefixTokens + patches };
}

interface PatchPlaces {
  readonly rows: number;
  readonly columns: number;
  /** Tokens that are patches: `from` to `to` (excluded). */
  readonly from: number;
  readonly to: number;
}

/**
 * Row `query` of a pattern [N, N] (softmax, RPC, their difference, scores) as a map of its own: on the patch grid where the
 * tokens are a picture's, the query's own patch ringed; else [1, N] over the tokens. Masked cells stay NaN.
 */
export function queryFigure(pattern: HeatmapFigure, context: HeadContext, query: number): HeatmapFigure {
  const { columns: tokens, value } = pattern;
  const row = pattern.values.slice(query * tokens, (query + 1) * tokens);
  const places = patchPlaces(context);
  const name = (token: number): string => pattern.columnLabels?.[token] ?? String(token);
  const values = places === null ? row : row.subarray(places.from, places.to);
  const isWeight = pattern.palette === 'sequential';
  const reach = largest(values) || 1;
  const axis = (label: string): HeatmapFigure['rowAxis'] => ({ label, unit: '', scale: 'linear', integer: true });
  const seen = Array.from(row).filter((one) => !Number.isNaN(one)).length;
  const top = largestAt(row);
  const words = [
    places === null
      ? l10n.t('What query {0} gives to each token ({1}).', name(query), value.label)
      : l10n.t('What query {0} gives to each patch, in its place ({1}).', name(query), value.label),
    top === null
      ? l10n.t('There is no number in this row.')
      : l10n.t('Furthest from 0: {0} on key {1}.', formatNumber(row[top]), name(top)),
    places === null || places.to - places.from === tokens || !isWeight
      ? ''
      : l10n.t('{0} of its weight is on tokens that are no patches.', formatNumber(sumOutside(row, places))),
    isWeight && seen > 0 ? l10n.t('Equal weights would be {0}.', formatNumber(1 / seen)) : '',
    seen === tokens ? '' : l10n.t('{0} keys are {1}.', tokens - seen, pattern.blank ?? notMeasured),
  ];
  const base: Omit<HeatmapFigure, 'rows' | 'columns' | 'rowAxis' | 'columnAxis'> = {
    kind: 'heatmap',
    id: `${pattern.id}-row-${query}`,
    title: l10n.t('{0}: query {1}', pattern.title, name(query)),
    shows: words.filter((word) => word !== '').join(' '),
    caution: pattern.caution,
    formula: pattern.formula,
    ...(pattern.blank === undefined ? {} : { blank: pattern.blank }),
    values,
    value,
    palette: pattern.palette,
    domain: isWeight ? [0, reach] : [-reach, reach],
  };
  if (places === null) {
    const labels = pattern.columnLabels === undefined ? {} : { columnLabels: pattern.columnLabels };
    return {
      ...base,
      rows: 1,
      columns: tokens,
      rowAxis: axis(l10n.t('query')),
      rowLabels: [name(query)],
      columnAxis: axis(l10n.t('key position')),
      ...labels,
    };
  }
  const { rows, columns, from, to } = places;
  const own = query - from;
  const ring = { row: Math.floor(own / columns), column: own % columns, shape: 'ring' } as const;
  const isPatch = query >= from && query < to;
  return {
    ...base,
    shows: isPatch ? `${base.shows} ${l10n.t('The ring is the query itself.')}` : base.shows,
    rows,
    columns,
    rowAxis: axis(l10n.t('row of patches')),
    columnAxis: axis(l10n.t('column of patches')),
    ...(isPatch ? { signs: [ring] } : {}),
  };
}

function largestAt(values: HeatmapFigure['values']): number | null {
  let at: number | null = null;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (!Number.isNaN(size) && (at === null || size > Math.abs(values[at]!))) at = i;
  }
  return at;
}

/** Sum of the row over tokens that are no patches; NaN cells are skipped. */
function sumOutside(row: HeatmapFigure['values'], { from, to }: PatchPlaces): number {
  let sum = 0;
  for (let i = 0; i < row.length; i++) if ((i < from || i >= to) && !Number.isNaN(row[i]!)) sum += row[i]!;
  return sum;
}

/** Row of the class token on the patch grid; none where there is no class token or no grid. */
export function classMapFigure(softmax: HeatmapFigure, context: HeadContext): HeatmapFigure[] {
  if (context.prefixTokens === 0 || patchPlaces(context) === null) return [];
  return [
    {
      ...queryFigure(softmax, context, 0),
      id: 'class-map',
      title: l10n.t('Where the class token looks'),
      caution: l10n.t(
        'A map of weights is no explanation of the prediction: values, later layers and the residual stream are not in it.',
      ),
    },
  ];
}
