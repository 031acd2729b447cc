// What a test can see of a figure on a page.

import type { Locator, Page } from 'playwright-core';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export function figureOf(page: Page, id: string): Locator {
  return page.locator(`[data-figure="${id}"]`);
}

/** Colours [r, g, b, a] of the heatmap's cells, row-major; alpha 0: not measured yet. */
export async function cellColours(figure: Locator, rows: number, columns: number): Promise<number[][]> {
  return figure.locator('canvas').evaluate(
    (element, [height, width]) => {
      const canvas = element as HTMLCanvasElement;
      const context = canvas.getContext('2d')!;
      return Array.from({ length: height * width }, (_, cell) => {
        const x = Math.floor(((cell % width) + 0.5) * (canvas.width / width));
        const y = Math.floor((Math.floor(cell / width) + 0.5) * (canvas.height / height));
        return [...context.getImageData(x, y, 1, 1).data];
      });
    },
    [rows, columns] as const,
  );
}

/** Middle of a cell in the viewport, CSS pixels. */
export async function cellCentre(
  figure: Locator,
  rows: number,
  columns: number,
  row: number,
  column: number,
): Promise<Point> {
  await figure.locator('.stage').scrollIntoViewIfNeeded();
  const box = await figure.locator('canvas').boundingBox();
  if (box === null) throw new Error('the figure has no visible canvas');
  return { x: box.x + ((column + 0.5) * box.width) / columns, y: box.y + ((row + 0.5) * box.height) / rows };
}

/** Words drawn in a figure, in document order; lines of one label are joined. */
export async function drawnText(figure: Locator): Promise<string> {
  const texts = await figure.locator('.frame text').allTextContents();
  return texts.join(' ').replace(/\s+/g, ' ');
}

/** Opens the menu of this name at a figure, by keyboard, and takes what begins so. */
export async function takeFromMenu(figure: Locator, menu: 'Copy' | 'Save', begins: string): Promise<void> {
  await figure.getByRole('button', { name: menu, exact: true }).focus();
  const { keyboard } = figure.page();
  await keyboard.press('Enter');
  await keyboard.type(begins.slice(0, 1).toLowerCase());
  await figure.locator('.menu:popover-open [role="menuitem"]:focus', { hasText: begins }).waitFor();
  await keyboard.press('Enter');
}
