// Both bundled samples from the command palette to the last head, by keyboard.
import { after, afterEach, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { inFrame, outer, until } from '../outer';
import {
  answer,
  assertComplete,
  clearNotifications,
  closeEditors,
  gramlens,
  heads,
  inspectorPage,
  layers,
  phase,
  quick,
  rpcSample,
  runFromPalette,
  seenTexts,
  softmaxSample,
  watchTexts,
  withSettings,
} from './drive';
import { paintedCells } from './figures';

const samples = [
  { file: softmaxSample, label: 'Softmax ViT', attention: 'softmax' },
  { file: rpcSample, label: 'RPC-SymViT', attention: 'rpc' },
];
const statusItem = '.statusbar-item[id*="gramlens.status"]';
const layerName = new RegExp(`Layer [1-${layers}] of ${layers}`);

function cards(): Promise<Record<string, string>> {
  return inFrame(inspectorPage, () =>
    Object.fromEntries(
      [...document.querySelectorAll<HTMLElement>('.card')].map((card) => [
        card.querySelector('h2')?.textContent ?? '',
        card.innerText,
      ]),
    ),
  );
}

describe('Inspect Sample Checkpoint', function () {
  let restore: () => Promise<void>;
  before(async () => {
    restore = await withSettings(quick);
  });
  after(async () => {
    await restore();
  });
  afterEach(async () => {
    await clearNotifications();
  });

  for (const { file, label, attention } of samples) {
    it(`inspects ${file} from the palette: plan, progress, every head`, async () => {
      await closeEditors();
      await watchTexts('status', statusItem);
      await watchTexts('notification', '.notification-list-item-message');
      await watchTexts('nothing', '.an-element-that-is-not-there');
      await runFromPalette('Gramlens: Inspect Sample Checkpoint');
      await answer('Sample checkpoint', label);

      const running = await phase('running');
      assert.equal(running.title, file);
      const plan = running.plan!;
      assert.deepEqual([plan.layers, plan.heads, plan.backend], [layers, heads, 'cpu']);
      const shown = await until('the plan in the inspector tab', async () => (await cards())['Plan']);
      assert.ok(shown.includes(plan.description), `the plan card says:\n${shown}`);

      const done = await phase('done');
      assertComplete(done);
      assert.equal(done.model?.attention, attention);
      assert.equal(done.output?.logitsTop[0]?.index, 3, 'the digit is a 3');

      const status = await seenTexts('status');
      assert.ok(
        status.some((text) => /cpu \d+ %/.test(text)),
        `progress in the status bar: ${status.join(' | ')}`,
      );
      await until('the status bar to say that it is done', async () => {
        const text = await outer('text', { selector: statusItem });
        return /Gramlens cpu$/.test(text.trim()) ? true : undefined;
      });
      const told = (await seenTexts('notification')).filter((text) => text.includes(file));
      assert.ok(
        told.some((text) => layerName.test(text)),
        `layer names in the notification: ${told.join(' | ')}`,
      );
      assert.deepEqual(await seenTexts('nothing'), [], 'the watch sees only what it is asked for');

      await outer('waitFor', { inside: inspectorPage, selector: 'h1:text-is("' + file + '")' });
      assert.match((await cards())['Run'] ?? '', /cpu, float64 forward pass/);
      await paintedCells(inspectorPage, 'overview-alignment.theory.overlap', { rows: layers, columns: heads });
    });
  }

  it('says nothing of the sample that was inspected before', async () => {
    const { title, model, provenance } = (await gramlens()).snapshot();
    assert.deepEqual([title, model?.attention, provenance?.checkpoint.name], [rpcSample, 'rpc', rpcSample]);
    const text = await outer('text', { inside: inspectorPage, selector: 'body' });
    assert.ok(!text.includes(softmaxSample));
  });
});
