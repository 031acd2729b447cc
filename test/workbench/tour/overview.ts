// Item 1: what the model is, what the run costs, maps that fill while layers finish, one cell lit in all of them, heads
// filtered and ranked, the table twin.

import assert from 'node:assert/strict';
import { inspectorPage, paintedCells, type Visit } from './visit';

export const grid = { rows: 6, columns: 4 };
export const overlap = 'overview-alignment.theory.overlap';
/** The head that the tour looks at. */
export const chosen = { layer: 3, head: 2 } as const;
export const chosenName = `Layer ${chosen.layer}, head ${chosen.head}`;

export async function overview(visit: Visit): Promise<void> {
  await visit.command('Gramlens: Inspect Sample Checkpoint');
  await visit.answer('Sample checkpoint', 'Softmax ViT');
  const inspector = await visit.frame(inspectorPage);
  const counts = new Set<number>();
  await visit.eventually('the last head', async () => {
    counts.add(await paintedCells(inspector, overlap, grid));
    if (counts.size === 2) await visit.shot(1, 'filling');
    return (await inspector.locator(`${inspectorPage}[data-phase="done"]`).count()) > 0;
  });
  assert.ok(
    [...counts].some((cells) => cells > 0 && cells < 24),
    `cells on the way: ${[...counts].join(', ')}`,
  );
  await visit.eventually('every cell', async () => (await paintedCells(inspector, overlap, grid)) === 24);

  const card = (name: string): Promise<string> =>
    inspector.locator('.card', { has: inspector.locator(`h2:text-is("${name}")`) }).innerText();
  assert.match(await card('Model'), /family\s+timm-vit\s+attention\s+softmax[^]*6 x 4[^]*64, 16[^]*float32/i);
  assert.match(await card('Plan'), /6 layers, 4 heads each[^]*peak memory[^]*GFLOP[^]*on cpu/);
  assert.match(await card('Input'), /digit-3\.npy[^]*SHA-256/);
  await visit.says(inspector.locator('.card', { hasText: 'Largest logits' }), /class 3/);
  await visit.activate(inspector, '.card details > summary');
  await visit.says(inspector.locator('.card details[open]'), /heads/);
  await visit.shot(1, 'cards');

  await visit.goToCell(inspector, overlap, grid, chosen.layer, chosen.head);
  const readout = await visit.says(
    inspector.locator('.readout'),
    new RegExp(`${chosenName}: Alignment overlap .* [\\d.]+, chance level [\\d.]+\\. Verdict: `),
  );
  visit.seen.set('overlap', /overlap \(theory\) ([\d.]+)/.exec(readout)![1]!);
  const lit = await inspector
    .locator('[data-figure^="overview-"]')
    .evaluateAll((figures) =>
      figures.map(
        (figure) =>
          figure.querySelector('.mark svg')?.getAttribute('aria-label') ??
          figure.querySelector('.mark')?.textContent ??
          '',
      ),
    );
  assert.ok(
    lit.length > 4 && lit.every((words) => words.startsWith(`layer ${chosen.layer}, head ${chosen.head}`)),
    lit.join(' | '),
  );
  await visit.shot(1, 'lit');

  await visit.choose(inspector, 'Sort by', 'RPC clean gap');
  await visit.says(inspector.locator('details.ranked summary'), /Ranking by RPC clean gap/i);
  await visit.choose(inspector, 'Order', 'lowest');
  await visit.activate(inspector, 'details.ranked > summary');
  // The list is made when the browser says that it is unfolded.
  await visit.eventually('all heads, the lowest gap first', async () => {
    const ranked = await inspector.locator('ol.ranking li').allInnerTexts();
    const gaps = ranked.map((line) => Number(/head \d+ ([\d.e-]+)/.exec(line)?.[1]));
    return gaps.length === 24 && gaps.every((gap, i) => i === 0 || gap >= gaps[i - 1]!);
  });
  await visit.shot(1, 'ranking');

  await visit.choose(inspector, 'Show heads', 'RPC deviates');
  const left = await visit.says(inspector.locator('.head-choice .quiet'), /^\d+ of 24 heads; the others are dimmed/);
  assert.ok(Number.parseInt(left) < 24, left);
  await visit.shot(1, 'filtered');
  await visit.choose(inspector, 'Show heads', 'All heads');
  await visit.says(inspector.locator('details.ranked summary'), /24 heads/);
  await visit.activate(inspector, 'details.ranked > summary');

  await visit.activate(inspector, `[data-figure="${overlap}"] .twin summary`);
  const table = inspector.locator(`[data-figure="${overlap}"] .twin tbody tr`);
  await table.first().waitFor();
  const cells = await table.allInnerTexts();
  assert.equal(cells.length, 24);
  const [layer, head, value] = cells[chosen.layer * 4 + chosen.head]!.split('\t');
  assert.deepEqual([Number(layer), Number(head)], [chosen.layer, chosen.head]);
  assert.ok(Math.abs(Number(value) - Number(visit.seen.get('overlap'))) < 5e-4, `${value} in the table`);
  await visit.shot(1, 'table');
}
