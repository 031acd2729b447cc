// Both pages follow the editor's theme, contrast themes too; the pictures of them are for people to look at.
import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { fullIt } from '../../setup/full';
import { inFrame, outer, until } from '../outer';
import {
  clearNotifications,
  closeEditors,
  gramlens,
  heads,
  heatmapPage,
  inspectorPage,
  layers,
  quick,
  rpcSample,
  runSample,
  showSidePanel,
  withSettings,
} from './drive';
import { headingShown, paintedCells } from './figures';

const themes = [
  { name: 'dark', theme: 'Default Dark Modern', kind: 'vscode-dark' },
  { name: 'light', theme: 'Default Light Modern', kind: 'vscode-light' },
  { name: 'contrast-dark', theme: 'Default High Contrast', kind: 'vscode-high-contrast' },
  { name: 'contrast-light', theme: 'Default High Contrast Light', kind: 'vscode-high-contrast-light' },
];
const grid = { rows: layers, columns: heads };
const overlap = 'overview-alignment.theory.overlap';
/** WCAG 2, level AA, of text. */
const leastContrast = 4.5;

interface Colours {
  kind: string;
  background: string;
  text: string;
  axis: string;
}

function colours(inside: string): Promise<Colours> {
  return inFrame(inside, () => ({
    kind: document.body.dataset['vscodeThemeKind'] ?? '',
    background: getComputedStyle(document.body).backgroundColor,
    text: getComputedStyle(document.body).color,
    axis: getComputedStyle([...document.querySelectorAll('.frame text')].find((text) => text.textContent === 'layer')!)
      .fill,
  }));
}

/** WCAG contrast of two `rgb(…)` colours; a background that is not painted is the workbench's own. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string): number => {
    const [red, green, blue] = colour
      .match(/[\d.]+/g)!
      .slice(0, 3)
      .map((part) => Number(part) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  };
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

function editorBackground(inside: string): Promise<string> {
  return inFrame(
    inside,
    (isPanel: boolean) => {
      const style = getComputedStyle(document.documentElement);
      const probe = document.createElement('span');
      probe.style.color = style.getPropertyValue(
        isPanel ? '--vscode-sideBar-background' : '--vscode-editor-background',
      );
      document.body.append(probe);
      const { color } = getComputedStyle(probe);
      probe.remove();
      return color;
    },
    inside === heatmapPage,
  );
}

describe('themes', () => {
  let restore: () => Promise<void>;
  before(async function () {
    this.timeout(120_000);
    restore = await withSettings({ ...quick, 'workbench.colorTheme': themes[0]!.theme });
    await closeEditors();
    await showSidePanel();
    await runSample(rpcSample);
    await paintedCells(heatmapPage, overlap, grid);
    await paintedCells(inspectorPage, overlap, grid);
    await clearNotifications();
  });
  after(async () => {
    await restore();
  });

  for (const { name, theme, kind } of themes) {
    // Light and light contrast differ in colours alone, which the page tests look at.
    const check = name.endsWith('dark') ? it : fullIt;
    check(`shows overview, head and side panel in ${theme}`, async () => {
      await withSettings({ 'workbench.colorTheme': theme });
      for (const page of [inspectorPage, heatmapPage]) {
        let last = '';
        await until(`${theme} in a page`, async () => {
          last = (await colours(page)).kind;
          return last === kind ? true : undefined;
        }).catch((error: unknown) => {
          throw new Error(`${String(error)}; the page says "${last}"`);
        });
      }
      await outer('press', { key: 'Escape' });
      await outer('screenshot', { name: `workbench-${name}-overview` });

      for (const page of [inspectorPage, heatmapPage]) {
        const { text, axis } = await colours(page);
        const background = await editorBackground(page);
        for (const [what, colour] of Object.entries({ text, axis })) {
          const ratio = contrast(colour, background);
          assert.ok(ratio >= leastContrast, `${what} ${colour} on ${background} in ${page}: ${ratio.toFixed(2)}`);
        }
      }
      await paintedCells(heatmapPage, overlap, grid);
      await outer('screenshot', { name: `workbench-${name}-panel`, place: { inside: heatmapPage, selector: 'body' } });

      await outer('press', {
        key: 'Enter',
        place: { inside: inspectorPage, selector: `[data-figure="${overlap}"] .stage` },
      });
      await headingShown(inspectorPage, 'Layer 0, head 0');
      const tokens = (await gramlens()).snapshot().model!.tokens;
      await paintedCells(inspectorPage, 'pattern-softmax', { rows: tokens, columns: tokens });
      await outer('screenshot', { name: `workbench-${name}-head` });
      // Drawn in another theme before, and out of sight when it changed.
      const headAxis = await inFrame(inspectorPage, () => {
        const texts = [...document.querySelectorAll('[data-figure="pattern-softmax"] .frame text')];
        return getComputedStyle(texts.find((one) => one.textContent === 'query position')!).fill;
      });
      const ground = await editorBackground(inspectorPage);
      const ratio = contrast(headAxis, ground);
      assert.ok(ratio >= leastContrast, `axes ${headAxis} on ${ground} on the head page: ${ratio.toFixed(2)}`);
      await inFrame(inspectorPage, () => {
        document.querySelector('[data-figure="noise-token_gauss"]')?.scrollIntoView();
      });
      await outer('screenshot', { name: `workbench-${name}-noise` });
      await outer('click', { inside: inspectorPage, selector: 'vscode-button:has-text("Overview")' });
    });
  }
});
