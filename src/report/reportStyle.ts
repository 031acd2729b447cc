// The report's one style sheet: reads on a screen, prints to A4 in two columns of figures.

export const reportStyle = `
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 16px 48px; max-width: 728px; background: #fff; color: #1b1b1b;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 32px 0 8px; padding-bottom: 3px; border-bottom: 1px solid #ccc; break-after: avoid; }
h3 { font-size: 16px; margin: 22px 0 6px; break-after: avoid; }
p, ul, ol { margin: 6px 0; }
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
.facts th { width: 34%; color: #444; }
.facts td { overflow-wrap: anywhere; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.note { font-size: 12px; color: #444; }
.figures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px 16px; align-items: start; }
figure { margin: 0; break-inside: avoid; }
figure svg { display: block; max-width: 100%; height: auto; }
figcaption { font-size: 11.5px; line-height: 1.4; padding: 2px 4px 0; }
figcaption .caution { display: block; color: #555; margin-top: 2px; }
.card { display: flex; gap: 20px; align-items: flex-start; }
.card > div { flex: 1; min-width: 0; }
.editor { font-size: 12px; font-weight: 400; margin-left: 8px; }
.input { image-rendering: pixelated; width: 120px; border: 1px solid #ccc; margin-top: 14px; }
.formulas li { font-size: 12px; margin: 4px 0; }
@media (max-width: 560px) { .note { font-size: 12px; color: #444; }
.figures { grid-template-columns: 1fr; } body { max-width: 100%; } table { display: block; overflow-x: auto; } }
@page { size: A4; margin: 14mm; }
@media print {
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  table { font-size: 7.6pt; }
  figcaption { font-size: 7.6pt; }
  a { color: inherit; text-decoration: none; }
  .editor { display: none; }
}
`;
