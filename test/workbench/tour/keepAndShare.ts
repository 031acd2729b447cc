// Item 5: the window again after a reload, from disk; a result by double click; a link of a report.

import assert from 'node:assert/strict';
import { openFile } from './explorer';
import { chosen, chosenName, grid, overlap } from './overview';
import { inspectorPage, paintedCells, reportPage, type Visit } from './visit';

export async function keepAndShare(visit: Visit): Promise<void> {
  const { page } = visit;
  // Something else is open by now: the result file that the report left brings the inspection back, from what is kept.
  await openFile(visit, 'heads.gramlens.json');
  const before = await visit.frame(`${inspectorPage}[data-phase="done"]:has(h1:text-is("digits-softmax.safetensors"))`);
  await visit.eventually('every cell', async () => (await paintedCells(before, overlap, grid)) === 24);
  await visit.shot(5, 'result-file');
  await followLink(visit);
  await visit.pickCell(before, overlap, grid, chosen.layer, chosen.head);
  await before.locator('[data-figure="pattern-rpc"]').waitFor();
  if (visit.manner === 'mouse') await before.locator('[data-figure="noise-key_gauss"] .stage').hover();
  else await visit.reach(before, '[data-figure="noise-key_gauss"] .stage');
  await page.waitForTimeout(1000);
  const place = (): Promise<{ inspection: string | undefined; heading: string | undefined; scrolled: number }> =>
    visit.frame(`${inspectorPage}[data-phase="done"]`).then((frame) =>
      frame.evaluate(() => ({
        inspection: document.getElementById('app')!.dataset['inspection'],
        heading: document.querySelector('.head-nav h1')?.textContent,
        scrolled: Math.round(window.scrollY),
      })),
    );
  const left = await place();
  assert.ok(left.scrolled > 500 && left.heading === chosenName, JSON.stringify(left));

  const loaded = page.waitForEvent('load');
  await visit.command('Developer: Reload Window');
  await loaded;
  await page.locator('.statusbar-item').first().waitFor();
  const again = await visit.frame(`${inspectorPage}[data-phase="done"]`);
  await again.locator('[data-figure="pattern-rpc"]').waitFor();
  let now = await place();
  await visit
    .eventually('the same place of the page', async () => {
      now = await place();
      return now.scrolled === left.scrolled;
    })
    .catch(() => undefined);
  assert.deepEqual(now, left);
  await visit.shot(5, 'reloaded');
  await visit.command('Output: Show Output Channels');
  await visit.answer(null, 'Gramlens');
  const output = page.locator('.output-view .view-lines');
  const log = (await visit.says(output, /shown\s+from\s+disk/)).replace(/\s+/g, ' ');
  const counts = [...log.matchAll(/(\d+) layers, (\d+) heads\./g)].map(([, layers, heads]) => [
    Number(layers),
    Number(heads),
  ]);
  assert.ok(counts.length > 0 && counts.every(([layers, heads]) => layers === 0 && heads === 0), log);
  await visit.shot(5, 'log');
  await visit.command('View: Toggle Panel Visibility');
}

/** A head's link in the report's tab leads to the head; then back to the overview. */
async function followLink(visit: Visit): Promise<void> {
  const inspector = await visit.frame(inspectorPage);
  if (visit.manner === 'keyboard') await visit.command('Gramlens: Open Report');
  else await inspector.locator('header vscode-button', { hasText: 'Open Report' }).click();
  const report = await visit.frame(reportPage);
  const link = report.locator('a.editor').first();
  const [, layer, head] = /layer=(\d+)&head=(\d+)/.exec((await link.getAttribute('href'))!)!;
  await visit.activate(report, 'a.editor');
  await inspector.locator(`.head-nav h1:text-is("Layer ${layer}, head ${head}")`).waitFor();
  await visit.eventually('the focus in the inspector', () =>
    inspector.evaluate(() => document.hasFocus() && document.activeElement?.tagName === 'H1'),
  );
  await visit.shot(5, 'link');
  await visit.activate(inspector, '.head-nav vscode-button:first-child');
  await inspector.locator(`[data-figure="${overlap}"]`).waitFor();
}
