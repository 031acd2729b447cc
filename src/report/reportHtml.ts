// The report as one HTML file that needs no network, and a script only to sort its tables of heads.

import type { HeadDetail } from '../inspection/headDetail';
import type { InspectionResult } from '../inspection/inspectionResult';
import { pngDataUri } from '../../webview/charts/heatmapImage';
import { escapeHtml } from './html';
import { reportSections, reportSubtitle, reportTitle } from './reportSections';
import type { ReportOptions } from './reportSections';
import type { PicturePlace } from './reportFigures';
import { reportScript, reportScriptHash } from './reportScript';
import { reportStyle } from './reportStyle';

/** Pictures within the file. */
export const inside: PicturePlace = {
  figure: (_, svg) => svg,
  input: (png) => `<img class="input" alt="Input as the network sees it" src="${pngDataUri(png)}">`,
};

export interface ReportText {
  readonly title: string;
  readonly subtitle: string;
  /** [heading, HTML] */
  readonly sections: readonly (readonly [string, string])[];
}

/**
 * The report as the text of one self-contained HTML file. `details` gives the patterns of a head, or null where they
 * are not at hand. The same result gives the same bytes.
 */
export function reportHtml(
  result: InspectionResult,
  details: (layer: number, head: number) => HeadDetail | null,
  options: ReportOptions = {},
): string {
  const sections = reportSections(result, details, options, inside);
  const text = { title: reportTitle(result), subtitle: reportSubtitle, sections };
  return htmlDocument(text, result.provenance.gramlensVersion);
}

/** What the file may load and run: its own pictures, styles and script. */
export const reportPolicy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '${reportScriptHash}'`;

/** Address of a section within the file: `Heads in detail (24 of 144)` is `heads-in-detail`. */
function sectionId(heading: string): string {
  return heading
    .replace(/\(.*\)/, '')
    .trim()
    .toLowerCase()
    .replace(/[^a-z]+/g, '-');
}

/** The whole file; `version` of Gramlens. */
export function htmlDocument({ title, subtitle, sections }: ReportText, version: string): string {
  const body = sections.map(
    ([heading, content]) =>
      `<section id="${sectionId(heading)}">\n<h2>${escapeHtml(heading)}</h2>\n${content}\n</section>`,
  );
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${reportPolicy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Gramlens ${escapeHtml(version)}">
<title>${escapeHtml(title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<p class="subtitle">${escapeHtml(subtitle)}</p>
</header>
<main>
${body.join('\n')}
</main>
<script>${reportScript}</script>
</body>
</html>
`;
}
