// Item 3: the side panel as narrow as it gets, its metric by type-ahead, a head from it and back, the recent inspections.

import assert from 'node:assert/strict';
import { grid } from './overview';
import { assertFits, inspectorPage, paintedCells, sidePanelPage, type Visit } from './visit';

export async function sidePanel(visit: Visit): Promise<void> {
  const { page } = visit;
  await visit.command('Gramlens: Show Heads Heatmap');
  const panel = await visit.frame(sidePanelPage);
  const width = (): Promise<number> => panel.evaluate(() => window.innerWidth);
  if (visit.manner === 'mouse') {
    const side = (await page.locator('.part.sidebar').boundingBox())!;
    const [x, y] = [side.x + side.width, side.y + side.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(side.x + 210, y, { steps: 8 });
    await page.mouse.up();
  } else {
    // A view that VS Code draws itself: of a page it does not know that it is in the side bar.
    await visit.command('Gramlens: Focus on Recent Inspections View');
    for (let step = 0; step < 4 && (await width()) > 215; step += 1) await visit.command('Decrease Current View Size');
    await visit.command('Gramlens: Show Heads Heatmap');
  }
  await visit.eventually('a narrow side panel', async () => (await width()) <= 215);
  await assertFits(panel);
  await visit.shot(3, 'narrow');

  await visit.choose(panel, 'Metric of the heatmap', 'Attention entropy');
  const entropy = 'overview-attention.entropy';
  await visit.eventually('the cells of the entropy', async () => (await paintedCells(panel, entropy, grid)) === 24);
  await visit.goToCell(panel, entropy, grid, 4, 3);
  await visit.says(panel.locator(`[data-figure="${entropy}"] .tooltip`), /layer 4, head 3/);
  await assertFits(panel);
  await visit.shot(3, 'cell');

  await visit.pickCell(panel, entropy, grid, 4, 3);
  const inspector = await visit.frame(inspectorPage);
  await inspector.locator('.head-nav h1:text-is("Layer 4, head 3")').waitFor();
  await visit.eventually('the focus in the inspector', () =>
    inspector.evaluate(() => document.hasFocus() && document.activeElement?.tagName === 'H1'),
  );
  await visit.shot(3, 'head');
  if (visit.manner === 'keyboard') {
    // And back: the keyboard goes on where it was.
    await visit.command('Gramlens: Show Heads Heatmap');
    await visit.eventually('the focus in the side panel again', () =>
      panel.evaluate(() => document.hasFocus() && document.activeElement?.classList.contains('stage') === true),
    );
    await visit.press('ArrowUp', 'Enter');
    await inspector.locator('.head-nav h1:text-is("Layer 3, head 3")').waitFor();
  }

  const row = page.locator('.pane .monaco-list-row[aria-label*="digits-softmax"]');
  await row.waitFor();
  if (visit.manner === 'mouse') await row.click();
  else {
    await visit.command('Gramlens: Focus on Recent Inspections View');
    await visit.press('Home', 'Enter');
  }
  await visit.eventually('the overview of the inspection that is kept', () =>
    inspector.evaluate(() => document.querySelector('.head-nav')?.checkVisibility() !== true),
  );
  assert.equal(await inspector.locator('header h1').innerText(), 'digits-softmax.safetensors');
  await visit.shot(3, 'recent');
}
