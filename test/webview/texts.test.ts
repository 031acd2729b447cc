// Every page in a language of brackets: no English is left that a translator could not reach.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { bytesSource } from '../../src/checkpoint/byteSource';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import { computeTensorStatistics } from '../../src/checkpoint/tensorStatistics';
import { compareResults } from '../../src/comparison/compareResults';
import { comparisonJson } from '../../src/comparison/comparisonFiles';
import { summariseCheckpoint } from '../../src/inspection/checkpointSummary';
import { packSummary } from '../../src/protocol/checkpointMessages';
import type { CheckpointHostCalls, CheckpointPageCalls } from '../../src/protocol/checkpointMessages';
import { packComparison } from '../../src/protocol/comparisonMessages';
import type { ComparisonHostCalls, ComparisonPageCalls } from '../../src/protocol/comparisonMessages';
import type { MappingHostCalls, MappingPageCalls } from '../../src/protocol/mappingMessages';
import { headMetrics } from '../../src/report/figures/metrics';
import { roleNames } from '../../src/model/mapping/roleTable';
import { changed, sourceOf } from '../unit/comparison/sources';
import { exampleResult } from '../unit/report/exampleResult';
import { unknownFile, unknownShapes } from '../unit/model/unknownCheckpoint';
import { settle, startPageLab } from './openPage';
import type { PageLab, ShownPage } from './openPage';
import { pseudoLanguage, textsIn, untranslated } from './pseudoTexts';
import { runSample } from './sampleRun';
import type { SampleRun } from './sampleRun';
import type { Known } from './pseudoTexts';

/** Units, symbols, people, identifiers of options, and the lab's own title. */
const names = [
  ...['Gramlens', 'page', 'test', 'kB', 'MB', 'GB', 'GFLOP', 'SHA', 'NaN', 'log', 'mu', 'tau', 'asym', 'RPC'],
  ...['W_QK', 'W_OV', 'W_qᵀ', 'W_k', 'W_o', 'W_v'],
  ...['Teo', 'Nguyen', 'Saritas', 'Yildiz', 'arXiv', 'ACM'],
  ...['key_gauss', 'key_sparse', 'token_gauss'],
];
/** Facts by which a checkpoint was recognised are the result's own words, though some are texts of pages as well. */
const facts = ['family', 'tokens', 'classes', 'mean'];

describe('pages in another language', () => {
  let lab: PageLab;
  let run: SampleRun;
  before(async () => {
    run = await runSample();
    lab = await startPageLab();
  });
  after(async () => {
    await lab.close();
    await run.stop();
  });

  const log: CheckpointHostCalls['log'] = (level, message) => Promise.reject(new Error(`${level}: ${message}`));
  const check = async (view: ShownPage<unknown>, known: Partial<Known>): Promise<void> => {
    assert.equal(await view.page.locator('html').getAttribute('lang'), pseudoLanguage);
    const found = await untranslated(view.page, { data: known.data ?? [], names: [...names, ...(known.names ?? [])] });
    assert.deepEqual([...found], []);
  };

  it('the checkpoint page, with a tensor’s statistics', async () => {
    const name = 'digits-softmax.safetensors';
    const source = bytesSource(name, new Uint8Array(readFileSync(join('media/samples', name))));
    const index = await readCheckpoint(source);
    const entries = [...index.entries.values()];
    const summary = summariseCheckpoint(index, null);
    const handlers: CheckpointHostCalls = {
      open: () => Promise.resolve(packSummary(summary)),
      statistics: (row) => computeTensorStatistics(source, entries[row]!),
      cancelStatistics: () => Promise.resolve(),
      copyName: () => Promise.resolve(),
      inspect: () => Promise.resolve(),
      map: () => Promise.resolve(),
      log,
    };
    const view = await lab.show<CheckpointHostCalls, CheckpointPageCalls>(
      { page: 'checkpoint', width: 1280, height: 900, language: pseudoLanguage },
      handlers,
      [],
    );
    await view.page.locator('#app[data-phase="done"]').waitFor();
    await check(view, { data: textsIn(summary), names: facts });
    await view.page.locator('.rows .cell.name').first().dblclick();
    await view.page.getByText('⟦standard deviation⟧', { exact: true }).waitFor();
    await check(view, { data: textsIn(summary), names: facts });
    assert.deepEqual(await view.problems(), []);
    await view.close();
  });

  it('the mapping page, with its guesses', async () => {
    const handlers: MappingHostCalls = {
      open: () => Promise.resolve(unknownFile()),
      save: () => Promise.resolve('ours.safetensors.gramlens.json'),
      log,
    };
    const view = await lab.show<MappingHostCalls, MappingPageCalls>(
      { page: 'mapping', width: 1280, height: 900, language: pseudoLanguage },
      handlers,
      [],
    );
    await view.page.locator('#app[data-phase="done"]').waitFor();
    await settle(view.page);
    const { refusal, fileName } = unknownFile();
    const data = [refusal!, fileName];
    const tensors = Object.keys(unknownShapes);
    const patterns = tensors.map((tensor) => tensor.replace(/\.\d+\./, '.{i}.'));
    await check(view, { data: [...data, ...tensors, ...patterns, ...roleNames, '[out, in]'] });
    assert.deepEqual(await view.problems(), []);
    await view.close();
  });

  it('the side panel, empty and with every metric', async () => {
    const view = await lab.open({ page: 'heatmap', run, snapshot: run.empty, width: 300, language: pseudoLanguage });
    await check(view, {});
    await view.remote.snapshot({ ...run.done, selected: { layer: 3, head: 2 } });
    for (const { id } of headMetrics) {
      await view.remote.setMetric(id);
      await view.page.locator('.stage').focus();
      await view.page.keyboard.press('ArrowRight');
      await check(view, { data: textsIn(run.done) });
    }
    assert.deepEqual(await view.problems(), []);
    await view.close();
  });

  it('the overview, and a head with its laboratory', async () => {
    const data = textsIn([run.done, await run.headDetail(3, 2)]);
    const view = await lab.open({ page: 'inspector', run, snapshot: run.done, language: pseudoLanguage });
    const { page } = view;
    await page.locator('.readout').waitFor();
    for (const details of await page.locator('details').all())
      await details.evaluate((one) => one.setAttribute('open', ''));
    await settle(page);
    await check(view, { data, names: facts });
    await view.remote.select({ layer: 3, head: 2 });
    await page.locator('.laboratory').getByText('⟦Open the laboratory⟧').click();
    await page.locator('.laboratory[data-shown]').waitFor();
    await page.getByText('⟦Run it on every head of this layer⟧').click();
    await page.locator('.laboratory [data-figure="lab-layer-density"]').waitFor();
    for (const details of await page.locator('details').all())
      await details.evaluate((one) => one.setAttribute('open', ''));
    const pattern = page.locator('[data-figure="pattern-softmax"] .stage');
    await pattern.focus();
    for (const key of ['ArrowDown', '+', 'Enter']) await page.keyboard.press(key);
    await settle(page);
    await check(view, { data, names: facts });
    assert.deepEqual(await view.problems(), []);
    await view.close();
  });

  it('a comparison of three runs', async () => {
    const first = exampleResult({ layers: 2, heads: 3, name: 'step-100.pt' });
    const runs = [100, 500, 2500].map((step, at) =>
      changed(first, `step-${step}.pt`, (head) => ({
        ...head,
        attention: { ...head.attention, entropy: head.attention.entropy + at * head.index },
      })),
    );
    const compared = compareResults(runs.map(sourceOf), 'permutation');
    // Read from a file, with one inspection that is not kept here: everything that the page can say of that.
    const comparison = {
      ...packComparison(compared),
      file: 'ours.gramlens.json',
      kept: [true, true, false],
      matchings: ['permutation'],
    } as const;
    const handlers: ComparisonHostCalls = {
      compare: () => Promise.resolve(comparison),
      openHead: () => Promise.resolve(),
      exportReport: () => Promise.resolve(),
      openInReport: () => Promise.resolve(),
      copyText: () => Promise.resolve(),
      openFigureFile: () => Promise.resolve(null),
      writeFigureFile: () => Promise.resolve(),
      closeFigureFile: () => Promise.resolve(),
      log,
    };
    const view = await lab.show<ComparisonHostCalls, ComparisonPageCalls>(
      { page: 'comparison', width: 1280, height: 900, language: pseudoLanguage },
      handlers,
      [],
    );
    const { page } = view;
    await page.locator('#app[data-phase="done"]').waitFor();
    await page.locator('.ranked button.link').first().click();
    for (const details of await page.locator('details').all())
      await details.evaluate((one) => one.setAttribute('open', ''));
    await page.locator('.large .stage').focus();
    await page.keyboard.press('ArrowRight');
    await settle(page);
    await check(view, {
      data: textsIn([comparison.file, JSON.parse(comparisonJson(compared))]),
      names: ['step', 'pt'],
    });
    assert.deepEqual(await view.problems(), []);
    await view.close();
  });
});
