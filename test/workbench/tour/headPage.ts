// Item 2: one head, from its pattern to the laboratory, and back to the overview where it was left.

import assert from 'node:assert/strict';
import type { Frame } from 'playwright-core';
import { chosen, chosenName, grid, overlap } from './overview';
import { inspectorPage, paintedCells, reportPage, type Visit } from './visit';

const tokens = { rows: 50, columns: 50 };
const figures = [
  'pattern-softmax',
  'pattern-rpc',
  'pattern-difference',
  'pattern-scores',
  'tensor-q',
  'tensor-k',
  'tensor-v',
  'tensor-out',
  'weights',
  'spectrum',
  'angles-theory',
  'gamma-residual',
  'rpc',
  'noise-key_gauss',
];

export async function headPage(visit: Visit): Promise<void> {
  const { page } = visit;
  const inspector = await visit.frame(inspectorPage);
  await visit.pickCell(inspector, overlap, grid, chosen.layer, chosen.head);
  await inspector.locator(`.head-nav h1:text-is("${chosenName}")`).waitFor();
  const active = (): Promise<string> => inspector.evaluate(() => document.activeElement?.textContent ?? '');
  await visit.eventually('the focus on the name of the head', async () => (await active()) === chosenName);
  await inspector.locator('[data-figure="pattern-softmax"]').waitFor();
  await visit.shot(2, 'head');
  const shown = await inspector
    .locator('.figure')
    .evaluateAll((all) => all.map((one) => one.getAttribute('data-figure')));
  assert.deepEqual(
    figures.filter((id) => !shown.includes(id)),
    [],
    shown.join(),
  );
  for (const id of figures.slice(0, 4))
    await visit.eventually(`the cells of ${id}`, async () => (await paintedCells(inspector, id, tokens)) > 1200);
  const row = await inspector.locator('tr', { has: inspector.locator('th:text-is("theory overlap")') }).innerText();
  assert.ok(row.includes(visit.seen.get('overlap')!), `${row} beside ${visit.seen.get('overlap')}`);
  const nulls = await inspector.locator('table:visible').first().innerText();
  for (const words of ['chance level', 'random V', 'permuted tokens', 'untrained twins', 'among the heads'])
    assert.ok(nulls.includes(words), words);

  await visit.goToCell(inspector, 'pattern-softmax', tokens, 10, 0);
  const query = inspector.locator('.query-rows');
  await visit.says(query, /query 10/i);
  await visit.shot(2, 'row');
  await visit.pickCell(inspector, 'pattern-softmax', tokens, 10, 0);
  await visit.says(query.locator('.pin-status'), '1 of at most 8 pinned.');
  await visit.pickCell(inspector, 'pattern-softmax', tokens, 20, 4);
  await visit.says(query.locator('.pin-status'), '2 of at most 8 pinned.');
  await visit.shot(2, 'pins');

  const words = inspector.locator('[data-figure="pattern-softmax"] .zoom-words');
  if (visit.manner === 'keyboard') await visit.press('+');
  else {
    const box = (await inspector.locator('[data-figure="pattern-softmax"] canvas').boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.3);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.7, { steps: 5 });
    await page.mouse.up();
  }
  await visit.says(words, /Rows \d+ to \d+ of 50, columns \d+ to \d+ of 50/);
  await visit.says(inspector.locator('[data-figure="pattern-rpc"] .zoom-words'), /of 50/);
  await visit.shot(2, 'zoomed');
  await visit.press('Escape');
  await visit.eventually('the whole pattern', async () => !(await words.isVisible()));

  const spectrum = inspector.locator('[data-figure="spectrum"]');
  if (visit.manner === 'keyboard') {
    await visit.reach(inspector, '[data-figure="spectrum"] .stage');
    await visit.press('Home', 'ArrowRight');
  } else {
    const box = (await spectrum.locator('.stage').boundingBox())!;
    await spectrum.locator('.stage').hover({ position: { x: box.width * 0.4, y: box.height * 0.5 } });
  }
  if (visit.manner === 'keyboard') await visit.says(spectrum.locator('[aria-live]'), /eigenvalue index 2/);
  await visit.activate(inspector, '[data-figure="spectrum"] .formula-box summary');
  await visit.says(spectrum.locator('.formula'), /\S{3}/);
  await visit.shot(2, 'spectrum');
  await copyNumbers(visit, inspector);
  await openInReport(visit, inspector);

  await visit.activate(inspector, '[data-figure="noise-key_gauss"] .twin summary');
  await visit.says(inspector.locator('[data-figure="noise-key_gauss"] .twin'), /softmax/);
  await visit.shot(2, 'noise');
  await visit.activate(inspector, '.laboratory > vscode-button');
  const setting = inspector.locator('.laboratory .setting');
  const before = await visit.says(setting, /λ \d/);
  if (visit.manner === 'keyboard') {
    await visit.reach(inspector, '.laboratory input[aria-label="Iterations n"]');
    await visit.press('ArrowRight');
  } else {
    const slider = inspector.locator('.laboratory input[aria-label="Iterations n"]');
    const box = (await slider.boundingBox())!;
    await slider.click({ position: { x: box.width * 0.9, y: box.height / 2 } });
  }
  await visit.eventually('other numbers in the laboratory', async () => (await setting.innerText()).trim() !== before);
  await visit.shot(2, 'laboratory');
  assert.match(await inspector.locator('#app').innerText(), /ablation|without this head/i);

  // Back, and to the same place of the overview.
  if (visit.manner === 'keyboard') {
    await inspector.evaluate(() => undefined);
    await visit.press('Control+Home');
  }
  await visit.activate(inspector, '.head-nav vscode-button:first-child');
  await inspector.locator(`[data-figure="${overlap}"]`).waitFor();
  await visit.eventually('the focus on the map again', () =>
    inspector.evaluate((id) => document.activeElement?.closest(`[data-figure="${id}"]`) !== null, overlap),
  );
  if (visit.manner === 'keyboard') await visit.says(inspector.locator('.readout'), chosenName);
  await visit.shot(2, 'back');
}

/** *Copy* of the spectrum, by its menu. */
async function copyNumbers(visit: Visit, inspector: Frame): Promise<void> {
  const tools = '[data-figure="spectrum"] .figure-actions';
  const button = `${tools} .menu-button:has(.codicon-copy) > vscode-button`;
  const line = inspector.locator(`${tools} [role="menuitem"]:visible`, { hasText: 'CSV' });
  if (visit.manner === 'mouse') await inspector.locator('[data-figure="spectrum"] .stage').hover();
  await visit.activate(inspector, button);
  await line.waitFor();
  if (visit.manner === 'mouse') await line.hover();
  else await visit.press('c');
  await visit.eventually('the line CSV chosen', () => line.evaluate((item) => item === document.activeElement));
  await visit.shot(2, 'copy-menu');
  if (visit.manner === 'mouse') await line.click();
  else await visit.press('Enter');
  await visit.says(inspector.locator(`${tools} .said`), 'Copied as CSV.');
  const copied = await visit.page.evaluate(() => navigator.clipboard.readText());
  const [columns, ...rows] = copied.trim().split(/\r?\n/);
  assert.match(columns!, /^series,eigenvalue index/);
  assert.ok(rows.filter((row) => row.startsWith('eigenvalues')).length >= 49, copied);
}

/** *Open in report* of the spectrum: the report in a tab of its own, with that figure marked; and back. */
async function openInReport(visit: Visit, inspector: Frame): Promise<void> {
  await visit.activate(inspector, '[data-figure="spectrum"] .to-report');
  const report = await visit.frame(reportPage);
  const id = `layer-${chosen.layer}-head-${chosen.head}-spectrum`;
  await report.locator(`figure.asked-for[id="${id}"]`).waitFor();
  await visit.shot(2, 'in-report');
  const seen = await report.evaluate((wanted) => {
    const { top, bottom } = document.getElementById(wanted)!.getBoundingClientRect();
    return { isInside: top >= 0 && bottom <= innerHeight, focused: document.activeElement?.id };
  }, id);
  assert.deepEqual(seen, { isInside: true, focused: id });
  await visit.closeTab('Report:');
  if (visit.manner === 'keyboard')
    await visit.eventually('the focus on the button again', () =>
      inspector.evaluate(() => document.hasFocus() && document.activeElement?.closest('.figure-actions') !== null),
    );
}
