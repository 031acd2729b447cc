// Someone at a window of VS Code with Gramlens in it: what they press, point at and see. With `keyboard` no mouse is
// touched and nothing gets the focus but by keys; with `mouse` keys are pressed only where something is to be typed.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Frame, Locator, Page } from 'playwright-core';
import { chromiumArgs, requireChromium } from '../../setup/system.mjs';
import { startWorkbench } from '../../setup/workbench.mjs';

export type Manner = 'keyboard' | 'mouse';

export interface Theme {
  /** In the names of pictures. */
  readonly name: string;
  readonly setting: string;
  /** Class of the window in it. */
  readonly look: 'hc-black' | 'vs-dark';
}

const waitMs = 60_000;
/** So many that the first run can be cancelled at leisure. */
const manyNulls = 5000;
/** Presses of Tab until something must have been reached. */
const mostTabs = 400;

/** Selectors that only one of our pages holds. */
export const inspectorPage = 'main#app[data-worker]';
export const sidePanelPage = 'main#app:not([data-worker]):has(> .title, > .empty)';
export const comparisonPage = 'main#app:has(.maps)';
export const reportPage = 'section#heads-in-detail';

const chosenRow = '.quick-input-list .monaco-list-row.focused';

export class Visit {
  /** Texts that later steps compare with. */
  readonly seen = new Map<string, string>();

  private lettersAt = 0;

  private constructor(
    readonly manner: Manner,
    private readonly theme: Theme,
    readonly page: Page,
    /** The folder that is open: both samples and their picture. */
    readonly folder: string,
    private readonly browser: Browser,
    private readonly stop: () => Promise<void>,
  ) {}

  static async open(manner: Manner, theme: Theme, settings: Readonly<Record<string, unknown>>): Promise<Visit> {
    const folder = mkdtempSync(join(tmpdir(), 'gramlens-tour-'));
    for (const file of ['digits-softmax.safetensors', 'digits-rpc.pt', 'digit-3.png'])
      cpSync(resolve('media/samples', file), join(folder, file));
    const workbench = await startWorkbench({
      settings: { ...settings, 'workbench.colorTheme': theme.setting },
      userSettings: { 'gramlens.nulls': manyNulls, 'workbench.colorTheme': theme.setting },
    });
    const browser = await chromium.launch({ executablePath: requireChromium(), args: [...chromiumArgs] });
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const page = await context.newPage();
    page.setDefaultTimeout(waitMs);
    // By another name: the workbench lies in our folder, and its themes would be taken for parts of our extension.
    const names = mkdtempSync(join(tmpdir(), 'gramlens-extension-'));
    const extension = join(names, 'gramlens');
    symlinkSync(resolve('.'), extension);
    await page.goto(workbench.url({ folder, extension }));
    await page.locator('.statusbar-item').first().waitFor();
    // A workbench that is new on a machine may show another theme, and nothing that follows would notice.
    await page.locator(`.monaco-workbench.${theme.look}`).waitFor();
    return new Visit(manner, theme, page, folder, browser, async () => {
      await workbench.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
      rmSync(names, { recursive: true, force: true });
    });
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.stop();
  }

  /** A picture of the window for people to look at. */
  async shot(item: number, step: string): Promise<void> {
    mkdirSync('out/screenshots', { recursive: true });
    const name = `tour-${this.theme.name}-${this.manner}-${item}-${step}`;
    await this.page.screenshot({ path: `out/screenshots/${name}.png` });
  }

  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
  }

  /** By the palette, which knows our commands a moment after the window is there. */
  async command(words: string): Promise<void> {
    const row = this.page.locator(`${chosenRow}[aria-label*=${JSON.stringify(words)}]`);
    const isThere = (place: Locator, timeout: number): Promise<boolean> =>
      place.waitFor({ timeout }).then(
        () => true,
        () => false,
      );
    await this.eventually(`the command ${words}`, async () => {
      await this.press('F1');
      if (!(await isThere(this.page.locator('.quick-input-widget input').first(), 3000))) return false;
      await this.press('Control+A');
      await this.type(`>${words}`);
      if (await isThere(row, 5000)) return true;
      await this.press('Escape');
      return false;
    });
    await this.press('Enter');
  }

  /** Takes an answer of the open question; VS Code's own have no title. */
  async answer(question: string | null, choice: string): Promise<void> {
    if (question !== null) await this.page.locator('.quick-input-title', { hasText: question }).waitFor();
    const row = this.page.locator(`.quick-input-list .monaco-list-row[aria-label*=${JSON.stringify(choice)}]`);
    await row.waitFor();
    if (this.manner === 'mouse') {
      await row.click();
      return;
    }
    const focused = this.page.locator(chosenRow);
    await this.eventually(`the answer ${choice}`, async () => {
      if (((await focused.getAttribute('aria-label')) ?? '').includes(choice)) return true;
      await this.press('ArrowDown');
      return false;
    });
    await this.press('Enter');
  }

  /** Types a path (of a folder with / at its end) into the open file dialog and takes it, with the mouse by `button`; the dialog reads folders meanwhile and may open one instead. */
  async takePath(title: string, path: string, button: string): Promise<void> {
    const dialog = this.page.locator('.quick-input-title', { hasText: title });
    await dialog.waitFor();
    const input = this.page.locator('.quick-input-widget input[type="text"]').first();
    await this.eventually(`the dialog ${title} to take ${path}`, async () => {
      // It took the last attempt after all: keys would go to the question that follows.
      if (await dialog.isHidden()) return true;
      await this.press('Control+A');
      await this.type(path);
      if ((await input.inputValue()) !== path) return false;
      if (this.manner === 'keyboard') await this.press('Enter');
      else await this.page.locator('.quick-input-action .monaco-button', { hasText: button }).click();
      return dialog.waitFor({ state: 'hidden', timeout: 3000 }).then(
        () => true,
        () => false,
      );
    });
  }

  /** Closes the tab in front, whose title begins so. */
  async closeTab(title: string): Promise<void> {
    const tab = this.page.locator('.tabs-container .tab', { hasText: title });
    if (this.manner === 'keyboard') await this.press('Control+W');
    else {
      await tab.hover();
      await tab.locator('.codicon-close').click();
    }
    await tab.waitFor({ state: 'detached' });
  }

  /** The webview that holds such an element, a visible one if there is one. */
  async frame(selector: string): Promise<Frame> {
    let found: Frame | undefined;
    await this.eventually(`a page with ${selector}`, async () => {
      for (const frame of this.page.frames().slice(1)) {
        const holds = await frame.$(selector).catch(() => null);
        if (holds === null) continue;
        found = frame;
        if (await holds.isVisible().catch(() => false)) return true;
      }
      return found !== undefined;
    });
    return found!;
  }

  /** Brings the keyboard to an element: Tab until it has the focus. */
  async reach(frame: Frame, selector: string): Promise<void> {
    for (let tabs = 0; tabs < mostTabs; tabs += 1) {
      const there = await frame.evaluate((wanted) => {
        return (
          document.hasFocus() && document.activeElement !== null && document.activeElement.closest(wanted) !== null
        );
      }, selector);
      if (there) return;
      await this.press('Tab');
    }
    throw new Error(`${mostTabs} presses of Tab did not reach ${selector}`);
  }

  /** Presses a button, link or summary. */
  async activate(frame: Frame, selector: string): Promise<void> {
    if (this.manner === 'mouse') await frame.locator(selector).first().click();
    else {
      await this.reach(frame, selector);
      await this.press('Enter');
    }
  }

  /** Chooses from a list of ours, by keyboard with type-ahead. */
  async choose(frame: Frame, list: string, option: string): Promise<void> {
    const selector = `vscode-dropdown[aria-label="${list}"]`;
    if (this.manner === 'mouse') {
      await frame.locator(selector).click();
      await frame.locator(`${selector} vscode-option`, { hasText: option }).first().click();
      return;
    }
    await this.reach(frame, selector);
    await this.press('Enter', 'Home');
    // Letters within a second of each other are one word to a list.
    await this.page.waitForTimeout(Math.max(0, this.lettersAt + 1200 - Date.now()));
    // As far as the first space, which would take the option that it has reached; then on to the one that is meant.
    await this.type(option.split(' ')[0]!.toLowerCase());
    this.lettersAt = Date.now();
    const active = frame.locator(`${selector} vscode-option[aria-selected="true"]`);
    await this.eventually(`the option ${option}`, async () => {
      if ((await active.innerText()).includes(option)) return true;
      await this.press('ArrowDown');
      // The list follows a moment later; a second press too early would pass by what is meant.
      await this.page.waitForTimeout(60);
      return (await active.innerText()).includes(option);
    });
    await this.press('Enter');
  }

  /** Goes to a cell of a heatmap: pointer over it, or keyboard cursor on it. */
  async goToCell(frame: Frame, figure: string, grid: Grid, row: number, column: number): Promise<void> {
    const stage = `[data-figure="${figure}"] .stage`;
    if (this.manner === 'mouse') {
      await frame
        .locator(stage)
        .first()
        .hover({ position: await cellPlace(frame, figure, grid, row, column) });
      return;
    }
    await this.reach(frame, stage);
    await this.press('Home', 'PageUp');
    for (let i = 0; i < row; i += 1) await this.press('ArrowDown');
    for (let i = 0; i < column; i += 1) await this.press('ArrowRight');
  }

  /** The same, and takes it. */
  async pickCell(frame: Frame, figure: string, grid: Grid, row: number, column: number): Promise<void> {
    await this.goToCell(frame, figure, grid, row, column);
    if (this.manner === 'keyboard') await this.press('Enter');
    else {
      const position = await cellPlace(frame, figure, grid, row, column);
      await frame.locator(`[data-figure="${figure}"] .stage`).first().click({ position });
    }
  }

  async eventually(what: string, look: () => Promise<boolean>, ms = waitMs): Promise<void> {
    for (const end = Date.now() + ms; ;) {
      if (await look()) return;
      if (Date.now() > end) {
        mkdirSync('out/screenshots', { recursive: true });
        await this.page.screenshot({ path: `out/screenshots/tour-${this.theme.name}-${this.manner}-failed.png` });
        throw new Error(`waited ${ms / 1000} s for ${what}`);
      }
      await this.page.waitForTimeout(50);
    }
  }

  /** Waits until an element says this. */
  async says(where: Locator, words: string | RegExp): Promise<string> {
    let text = '';
    await this.eventually(String(words), async () => {
      text = (
        await where
          .first()
          .innerText({ timeout: 2000 })
          .catch(() => '')
      ).trim();
      return typeof words === 'string' ? text.includes(words) : words.test(text);
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; it says "${text}"`);
    });
    return text;
  }
}

export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** Middle of a cell, relative to the figure's stage, CSS pixels. */
async function cellPlace(
  frame: Frame,
  figure: string,
  { rows, columns }: Grid,
  row: number,
  column: number,
): Promise<{ x: number; y: number }> {
  await frame.locator(`[data-figure="${figure}"] .stage`).first().scrollIntoViewIfNeeded();
  return frame
    .locator(`[data-figure="${figure}"] canvas`)
    .first()
    .evaluate(
      (canvas, at) => {
        const stage = canvas.parentElement!.getBoundingClientRect();
        const box = canvas.getBoundingClientRect();
        return {
          x: box.left - stage.left + ((at.column + 0.5) * box.width) / at.columns,
          y: box.top - stage.top + ((at.row + 0.5) * box.height) / at.rows,
        };
      },
      { rows, columns, row, column },
    );
}

/** How many cells of a heatmap are painted; 0 while it is not there. */
export function paintedCells(frame: Frame, figure: string, { rows, columns }: Grid): Promise<number> {
  return frame.evaluate(
    ([id, m, n]) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`[data-figure="${id}"] canvas`);
      const context = canvas?.getContext('2d');
      if (!canvas || !context || canvas.hidden || canvas.width === 0) return 0;
      const { data, width } = context.getImageData(0, 0, canvas.width, canvas.height);
      const middle = (at: number, count: number, pixels: number): number => Math.floor(((at + 0.5) * pixels) / count);
      let painted = 0;
      for (let i = 0; i < m; i += 1)
        for (let j = 0; j < n; j += 1)
          if (data[4 * (middle(i, m, canvas.height) * width + middle(j, n, width)) + 3] === 255) painted += 1;
      return painted;
    },
    [figure, rows, columns] as const,
  );
}

/** Nothing of the page is wider than the page. */
export async function assertFits(frame: Frame): Promise<void> {
  const { wide, room } = await frame.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    room: document.documentElement.clientWidth,
  }));
  assert.ok(wide <= room, `the page is ${wide} px wide in a room of ${room}`);
}
