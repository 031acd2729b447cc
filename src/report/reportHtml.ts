// The report as one HTML file that needs no network and no script.

import type { HeadDetail } from '../inspection/headDetail';
import type { InspectionResult } from '../inspection/inspectionResult';
import { pngDataUri } from '../../webview/charts/heatmapImage';
import { escapeHtml } from './html';
import { reportSections, reportSubtitle, reportTitle } from './reportSections';
import type { PicturePlace, ReportOptions } from './reportSections';
import { reportStyle } from './reportStyle';

const inside: PicturePlace = {
  figure: (_, svg) => svg,
  input: (png) => `<img class="input" alt="Input as the network sees it" src="${pngDataUri(png)}">`,
};

/**
 * The report as the text of one self-contained HTML file. `details` gives the patterns of a head, or null where they
 * are not at hand. The same result gives the same bytes.
 */
export function reportHtml(
  result: InspectionResult,
  details: (layer: number, head: number) => HeadDetail | null,
  options: ReportOptions = {},
): string {
  const { provenance } = result;
  const sections = reportSections(result, details, options, inside);
  const title = reportTitle(result);
  const body = sections.map(
    ([heading, content]) => `<section>\n<h2>${escapeHtml(heading)}</h2>\n${content}\n</section>`,
  );
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Gramlens ${escapeHtml(provenance.gramlensVersion)}">
<title>${escapeHtml(title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<p class="subtitle">${reportSubtitle}</p>
</header>
<main>
${body.join('\n')}
</main>
</body>
</html>
`;
}
