// Files of a comparison that are read by programs, and the table of the terminal.

import { csvText } from '../report/csvCell';
import { sortedJson } from '../report/resultJson';
import { alignedTable } from '../report/alignedTable';
import type { Comparison } from './comparison';
import { comparisonTitle, matchingText, outsideText, rankedColumns, rankedLegend, rankedRow } from './comparisonText';
import { rankTimeline } from './timelineRanking';

/** Lines of each ranked list on a terminal. */
const shownLines = { inBands: 12, inSpreads: 6 } as const;

export function comparisonJson(comparison: Comparison): string {
  return sortedJson(comparison, 'comparison');
}

/** One row a head and metric: a value a run, then the change, of three runs and more the range; undefined numbers are empty. */
export function comparisonCsv(comparison: Comparison): string {
  const { runs, metrics, layers } = comparison;
  const timeline = runs.length > 2;
  const wanders = timeline ? timelineCells(comparison) : null;
  const rows = layers.flatMap(({ index, heads }) =>
    heads.flatMap((head) =>
      metrics.map(({ id }) => {
        const number = head.metrics[id]!;
        const { values, chance, difference, band, inBands, inSpreads } = number;
        return [
          index,
          head.index,
          head.partners.at(-1)!,
          id,
          ...values,
          ...runs.map((_, run) => chance?.[run] ?? null),
          difference,
          band?.centre ?? null,
          band?.half ?? null,
          band?.of ?? null,
          inBands ?? null,
          inSpreads ?? null,
          ...(wanders?.(index, head.index, id) ?? []),
        ];
      }),
    ),
  );
  return csvText([
    [
      'layer',
      'head',
      'partner',
      'metric',
      ...runs.map(({ name }) => name),
      ...runs.map(({ name }) => `chance ${name}`),
      'difference',
      'band.centre',
      'band.half',
      'band.of',
      'inBands',
      'inSpreads',
      ...(timeline ? ['range', 'step', 'step.from', 'step.to'] : []),
    ],
    ...rows,
  ]);
}

/** Range over the runs, and the largest step with the runs that it lies between. */
function timelineCells(
  comparison: Comparison,
): (layer: number, head: number, metric: string) => (string | number | null)[] {
  const { runs, metrics } = comparison;
  const found = new Map(
    metrics.flatMap(({ id }) =>
      rankTimeline(comparison, id, 'range').map((one) => [`${one.layer} ${one.head} ${id}`, one] as const),
    ),
  );
  return (layer, head, metric) => {
    const one = found.get(`${layer} ${head} ${metric}`);
    if (one === undefined) return [null, null, null, null];
    const { range, step, stepTo } = one;
    return [range, step, ...(step === null ? [null, null] : [runs[stepTo - 1]!.name, runs[stepTo]!.name])];
  };
}

/** What changed most, as aligned text, ending in a newline. */
export function comparisonTable(comparison: Comparison): string {
  const lines = [comparisonTitle(comparison), ''];
  for (const by of ['inBands', 'inSpreads'] as const) {
    const ranked = comparison.ranked[by].slice(0, shownLines[by]);
    if (ranked.length === 0) continue;
    const columns = rankedColumns(comparison, by);
    lines.push(
      by === 'inBands' ? 'Changes by bands of their null or interval' : 'Changes with neither null nor interval',
      ...alignedTable([columns, ...ranked.map((change) => rankedRow(comparison, change, by))], (column) =>
        ['metric', 'band', 'verdict'].includes(columns[column]!),
      ),
      '',
    );
  }
  const legend = comparison.ranked.inBands.length === 0 ? '' : rankedLegend;
  const texts = [
    legend,
    outsideText(comparison),
    matchingText(comparison),
    comparison.order ?? '',
    ...comparison.notes,
  ];
  return `${[...lines, ...texts.filter((text) => text !== '')].join('\n')}\n`;
}
