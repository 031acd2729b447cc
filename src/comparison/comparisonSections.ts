// The content of a comparison's report, whatever it is written as.

import { familyName } from '../model/describeSpec';
import { formulas } from '../report/figures/sources';
import { formatNumber } from '../report/format';
import { escapeHtml, htmlFacts, htmlHeadTable, htmlList, htmlParagraphs, htmlTable } from '../report/html';
import { headLink } from '../report/inspectionId';
import { layerLabel } from '../report/layerLabel';
import { figureHtml, FormulaList, type FigureWriting, type PicturePlace } from '../report/reportFigures';
import { htmlDocument, inside } from '../report/reportHtml';
import { markdownFiles, type ReportFile } from '../report/reportMarkdown';
import type { ComparedHead, Comparison, RankedChange } from './comparison';
import { differenceFigure, shownMetricIds, timelineFigure } from './comparisonFigures';
import {
  comparisonTitle,
  endsOf,
  matchingText,
  outsideText,
  rankedColumns,
  rankedLegend,
  rankedRow,
  signed,
  verdictChange,
} from './comparisonText';
import { rankTimeline, timelineColumns, timelineLegend, timelineRow } from './timelineRanking';

/** Lines of the ranked lists; all of them are in comparison.json. */
const rankedLines = { inBands: 30, inSpreads: 15 } as const;
/** Lines a metric of the tables of timelines; the page ranks all heads. */
const timelineLines = 3;
/** Heads whose numbers the appendix has; of larger models they are in comparison.csv. */
const appendixHeads = 160;
const subtitle = 'What changed from run to run, head by head';

function runsTable({ runs, order }: Comparison): string {
  const stepped = runs.some(({ step }) => step !== null);
  const columns = ['run', ...(stepped ? ['step'] : []), 'checkpoint', 'attention', 'backend', 'seed', 'SHA-256'];
  const rows = runs.map(({ name, step, checkpoint, attention, backend, precision, seed }) => [
    name,
    ...(stepped ? [step === null ? '–' : String(step)] : []),
    checkpoint.name,
    attention,
    `${backend}, ${precision}`,
    String(seed),
    checkpoint.sha256?.slice(0, 16) ?? 'not computed',
  ]);
  return htmlTable(order === null ? 'Runs' : `Runs. ${order}`, words(columns), rows);
}

const words = (columns: readonly string[]): { heading: string; words: true }[] =>
  columns.map((heading) => ({ heading, words: true }));

function factsTable(comparison: Comparison): string {
  const { model, inputs } = comparison;
  const input = inputs.length === 1 ? inputs[0]! : null;
  return htmlFacts('What is compared', [
    ['Model', `${familyName(model.family)}, ${model.layers} layers, ${model.heads} heads each`],
    [
      'Input',
      input === null
        ? `${inputs.length} inputs, the same in every run`
        : `${input.label}, ${input.tokens} tokens, SHA-256 ${input.sha256}`,
    ],
    ['Heads', matchingText(comparison)],
  ]);
}

function rankedTable(comparison: Comparison, by: 'inBands' | 'inSpreads', caption: string): string {
  const all: readonly RankedChange[] = comparison.ranked[by];
  if (all.length === 0) return '';
  const shown = all.slice(0, rankedLines[by]);
  const more = all.length > shown.length ? `; the first ${shown.length} of ${all.length}` : '';
  const columns = rankedColumns(comparison, by).map((heading) => ({
    heading,
    words: ['metric', 'band', 'verdict'].includes(heading),
  }));
  return htmlHeadTable(
    `${caption}${more}`,
    columns,
    shown.map((change) => rankedRow(comparison, change, by)),
  );
}

/** Heads whose verdict on alignment is another one in the last run. */
function verdictTable(comparison: Comparison): string {
  const changed = everyHead(comparison).filter(({ head }) => head.verdicts[0] !== head.verdicts.at(-1));
  if (comparison.kind === 'methods') return '';
  if (changed.length === 0) return htmlParagraphs('No head has another verdict on alignment than before.');
  return htmlHeadTable(
    `${changed.length} heads have another verdict on alignment`,
    [{ heading: 'layer' }, { heading: 'head' }, { heading: 'verdict', words: true }],
    changed.map(({ layer, head }) => [
      layerLabel(comparison.model, layer),
      headText(head),
      verdictChange(head.verdicts),
    ]),
  );
}

const headText = ({ index, partners }: ComparedHead): string =>
  partners.at(-1) === index ? String(index) : `${index}, ${partners.at(-1)!}`;

function everyHead({ layers }: Comparison): { readonly layer: number; readonly head: ComparedHead }[] {
  return layers.flatMap(({ index, heads }) => heads.map((head) => ({ layer: index, head })));
}

function matchingTable(comparison: Comparison, formulaList: FormulaList): string {
  const rows = comparison.layers.flatMap(({ index, matching, heads }) => {
    const last = matching.at(-1);
    if (!last) return [];
    const moved = heads.filter(({ partners, index: own }) => partners.at(-1) !== own);
    return [
      [
        layerLabel(comparison.model, index),
        formatNumber(last.byIndex),
        formatNumber(last.byPermutation),
        formatNumber(last.byChance),
        moved.length === 0
          ? 'as they are'
          : moved.map((head) => `${head.index} with ${head.partners.at(-1)!}`).join(', '),
      ],
    ];
  });
  if (rows.length === 0) return '';
  const table = htmlTable(
    'Mean distance of matched heads, first run and last',
    [
      { heading: 'layer' },
      { heading: 'by index' },
      { heading: 'best permutation' },
      { heading: 'chance (all pairs)' },
      { heading: comparison.matchedBy === 'index' ? 'used' : 'heads that are paired anew', words: true },
    ],
    comparison.matchedBy === 'index' ? rows.map((row) => [...row.slice(0, 4), 'index']) : rows,
  );
  return `${table}\n<p class="note">In standard deviations of the metrics over the heads of a layer.${formulaList.reference(formulas.matching)}</p>`;
}

function maps(ids: readonly string[], comparison: Comparison, writing: FigureWriting): string {
  const figures = ids.map((id) => differenceFigure(comparison, id));
  return figuresHtml(figures.map((figure) => figureHtml(figure, figure.id, writing)));
}

const figuresHtml = (figures: readonly string[]): string => `<div class="figures">\n${figures.join('\n')}\n</div>`;

/** Of each metric the heads that wander farthest over the runs, whatever the first and the last say. */
function timelineTables(comparison: Comparison, ids: readonly string[]): string {
  const table = (by: 'range' | 'step', caption: string): string =>
    htmlHeadTable(
      caption,
      ['metric', ...timelineColumns].map((heading) => ({ heading, words: ['metric', 'between'].includes(heading) })),
      ids.flatMap((id) => {
        const label = comparison.metrics.find((metric) => metric.id === id)?.label ?? id;
        const ranked = rankTimeline(comparison, id, by).slice(0, timelineLines);
        return ranked.map((one) => [label, ...timelineRow(comparison, id, one)]);
      }),
      3,
    );
  return [
    table('range', `Heads with the largest range over the runs, ${timelineLines} a metric`),
    table('step', `Heads with the largest step from one run to the next, ${timelineLines} a metric`),
    `<p class="note">${escapeHtml(timelineLegend)}</p>`,
  ].join('\n');
}

/** Links to a head of each run, where the report's reader has the inspections. */
function linksTable(comparison: Comparison): string {
  const [first, last] = [comparison.runs[0]!, comparison.runs.at(-1)!];
  const seen = new Set<string>();
  const items = comparison.ranked.inBands.flatMap(({ layer, head, partner }) => {
    const key = `${layer} ${head}`;
    if (seen.has(key) || seen.size >= 12) return [];
    seen.add(key);
    const link = (inspection: string, index: number, name: string): string =>
      `<a href="${escapeHtml(headLink(inspection, layer, index))}">${escapeHtml(name)}</a>`;
    const place = escapeHtml(`layer ${layerLabel(comparison.model, layer)}, head ${head}`);
    if (comparison.kind === 'methods')
      return [`<li>${place}: ${link(first.inspection, head, 'open in the editor')}</li>`];
    return [
      `<li>${place}: ${link(first.inspection, head, first.name)}, ${link(last.inspection, partner, last.name)}</li>`,
    ];
  });
  return items.length === 0
    ? ''
    : `<p class="note editor-links">Heads that changed most, in the editor:</p>\n<ul class="note">\n${items.join('\n')}\n</ul>`;
}

function appendix(comparison: Comparison): [string, string][] {
  const heads = everyHead(comparison);
  if (heads.length > appendixHeads)
    return [
      [
        'All heads',
        htmlParagraphs(`The numbers of all ${heads.length} heads are in comparison.csv and comparison.json.`),
      ],
    ];
  const [from, to] = endsOf(comparison);
  const tables = shownMetricIds(comparison).map((id) => {
    const label = comparison.metrics.find((metric) => metric.id === id)?.label ?? id;
    return htmlHeadTable(
      label,
      ['layer', 'head', from, to, 'change', 'chance', 'in bands'].map((heading) => ({ heading })),
      heads.map(({ layer, head }) => {
        const number = head.metrics[id]!;
        return [
          layerLabel(comparison.model, layer),
          headText(head),
          formatNumber(number.values[0]),
          formatNumber(number.values.at(-1)),
          signed(number.difference),
          number.chance === undefined
            ? '–'
            : [number.chance[0], number.chance.at(-1)].map((level) => formatNumber(level)).join(', '),
          number.inBands === undefined ? '–' : signed(number.inBands),
        ];
      }),
    );
  });
  return [['All heads', tables.join('\n')]];
}

const cautions: readonly string[] = [
  'A difference on one input holds for that input; intervals over noise repeats do not cover the choice of input.',
  'The null draws of two checkpoints come from the same named random streams, so that bands made as if they were independent are rather too wide than too narrow.',
  'Null draws measure what chance gives for the same keys, not how much training runs differ: two trainings with other seeds differ, too. Compare several of each before saying what caused a change.',
  'Many heads and metrics are looked at: the first lines of a ranked list are the largest of many and are expected to be large.',
];

/** [heading, HTML] of every section; `also`: a metric that has figures beside those that a report chooses. The same comparison gives the same bytes. */
export function comparisonSections(
  comparison: Comparison,
  place: PicturePlace,
  also: string | null = null,
): [string, string][] {
  const writing = { formulas: new FormulaList(), place };
  const shown = shownMetricIds(comparison);
  const ids = also === null || shown.includes(also) ? shown : [...shown, also];
  const timeline = comparison.runs.length > 2;
  const notes = comparison.notes.length === 0 ? '' : `\n${htmlList(comparison.notes)}`;
  const sections: [string, string][] = [
    ['Runs', `${runsTable(comparison)}\n${factsTable(comparison)}${notes}`],
    [
      'What changed most',
      [
        htmlParagraphs(
          `A line a head and group of metrics: its largest change from ${endsOf(comparison).join(' to ')}. ${outsideText(comparison)}`,
        ),
        `<p class="note">${escapeHtml(rankedLegend)}${writing.formulas.reference(formulas.change)}</p>`,
        rankedTable(comparison, 'inBands', 'Changes with a band'),
        rankedTable(
          comparison,
          'inSpreads',
          'Changes with neither null nor interval, in standard deviations over heads',
        ),
        linksTable(comparison),
        verdictTable(comparison),
      ].join('\n'),
    ],
    ['Difference maps', maps(ids, comparison, writing)],
    ...(timeline
      ? [
          [
            'Timelines',
            `${timelineTables(comparison, ids)}\n${figuresHtml(
              ids.map((id) => timelineFigure(comparison, id)).map((figure) => figureHtml(figure, figure.id, writing)),
            )}`,
          ] satisfies [string, string],
        ]
      : []),
    ['Matching of heads', matchingTable(comparison, writing.formulas) || htmlParagraphs(matchingText(comparison))],
    ['Cautions', htmlList(cautions)],
    ...appendix(comparison),
  ];
  return [...sections, ['Formulas', writing.formulas.html()]];
}

const reportTitle = (comparison: Comparison): string => `Gramlens comparison: ${comparisonTitle(comparison)}`;

/** One self-contained HTML file; `also` as of `comparisonSections`. */
export function comparisonHtml(comparison: Comparison, also: string | null = null): string {
  const sections = comparisonSections(comparison, inside, also);
  return htmlDocument({ title: reportTitle(comparison), subtitle, sections }, comparison.runs[0]!.gramlensVersion);
}

/** `name`.md, then its figures. */
export function comparisonMarkdown(name: string, comparison: Comparison): readonly ReportFile[] {
  return markdownFiles(name, (place) => ({
    title: reportTitle(comparison),
    subtitle,
    sections: comparisonSections(comparison, place),
  }));
}
