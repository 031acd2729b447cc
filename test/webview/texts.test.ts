// Every page in a language of brackets: no English is left that a translator could not reach.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { bytesSource } from '../../src/checkpoint/byteSource';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import { computeTensorStatistics } from '../../src/checkpoint/tensorStatistics';
import { summariseCheckpoint } from '../../src/inspection/checkpointSummary';
import { packSummary } from '../../src/protocol/checkpointMessages';
import type { CheckpointHostCalls, CheckpointPageCalls } from '../../src/protocol/checkpointMessages';
import type { MappingHostCalls, MappingPageCalls } from '../../src/protocol/mappingMessages';
import { roleNames } from '../../src/model/mapping/roleTable';
import { unknownShapes } from '../unit/model/unknownCheckpoint';
import { settle, startPageLab } from './openPage';
import type { PageLab, ShownPage } from './openPage';
import { pseudoLanguage, textsIn, untranslated } from './pseudoTexts';
import type { Known } from './pseudoTexts';

/** Units, and names that are the same in every language. */
const names = ['Gramlens', 'page', 'test', 'kB', 'MB', 'GB', 'NaN', 'Inf'];

describe('pages in another language', () => {
  let lab: PageLab;
  before(async () => {
    lab = await startPageLab();
  });
  after(() => lab.close());

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
    await check(view, { data: textsIn(summary) });
    await view.page.locator('.rows .cell.name').first().dblclick();
    await view.page.getByText('⟦standard deviation⟧', { exact: true }).waitFor();
    await check(view, { data: textsIn(summary) });
    assert.deepEqual(await view.problems(), []);
    await view.close();
  });

  it('the mapping page, with its guesses', async () => {
    const handlers: MappingHostCalls = {
      open: () =>
        Promise.resolve({
          uri: 'file:///models/ours.safetensors',
          fileName: 'ours.safetensors',
          refusal: 'ours.safetensors has no transformer blocks under a name Gramlens knows.',
          tensorsJson: JSON.stringify(Object.entries(unknownShapes)),
          existing: null,
        }),
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
    const data = ['ours.safetensors has no transformer blocks under a name Gramlens knows.', 'ours.safetensors'];
    const tensors = Object.keys(unknownShapes);
    const patterns = tensors.map((tensor) => tensor.replace(/\.\d+\./, '.{i}.'));
    await check(view, { data: [...data, ...tensors, ...patterns, ...roleNames, '[out, in]'] });
    assert.deepEqual(await view.problems(), []);
    await view.close();
  });
});
