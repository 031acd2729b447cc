// Item 5: the window again after a reload, from disk; a result by double click; a link of a report.

import assert from 'node:assert/strict';
import { chosen, chosenName, grid, overlap } from './overview';
import { inspectorPage, type Visit } from './visit';

export async function keepAndShare(visit: Visit): Promise<void> {
  const { page } = visit;
  const before = await visit.frame(inspectorPage);
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
