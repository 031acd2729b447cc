// Files in the explorer, as a person finds them there.

import type { Locator } from 'playwright-core';
import type { Visit } from './visit';

const rows = '.explorer-folders-view .monaco-list-row';

function rowOf({ page }: Visit, file: string): Locator {
  return page.locator(`${rows}[aria-label^=${JSON.stringify(file)}]`);
}

/** Shows the explorer; new files may still push the others down. */
async function open(visit: Visit, file: string): Promise<void> {
  await visit.command('File: Focus on Files Explorer');
  let before = -1;
  await visit.eventually(`${file} to stay in its place`, async () => {
    await visit.page.waitForTimeout(300);
    const now = (await rowOf(visit, file).boundingBox())?.y ?? -1;
    const stays = now >= 0 && now === before;
    before = now;
    return stays;
  });
}

/** Keyboard alone: the row has the focus, nothing is opened. */
async function walkTo(visit: Visit, file: string): Promise<void> {
  const row = visit.page.locator(`${rows}.focused[aria-label^=${JSON.stringify(file)}]`);
  await visit.eventually(`${file} in the explorer`, async () => {
    if ((await row.count()) > 0) return true;
    await visit.press('ArrowDown');
    return false;
  });
}

/** Double click, or Enter. */
export async function openFile(visit: Visit, file: string): Promise<void> {
  await open(visit, file);
  if (visit.manner === 'mouse') await rowOf(visit, file).dblclick();
  else {
    // Of files that are chosen together Enter opens none alone.
    await visit.press('Escape', 'Home');
    await walkTo(visit, file);
    await visit.press('Enter');
  }
}

/** Takes a line of the menu of several files, which are named from top to bottom. */
export async function chooseForFiles(visit: Visit, files: readonly string[], line: string): Promise<void> {
  const { page } = visit;
  await open(visit, files[0]!);
  const item = page.locator('.monaco-menu .action-item', { hasText: line });
  if (visit.manner === 'mouse') {
    for (const [i, file] of files.entries()) {
      await rowOf(visit, file).click(i === 0 ? {} : { modifiers: ['ControlOrMeta'] });
      // A single click shows the file, which is no text: a menu that is open by then would be closed.
      if (i === 0) await page.getByText('The file is not displayed in the text editor').waitFor();
    }
    await rowOf(visit, files.at(-1)!).click({ button: 'right' });
    await item.waitFor();
    await visit.shot(4, 'menu');
    await item.click();
    return;
  }
  await visit.press('Home');
  for (const file of files) {
    await walkTo(visit, file);
    await visit.press('Control+Shift+Enter');
  }
  await visit.press('Shift+F10');
  await item.waitFor();
  await visit.eventually(`the line ${line} of the menu`, async () => {
    if (((await item.getAttribute('class')) ?? '').includes('focused')) return true;
    await visit.press('ArrowDown');
    return false;
  });
  await visit.shot(4, 'menu');
  await visit.press('Enter');
}
