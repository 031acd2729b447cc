// The report's one style sheet: reads on a screen, prints to A4 in two columns of figures.

export const reportStyle = `
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 16px 48px; max-width: 1088px; background: #fff; color: #1b1b1b;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 32px 0 8px; padding-bottom: 3px; border-bottom: 1px solid #ccc; break-after: avoid; }
h3 { font-size: 16px; margin: 22px 0 6px; break-after: avoid; }
p, ul, ol { margin: 6px 0; max-width: 728px; }
ul, ol { padding-left: 22px; }
a { color: #005a9e; }
code { font-family: ui-monospace, "DejaVu Sans Mono", Consolas, monospace; font-size: 0.92em; }
.subtitle { color: #555; margin: 0 0 12px; }
table { border-collapse: collapse; width: 100%; margin: 10px 0 16px; font-size: 11.5px; line-height: 1.35;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; font-size: 13px; padding: 4px 0; }
th, td { text-align: right; padding: 3px 4px; border-bottom: 1px solid #e2e2e2; vertical-align: top; font-weight: 400; }
thead th { font-weight: 600; border-bottom: 1.5px solid #888; vertical-align: bottom; }
tbody th, tbody td { white-space: nowrap; }
th.words, td.words { text-align: left; white-space: normal; }
th.short, td.short { text-align: left; }
.facts th { width: 34%; color: #444; }
.facts td { overflow-wrap: anywhere; }
caption, thead { break-after: avoid; }
thead { display: table-header-group; break-inside: avoid; }
thead button { all: unset; cursor: pointer; }
thead button:hover { text-decoration: underline; }
thead button:focus-visible { outline: 2px solid #005a9e; outline-offset: 1px; }
[aria-sort] button::after { content: " ▲" / ""; font-size: 0.8em; }
[aria-sort="descending"] button::after { content: " ▼" / ""; }
tr { break-inside: avoid; }
.note { font-size: 12px; color: #444; break-before: avoid; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 14px 16px; align-items: start; }
figure { margin: 0; break-inside: avoid; }
figure svg { display: block; max-width: 100%; height: auto; }
figcaption { font-size: 11.5px; line-height: 1.4; padding: 2px 4px 0; }
figcaption .caution { display: block; color: #555; margin-top: 2px; }
.card { display: flex; gap: 20px; align-items: flex-start; }
.card > div { flex: 1; min-width: 0; }
.editor { font-size: 12px; font-weight: 400; margin-left: 8px; }
.input { image-rendering: pixelated; width: 120px; border: 1px solid #ccc; margin-top: 14px; }
.formulas li { font-size: 12px; margin: 4px 0; }
@media (max-width: 560px) { .figures { grid-template-columns: 1fr; } body { max-width: 100%; } table { display: block; overflow-x: auto; } }
@page { size: A4; margin: 14mm; }
@media print {
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  p, ul, ol { max-width: none; orphans: 3; widows: 3; }
  table { font-size: 7.6pt; }
  /* As many columns as the widest tables have leave no room for more. */
  .dense { font-size: 6.2pt; }
  .dense th, .dense td { padding: 2px 3px; }
  /* Headings with buttons are not repeated from page to page. */
  thead button { display: contents; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px 16px; }
  /* Three rows of figures a page, their words still legible. */
  figure svg { width: 80%; }
  figcaption { font-size: 7pt; line-height: 1.3; }
  a { color: inherit; text-decoration: none; }
  .editor { display: none; }
  #how-to-cite { break-inside: avoid; }
}
`;
