// Item 7: empty states, the walkthrough, a setting, one click on the sample, the status bar, a cancel and what the log says.

import assert from 'node:assert/strict';
import { inspectorPage, sidePanelPage, type Visit } from './visit';

const status = '.statusbar-item[id*="gramlens.status"]';

export async function firstMinute(visit: Visit): Promise<void> {
  const { page } = visit;
  await visit.command('Gramlens: Show Heads Heatmap');
  const panel = await visit.frame(sidePanelPage);
  await visit.says(panel.locator('#app'), /Every attention head .* as one cell/);
  const recent = page.locator('.pane', { hasText: 'Recent Inspections' });
  await visit.says(recent, 'Finished inspections are kept here');
  await visit.shot(7, 'empty');

  await visit.command('Welcome: Open Walkthrough');
  await visit.answer(null, 'Gramlens: the first minute');
  const step = page.locator('.getting-started-step.expanded');
  await visit.says(step, /A small ViT trained on handwritten digits/);
  const picture = page.locator('.getting-started-media img').first();
  await visit.eventually('the picture of the walkthrough', () =>
    picture.evaluate((image) => image instanceof HTMLImageElement && image.naturalWidth > 400),
  );
  await visit.shot(7, 'walkthrough');

  // One click: the walkthrough's button; by keyboard that of the empty side panel.
  if (visit.manner === 'mouse') await step.locator('.monaco-button', { hasText: 'Inspect Sample Checkpoint' }).click();
  else {
    await visit.command('Gramlens: Show Heads Heatmap');
    await visit.activate(panel, 'vscode-button:nth-of-type(2)');
  }
  await visit.says(page.locator(status), /Gramlens cpu \d+ %/);
  const inspector = await visit.frame(inspectorPage);
  await inspector.locator(`${inspectorPage}[data-phase="running"]`).waitFor();
  await visit.says(page.locator('.notification-list-item-message'), /Inspecting digits-softmax\.safetensors/);
  await visit.shot(7, 'running');
  if (visit.manner === 'mouse') await page.locator(`${status} a`).click();
  else await visit.command('Gramlens: Cancel Inspection');
  await visit.says(inspector.locator('header .message'), 'The inspection was cancelled; nothing was written.');
  await visit.shot(7, 'cancelled');

  await visit.command('Preferences: Open Settings (UI)');
  await page.locator('.settings-editor .suggest-input-container').waitFor();
  await visit.type('@id:gramlens.nulls');
  const setting = page.locator('.settings-editor .setting-item-contents', { hasText: 'Nulls' });
  await visit.says(setting, /random/i);
  const number = setting.locator('input');
  if (visit.manner === 'mouse') await number.click();
  else
    await visit.eventually('the number of draws in focus', async () => {
      await visit.press('Tab');
      return number.evaluate((input) => input === document.activeElement);
    });
  await visit.press('Control+A');
  await visit.type('99999999');
  await visit.says(setting, /less than or equal to|must be/i);
  await visit.shot(7, 'setting');
  await visit.press('Control+A');
  await visit.type('20');
  await visit.eventually(
    'a number inside the bounds',
    async () => !/less than or equal/i.test(await setting.innerText()),
  );
  await page.waitForTimeout(800);

  await visit.command('Output: Show Output Channels');
  await visit.answer(null, 'Gramlens');
  const output = page.locator('.output-view .view-lines');
  const log = (await visit.says(output, /cancelled/)).replaceAll('\u00a0', ' ');
  assert.match(log, /digits-softmax\.safetensors/);
  await visit.shot(7, 'output');
  await visit.command('View: Toggle Panel Visibility');
}
