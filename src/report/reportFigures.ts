// Pictures and formulas in the sections of a report, whatever it is about and whatever it is written as.

import { drawLines } from '../../webview/charts/drawLines';
import { heatmapSvg } from '../../webview/charts/heatmapImage';
import { fittingHeight } from '../../webview/charts/heatmapLayout';
import { reportTheme } from '../../webview/charts/theme';
import type { Figure, HeatmapFigure } from './figures/figure';
import { shrinkHeatmap } from './figures/shrinkHeatmap';
import { escapeHtml } from './html';

/** Puts pictures where the report's reader finds them; each call answers the HTML that shows the picture. */
export interface PicturePlace {
  /** `id`: unique in the report, fit for a file name. */
  figure(figure: Figure, svg: string, id: string): string;
  input(png: Uint8Array): string;
}

const figureSize = { lines: { width: 340, height: 240 }, heatmap: { width: 340, height: 290 } } as const;
/** Patterns with more cells a side than this are averaged: print has no more dots, and 1024 heads must fit in 10 MB. */
const maxCells = 256;

/** Numbers each formula once, in the order of first use. */
export class FormulaList {
  private readonly numbers = new Map<string, number>();

  reference(formula: string): string {
    if (formula === '') return '';
    const number = this.numbers.get(formula) ?? this.numbers.size + 1;
    this.numbers.set(formula, number);
    return ` <a href="#formula-${number}">F${number}</a>`;
  }

  html(): string {
    const items = [...this.numbers].map(
      ([formula, number]) => `<li id="formula-${number}">${escapeHtml(formula)}</li>`,
    );
    return `<ol class="formulas">\n${items.join('\n')}\n</ol>`;
  }
}

/** What the sections of one report share while they are written. */
export interface FigureWriting {
  readonly formulas: FormulaList;
  readonly place: PicturePlace;
}

/** `id` of a figure of a head in a report: its file's name, and its address in HTML. */
export function headFigureId(layer: number, head: number, figure: string): string {
  return `layer-${layer}-head-${head}-${figure}`;
}

/** `id`: as of `PicturePlace.figure`. */
export function figureHtml(figure: Figure, id: string, { formulas, place }: FigureWriting): string {
  const svg =
    figure.kind === 'lines'
      ? drawLines(figure, figureSize.lines, reportTheme)
      : heatmapSvg(shrinkHeatmap(figure, maxCells), heatmapSize(figure), reportTheme);
  const caution = figure.caution === '' ? '' : ` <span class="caution">Caution: ${escapeHtml(figure.caution)}</span>`;
  return `<figure id="${escapeHtml(id)}">${place.figure(figure, svg, id)}<figcaption>${escapeHtml(figure.shows)}${formulas.reference(figure.formula)}${caution}</figcaption></figure>`;
}

/** A heatmap of few layers needs no more height than its cells. */
function heatmapSize(figure: HeatmapFigure): { width: number; height: number } {
  const { width, height } = figureSize.heatmap;
  return { width, height: fittingHeight(figure, width, height) };
}
