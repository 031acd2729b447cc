// Item 4: both samples on one input, a head of one side and back, another way of matching; and the steps of a
// training.

import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from 'playwright-core';
import { full } from '../../setup/full';
import { chooseForFiles } from './explorer';
import { chosen, chosenName, grid } from './overview';
import { stepNames, writeTrainingSteps } from './trainingSteps';
import { comparisonPage, inspectorPage, paintedCells, type Visit } from './visit';

const samples = ['digits-rpc.pt', 'digits-softmax.safetensors'] as const;
const cells = grid.rows * grid.columns;

/** The comparison in front. */
const done = (visit: Visit, heading: string): Promise<Frame> =>
  visit.frame(`${comparisonPage}[data-phase="done"]:has(h1:text-is("${heading}"))`);

async function goBack(visit: Visit, title: string): Promise<void> {
  if (visit.manner === 'keyboard') await visit.command('View: Open Previous Recently Used Editor');
  else await visit.page.locator('.tabs-container .tab', { hasText: title }).click();
}

export async function compare(visit: Visit): Promise<void> {
  await twoCheckpoints(visit);
  // Three more runs take half a minute.
  if (full) await trainingSteps(visit);
}

async function twoCheckpoints(visit: Visit): Promise<void> {
  const [first, second] = samples;
  await chooseForFiles(visit, samples, 'Compare Checkpoints');
  await visit.answer('Input for', 'Sample picture');
  await visit.answer('Plan:', 'Inspect');
  const heading = `${first} → ${second}`;
  const page = await done(visit, heading);
  const figure = (await page.locator('.maps.large .figure').getAttribute('data-figure'))!;
  await visit.eventually('every cell', async () => (await paintedCells(page, figure, grid)) === cells);
  await visit.shot(4, 'maps');

  await visit.goToCell(page, figure, grid, chosen.layer, chosen.head);
  await visit.says(page.locator('.where'), chosenName);
  const lit = await page.locator('.maps.small .lit').allInnerTexts();
  assert.ok(lit.length > 4 && lit.every((words) => /\d/.test(words)), lit.join(' | '));
  await visit.shot(4, 'lit');
  await visit.pickCell(page, figure, grid, chosen.layer, chosen.head);
  await visit.says(page.locator('.head-numbers h2'), chosenName);
  const [from, to, change] = await page
    .locator('.head-numbers tbody tr')
    .first()
    .locator('td')
    .evaluateAll((all) => all.map((one) => Number(one.textContent.replace('−', '-'))));
  assert.ok(Math.abs(to! - from! - change!) < 2e-3, `${from} to ${to}: ${change}`);
  await visit.shot(4, 'numbers');

  await visit.says(page.locator('.cards'), /Heads are matched by index/);
  await visit.choose(page, 'How heads are matched', 'best permutation');
  await visit.says(page.locator('.cards'), /Heads are matched within each layer by the permutation/);
  await visit.says(page.locator('.message'), /2 runs/);
  await visit.shot(4, 'permutation');

  const ranked = page.locator('.lead .ranked tr[data-head]');
  const bands = await ranked.locator('td:last-child').allInnerTexts();
  assert.ok(bands.length > 10, `${bands.length} lines`);
  const link = page.locator('.lead .ranked button.link').first();
  const [layer, head] = (await link.innerText()).split(' · ').map(Number);
  await visit.activate(page, '.lead .ranked button.link');
  await visit.says(page.locator('.head-numbers h2'), `Layer ${layer}, head ${head}`);
  await visit.shot(4, 'ranked');

  // The first button: in the inspection of the first run.
  await visit.activate(page, '.head-numbers .actions vscode-button');
  const inspector = await visit.frame(inspectorPage);
  await inspector.locator(`.head-nav h1:text-is("Layer ${layer}, head ${head}")`).waitFor();
  assert.equal(await inspector.locator('header h1').first().innerText(), first);
  await visit.eventually('the focus in the inspector', () =>
    inspector.evaluate(() => document.hasFocus() && document.activeElement?.tagName === 'H1'),
  );
  await visit.shot(4, 'head');
  await goBack(visit, 'Compare');
  const back = await done(visit, heading);
  await visit.says(back.locator('.head-numbers h2'), `Layer ${layer}, head ${head}`);
  if (visit.manner === 'keyboard')
    await visit.eventually('the focus on the button again', () =>
      back.evaluate(() => document.hasFocus() && document.activeElement?.closest('.head-numbers') !== null),
    );
  await visit.shot(4, 'back');
}

async function trainingSteps(visit: Visit): Promise<void> {
  // Of three runs only the forward pass and one metric are looked at: no nulls in this folder.
  const settings = join(visit.folder, '.vscode');
  mkdirSync(settings);
  writeFileSync(
    join(settings, 'settings.json'),
    JSON.stringify({ 'gramlens.nulls': 0, 'gramlens.untrainedTwins': 0, 'gramlens.ablation': false }),
  );
  const folder = writeTrainingSteps(visit.folder);
  await visit.command('Gramlens: Compare Checkpoints');
  await visit.answer('Compare what?', 'A folder of training steps');
  await visit.takePath('Choose a folder of training steps', `${folder}/`, 'Compare');
  await visit.answer('Input for', 'Sample picture');
  await visit.answer('Plan:', 'Inspect');
  const page = await done(visit, `${stepNames[0]} → ${stepNames[2]}, 3 runs`);
  await visit.says(page.locator('.cards'), /Ordered by the number in the names/);
  const figure = (await page.locator('.timelines .figure').first().getAttribute('data-figure'))!;
  const rows = { rows: cells, columns: stepNames.length };
  await visit.eventually('every cell', async () => (await paintedCells(page, figure, rows)) === cells * 3);
  await visit.pickCell(page, figure, rows, chosen.layer * grid.columns + chosen.head, 1);
  await visit.says(page.locator('.timelines .figure').nth(1), new RegExp(chosenName, 'i'));
  await visit.shot(4, 'timeline');

  const steps = (): Promise<number[]> =>
    page
      .locator('.timelines tr[data-head] td:nth-child(5)')
      .evaluateAll((all) => all.map((one) => Math.abs(Number(one.textContent.replace('−', '-')))));
  await visit.choose(page, 'How heads of the timeline are ranked', 'largest step');
  await visit.eventually('the largest step first', async () => {
    const sizes = await steps();
    return sizes.length === cells && sizes[0]! > 0 && sizes.every((size, i) => i === 0 || size <= sizes[i - 1]!);
  });
  await visit.shot(4, 'timeline-ranking');
  rmSync(settings, { recursive: true });
}
