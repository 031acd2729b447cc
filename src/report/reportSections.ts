// The content of the exported report, whatever it is written as: words, tables and figures in order; each of them is
// made elsewhere.

import { encode } from 'fast-png';
import type { NetworkNoise } from '../diagnostics/networkNoise';
import type { HeadDetail } from '../inspection/headDetail';
import type { InspectionResult } from '../inspection/inspectionResult';
import { headFigures } from './figures/headFigures';
import { headPictures } from './figures/patternCells';
import { headTables } from './headTables';
import { tokenNames } from './figures/tokenAxis';
import { networkColumns, networkFigures, networkRows, networkSentence } from './figures/networkFigures';
import { rolloutFigures } from './figures/rolloutFigures';
import { overviewFigures } from './figures/overviewFigures';
import { gramOfRun, withGram } from './gramText';
import { selectHeads, type AskedHead, type SelectedHead } from './headSelection';
import { escapeHtml, htmlParagraphs, htmlTable } from './html';
import { headLink } from './inspectionId';
import { layerSizes, layerTitle } from './layerLabel';
import { figureHtml, FormulaList, headFigureId, type FigureWriting, type PicturePlace } from './reportFigures';
import { alignmentTable, noiseTable, studyTable, tableNotes } from './reportTables';
import { sharedKeysText } from './sharedHeads';
import { citeText, cautionList, methodText, modelCard, provenanceTable, summaryText } from './reportText';

export interface ReportOptions {
  /** Heads with pictures of their own; default 24, beyond it the extremes. */
  readonly maxHeads?: number;
  /** This head, too. */
  readonly also?: AskedHead | null;
  /** Name of the inspection (`inspectionId`), for links that open a head in the editor; absent: no links. */
  readonly inspection?: string;
  /** What the network saw, 8-bit RGBA. */
  readonly picture?: {
    readonly width: number;
    readonly height: number;
    readonly rgba: Uint8ClampedArray | Uint8Array;
  } | null;
}

/** What the sections share while they are written. */
interface Writing extends FigureWriting {
  readonly inspection: string | undefined;
}

function headSection(
  selected: SelectedHead,
  result: InspectionResult,
  detail: HeadDetail | null,
  writing: Writing,
): string {
  const { formulas, inspection } = writing;
  const { layer, head } = selected;
  const link =
    inspection === undefined
      ? ''
      : ` <a class="editor" href="${escapeHtml(headLink(inspection, layer, head.index))}">Open in the editor</a>`;
  const { model } = result;
  const context = {
    layer,
    ...layerSizes(model, layer),
    grid: model.grid,
    trainedWith: model.attention,
    tokenNames: tokenNames({ ...model, ...layerSizes(model, layer) }, result.provenance.inputs[0] ?? null),
  };
  const figures = headFigures(head, context, detail && headPictures(detail)).map((figure) =>
    figureHtml(figure, headFigureId(layer, head.index, figure.id), writing),
  );
  const tables = headTables(head).map(
    ({ title, columns, rows, note, formula }) =>
      `${htmlTable(
        title,
        columns.map((heading) => ({ heading, words: true })),
        rows,
      )}\n<p class="note">${escapeHtml(note)}${formulas.reference(formula)}</p>`,
  );
  return `<section class="head" id="head-${layer}-${head.index}">
<h3>${escapeHtml(layerTitle(model, layer))}, head ${head.index}${link}</h3>
${htmlParagraphs(selected.why)}
${htmlParagraphs(sharedKeysText(model, head.kvHead) ?? '')}
<div class="figures">
${figures.join('\n')}
</div>
${tables.join('\n')}
</section>`;
}

function networkSection(
  noise: NetworkNoise,
  { attention, causal }: InspectionResult['model'],
  writing: Writing,
): string {
  const model = { trainedWith: attention, causal };
  const figures = networkFigures(noise, model).map((figure) => figureHtml(figure, figure.id, writing));
  const columns = networkColumns.map((heading, i) => ({ heading, words: i < 2 }));
  return `${htmlParagraphs(networkSentence(noise, model))}
<div class="figures">
${figures.join('\n')}
</div>
${htmlTable('Effect on the output; KL in nats, flips: repeats in which the first class changes; ± is a 95 % interval, in brackets Wilson’s', columns, networkRows(noise))}`;
}

function pictureHtml({ picture }: ReportOptions, place: PicturePlace): string {
  if (!picture || picture.width < 1 || picture.height < 1) return '';
  const png = encode({ width: picture.width, height: picture.height, data: picture.rgba, channels: 4, depth: 8 });
  return place.input(png);
}

/**
 * [heading, HTML] of every section. `details` gives the patterns of a head, or null where they are not at hand. The same
 * result gives the same bytes.
 */
export function reportSections(
  result: InspectionResult,
  details: (layer: number, head: number) => HeadDetail | null,
  options: ReportOptions,
  place: PicturePlace,
): [string, string][] {
  const limit = options.maxHeads ?? 24;
  const formulas = new FormulaList();
  const writing = { formulas, place, inspection: options.inspection };
  const all = result.layers.flatMap((layer) => layer.heads.map((head) => ({ layer: layer.index, head })));
  const selected = selectHeads(result, limit, options.also);
  const some = selected.length < all.length;
  const { model } = result;
  const overview = overviewFigures(result.layers, model);
  const rollout = rolloutFigures(result);
  const gram = gramOfRun(result.layers);
  const which = some ? 'of the heads shown below; all heads are in the appendix' : 'of every head';
  const sections: [string, string][] = [
    ['Model', `<div class="card"><div>${modelCard(result)}</div>${pictureHtml(options, place)}</div>`],
    ['Provenance', provenanceTable(result)],
    ['Summary', summaryText(result)],
    ['Method', methodText(result)],
    ['Cautions', cautionList(result)],
    [
      'Heads',
      `${alignmentTable(selected, withGram(`Alignment ${which}`, gram), model)}\n<p class="note">${escapeHtml(tableNotes)}</p>\n${noiseTable(selected, `Noise and RPC ${which}; ± is a 95 % interval`, model)}\n${studyTable(selected, withGram(`Metrics of the reproduction study ${which}, beside random V (mean ± standard deviation)`, gram), model)}`,
    ],
    [
      'Overview',
      `<div class="figures">\n${overview.map((figure) => figureHtml(figure, figure.id, writing)).join('\n')}\n</div>`,
    ],
    ...(rollout.length === 0
      ? []
      : [
          [
            'Attention rollout',
            `<div class="figures">\n${rollout.map((figure) => figureHtml(figure, figure.id, writing)).join('\n')}\n</div>`,
          ] satisfies [string, string],
        ]),
    ...(result.networkNoise === undefined
      ? []
      : [['The network under noise', networkSection(result.networkNoise, model, writing)] satisfies [string, string]]),
    [
      some ? `Heads in detail (${selected.length} of ${all.length})` : 'Heads in detail',
      selected.map((one) => headSection(one, result, details(one.layer, one.head.index), writing)).join('\n'),
    ],
    ...(some
      ? [
          [
            'Appendix: all heads',
            `${alignmentTable(all, withGram('Alignment of every head', gram), model)}\n${noiseTable(all, 'Noise and RPC of every head; ± is a 95 % interval', model)}\n${studyTable(all, withGram('Metrics of the reproduction study of every head, beside random V (mean ± standard deviation)', gram), model)}`,
          ] satisfies [string, string],
        ]
      : []),
    ['How to cite', citeText(result)],
  ];
  // Formulas are numbered while the sections above are written, so their list comes last of all.
  sections.splice(sections.length - 1, 0, ['Formulas', formulas.html()]);
  return sections;
}

export function reportTitle({ provenance }: InspectionResult): string {
  return `Gramlens report: ${provenance.checkpoint.name}`;
}

export const reportSubtitle = 'Kernel PCA alignment and noise response of every attention head';
