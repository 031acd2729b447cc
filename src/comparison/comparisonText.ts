// A comparison in words: one spelling of a change for tooltips, tables, the terminal and the report.

import * as l10n from '@vscode/l10n';
import { formatNumber, verdictWord } from '../report/format';
import { layerLabel } from '../report/layerLabel';
import { metricHere } from './comparedMetrics';
import type { ComparedHead, ComparedNumber, Comparison, RankedChange } from './comparison';

/** What stands where a number has no band. */
const none = '–';

/** `+0.141`, `−0.02`, `0`. */
export function signed(value: number | null | undefined): string {
  if (value === null || value === undefined) return formatNumber(value);
  const text = formatNumber(Math.abs(value));
  return value > 0 ? `+${text}` : value < 0 ? `−${text}` : text;
}

const bandOf = {
  null: l10n.t('95 % of the null’s draws'),
  repeats: l10n.t('95 % interval over noise repeats'),
  inputs: l10n.t('95 % interval over inputs'),
} as const;

const bandNames = { null: l10n.t('null'), repeats: l10n.t('repeats'), inputs: l10n.t('inputs') } as const;

/** `±0.061 repeats`, `+0.02 ± 0.061 null`; – where there is none. */
function bandText({ band }: ComparedNumber): string {
  if (band === undefined) return none;
  const { centre, half, of } = band;
  return `${centre === 0 ? '±' : `${signed(centre)} ± `}${formatNumber(half)} ${bandNames[of]}`;
}

/** What the columns of a ranked list mean. */
export const rankedLegend = l10n.t(
  'Band: where a change lies that is none, at 95 %: by the draws of the null (about the change of their mean), by the interval over noise repeats, or over inputs. In bands: distance from its middle in half widths; above 1 it is outside. (+n): so many other metrics of the group are outside theirs, too.',
);

/** First and last run of a comparison. */
export function endsOf({ runs }: Comparison): readonly [string, string] {
  return [runs[0]!.name, runs.at(-1)!.name];
}

export function comparedHeadAt({ layers }: Comparison, layer: number, head: number): ComparedHead | undefined {
  return layers.find(({ index }) => index === layer)?.heads.find(({ index }) => index === head);
}

/** A verdict of a comparison, which holds it in English, as it is shown; of several inputs with counts: 'no evidence 3, no verdict 2'. */
function verdictHere(words: string | undefined): string | undefined {
  return words
    ?.split(', ')
    .map((part) => {
      const [, word = part, count = ''] = /^(.*?)( \d+)?$/.exec(part) ?? [];
      return `${verdictWord(word)}${count}`;
    })
    .join(', ');
}

/** `no evidence → explained by shared tokens`, or the one word that stands in both. */
export function verdictChange(words: readonly string[]): string {
  const [first = '', last = ''] = [verdictHere(words[0]), verdictHere(words.at(-1))];
  return first === last ? first : `${first} → ${last}`;
}

/** The kind of noise that a metric is about. */
const noiseKindOf = (metric: string): string | null => /^noise\.(\w+)/.exec(metric)?.[1] ?? null;

/** Verdicts that belong beside the metric; '' where there are none. */
export function verdictBeside(head: ComparedHead, metric: string): string {
  const kind = noiseKindOf(metric);
  if (kind !== null) return verdictChange(head.noiseVerdicts[kind] ?? []);
  return metric.startsWith('alignment.') ? verdictChange(head.verdicts) : '';
}

/** Where a matching paired other heads: `head 2 with head 3`. */
export function partnerText({ index, partners }: Pick<ComparedHead, 'index' | 'partners'>): string {
  const last = partners.at(-1)!;
  return last === index ? l10n.t('head {0}', index) : l10n.t('head {0} with head {1}', index, last);
}

/** Words of a cell of a difference map; lines separated by \n. */
export function changeNote(comparison: Comparison, head: ComparedHead, metric: string): string {
  const number = head.metrics[metric];
  const known = metricHere(comparison, metric);
  if (number === undefined || known === undefined) return '';
  const unit = known.unit === '' ? '' : ` ${known.unit}`;
  const { values, chance, difference, inBands, inSpreads, reason } = number;
  if (difference === null) return `${known.label}: ${reason ?? formatNumber(null)}`;
  const [from, to] = endsOf(comparison);
  const lines = [
    `${known.label}: ${signed(difference)}${unit}`,
    `${from} ${formatNumber(values[0])}, ${to} ${formatNumber(values.at(-1))}`,
  ];
  if (chance !== undefined)
    lines.push(l10n.t('chance level {0}, {1}', formatNumber(chance[0]), formatNumber(chance.at(-1))));
  if (inBands !== undefined)
    lines.push(
      Math.abs(inBands) > 1
        ? l10n.t('outside its band: {0} ({1})', bandText(number), bandOf[number.band!.of])
        : l10n.t('inside its band: {0} ({1})', bandText(number), bandOf[number.band!.of]),
    );
  else if (inSpreads !== undefined)
    lines.push(l10n.t('{0} standard deviations over heads; neither null nor interval', signed(inSpreads)));
  const verdict = verdictBeside(head, metric);
  if (verdict !== '') lines.push(l10n.t('verdict: {0}', verdict));
  if (head.partners.at(-1) !== head.index) lines.push(partnerText(head));
  return lines.join('\n');
}

/** Columns of a ranked list; the first two name the head. */
export function rankedColumns(comparison: Comparison, by: 'inBands' | 'inSpreads'): readonly string[] {
  const [from, to] = endsOf(comparison);
  const size = by === 'inBands' ? [l10n.t('in bands'), l10n.t('band')] : [l10n.t('in sd over heads')];
  return [l10n.t('layer'), l10n.t('head'), l10n.t('metric'), from, to, l10n.t('change'), ...size, l10n.t('verdict')];
}

/** A line of it. */
export function rankedRow(
  comparison: Comparison,
  { layer, head, partner, metric, others }: RankedChange,
  by: 'inBands' | 'inSpreads',
): readonly string[] {
  const compared = comparedHeadAt(comparison, layer, head)!;
  const number = compared.metrics[metric]!;
  const label = metricHere(comparison, metric)?.label ?? metric;
  const also = others === 0 ? '' : ` (+${others})`;
  const size = by === 'inBands' ? [signed(number.inBands), bandText(number)] : [signed(number.inSpreads)];
  return [
    layerLabel(comparison.model, layer),
    partner === head ? String(head) : `${head}, ${partner}`,
    `${label}${also}`,
    formatNumber(number.values[0]),
    formatNumber(number.values.at(-1)),
    signed(number.difference),
    ...size,
    verdictBeside(compared, metric),
  ];
}

/** What the counts of a ranked list mean; '' where nothing has a band. */
export function outsideText({ ranked, kind }: Comparison): string {
  const { inBands, inSpreads, banded, outside } = ranked;
  if (inBands.length === 0 && inSpreads.length === 0) return l10n.t('No number of any head has changed.');
  if (banded === 0) return '';
  const expected = Math.round(0.05 * banded);
  return kind === 'methods'
    ? l10n.t(
        '{0} of {1} changes lie outside their band. About {2} would if the two methods did not differ and their numbers were independent draws, which they are not: neighbouring metrics move together. The band is a yardstick, not a test.',
        outside,
        banded,
        expected,
      )
    : l10n.t(
        '{0} of {1} changes lie outside their band. About {2} would if the runs did not differ and their numbers were independent draws, which they are not: neighbouring metrics move together. The band is a yardstick, not a test.',
        outside,
        banded,
        expected,
      );
}

/** How heads were paired, and how much the pairing means. */
export function matchingText({ matchedBy, kind }: Comparison): string {
  if (kind === 'methods') return l10n.t('Both methods in the same head.');
  if (matchedBy === 'index')
    return l10n.t('Heads are matched by index: head h of a layer with head h of the same layer.');
  return l10n.t(
    'Heads are matched within each layer by the permutation under which their metrics are closest to those of the first run. That pairing makes changes as small as it can, so they are smaller than between heads paired beforehand; a distance far below that of chance says that heads correspond.',
  );
}

/** 'a → b', or 'a → z, 12 runs'. */
export function comparisonTitle(comparison: Comparison): string {
  const { runs, kind } = comparison;
  const [from, to] = endsOf(comparison);
  if (kind === 'methods') return l10n.t('softmax and RPC in {0}', runs[0]!.checkpoint.name);
  return runs.length > 2 ? l10n.t('{0} → {1}, {2} runs', from, to, runs.length) : `${from} → ${to}`;
}
