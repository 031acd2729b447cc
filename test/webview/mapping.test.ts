// The mapping page alone: the guess with its reasons, changes that are checked at once, saving, and every theme.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, describe } from 'mocha';
import { parseMappingText } from '../../src/model/mapping/mappingFile';
import type { MappingHostCalls, MappingPageCalls } from '../../src/protocol/mappingMessages';
import { unknownFile, unknownShapes } from '../unit/model/unknownCheckpoint';
import { seriousFindings } from './axe';
import { ownPageTests, settle, startPageLab } from './openPage';
import type { PageLab, PagePlace, ShownPage } from './openPage';
import { shownThemes } from './themeColours';

const folder = 'out/screenshots';

interface View extends ShownPage<MappingPageCalls> {
  readonly saved: { readonly text: string; readonly inspect: boolean }[];
}

describe('the mapping page', () => {
  let lab: PageLab;
  before(async () => {
    mkdirSync(folder, { recursive: true });
    lab = await startPageLab();
  });
  after(() => lab.close());

  const open = async (
    shapes: Readonly<Record<string, readonly number[]>> = unknownShapes,
    place: Partial<PagePlace> = {},
    existing: { name: string; text: string } | null = null,
  ): Promise<View> => {
    const saved: { text: string; inspect: boolean }[] = [];
    const found: string[] = [];
    const handlers: MappingHostCalls = {
      open: () => Promise.resolve({ ...unknownFile(shapes), existing }),
      save: (text, inspect) => {
        saved.push({ text, inspect });
        return Promise.resolve('ours.safetensors.gramlens.json');
      },
      log: (level, message) => {
        found.push(`log ${level}: ${message}`);
        return Promise.resolve();
      },
    };
    const shown = await lab.show<MappingHostCalls, MappingPageCalls>(
      { page: 'mapping', width: 1280, height: 860, ...place },
      handlers,
      found,
    );
    await shown.page.locator('#app[data-phase="done"], #app[data-phase="failed"]').waitFor();
    await settle(shown.page);
    return { ...shown, saved };
  };
  const check = ownPageTests<View>();

  check('shows the guess with reasons, and saves it', open, async ({ page, saved }) => {
    const role = (name: string) => page.locator(`[data-role="${name}"]`);
    assert.match(await page.locator('.summary').innerText(), /^2 layers; every needed role has a tensor that fits\.$/);
    assert.match(
      await role('qkv.weight').innerText(),
      /Fits \[3C, C\] = \[36, 12\], in 2 of 2 layers\.\s+Sure: Its name says/,
    );
    assert.match(await page.locator('[data-fact="causal"]').innerText(), /Weak guess: Pre-LN networks/);
    await page.locator('[data-option="heads"] vscode-text-field').click();
    await page.keyboard.type('2');
    await page.locator('header').getByText('Save and Inspect').click();
    await page.getByText('Saved as ours.safetensors.gramlens.json.').waitFor();
    assert.equal(saved[0]?.inspect, true);
    const file = parseMappingText(saved[0].text, 'saved');
    assert.deepEqual(file.overrides, { heads: '2' });
    assert.equal(file.mapping?.roles['qkv.weight'], 'stack.{i}.mixer.qkv.weight');
  });

  check('checks a choice at once, with the keyboard, and counts what is wrong', open, async ({ page, saved }) => {
    const role = page.locator('[data-role="proj.weight"]');
    await role.locator('vscode-dropdown').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await settle(page);
    assert.match(await role.innerText(), /Missing: No tensor is named/);
    assert.match(await page.locator('.summary').innerText(), /missing or of the wrong shape/);
    await page.getByText('Guess Again').click();
    await settle(page);
    assert.match(await page.locator('.summary').innerText(), /every needed role/);
    await page.locator('[data-option="eps"] vscode-text-field').click();
    await page.keyboard.type('lots');
    await page.locator('header').getByText('Save', { exact: true }).click();
    await settle(page);
    assert.match(await page.locator('.status').innerText(), /eps must be a number above 0 and at most 0\.1/);
    assert.deepEqual(saved, []);
  });

  check('brings back what was chosen after a reload of the window', open, async ({ page }) => {
    const role = page.locator('[data-role="proj.weight"]');
    await role.locator('vscode-dropdown').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await page.locator('[data-option="heads"] vscode-text-field').click();
    await page.keyboard.type('2');
    await page.locator('.search').click();
    await page.keyboard.type('mixer');
    await settle(page);
    const kept = await page.evaluate(() => sessionStorage.getItem('tab') ?? '');
    // From this the editor knows what the page of a reloaded window is about.
    assert.equal((JSON.parse(kept) as { checkpoint: string }).checkpoint, 'file:///models/ours.safetensors');
    await page.reload();
    await page.locator('#app[data-phase="done"]').waitFor();
    await settle(page);
    assert.match(await role.innerText(), /Missing: No tensor is named/);
    assert.equal(
      await page
        .locator('[data-option="heads"] vscode-text-field')
        .evaluate((field) => 'value' in field && field.value),
      '2',
    );
    assert.equal(await page.locator('.tensors tbody tr').count(), 3);
  });

  check('searches and sorts the tensors, those of the blocks once', open, async ({ page }) => {
    await page.locator('.search').click();
    await page.keyboard.type('mixer');
    await settle(page);
    assert.equal(await page.locator('.tensors tbody tr').count(), 3);
    assert.match(
      await page.locator('.tensors tbody').innerText(),
      /stack\.\{i\}\.mixer\.qkv\.weight\s*× 2\s+\[36, 12\]\s+qkv\.weight/,
    );
    await page.locator('th button').nth(1).click();
    assert.equal(await page.locator('th').nth(1).getAttribute('aria-sort'), 'ascending');
  });

  const evil = '<img src=x onerror="document.title=\'owned\'">';
  check(
    'shows names from a file as text, and what it could not place',
    () => open({ ...unknownShapes, [`stack.0.${evil}`]: [7], [`stack.1.${evil}`]: [7] }),
    async ({ page }) => {
      assert.equal(await page.locator('img').count(), 0);
      assert.match(await page.locator('.left-over').innerText(), /2 tensors of the blocks have no role/);
      await page.getByText('Ignore Them', { exact: true }).click();
      await settle(page);
      assert.doesNotMatch(await page.locator('.left-over').innerText(), /have no role/);
    },
  );

  for (const theme of shownThemes) {
    check(
      `looks right and is accessible: ${theme}`,
      () => open(unknownShapes, { theme, ...(theme === 'hc-light' ? { width: 640 } : {}) }),
      async ({ page }) => {
        await page.screenshot({ path: `${folder}/mapping-${theme}.png`, fullPage: true });
        assert.deepEqual(await seriousFindings(page), []);
      },
    );
  }
});
