// The report as Markdown with its figures as files beside it: the HTML report's own words and numbers, translated.

import { NodeHtmlMarkdown } from 'node-html-markdown';
import type { HeadDetail } from '../inspection/headDetail';
import type { InspectionResult } from '../inspection/inspectionResult';
import { escapeHtml } from './html';
import { reportSections, reportSubtitle, reportTitle } from './reportSections';
import type { ReportOptions } from './reportSections';
import type { ReportText } from './reportHtml';
import type { PicturePlace } from './reportFigures';

export interface ReportFile {
  /** Path from the report's folder, with `/`. */
  readonly name: string;
  readonly content: string | Uint8Array;
}

/** `name`.md, then the figures in the folder `name`-figures. The same result gives the same bytes. */
export function reportMarkdown(
  name: string,
  result: InspectionResult,
  details: (layer: number, head: number) => HeadDetail | null,
  options: ReportOptions = {},
): readonly ReportFile[] {
  return markdownFiles(name, (place) => ({
    title: reportTitle(result),
    subtitle: reportSubtitle,
    sections: reportSections(result, details, options, place),
  }));
}

/** The same of any report, written with its pictures beside it. */
export function markdownFiles(name: string, write: (place: PicturePlace) => ReportText): readonly ReportFile[] {
  const pictures: ReportFile[] = [];
  const shown = (file: string, content: string | Uint8Array, alternative: string): string => {
    const path = `${name}-figures/${file}`;
    pictures.push({ name: path, content });
    return `<p><img src="${escapeHtml(encodeURI(path))}" alt="${escapeHtml(alternative)}"></p>`;
  };
  const { title, subtitle, sections } = write({
    figure: (figure, svg, id) => shown(`${id}.svg`, `${svg}\n`, figure.title),
    input: (png) => shown('input.png', png, 'Input as the network sees it'),
  });
  const body = sections.map(([heading, content]) => `<h2>${escapeHtml(heading)}</h2>\n${content}`);
  const html = `<h1>${escapeHtml(title)}</h1>\n<p>${escapeHtml(subtitle)}</p>\n${body.join('\n')}`;
  return [{ name: `${name}.md`, content: `${translate(html)}\n` }, ...pictures];
}

/** Stands for `|` while tables are laid out: the library counts escaped ones as borders. Not in any text (escapeHtml). */
const bar = '\u0001';

function translate(html: string): string {
  const inCells = forMarkdown(html).replace(/<(t[hd])([^>]*)>(.*?)<\/\1>/g, (cell) => cell.replaceAll('|', bar));
  return NodeHtmlMarkdown.translate(inCells).replaceAll(bar, '\\|');
}

/** What Markdown cannot say: captions of tables, tables without a head, links to an item of a list. */
function forMarkdown(html: string): string {
  return html
    .replace(/<table(?: class="[a-z ]+")?>\n<caption>(.*?)<\/caption>/g, '<p><strong>$1</strong></p>\n<table>')
    .replace(
      /<table class="facts"[^>]*>/g,
      '<table>\n<thead><tr><th scope="col">Fact</th><th scope="col">Value</th></tr></thead>',
    )
    .replace(/<a href="#formula-\d+">(F\d+)<\/a>/g, '($1)')
    .replaceAll('<li id="formula-', '<li data-formula="');
}
